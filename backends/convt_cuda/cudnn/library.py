"""Where cuDNN is, and its functions, each bound when it is first called.

``CONVT_CUDNN_LIBRARY``, a file or its folder, decides alone if it is set. Otherwise a library that the process has loaded
already comes first (two cuDNNs in one process would fight over the GPU's memory), then the nvidia-cudnn wheels, then the
loader's path.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
from collections.abc import Iterator
from ctypes import c_char_p, c_int, c_size_t
from pathlib import Path
from typing import Any

from convt.backend import BackendUnavailable

from .signatures import SIGNATURES

__all__ = ["CudnnError", "CudnnUnavailable", "Library", "load_library"]

VARIABLE = "CONVT_CUDNN_LIBRARY"
_NAMES = ("libcudnn.so.9", "libcudnn.so.8")
_OLDEST = 8000
_INSTALL = "pip install nvidia-cudnn-cu13 (or -cu12, as the driver is)"
_LOADED_ONLY = getattr(os, "RTLD_NOLOAD", 4)
_REFUSED = range(2000, 4000)  # bad parameter, not supported
_REFUSED_8 = (3, 6, 9)  # and these are cuDNN 8's, for an architecture too
_DEVICE_ALLOCATION, _HOST_ALLOCATION, _ALLOCATION_8 = 4004, 4003, 2


class CudnnUnavailable(BackendUnavailable):
    """There is no cuDNN; the message lists the places where it was looked for."""


class CudnnError(RuntimeError):
    """A function of cuDNN failed, or is missing.

    Attributes
    ----------
    function : str
    status : int or None
        As in cuDNN's headers; None where the library has no such function.
    """

    def __init__(self, function: str, status: int | None, words: str) -> None:
        super().__init__(f"{function}: {words}")
        self.function = function
        self.status = status

    @property
    def refused(self) -> bool:
        """Whether cuDNN does not do this, as opposed to failing at it."""
        return self.status in _REFUSED or self.status in _REFUSED_8


class Library:
    """One loaded cuDNN.

    Parameters
    ----------
    shared : ctypes.CDLL
    place : str
        Where it was found, for messages.

    Attributes
    ----------
    place : str
    version : int
        As 90200 for 9.2.0, 8907 for 8.9.7.

    Raises
    ------
    CudnnError
        It is no cuDNN.
    """

    def __init__(self, shared: ctypes.CDLL, place: str) -> None:
        self.place = place
        self._shared = shared
        self._functions: dict[str, Any] = {}
        self._fast: dict[str, Any] = {}
        version = self._symbol("cudnnGetVersion")
        version.restype = c_size_t
        self.version: int = version()

    @property
    def words(self) -> str:
        """Version and place."""
        size = 10000 if self.version >= 90000 else 1000
        major, rest = divmod(self.version, size)
        return f"{major}.{rest // 100}.{rest % 100} ({self.place})"

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function.

        Raises
        ------
        CudnnError
            It is missing or fails.
        MemoryError
            It fails for want of memory.
        """
        function = self._functions.get(name)
        if function is None:
            function = self._bind(name)
        status = function(*arguments)
        if status:
            self._fail(name, status)

    def fast(self, name: str, *arguments: Any) -> None:
        """`call` without conversions: all arguments that are no C int must be ctypes objects of the right type."""
        function = self._fast.get(name)
        if function is None:
            function = self._fast[name] = self._symbol(name, alone=True)
            function.restype = c_int
        status = function(*arguments)
        if status:
            self._fail(name, status)

    def _bind(self, name: str) -> Any:
        function = self._symbol(name)
        function.argtypes = SIGNATURES[name]
        function.restype = c_int
        self._functions[name] = function
        return function

    def _symbol(self, name: str, *, alone: bool = False) -> Any:
        """A function; `alone`, as an object whose types are not those that `call` has set."""
        try:
            return self._shared[name] if alone else getattr(self._shared, name)
        except AttributeError:
            raise CudnnError(name, None, f"the library has no such function ({self.place}); cuDNN 8 or 9 has") from None

    def _fail(self, name: str, status: int) -> None:
        to_words = self._symbol("cudnnGetErrorString")
        to_words.argtypes, to_words.restype = (c_int,), c_char_p
        words = f"{(to_words(status) or b'unknown error').decode()} (status {status}){self._details()}"
        out_of_memory = {_DEVICE_ALLOCATION, _HOST_ALLOCATION} if self.version >= 90000 else {_ALLOCATION_8}
        if status in out_of_memory:
            raise MemoryError(f"{name}: {words}")
        raise CudnnError(name, status, words)

    def _details(self) -> str:
        """What cuDNN 9 adds to a status."""
        try:
            last = self._symbol("cudnnGetLastErrorString")
        except CudnnError:
            return ""
        buffer = ctypes.create_string_buffer(1024)
        last.argtypes, last.restype = (c_char_p, c_size_t), None
        last(buffer, len(buffer))
        text = " ".join(buffer.value.decode(errors="replace").split())
        return f": {text}" if text else ""


def load_library() -> Library:
    """The cuDNN of this process.

    Raises
    ------
    CudnnUnavailable
        With every place that was looked at, and what was wrong there.
    """
    tried = []
    for place, file, mode in _places():
        if file is None:
            tried.append(f"{place}: not there")
            continue
        try:
            library = Library(ctypes.CDLL(file, mode=mode), place)
        except OSError as error:
            tried.append(f"{place}: {'not loaded' if mode & _LOADED_ONLY else error}")
        except CudnnError as error:
            tried.append(f"{place}: {error}")
        else:
            if library.version >= _OLDEST:
                return library
            tried.append(f"{place}: its version is {library.version}")
    raise CudnnUnavailable(f"cuDNN 8 or 9 must be installed: {_INSTALL}; looked for: {'; '.join(tried)}")


def _places() -> Iterator[tuple[str, str | None, int]]:
    """Words for the place, the file to open (None if it is not there), and how."""
    wanted = os.environ.get(VARIABLE)
    if wanted:
        files = [Path(wanted) / name for name in _NAMES] if Path(wanted).is_dir() else [Path(wanted)]
        file = next((file for file in files if file.is_file()), None)
        yield f"{VARIABLE}={wanted}", str(file) if file else None, ctypes.DEFAULT_MODE
        return
    for name in _NAMES:
        yield f"{name} of this process", name, ctypes.DEFAULT_MODE | _LOADED_ONLY
    folders = _wheel_folders()
    if not folders:
        yield "the nvidia-cudnn wheels", None, 0
    for folder in folders:
        file = next((folder / name for name in _NAMES if (folder / name).is_file()), None)
        yield str(file or folder), str(file) if file else None, ctypes.DEFAULT_MODE
    for name in _NAMES:
        yield f"{name} on the loader's path", name, ctypes.DEFAULT_MODE


def _wheel_folders() -> list[Path]:
    """Where NVIDIA's wheels put it: all of them share the package "nvidia"."""
    package = importlib.util.find_spec("nvidia")
    places = (package.submodule_search_locations if package else None) or ()
    return [Path(place) / "cudnn" / "lib" for place in places]
