"""Which family this processor is of, and its caches, as the system tells them.

A virtual machine may be told of caches that are not there, so what is told has to be plausible:

- L1 is a part of the core's design: that of a known family is the table's;
- L2 comes in sizes: at least half and less than twice the table's;
- L3 likewise, within a factor of 4 of a core's part, since a virtual machine has all of its host's L3 but few of the cores.

What is not, and what cannot be read, is the table's. Nothing here raises, whatever the files say.
"""

from __future__ import annotations

import ctypes
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .families import DEFAULTS, FAMILIES, LIMITS, Machine, arm_family, x86_family

__all__ = ["Processor", "detect", "from_files", "from_sysctl", "sysctl"]

Sysctl = Callable[[str], int | None]


class Processor(NamedTuple):
    """What CPUID says of an x86-64 processor."""

    vendor: str
    family: int
    model: int
    brand: str = ""


class _Cache(NamedTuple):
    size: int
    cpus: int  # threads that share it


def detect(processor: Processor | None) -> Machine:
    """The record of this machine; `processor` is None where there is no CPUID."""
    architecture = os.uname().machine
    if sys.platform == "darwin":
        return from_sysctl(sysctl, processor, architecture)
    return from_files(Path("/"), processor, architecture)


def from_files(root: Path, processor: Processor | None, architecture: str) -> Machine:
    """What Linux tells by files.

    Parameters
    ----------
    root : Path
        "/", or a folder with a copy of another machine's ``/proc/cpuinfo`` and ``/sys/devices/system/cpu``.
    processor : Processor or None
        None leaves it to ``/proc/cpuinfo``, which some kernels take 10 ms to write.
    architecture : str
        As in `os.uname`; it decides where the processor is not known.
    """
    names = [x86_family(*processor)] if processor else [_named(block) for block in _blocks(_text(root / "proc/cpuinfo"))]
    # Cores may differ: the fastest does most of the work.
    cpu = max(range(len(names)), key=lambda i: FAMILIES[names[i] or "other"].fma128, default=0)
    family = names[cpu] if names else None
    table = FAMILIES[family or DEFAULTS.get(architecture, "other")]
    folder = root / f"sys/devices/system/cpu/cpu{cpu}"
    smt = _smt(_count(_text(folder / "topology/thread_siblings_list")))
    caches = _caches(folder / "cache")
    l1, l2, l3 = caches.get(1), caches.get(2), caches.get(3)
    if table.l3 == table.l2 * table.l3_cores:  # a kind that may do without L3
        l3 = l3 or l2
    return _plausible(
        replace(table, smt=smt),
        family is not None,
        l1.size if l1 else 0,
        l2.size // max(1, l2.cpus // smt) if l2 else 0,
        l3.size if l3 else 0,
        max(1, l3.cpus // smt) if l3 else 0,
        "sysfs",
    )


def from_sysctl(read: Sysctl, processor: Processor | None, architecture: str) -> Machine:
    """What macOS tells: of the faster cores, where there are two kinds (performance level 0)."""

    def of_level(name: str) -> int:
        return read(f"hw.perflevel0.{name}") or read(f"hw.{name}") or 0

    family = x86_family(*processor) if processor else "apple" if architecture == "arm64" else None
    table = FAMILIES[family or DEFAULTS.get(architecture, "other")]
    smt = _smt(of_level("logicalcpu") // max(1, of_level("physicalcpu")))
    line, sharing = read("hw.cachelinesize") or 0, max(1, (read("hw.perflevel0.cpusperl2") or 1) // smt)
    record = replace(table, smt=smt, line=line if _within("line", line) else table.line)
    l2, l3 = of_level("l2cachesize"), read("hw.l3cachesize") or 0
    l3, l3_cores = (l3, of_level("physicalcpu")) if l3 else (l2, sharing)
    return _plausible(record, family is not None, of_level("l1dcachesize"), l2 // sharing, l3, l3_cores, "sysctl")


def sysctl(name: str) -> int | None:
    """A number that macOS knows by a name; None if it does not."""
    try:
        read = ctypes.CDLL(None).sysctlbyname
    except (AttributeError, OSError, TypeError):
        return None
    value, size = ctypes.c_int64(0), ctypes.c_size_t(8)  # numbers of 4 bytes fill the lower half
    if read(name.encode(), ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0)):
        return None
    return value.value


def _plausible(table: Machine, known: bool, l1: int, l2: int, l3: int, l3_cores: int, source: str) -> Machine:
    """The table's record, with those of these sizes that are plausible; 0 stands for what was not told."""
    took: dict[str, int] = {}
    if not known and _within("l1", l1):
        took["l1"] = l1
    if _within("l2", l2) and (table.l2 <= 2 * l2 < 4 * table.l2 if known else l2 >= took.get("l1", table.l1)):
        took["l2"] = l2
    if _within("l3", l3) and _within("l3_cores", l3_cores):
        part = table.l3 / table.l3_cores
        if part < 4 * l3 / l3_cores < 16 * part:
            took.update(l3=l3, l3_cores=l3_cores)
    missing = {"l2", "l3"} - took.keys()
    where = source if not missing else f"{source} and the table" if took else "the table"
    return replace(table, **took, source=where)


def _within(name: str, value: float) -> bool:
    least, most = LIMITS[name]
    return least <= value <= most


def _smt(count: int) -> int:
    return count if _within("smt", count) else 1


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


def _blocks(text: str) -> list[dict[str, str]]:
    """Of ``/proc/cpuinfo``, one for each CPU; others have no number."""
    blocks = [
        {key.strip(): value.strip() for key, colon, value in (line.partition(":") for line in block.splitlines()) if colon}
        for block in re.split(r"\n\s*\n", text)
    ]
    return [block for block in blocks if "processor" in block]


def _named(block: dict[str, str]) -> str | None:
    """The family of a CPU."""
    try:
        if "vendor_id" in block:
            return x86_family(block["vendor_id"], int(block["cpu family"]), int(block["model"]), block.get("model name", ""))
        return arm_family(int(block["CPU implementer"], 16), int(block["CPU part"], 16))
    except (KeyError, ValueError):
        return None


def _caches(folder: Path) -> dict[int, _Cache]:
    """Those of data, by level."""
    found = {}
    for index in range(8):
        each = folder / f"index{index}"
        level, size = _text(each / "level").strip(), re.fullmatch(r"(\d{1,9})([KMG]?)", _text(each / "size").strip(), re.A)
        if level not in ("1", "2", "3") or size is None or _text(each / "type").strip() not in ("Data", "Unified"):
            continue
        cpus = _count(_text(each / "shared_cpu_list"))
        found[int(level)] = _Cache(int(size[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[size[2]], max(1, cpus))
    return found


def _count(text: str) -> int:
    """How many CPUs a list such as "0-3,8" names; 0 if it is none."""
    total = 0
    for part in text.strip().split(","):
        match = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part, re.A)
        if match is None:
            return 0
        total += int(match[2] or match[1]) - int(match[1]) + 1
    return max(0, total)
