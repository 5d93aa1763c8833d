"""The peers: the frameworks that convt is measured against, each in a file of its own.

`peer.py` says what one must offer. They are imported when they are wanted; what is installed is found out without importing.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from ...optional import require
from ..choice import split
from .peer import Peer, Run, Unsupported

__all__ = ["PACKAGES", "Peer", "Run", "Unsupported", "load"]

PACKAGES = {"torch": ("torch",), "onnxruntime": ("onnxruntime", "onnx"), "openvino": ("openvino",)}


def load(names: Iterable[str] | None, threads: int) -> list[Peer]:
    """The peers of these names.

    Parameters
    ----------
    names : iterable of str, optional
        Several with commas; "none" for none; those that are installed by default.
    threads : int
        How many each may use.

    Returns
    -------
    list of Peer

    Raises
    ------
    LookupError
        There is no such peer.
    MissingPackage
        It is not installed.
    """
    rule = f"peers must be among {', '.join(PACKAGES)} and none"
    wanted = split(names, [*PACKAGES, "none"], rule) or [name for name in PACKAGES if _is_installed(name)]
    return [_load(name, threads) for name in wanted if name != "none"]


def _is_installed(name: str) -> bool:
    return all(find_spec(package) for package in PACKAGES[name])


def _load(name: str, threads: int) -> Peer:
    require(f"the peer {name}", *PACKAGES[name], extra="bench")
    peer: Peer = import_module(f".{name}", __name__).Contender(threads)
    return peer
