"""NVRTC, NVIDIA's compiler as a library, through ctypes: from its wheel or the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Mapping, Sequence
from ctypes import byref, c_char_p, c_int, c_size_t, c_void_p
from functools import cache
from pathlib import Path

from convt.backend import BackendUnavailable

__all__ = ["Nvrtc", "find_nvrtc"]

_MAJORS = (13, 12)  # newest first
_ANY = "libnvrtc.so"


class Nvrtc:
    """The library.

    Attributes
    ----------
    version : str
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        major, minor = c_int(), c_int()
        self._call("nvrtcVersion", byref(major), byref(minor))
        self.version = f"{major.value}.{minor.value}"

    def compile(
        self, root: str, files: Mapping[str, str], capability: tuple[int, int], defined: Sequence[str] = ()
    ) -> bytes:
        """Code for one kind of GPU.

        Parameters
        ----------
        root : str
            The file to compile; the others can be included.
        files : mapping of str to str
        capability : tuple of int
        defined : sequence of str
            Macros.

        Raises
        ------
        RuntimeError
            With the compiler's words.
        """
        headers = [name for name in files if name != root]
        program = c_void_p()
        texts = (c_char_p * len(headers))(*(files[name].encode() for name in headers))
        names = (c_char_p * len(headers))(*(name.encode() for name in headers))
        self._call(
            "nvrtcCreateProgram", byref(program), files[root].encode(), root.encode(), c_int(len(headers)), texts, names
        )
        try:
            options = [b"--std=c++17", f"--gpu-architecture=sm_{capability[0]}{capability[1]}".encode()]
            options += [f"--define-macro={name}".encode() for name in defined]
            try:
                self._call("nvrtcCompileProgram", program, c_int(len(options)), (c_char_p * len(options))(*options))
            except RuntimeError as error:
                raise RuntimeError(f"{error}: {self._text(program, 'ProgramLog').decode(errors='replace')}") from None
            return self._text(program, "CUBIN")
        finally:
            self._call("nvrtcDestroyProgram", byref(program))

    def _text(self, program: c_void_p, what: str) -> bytes:
        size = c_size_t()
        self._call(f"nvrtcGet{what}Size", program, byref(size))
        text = ctypes.create_string_buffer(size.value)
        self._call(f"nvrtcGet{what}", program, text)
        return text.raw

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._library, name)(*arguments)
        if code:
            words = self._library.nvrtcGetErrorString
            words.restype = c_char_p
            raise RuntimeError(f"{name}: {words(c_int(code)).decode()}")


@cache
def find_nvrtc(driver: int = max(_MAJORS)) -> Nvrtc:
    """NVRTC from the wheels of NVIDIA or the system.

    Parameters
    ----------
    driver : int
        The major version of CUDA that the driver knows. It may refuse code of a newer one, so those come last.

    Raises
    ------
    BackendUnavailable
        With all places that were tried.
    """
    tried = []
    for place in _places(driver):
        try:
            return Nvrtc(ctypes.CDLL(place))
        except (OSError, RuntimeError, AttributeError) as error:
            tried.append(str(error))
    raise BackendUnavailable(
        "the kernels must be built with convt (by nvcc), or NVRTC be installed to build them now: pip install "
        f"nvidia-cuda-nvrtc; tried {'; '.join(tried)}"
    )


def _places(driver: int) -> Iterator[str]:
    for name in _names(driver):
        for folder in sys.path:
            for pattern in ("nvidia/cu1[0-9]/lib", "nvidia/cuda_nvrtc/lib"):
                yield from (str(found / name) for found in sorted(Path(folder).glob(pattern)) if (found / name).is_file())
        yield name
    yield f"/usr/local/cuda/lib64/{_ANY}"


def _names(driver: int) -> list[str]:
    old, new = ([major for major in _MAJORS if (major > driver) is newer] for newer in (False, True))
    return [*(f"{_ANY}.{major}" for major in old), _ANY, *(f"{_ANY}.{major}" for major in reversed(new))]
