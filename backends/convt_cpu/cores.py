"""The number of threads where nobody asks for one: ``OMP_NUM_THREADS``, else the cores that this process may use."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from math import ceil, inf

__all__ = ["MOST_THREADS", "cores", "quota", "variable_of_openmp"]

MOST_THREADS = 1024  # of what may be asked for

_V2 = "cpu.max"
_V1 = "cpu.cfs_quota_us", "cpu.cfs_period_us"
_MOUNTS = {_V2: ("", "unified"), _V1: ("cpu", "cpu,cpuacct", "cpuacct,cpu")}  # under sys/fs/cgroup


def variable_of_openmp(text: str | None) -> int | None:
    """The first number of ``OMP_NUM_THREADS``; None if it is not set. An invalid one is ignored with a warning."""
    if not text:
        return None
    try:
        threads = int(text.split(",")[0])
    except ValueError:
        threads = 0
    if threads < 1:
        warnings.warn(f"OMP_NUM_THREADS must begin with a positive integer, got {text!r}; ignored", RuntimeWarning, 2)
        return None
    return min(threads, MOST_THREADS)


def cores(root: str = "/") -> int:
    """The processor's cores that the calling thread may use, or its container's quota, rounded up, if that is less."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(allowed, MOST_THREADS, ceil(min(quota(root), MOST_THREADS))))


def quota(root: str = "/") -> float:
    """How many cores' time the process may use by its control group and those that this is part of; inf for no limit.

    Parameters
    ----------
    root : str
        The folder that has ``proc`` and ``sys``.
    """
    lines = (_read(os.path.join(root, "proc/self/cgroup")) or "").splitlines()
    return min((limit for line in lines for limit in _limits(root, line)), default=inf)


def _limits(root: str, line: str) -> Iterator[float]:
    """Of the groups from one of ``number:controllers:path`` upwards."""
    number, _, rest = line.partition(":")
    controllers, _, path = rest.partition(":")
    if number == "0" and not controllers:
        version: str | tuple[str, str] = _V2
    elif "cpu" in controllers.split(","):
        version = _V1
    else:
        return
    for mount in _MOUNTS[version]:
        group = path.strip("/")
        while True:
            folder = os.path.join(root, "sys/fs/cgroup", mount, group)
            yield _limit_v2(folder) if version == _V2 else _limit_v1(folder)
            if not group:
                break
            group = os.path.dirname(group)


def _limit_v2(folder: str) -> float:
    fields = (_read(os.path.join(folder, _V2)) or "max").split()
    return _cores_of(fields[0], fields[1] if len(fields) > 1 else "100000")


def _limit_v1(folder: str) -> float:
    limit, period = (_read(os.path.join(folder, name)) or "-1" for name in _V1)
    return _cores_of(limit, period)


def _cores_of(limit: str, period: str) -> float:
    try:
        cores = int(limit) / int(period)
    except (ValueError, ZeroDivisionError):  # such as "max"
        return inf
    return cores if cores > 0 and int(limit) > 0 else inf


def _read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except OSError:
        return None
