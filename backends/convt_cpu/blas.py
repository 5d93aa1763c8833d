"""BLAS on one thread while our own threads call it.

Scanning the loaded libraries takes milliseconds, so it is done once; entering and leaving take a few microseconds. Calls
from several threads overlap: the first to enter sets the limit, the last to leave restores what was there.
"""

from __future__ import annotations

import os
import threading
from functools import cache
from typing import Any

import scipy.linalg.cython_blas  # noqa: F401  (loads the BLAS that the scan must find)
import threadpoolctl

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
                _limit([1] * len(self._before))

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                _limit(self._before)

    def after_fork(self) -> None:
        """In a child, no other thread is inside, and the lock may be one that its holder will never release."""
        self._lock = threading.Lock()
        if self._inside:
            self._inside = 0
            _limit(self._before)


def _limit(counts: list[int]) -> None:
    """Set each library's number of threads; to be called by one thread at a time.

    Newer threadpoolctl lets only the Python thread that set a limit first set another, until it lets go.
    """
    release = getattr(getattr(threadpoolctl, "OpenBLASController", None), "clear_controlling_thread", _nothing)
    release(force=True)
    for library, count in zip(_libraries(), counts, strict=True):
        library.set_num_threads(count)
    release(force=True)


def _nothing(force: bool) -> None:
    """What older threadpoolctl needs."""


@cache
def _libraries() -> list[Any]:
    return threadpoolctl.ThreadpoolController().select(user_api="blas").lib_controllers


def blas_names() -> list[str]:
    """The BLAS libraries of this process, as "openblas 0.3.28 (pthreads)"."""
    return [
        f"{library.internal_api} {library.version} ({getattr(library, 'threading_layer', '?')})" for library in _libraries()
    ]


single_threaded_blas = SingleThreadedBlas()
os.register_at_fork(after_in_child=single_threaded_blas.after_fork)
