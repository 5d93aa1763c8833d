"""Which PyTorch is needed."""

from __future__ import annotations

from ..installation import install_command

__all__ = ["check_version"]

_OLDEST = (2, 13)


def check_version(version: str) -> None:
    """Raise an ImportError if PyTorch's version is too old."""
    given = tuple(int(part) for part in version.split(".")[:2])
    if given < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        command = install_command("torch", ["torch"], upgrade=True)
        raise ImportError(f"torch must be {oldest} or newer for convt.torch, got {version}: {command}")
