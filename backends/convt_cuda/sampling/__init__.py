"""Upsampling and pooling on a GPU: ``../kernels/resampling.cuh`` and ``../kernels/pooling.cuh``.

``maps.py`` has the members of `convt.backend.Backend` for it, ``launches.py`` fills the kernels' parameters.
"""

from .maps import SamplingMaps

__all__ = ["SamplingMaps"]
