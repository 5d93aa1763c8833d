"""Optional packages, which only the commands and the pictures need: one error lists all that are missing."""

from __future__ import annotations

from importlib import import_module

__all__ = ["MissingPackage", "require"]

_INSTALLED_AS = {"PIL": "pillow", "skimage": "scikit-image"}


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
    >>> require("the demo", "numpy", "no_such_module")
    Traceback (most recent call last):
    convt.optional.MissingPackage: the demo needs no_such_module: pip install "convt[demo]"
    """
    missing = [_INSTALLED_AS.get(module, module) for module in modules if not _imports(module)]
    if missing:
        raise MissingPackage(f'{needed_by} needs {" and ".join(missing)}: pip install "convt[{extra}]"')


def _imports(module: str) -> bool:
    try:
        import_module(module)
    except ImportError:
        return False
    return True
