"""The handler that XLA calls, `handler.cc`: compiled once for each version of JAX and kept in convt's cache."""

from __future__ import annotations

import atexit
import ctypes
import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import jax

from ..environment import cache_folder
from ..loading import loading
from ..replacing import replacing
from .work import buffers_of

__all__ = ["TARGET", "Handler", "NoHandler", "built", "handler", "how"]

TARGET = "convt_jax_map"

_SOURCE = Path(__file__).with_name("handler.cc")
_FLAGS = ("-std=c++17", "-O2", "-fPIC", "-shared", "-pthread")
_PATIENCE = 300  # seconds for the compiler

_Run = ctypes.CFUNCTYPE(
    None,
    *(ctypes.c_void_p, ctypes.c_int64),  # the text
    *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p),  # left, right, result
    *(ctypes.c_void_p, ctypes.c_int64),  # where to say what went wrong
)


class NoHandler(Exception):
    """There is no compiler, or it cannot compile the handler; the message says which."""


class Handler(NamedTuple):
    """Where the compiled handler lies, or why there is none."""

    path: str | None
    why_not: str | None


@cache
def _handler() -> Handler:
    try:
        path, library = _loaded()
    except (NoHandler, OSError) as reason:  # there may be no folder for what is temporary
        return Handler(None, str(reason))
    _open(library)
    return Handler(path, None)


def handler() -> Handler:
    """Compile the handler if it is not in the cache, load and register it, once per process."""
    with loading:
        return _handler()


def how() -> str:
    """Return in words by which way JAX calls convt, for `convt.show_config`."""
    path, why_not = handler()
    return f"by the FFI, {path}" if why_not is None else f"by callback, which is slower: {why_not}"


def built(compiler: list[str], folder: str) -> Path:
    """Compile the handler into a folder.

    Raises
    ------
    NoHandler
        With the end of what the compiler said.
    """
    target = Path(folder, "handler.so")
    command = [*compiler, *_FLAGS, f"-I{jax.ffi.include_dir()}", str(_SOURCE), "-o", str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoHandler(f"{compiler[0]} cannot be run ({error})") from error
    if done.returncode or not target.is_file():
        said = " ".join(done.stderr.split())[-300:] or "it said nothing"
        raise NoHandler(f"{compiler[0]} failed with status {done.returncode} ({said})")
    return target


def _loaded() -> tuple[str, ctypes.CDLL]:
    """Return the handler from the cache, or compiled now; a cache that cannot be written or read is no error."""
    folder, name = cache_folder(), f"jax-{_digest()}"
    for place in folder.glob(f"{name}-*.so"):
        if _whole(place):
            return str(place), _library(place)
    with tempfile.TemporaryDirectory(prefix="convt-") as temporary:
        compiled = built(_compiler(), temporary)
        content = compiled.read_bytes()
        place = folder / f"{name}-{_sum(content)}.so"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with replacing(place) as file:
                file.write(content)
        except OSError:
            return "not kept, as the cache cannot be written", _library(compiled)
    return str(place), _library(place)


def _whole(place: Path) -> bool:
    """Return whether a file's content has the sum that its name ends with; to load a part of one would be a crash."""
    try:
        return place.stem.endswith(f"-{_sum(place.read_bytes())}")
    except OSError:
        return False


def _library(place: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(place))
    except OSError as error:
        raise NoHandler(f"what was compiled cannot be loaded ({error})") from error


def _digest() -> str:
    """Return what tells handlers apart: the source, JAX, and what they are compiled for."""
    versions = (jax.__version__, version("jaxlib"), sysconfig.get_platform(), sys.implementation.cache_tag, *_FLAGS)
    return _sum("\n".join((_SOURCE.read_text(), *map(str, versions))).encode())


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:20]


def _compiler() -> list[str]:
    """Return the command of the C++ compiler: that of ``CXX`` if it is set, else the first that is found."""
    chosen = os.environ.get("CXX", "").strip()
    try:
        if chosen:
            return shlex.split(chosen)
    except ValueError as error:
        raise NoHandler(f"CXX must be a command, got {chosen!r} ({error})") from error
    found = next((path for path in map(shutil.which, ("c++", "g++", "clang++")) if path), None)
    if found is None:
        raise NoHandler("there is no C++ compiler (CXX may name one)")
    return [found]


def _open(library: Any) -> None:
    """Let the handler call Python, until Python ends."""
    library.convt_jax_open.argtypes = [_Run]
    library.convt_jax_open.restype = library.convt_jax_close.restype = None
    library.convt_jax_open(_RUN)
    atexit.register(library.convt_jax_close)  # without Python's lock, which the calls that it waits for need
    jax.ffi.register_ffi_target(TARGET, jax.ffi.pycapsule(library.convt_jax_map), platform="cpu")


def _run(text: int, length: int, left: int, right: int, result: int, said: int, room: int) -> None:
    """Do the work that a text describes; XLA gets the message of what is raised."""
    message = ""
    try:
        buffers_of(ctypes.string_at(text, length)).run(left, right, result)
    except BaseException as error:
        message = ": ".join((type(error).__name__, *filter(None, (str(error), *getattr(error, "__notes__", ())))))
    words = message.encode(errors="replace")[: room - 1] + b"\0"
    ctypes.memmove(said, words, len(words))


_RUN = _Run(_run)  # kept, as the library has its address
