"""Optional packages, which only the commands and the pictures need: one error lists all that are missing."""

from __future__ import annotations

import re
from importlib import import_module

from .installation import install_command

__all__ = ["MissingPackage", "require", "require_version"]

_INSTALLED_AS = {"PIL": "pillow", "dask.array": "dask[array]", "skimage": "scikit-image"}


class MissingPackage(ModuleNotFoundError):
    """An optional package is not installed; the message says what needs it and how to get it."""


def require(needed_by: str, *modules: str, extra: str = "demo") -> None:
    """Import modules, or raise an error that lists the missing packages.

    Parameters
    ----------
    needed_by : str
        The subject of the message, such as "the demo".
    *modules : str
        Names as in an import statement.
    extra : str
        The extra in setup.cfg that has them.

    Raises
    ------
    MissingPackage
        A module cannot be imported.

    Examples
    --------
    >>> from convt.optional import require
    >>> require("the demo", "numpy")
    >>> require("the demo", "numpy", "no_such_module")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    convt.optional.MissingPackage: the demo needs no_such_module: pip install ...
    """
    missing = [_INSTALLED_AS.get(module, module) for module in modules if not _imports(module)]
    if missing:
        raise MissingPackage(f"{needed_by} needs {' and '.join(missing)}: {install_command(extra, missing)}")


def require_version(needed_by: str, module: str, least: str, extra: str) -> None:
    """Raise an error unless a module, which can be imported, is of a version or newer.

    Parameters
    ----------
    needed_by, extra : str
        As in `require`.
    module : str
        One with a ``__version__``.
    least : str
        Numbers with dots between them.

    Raises
    ------
    MissingPackage
        It is older, or does not tell.

    Examples
    --------
    >>> from convt.optional import require_version
    >>> require_version("the demo", "numpy", "1.26", "demo")
    >>> require_version("the demo", "numpy", "1000.0", "demo")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    convt.optional.MissingPackage: the demo needs numpy 1000.0 or newer, got ...: pip install ...
    """
    found = str(getattr(import_module(module), "__version__", "none that is told"))
    if _numbers(found) < _numbers(least):
        command = install_command(extra, [_INSTALLED_AS.get(module, module)], upgrade=True)
        raise MissingPackage(f"{needed_by} needs {module} {least} or newer, got {found}: {command}")


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version: 2026 and 8 of 2026.8.0rc1."""
    beginning = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(map(int, beginning[0].split("."))) if beginning else ()


def _imports(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True
