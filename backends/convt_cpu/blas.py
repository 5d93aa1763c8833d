"""BLAS on one thread while our own threads call it.

Scanning the loaded libraries takes milliseconds, so it is done once; entering and leaving take about a microsecond. Calls from
several threads overlap: the first to enter sets the limit, the last to leave restores what was there.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any

import scipy.linalg.cython_blas  # noqa: F401  (loads the BLAS that the scan must find)
from threadpoolctl import ThreadpoolController

__all__ = ["SingleThreadedBlas", "blas_names", "single_threaded_blas"]


class SingleThreadedBlas:
    """A context manager, to be entered by any number of threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._before: list[int] = []

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._before = [library.num_threads for library in _libraries()]
                for library in _libraries():
                    library.set_num_threads(1)

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._restore()

    def after_fork(self) -> None:
        """In a child, no other thread is inside, and the lock may be one that its holder will never release."""
        self._lock = threading.Lock()
        if self._inside:
            self._inside = 0
            self._restore()

    def _restore(self) -> None:
        for library, count in zip(_libraries(), self._before, strict=True):
            if count is not None:
                library.set_num_threads(count)


@cache
def _libraries() -> list[Any]:
    return ThreadpoolController().select(user_api="blas").lib_controllers


def blas_names() -> list[str]:
    """The BLAS libraries of this process, as "openblas 0.3.28 (pthreads)"."""
    return [f"{library.internal_api} {library.version} ({getattr(library, 'threading_layer', '?')})" for library in _libraries()]


single_threaded_blas = SingleThreadedBlas()
os.register_at_fork(after_in_child=single_threaded_blas.after_fork)
