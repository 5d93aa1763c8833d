"""The definitions, in NumPy: what every other backend is a faster way to.

`maps.py` has the three maps and the backend, `upsampling.py` and `pooling.py` the operations that any backend may leave to
NumPy.
"""

from .maps import NumpyBackend, backend

__all__ = ["NumpyBackend", "backend"]
