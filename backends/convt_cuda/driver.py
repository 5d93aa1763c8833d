"""The driver: PyCUDA, or the exact reason why it cannot be used, and the few calls that PyCUDA does not make.

PyCUDA has contexts and copies. It launches and allocates only in streams that it has made itself; results must be computed
in the order of the caller's stream, so this is done through the driver's own library, which PyCUDA has loaded.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import POINTER, byref, c_float, c_int, c_size_t, c_uint, c_void_p
from functools import cached_property
from typing import Any

from convt.backend import BackendUnavailable

from .presence import gpu_is_there

__all__ = ["CudaError", "Driver", "load_driver"]

INSTALL = "pip install pycuda"

_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cuCtxGetCurrent": (POINTER(c_void_p),),
    "cuCtxSynchronize": (),
    "cuEventCreate": (POINTER(c_void_p), c_uint),
    "cuEventDestroy_v2": (c_void_p,),
    "cuEventElapsedTime": (POINTER(c_float), c_void_p, c_void_p),
    "cuEventRecord": (c_void_p, c_void_p),
    "cuEventSynchronize": (c_void_p,),
    "cuLaunchKernel": (c_void_p, *[c_uint] * 7, c_void_p, c_void_p, c_void_p),
    "cuMemAllocFromPoolAsync": (POINTER(c_void_p), c_size_t, c_void_p, c_void_p),
    "cuMemFreeAsync": (c_void_p, c_void_p),
    "cuMemFreeHost": (c_void_p,),
    "cuMemHostAlloc": (POINTER(c_void_p), c_size_t, c_uint),
    "cuMemPoolCreate": (POINTER(c_void_p), c_void_p),
    "cuMemPoolGetAttribute": (c_void_p, c_int, c_void_p),
    "cuMemPoolSetAttribute": (c_void_p, c_int, c_void_p),
    "cuMemPoolTrimTo": (c_void_p, c_size_t),
    "cuMemcpyDtoHAsync_v2": (c_void_p, c_void_p, c_size_t, c_void_p),
    "cuMemcpyHtoDAsync_v2": (c_void_p, c_void_p, c_size_t, c_void_p),
    "cuMemsetD8Async": (c_void_p, ctypes.c_ubyte, c_size_t, c_void_p),
    "cuModuleGetFunction": (POINTER(c_void_p), c_void_p, ctypes.c_char_p),
    "cuModuleLoadData": (POINTER(c_void_p), ctypes.c_char_p),
    "cuPointerGetAttributes": (c_uint, c_void_p, c_void_p, c_void_p),
    "cuStreamCreate": (POINTER(c_void_p), c_uint),
    "cuStreamSynchronize": (c_void_p,),
    "cuStreamWaitEvent": (c_void_p, c_void_p, c_uint),
}


class CudaError(RuntimeError):
    """The driver refused a call.

    Attributes
    ----------
    code : int
        The driver's, as in cuda.h.
    """

    def __init__(self, function: str, code: int, words: str) -> None:
        super().__init__(f"{function}: {words} (CUDA error {code})")
        self.code = code


class Driver:
    """PyCUDA's driver module, and functions of the driver's library, bound on first use.

    Attributes
    ----------
    pycuda : module
        ``pycuda.driver``, initialised once `start` was called.
    process : int or None
        The one that called it.
    """

    def __init__(self, pycuda: Any) -> None:
        self.pycuda = pycuda
        self.process: int | None = None
        self._count = 0
        self._functions: dict[str, Any] = {}
        self._fast: dict[str, Any] = {}

    @cached_property
    def _library(self) -> ctypes.CDLL:
        return ctypes.CDLL("libcuda.so.1")

    @property
    def count(self) -> int:
        """GPUs."""
        self.start()
        return self._count

    @property
    def major(self) -> int:
        """Of the newest CUDA that the driver knows; needs no initialisation."""
        version: int = self.pycuda.get_driver_version()
        return version // 1000

    def start(self) -> None:
        """Initialise CUDA if that is still to be done.

        Raises
        ------
        BackendUnavailable
            There is no GPU, or a parent of this process has initialised it.
        """
        process = os.getpid()
        if self.process == process:
            return
        if self.process is not None:
            raise BackendUnavailable(
                "CUDA must be first used after a fork, got a fork of a process that had used it (start processes by 'spawn')"
            )
        try:
            self.pycuda.init()
            count = self.pycuda.Device.count()
        except self.pycuda.Error as error:
            raise BackendUnavailable(
                f"an NVIDIA GPU must be visible to the driver, got {error} (see nvidia-smi; the child of a process that had "
                "used CUDA must be started by 'spawn')"
            ) from error
        if not count:
            raise BackendUnavailable("an NVIDIA GPU must be visible, got none (see nvidia-smi and CUDA_VISIBLE_DEVICES)")
        self._count, self.process = count, process

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the driver's library.

        Raises
        ------
        CudaError
            It is missing or fails.
        """
        function = self._functions.get(name)
        if function is None:
            function = self._bind(name, self._functions)
        code = function(*arguments)
        if code:
            raise CudaError(name, code, self._words(code))

    def fast(self, name: str, *arguments: Any) -> None:
        """`call` without conversions: all arguments that are no C int must be ctypes objects of the right type."""
        function = self._fast.get(name)
        if function is None:
            function = self._bind(name, self._fast)
        code = function(*arguments)
        if code:
            raise CudaError(name, code, self._words(code))

    def current_context(self) -> int:
        """Of this thread; 0 for none."""
        handle = c_void_p()
        self.fast("cuCtxGetCurrent", byref(handle))
        return handle.value or 0

    def _bind(self, name: str, functions: dict[str, Any]) -> Any:
        try:
            function = self._library[name]  # an object of its own each time
        except AttributeError:
            raise CudaError(name, 500, "this driver does not have the function; it is too old") from None
        if functions is self._functions:
            function.argtypes = _SIGNATURES[name]
        function.restype = c_int
        functions[name] = function
        return function

    def _words(self, code: int) -> str:
        words = ctypes.c_char_p()
        self._library.cuGetErrorString(c_int(code), ctypes.byref(words))
        return (words.value or b"unknown error").decode()


def load_driver() -> Driver:
    """PyCUDA and the driver; CUDA is initialised only where nothing else can tell whether there is a GPU.

    Raises
    ------
    BackendUnavailable
        One is missing, or there is no GPU.
    """
    try:
        import pycuda.driver as pycuda
    except ModuleNotFoundError as error:
        raise BackendUnavailable(f"PyCUDA must be installed, got {error}: {INSTALL}") from error
    except ImportError as error:
        if "libcuda.so" in str(error):
            raise BackendUnavailable(
                f"NVIDIA's driver must be installed, got {error}: install the driver of your GPU (in a container: pass the "
                "GPU through, --gpus all)"
            ) from error
        raise BackendUnavailable(
            f"PyCUDA must be built for this machine, got {error}: {INSTALL} --force-reinstall"
        ) from error
    driver = Driver(pycuda)
    if not gpu_is_there():
        driver.start()
    return driver
