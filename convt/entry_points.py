"""Entry points of installed packages, without `importlib.metadata`.

Importing that module would take about half of the time of a process's first call, as it imports e-mail, sockets and zip
files. This one reads what installers write into the folders of ``sys.path``::

    site-packages/convt-1.0.dist-info/entry_points.txt         [group]
                                                               name = module:object

If packages may also be imported from elsewhere (a zip file, a custom importer), `importlib.metadata` is used.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.metadata import Distribution
    from importlib.metadata import EntryPoint as StandardEntryPoint

__all__ = ["EntryPoint", "entry_points"]


@dataclass(frozen=True)
class EntryPoint:
    """A named object of an installed package; see `importlib.metadata.EntryPoint`.

    Attributes
    ----------
    name : str
    value : str
        "module:object".
    group : str
    folder : str
        The folder with the package's metadata.
    """

    name: str
    value: str
    group: str
    folder: str

    @property
    def dist(self) -> Distribution:
        from importlib.metadata import Distribution

        return Distribution.at(self.folder)

    def load(self) -> Any:
        """Import the module and return the object."""
        module, _, path = self.value.partition("[")[0].partition(":")
        return reduce(getattr, filter(None, path.strip().split(".")), import_module(module.strip()))


def entry_points(*groups: str) -> list[EntryPoint] | list[StandardEntryPoint]:
    """Return the entry points of some groups, group by group."""
    if _only_folders():
        found = [point for folder in _folders() for point in _read(folder, groups)]
        return sorted(found, key=lambda point: groups.index(point.group))
    from importlib.metadata import entry_points as standard

    installed = standard()
    return [point for group in groups for point in installed.select(group=group)]


def _only_folders() -> bool:
    """Return whether packages are imported from the folders of ``sys.path`` alone."""
    importers = (finder for finder in sys.meta_path if hasattr(finder, "find_distributions"))
    return all(finder is PathFinder for finder in importers) and not any(
        path.endswith(".egg") or os.path.isfile(path) for path in sys.path
    )


def _folders() -> Iterator[str]:
    """Yield the metadata folder of each installed package; of two with the same name, the first, which is imported."""
    seen = set()
    for path in sys.path:
        try:
            names = os.listdir(path or ".")
        except OSError:
            continue
        for name in names:
            stem, suffix = os.path.splitext(name)
            package = re.sub("[-_.]+", "_", stem.partition("-")[0]).lower()
            if suffix in (".dist-info", ".egg-info") and package not in seen:
                seen.add(package)
                yield os.path.join(path or ".", name)


def _read(folder: str, groups: tuple[str, ...]) -> Iterator[EntryPoint]:
    try:
        with open(os.path.join(folder, "entry_points.txt"), encoding="utf-8") as file:
            text = file.read()
    except OSError:
        return
    group = ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            group = line.strip("[]")
        elif group in groups and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            yield EntryPoint(name.strip(), value.strip(), group, folder)
