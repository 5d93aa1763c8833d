"""The oldest JAX that has what the other modules use."""

from __future__ import annotations

import re

import jax

from ..installation import install_command

__all__ = ["OLDEST", "check_version"]

OLDEST = "0.5.0"


def check_version(version: str | None = None) -> None:
    """Raise an ImportError for a JAX older than `OLDEST`; `version` is that of the installed one unless given."""
    found = jax.__version__ if version is None else version
    if _numbers(found) < _numbers(OLDEST):
        command = install_command("jax", ["jax"], upgrade=True)
        raise ImportError(f"convt.jax needs jax {OLDEST} or newer, got {found}: {command}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
