"""Which BLAS im2col calls: SciPy's, whatever library that is. `_blas_limit.pyx` keeps it to one thread.

SciPy's import takes longer than all else in a first call, so nothing here imports it before `load_blas`. Functions are
looked up from SciPy's own extension module: the loader then searches exactly the libraries that this module calls.
"""

from __future__ import annotations

import ctypes
import re
import sys
import threading
from collections.abc import Callable
from itertools import product
from typing import NamedTuple

from ._blas_limit import use_library

__all__ = ["Blas", "blas_name", "find_blas", "load_blas"]

_MODULE = "scipy.linalg.cython_blas"
_LAYERS = {0: "serial", 1: "pthreads", 2: "openmp"}  # of OpenBLAS, by openblas_get_parallel


class Blas(NamedTuple):
    """A library, and the arguments of `convt_cpu._blas_limit.use_library` that limit it.

    Attributes
    ----------
    name : str
        With its version and threads, as "openblas 0.3.28 (pthreads)".
    kind : {"none", "shared", "per_thread", "exchange"}
    get, set, exchange : int
        Addresses of C functions.
    buffer : int
        Bytes per thread inside that the library cannot do without.
    """

    name: str
    kind: str = "none"
    get: int = 0
    set: int = 0
    exchange: int = 0
    buffer: int = 0


def load_blas() -> None:
    """Import SciPy's BLAS and let tasks limit it."""
    __import__(_MODULE)
    use_library(*find_blas(_library())[1:])


def blas_name() -> str:
    """What `CpuBackend.info` says; imports nothing."""
    return find_blas(_library()).name if _MODULE in sys.modules else "SciPy's, loaded when first needed"


def find_blas(library: ctypes.CDLL) -> Blas:
    """The BLAS among a library and those it is linked to; one whose threads cannot be set is "unknown"."""
    return _openblas(library) or _mkl(library) or _blis(library) or _flexiblas(library) or Blas("unknown")


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(sys.modules[_MODULE].__file__)


def _openblas(library: ctypes.CDLL) -> Blas | None:
    for prefix, suffix in product(("", "scipy_"), ("", "64_", "_64")):
        if hasattr(library, f"{prefix}openblas_set_num_threads{suffix}"):
            break
    else:
        return None
    config = _text(library, f"{prefix}openblas_get_config{suffix}").split()
    layer = library[f"{prefix}openblas_get_parallel{suffix}"]()
    name = f"openblas {config[1] if config[1:] else '?'} ({_LAYERS.get(layer, '?')})"
    buffer = (32 if prefix else 128) << 20  # SciPy's wheels are built with a smaller one than OpenBLAS's default
    if layer == 0:
        return Blas(name, buffer=buffer)
    if layer == 2:  # each product asks OpenMP anew, which keeps a number for each thread
        return Blas(name, "per_thread", *_addresses(library, "omp_get_max_threads", "omp_set_num_threads"), buffer=buffer)
    functions = (f"{prefix}openblas_{verb}_num_threads{suffix}" for verb in ("get", "set"))
    return Blas(name, "shared", *_addresses(library, *functions), buffer=buffer)


def _mkl(library: ctypes.CDLL) -> Blas | None:
    if not hasattr(library, "MKL_Set_Num_Threads_Local"):
        return None
    text = ctypes.create_string_buffer(256)
    library.MKL_Get_Version_String(text, len(text))
    version = re.search(rb"Version (\S+)", text.value)
    name = f"mkl {version[1].decode() if version else '?'}"
    return Blas(name, "exchange", exchange=_addresses(library, "MKL_Set_Num_Threads_Local")[0])


def _blis(library: ctypes.CDLL) -> Blas | None:
    if not hasattr(library, "bli_thread_set_num_threads"):
        return None
    get, set_ = library.bli_thread_get_num_threads, library.bli_thread_set_num_threads
    kind = "per_thread" if _each_thread_has_its_own(get, set_) else "shared"
    addresses = _addresses(library, "bli_thread_get_num_threads", "bli_thread_set_num_threads")
    return Blas(f"blis {_text(library, 'bli_info_get_version_str')}", kind, *addresses)


def _flexiblas(library: ctypes.CDLL) -> Blas | None:
    if not hasattr(library, "flexiblas_set_num_threads"):
        return None
    return Blas("flexiblas", "shared", *_addresses(library, "flexiblas_get_num_threads", "flexiblas_set_num_threads"))


def _each_thread_has_its_own(get: Callable[[], int], set_: Callable[[int], object]) -> bool:
    """Whether one thread sees the number that another sets; this changed from version to version of BLIS.

    Asked in threads of their own, which no signal handler interrupts before the number is set back.
    """
    answer = []

    def ask() -> None:
        before = get()
        setter = threading.Thread(target=set_, args=(2 if before == 1 else 1,))
        setter.start()
        setter.join()
        answer.append(get() == before)
        set_(before)

    asking = threading.Thread(target=ask)
    asking.start()
    asking.join()
    return answer[0]


def _addresses(library: ctypes.CDLL, *functions: str) -> list[int]:
    return [ctypes.cast(library[function], ctypes.c_void_p).value or 0 for function in functions]


def _text(library: ctypes.CDLL, function: str) -> str:
    call = library[function]
    call.restype = ctypes.c_char_p
    return call().decode()
