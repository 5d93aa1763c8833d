"""Which plan is the fastest by the clock: measured once for each problem on each kind of GPU, kept, saved and loaded.

``CONVT_CUDA_TUNED`` names a file that is read before the first measurement and written after each.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import fields
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convt.backend import replacing

from .cudnn.library import CudnnError
from .cudnn.maps import MAPS

if TYPE_CHECKING:
    from convt.backend import Problem

    from .device import Device
    from .engine import Map, Plan, Strides

__all__ = ["TUNED", "Tuned", "fastest"]

VARIABLE = "CONVT_CUDA_TUNED"
_FORMAT = "convt cuda plans 1"
_ROUNDS = 3  # the quickest counts: whatever else happens makes a plan slower
_LEAST = 0.2  # milliseconds of a round, unless a single run takes longer

Offer = tuple[str, "Plan"]


class Tuned:
    """Labels of plans by key; every method may be called by several threads."""

    def __init__(self) -> None:
        self._choices: dict[str, str] = {}
        self._lock = threading.Lock()
        self._read: str | None = None

    def __len__(self) -> int:
        return len(self._choices)

    def get(self, key: str) -> str | None:
        """What was measured, here or by whoever wrote the file."""
        file = os.environ.get(VARIABLE)
        if file and file != self._read:
            self._read = file
            if Path(file).exists():
                self.load(file)
        return self._choices.get(key)

    def put(self, key: str, label: str) -> None:
        """Remember a choice."""
        with self._lock:
            self._choices[key] = label
        file = os.environ.get(VARIABLE)
        if file:
            with suppress(OSError):  # a full disk must not stop a computation
                self.save(file)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._choices.clear()
            self._read = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all choices to a JSON file, at once or not at all.

        Parameters
        ----------
        path : path-like
        """
        with self._lock:
            choices = dict(sorted(self._choices.items()))
            with replacing(path) as file:
                file.write(json.dumps({"format": _FORMAT, "choices": choices}, indent=1).encode())

    def load(self, path: str | os.PathLike[str]) -> None:
        """Add the choices of a file; those of the same key are replaced.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        ValueError
            It is no such file.
        OSError
        """
        try:
            choices = _choices_of(json.loads(Path(path).read_text()))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"path must be a file that Tuned.save has written, got {os.fspath(path)!r} ({error})"
            ) from error
        with self._lock:
            self._choices.update(choices)


TUNED = Tuned()


def fastest(
    offers: Sequence[Offer], problem: Problem, data_map: Map, strides: Strides, storage: str, device: Device
) -> Offer:
    """The offer that takes the least time here and now, or took it when this was last asked.

    Arrays of our own are used, as the output is written. Without memory for them the cost models decide.

    Parameters
    ----------
    offers : sequence of (str, Plan)
        Engines' names and their plans, one at least.
    problem : Problem
    data_map : {"scatter", "gather", "correlate"}
    strides : tuple
        Of the map's left input, right input and output, in elements.
    storage : str
    device : Device
        Its context is current.
    """
    by_label = {plan.label: (name, plan) for name, plan in offers}
    key = _key(problem, data_map, strides, storage, device.name, by_label)
    known = TUNED.get(key)
    if known in by_label:
        return by_label[known]
    try:
        times = _times([plan for _, plan in offers], problem, data_map, strides, storage, device)
    except MemoryError:
        return min(offers, key=lambda offer: offer[1].cost)
    best = offers[times.index(min(times))]
    TUNED.put(key, best[1].label)
    return best


def _times(
    plans: Sequence[Plan], problem: Problem, data_map: Map, strides: Strides, storage: str, device: Device
) -> list[float]:
    itemsize = 2 if storage.endswith("float16") else problem.dtype.itemsize
    pool = device.pool
    with ExitStack() as stack:
        pointers = {"bias": 0, "bias_stride": 0, "work": 0}
        shapes = (getattr(problem, f"{role}_array_shape") for role in MAPS[data_map].ours)
        for name, shape, steps in zip(("left", "right", "out"), shapes, strides, strict=True):
            before, after = _reach(shape, steps)
            block = pool.acquire((before + after + 1) * itemsize, 0)
            stack.callback(pool.release, block)
            device.clear(block, (before + after + 1) * itemsize, 0)
            pointers[name] = block + before * itemsize
        workspace = max(plan.workspace for plan in plans)
        if workspace:
            pointers["work"] = pool.acquire(workspace, 0)
            stack.callback(pool.release, pointers["work"])
        return [_time(plan, device, pointers) for plan in plans]


def _time(plan: Plan, device: Device, pointers: dict[str, int]) -> float:
    """Milliseconds of a run; inf for a plan that is refused after all."""

    def run() -> None:
        plan.run(device, 0, pointers)

    try:
        run()  # loads what it needs
    except CudnnError as error:
        if not error.refused:
            raise
        return inf
    once = device.milliseconds(run, 1)
    count = max(1, min(20, int(_LEAST / max(once, 1e-3))))
    return min(device.milliseconds(run, count) / count for _ in range(_ROUNDS if once < 20 * _LEAST else 1))


def _reach(shape: tuple[int, ...], strides: tuple[int, ...]) -> tuple[int, int]:
    """How many elements lie before the first one, and behind it."""
    steps = [(size - 1) * stride for size, stride in zip(shape, strides, strict=True)]
    return -sum(step for step in steps if step < 0), sum(step for step in steps if step > 0)


def _key(problem: Problem, data_map: Map, strides: Strides, storage: str, gpu: str, by_label: dict[str, Offer]) -> str:
    """All that a choice depends on, as text; who takes part stands for the options and for versions."""
    shapes = {each.name: getattr(problem, each.name) for each in fields(problem) if each.name != "dtype"}
    where = {"map": data_map, "strides": strides, "dtype": storage, "gpu": gpu, "among": sorted(by_label)}
    return json.dumps({**shapes, **where}, sort_keys=True)


def _choices_of(content: Any) -> dict[str, str]:
    if content["format"] != _FORMAT:
        raise ValueError(f"its format is {content['format']!r}")
    choices: dict[str, str] = content["choices"]
    for label in choices.values():
        if not isinstance(label, str):
            raise ValueError(f"{label!r} is no plan's label")
    return choices
