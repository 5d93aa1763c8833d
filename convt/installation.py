"""How this copy of convt was installed, so that a message can say what installs a package that is missing beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

__all__ = ["install_command"]

_HERE = Path(__file__).resolve().parent
_INSTALLERS = {"pip", "uv"}


def install_command(extra: str, packages: Sequence[str], *, upgrade: bool = False) -> str:
    """The command that brings packages: by convt's extra where this copy's source is known, else by their names.

    Parameters
    ----------
    extra : str
        The extra in setup.cfg that has the packages.
    packages : sequence of str
        Their names, as pip knows them.
    upgrade : bool, default False
        They are there, but too old.

    Examples
    --------
    >>> from convt.installation import install_command
    >>> install_command("draw", ["matplotlib"]).split()[:2]
    ['pip', 'install']
    """
    command = "pip install"
    found = _distribution()
    if found is not None:
        place = found.read_text("direct_url.json")
        if place is None:  # from an index
            return f'{command} "convt[{extra}]"'
        folder, editable = _folder(json.loads(place))
        if folder is not None and folder.exists():
            return f'{command} {"-e " if editable else ""}"{folder}[{extra}]"'
    names = [f'"{name}"' if "[" in name else name for name in packages]
    return " ".join([command, *(["--upgrade"] if upgrade else []), *names])


def _distribution() -> Distribution | None:
    """The one that pip has made of this copy; another copy may be installed beside it."""
    for found in distributions(name="convt"):
        if (found.read_text("INSTALLER") or "").strip() in _INSTALLERS:
            folder, editable = _folder(json.loads(found.read_text("direct_url.json") or "{}"))
            home = folder if editable and folder is not None else Path(str(found.locate_file(""))).resolve()
            if (home / "convt").resolve() == _HERE:
                return found
    return None


def _folder(place: dict[str, object]) -> tuple[Path | None, bool]:
    """The folder of a direct_url.json, and whether it is installed as editable; None for archives and other addresses."""
    options = place.get("dir_info")
    if not isinstance(options, dict):
        return None, False
    return Path(url2pathname(urlsplit(str(place["url"])).path)).resolve(), bool(options.get("editable"))
