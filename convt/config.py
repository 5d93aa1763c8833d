"""`show_config`: what is installed, and what would be used."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import textwrap
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, overload

import numpy as np

from .core.containers import sources
from .registry import registry
from .selection import backends, environment_request
from .settings import settings
from .version import __version__

__all__ = ["show_config"]

_VARIABLES = ("CONVT_BACKEND", "CONVT_NUM_THREADS", "OMP_NUM_THREADS")
_BRIDGES = {"jax": "convt.jax.handler"}  # modules whose `how` tells in words how a library's programs call convt
_OTHERS = "in the host's memory, if they follow the array API standard"
_CHECKS: dict[str, Callable[[], object]] = {"CONVT_BACKEND": environment_request, "CONVT_WORKSPACE_LIMIT": settings}


@overload
def show_config(mode: Literal["print"] = "print") -> None: ...
@overload
def show_config(mode: Literal["dicts"]) -> dict[str, dict[str, Any]]: ...
def show_config(mode: Literal["print", "dicts"] = "print") -> dict[str, dict[str, Any]] | None:
    """Show what is installed, and what would be used.

    Versions, environment variables, the state of each backend with what it reports about itself, which arrays of other
    libraries are taken, and how programs of other libraries call convt.

    A value that cannot be used raises no error; its entry is the reason, after "wrong: ".

    Parameters
    ----------
    mode : {"print", "dicts"}
        Whether to print these, or to return them as nested dicts.

    Returns
    -------
    dict or None
        A dict has the keys "versions", "environment", "backends", "arrays" and "bridges".

    Raises
    ------
    ValueError
        mode is not one of these.
    """
    if mode not in ("print", "dicts"):
        raise ValueError(f"mode must be 'print' or 'dicts', got {mode!r}")
    config: dict[str, dict[str, Any]] = {
        "versions": {
            "convt": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "platform": f"{platform.system()} {platform.machine()}",
        },
        "environment": {name: _variable(name) for name in _names()},
        "backends": {name: _backend_config(name) for name in backends()},
        "arrays": {package: _arrays(package, module) for package, module in sources().items()} | {"others": _OTHERS},
        "bridges": {package: _bridge(package, module) for package, module in _BRIDGES.items()},
    }
    if mode == "dicts":
        return config
    for title, entries in config.items():
        print(title)
        _print(entries, "  ")
    return None


def _names() -> list[str]:
    """Return the environment variables to show: a few always, and all others of convt's that are set."""
    return [*_VARIABLES, *sorted(name for name in os.environ if name.startswith("CONVT_") and name not in _VARIABLES)]


def _variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        return "(not set)"
    try:
        _CHECKS.get(name, lambda: None)()
    except (ValueError, LookupError, TypeError) as error:
        return f"wrong: {error}"
    return value


def _backend_config(name: str) -> dict[str, Any]:
    state = registry().state(name)
    if not state.usable:
        return {"state": f"not usable: {state.reason}", "source": state.source}
    try:
        info = registry().get(name).info()
    except Exception as error:  # whatever a plugin raises
        info = {"info": f"wrong: {error}"}
    return {"state": f"usable, priority {state.priority}", "source": state.source, **info}


def _arrays(package: str, module: str) -> str:
    """Return who takes arrays of a library, which is not imported to tell it."""
    return f"by {module}" if find_spec(package) else "not installed"


def _bridge(package: str, module: str) -> str:
    """Return how a library's programs call convt; to tell it, the library is imported if it is installed."""
    if find_spec(package) is None:
        return "not installed"
    try:
        return str(import_module(module).how())
    except Exception as error:  # whatever an installation that is broken raises
        return f"not usable: {error}"


def _print(entries: dict[str, Any], indent: str) -> None:
    width = max((len(str(key)) for key, value in entries.items() if not isinstance(value, dict)), default=0)
    for key, value in entries.items():
        if isinstance(value, dict):
            print(f"{indent}{key}")
            _print(value, indent + "  ")
        else:
            print(_wrapped(f"{indent}{key:<{width}}  ", str(value)))


def _wrapped(beginning: str, value: str) -> str:
    """Return a line of the table; on a terminal, several that fit."""
    if sys.stdout is None or not sys.stdout.isatty():
        return beginning + value
    room = max(20, shutil.get_terminal_size().columns - len(beginning))
    return beginning + f"\n{' ' * len(beginning)}".join(textwrap.wrap(value, room, break_on_hyphens=False) or [""])
