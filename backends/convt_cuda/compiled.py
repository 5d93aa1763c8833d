"""The kernels as code for a GPU: built ahead of time into this package, or by NVRTC when first needed. Never by nvcc.

NVRTC builds the kernels of one type of numbers at a time. What it has built is kept in a folder (``CONVT_CACHE``, or the
user's cache), named by everything it was made from.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from convt.backend import BackendUnavailable, replacing

from .nvrtc import Nvrtc, find_nvrtc

__all__ = ["AHEAD", "FATBIN", "available", "kernel_image", "sources"]

_KERNELS = Path(__file__).parent / "kernels"
FATBIN = _KERNELS / "convt.fatbin"
AHEAD = "built ahead of time"
_ROOT = "convt.cu"
_SUFFIXES = (".cu", ".cuh")


def available(driver: int) -> str:
    """What there is, in words; `driver` is the major version of CUDA that the driver knows.

    Raises
    ------
    BackendUnavailable
        Neither compiled kernels nor NVRTC.
    """
    if FATBIN.is_file():
        return AHEAD
    return f"NVRTC {find_nvrtc(driver).version}"


def kernel_image(capability: tuple[int, int], storage: str, driver: int) -> Iterator[tuple[bytes, str]]:
    """Code for a GPU and where it is from, the best first; what cannot be loaded is followed by another.

    Parameters
    ----------
    capability : tuple of int
    storage : str
        The type whose kernels are needed, as it ends their names. What is `AHEAD` has those of all types.
    driver : int
        The major version of CUDA that the driver knows.

    Raises
    ------
    BackendUnavailable
        There is no other.
    """
    if FATBIN.is_file():
        yield FATBIN.read_bytes(), AHEAD
    try:
        nvrtc = find_nvrtc(driver)
    except BackendUnavailable:
        if FATBIN.is_file():
            return
        raise
    yield _cached(nvrtc, capability, storage), f"NVRTC {nvrtc.version}"


def sources() -> dict[str, str]:
    """The files of kernels/ by their names."""
    folder = _KERNELS
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir()) if path.suffix in _SUFFIXES}


def _cached(nvrtc: Nvrtc, capability: tuple[int, int], storage: str) -> bytes:
    files = sources()
    key = hashlib.sha256(repr((sorted(files.items()), nvrtc.version, capability, storage)).encode()).hexdigest()
    place = _folder() / f"kernels-{key[:32]}.cubin"
    try:
        digest, image = place.read_bytes().split(b"\n", 1)
        if digest == _digest(image):
            return image
    except (OSError, ValueError):
        pass
    image = nvrtc.compile(_ROOT, files, capability, ("ONLY", f"ONLY_{storage}"))
    _write(place, _digest(image) + b"\n" + image)
    return image


def _write(place: Path, content: bytes) -> None:
    """In one step, so that another process reads all of it or nothing; a cache that cannot be written is no error."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with replacing(place) as file:
            file.write(content)
    except OSError:
        return


def _folder() -> Path:
    chosen = os.environ.get("CONVT_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "convt"


def _digest(image: bytes) -> bytes:
    return hashlib.sha256(image).hexdigest().encode()
