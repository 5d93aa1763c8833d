"""Upsampling and pooling on a GPU: ``../kernels/resampling.cuh`` and ``../kernels/pooling.cuh``.

``maps.py`` has the members that `convt.backend.SamplingBackend` lists, ``launches.py`` fills the kernels' parameters.
"""

from .maps import SamplingMaps

__all__ = ["SamplingMaps"]
