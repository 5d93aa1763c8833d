"""The NumPy backend: it defines what every other backend computes faster.

`maps.py` has the three maps and the backend, `upsampling.py` and `pooling.py` the defaults of `convt.backend.Backend`.
"""

from .maps import NumpyBackend, backend

__all__ = ["NumpyBackend", "backend"]
