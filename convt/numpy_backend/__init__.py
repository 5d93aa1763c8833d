"""The definitions, in NumPy: what every other backend is a faster way to.

`maps.py` has the three maps and the backend, `upsampling.py` and `pooling.py` what `convt.backend.Backend` does for every
backend that does not override it.
"""

from .maps import NumpyBackend, backend

__all__ = ["NumpyBackend", "backend"]
