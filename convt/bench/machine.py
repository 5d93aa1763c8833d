"""The machine: how fast it multiplies, adds and copies, the least time that a job takes at that, and what others use of it.

Both speeds are measured, as stand-ins for what vendors promise: the peak is that of a product of large matrices in BLAS, the
bandwidth that of copying arrays. A job can beat its floor a little, for BLAS is not perfect either, and by more with an
algorithm that needs fewer multiplications (Winograd's).

Threads that wait for each other, as all contenders' do, lose milliseconds when one of them is held up: where `Load` finds
other programs at work, short calls say more about those than about the contenders.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Load", "Machine", "measure", "processor"]

SIDE = 1536  # of the matrices, where BLAS has come near its best
TRIALS = 7
TRAFFIC = [2**exponent for exponent in range(18, 29, 2)]  # bytes, from a core's own cache to well beyond any cache
LONG_ENOUGH = 4e-3  # seconds, beside which starting the threads does not count
_IDLE = (3, 4)  # among the columns of /proc/stat: idle, and waiting for a disk
_GUESTS = 8  # from here on, what the column for users has counted already


@dataclass(frozen=True)
class Machine:
    """What a number of threads can do.

    Attributes
    ----------
    processor : str
    threads : int
    flops : float
        Multiplications and additions per second.
    bandwidths : dict of int to float
        Bytes read and written per second, when copying so many bytes (again, both) over and over.
    """

    processor: str
    threads: int
    flops: float
    bandwidths: dict[int, float]

    @property
    def bandwidth(self) -> float:
        """Of the memory itself."""
        return self.bandwidths[max(self.bandwidths)]

    def best(self, other: Machine) -> Machine:
        """The better of two measurements in everything, for whatever disturbs makes slower, never faster."""
        bandwidths = {size: max(speed, other.bandwidths[size]) for size, speed in self.bandwidths.items()}
        return replace(self, flops=max(self.flops, other.flops), bandwidths=bandwidths)

    def floor(self, flops: int, traffic: int) -> float:
        """The least time for so many operations on so many bytes.

        Parameters
        ----------
        flops : int
        traffic : int
            Bytes; what fits into a cache is taken to come from there.

        Returns
        -------
        float
            Seconds.

        Examples
        --------
        >>> from convt.bench.machine import Machine
        >>> machine = Machine("abacus", 1, flops=100.0, bandwidths={10: 20.0, 1000: 5.0})
        >>> machine.floor(100, 10), machine.floor(100, 60), machine.floor(0, 2000)
        (1.0, 3.0, 400.0)
        """
        size = max((size for size in self.bandwidths if size <= traffic), default=min(self.bandwidths))
        return max(flops / self.flops, traffic / self.bandwidths[size])


class Load:
    """How much of the processors other programs take, from when it is made."""

    def __init__(self) -> None:
        self._wall, self._own, self._busy = perf_counter(), process_time(), _busy_seconds()

    def others(self) -> float | None:
        """The part of the cores that this process may use which others used; None where the system does not tell."""
        now = _busy_seconds()
        if now is None or self._busy is None:
            return None
        cores, busy = len(now), sum(now) - sum(self._busy)
        return max(0.0, busy - (process_time() - self._own)) / (cores * (perf_counter() - self._wall))


def measure(threads: int, dtype: str) -> Machine:
    """Measure this machine, in about a second.

    Parameters
    ----------
    threads : int
        BLAS must have been limited to as many.
    dtype : str
        Of the multiplications.

    Returns
    -------
    Machine
    """
    with ThreadPoolExecutor(threads) as pool:
        bandwidths = {size: _bandwidth(size, threads, pool) for size in TRAFFIC}
    return Machine(processor(), threads, _flops(dtype), bandwidths)


def processor() -> str:
    """Its name, as far as the system tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
            return next(names, "") or platform.machine()
    except OSError:
        return platform.processor() or platform.machine()


def _flops(dtype: str) -> float:
    a, b = np.random.default_rng(0).standard_normal((2, SIDE, SIDE)).astype(dtype)
    product = np.empty_like(a)
    return 2 * SIDE**3 / _fastest(lambda: np.matmul(a, b, out=product))


def _bandwidth(size: int, threads: int, pool: ThreadPoolExecutor) -> float:
    """Of copies by all threads, a slice of the array each."""
    source = np.ones(size // 16)
    target = np.zeros_like(source)
    slices = list(zip(np.array_split(source, threads), np.array_split(target, threads), strict=True))

    def copy(count: int) -> None:
        list(pool.map(lambda pair: _copy(pair[0], pair[1], count), slices))

    count = 1
    while _fastest(copy, count, trials=1) < LONG_ENOUGH:
        count *= 2
    return size * count / _fastest(copy, count)


def _copy(source: NDArray[Any], target: NDArray[Any], count: int) -> None:
    for _ in range(count):
        np.copyto(target, source)


def _fastest(run: Callable[..., object], *arguments: int, trials: int = TRIALS) -> float:
    run(*arguments)
    seconds = []
    for _ in range(trials):
        begin = perf_counter()
        run(*arguments)
        seconds.append(perf_counter() - begin)
    return min(seconds)


def _busy_seconds() -> list[float] | None:
    """Per core."""
    try:
        mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        with open("/proc/stat", encoding="utf-8") as lines:
            rows = [line.split() for line in lines]
    except (AttributeError, OSError):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    counts = [[int(cell) for cell in row[1 : 1 + _GUESTS]] for row in rows if row and row[0] in mine]
    return [(sum(row) - sum(row[place] for place in _IDLE)) / ticks for row in counts] or None
