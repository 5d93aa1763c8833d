"""Arrays anywhere in memory: any order of axes, steps, unaligned, byte-swapped, read-only, beside unreadable pages.

A `Placed` array knows all bytes around it, and whether they were changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .pages import guarded

_FILLED = 0xA5  # what lies around the elements


@dataclass
class Placed:
    """An array and its surroundings.

    Attributes
    ----------
    array : ndarray
    given : object
        What the caller passes: the array, or a list of its values.
    words : str
        What is special about it.
    """

    array: np.ndarray
    words: str
    store: np.ndarray
    offset: int
    given: Any = None
    before: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.given = self.array if self.given is None else self.given
        self.remember()

    def remember(self) -> None:
        """Take all bytes as they are now for those that must stay."""
        self.before = self.store.copy()

    def restore(self) -> None:
        """Put back what was remembered."""
        self.store[...] = self.before

    def changed(self) -> bool:
        """Whether any byte is another one."""
        return not np.array_equal(self.store, self.before)

    def changed_outside(self) -> bool:
        """Whether any byte outside of the elements is another one."""
        now = self.store.copy()
        self._elements(now)[...] = self._elements(self.before)
        return not np.array_equal(now, self.before)

    def _elements(self, store: np.ndarray) -> np.ndarray:
        return _view(store, self.array.shape, np.dtype(f"V{self.array.itemsize}"), self.offset, self.array.strides)


def place(rng: np.random.Generator, values: np.ndarray, *, plain: bool = False) -> Placed:
    """An input with these values; along an axis of stride zero, all have the first one. A `plain` one is new memory."""
    if plain:
        return _placed(rng, values, tuple(range(values.ndim)), (1,) * values.ndim, "new", [])
    order, steps, words = _strided(rng, values.ndim)
    if values.size and values.ndim and rng.random() < 0.07:
        axis = int(rng.integers(values.ndim))
        values = np.broadcast_to(values.take([0], axis), values.shape)
        steps = tuple(0 if each == axis else step for each, step in enumerate(steps))
        words.append(f"stride 0 along axis {axis}")
    if rng.random() < 0.08:
        values = values.astype(values.dtype.newbyteorder())
        words.append("byte-swapped")
    placed = _placed(rng, values, order, steps, _where(rng), words)
    if rng.random() < 0.3:
        placed.array.flags.writeable = False
        placed.words += ", read-only"
    if values.size and values.dtype in (np.float64, np.int64) and values.size < 200 and rng.random() < 0.1:
        placed.given = placed.array.tolist()
        placed.words = "list"
    return placed


def place_out(rng: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype, over: Placed | None) -> Placed:
    """Somewhere to write a result to; `over` an input's memory if that has room enough."""
    order, steps, words = _strided(rng, len(shape))
    values = np.full(shape, 99, dtype)
    if rng.random() < 0.1:
        values = values.astype(dtype.newbyteorder())
        words.append("byte-swapped")
    if over is not None and over.array.flags.writeable:
        strides, offset, extent = _layout(shape, values.itemsize, order, (1,) * len(shape), 0)
        if extent <= over.store.size:
            most = (over.store.size - extent) // values.itemsize
            offset += int(rng.integers(most, endpoint=True)) * values.itemsize
            array = _view(over.store, shape, values.dtype, offset, strides)
            return Placed(array, ", ".join(["over an input", *words]), over.store, offset)
    return _placed(rng, values, order, steps, _where(rng), words)


def _strided(rng: np.random.Generator, axes: int) -> tuple[tuple[int, ...], tuple[int, ...], list[str]]:
    """An order of the axes, the slowest first, a step for each, and words."""
    order, steps, words = tuple(range(axes)), (1,) * axes, []
    draw = rng.random()
    if draw > 0.85:
        order = order[::-1]
        words.append("Fortran order")
    elif draw > 0.55:
        order = tuple(int(axis) for axis in rng.permutation(axes))
        words.append(f"axes in the order {order}")
    if rng.random() < 0.35:
        steps = tuple(int(step) for step in rng.choice([1, 1, 2, 3, -1, -2], axes))
        words.append(f"steps {steps}")
    return order, steps, words


def _where(rng: np.random.Generator) -> str:
    return str(rng.choice(["new", "at the end of a page", "at the start of a page", "unaligned"], p=[0.45, 0.3, 0.17, 0.08]))


def _placed(
    rng: np.random.Generator,
    values: np.ndarray,
    order: tuple[int, ...],
    steps: tuple[int, ...],
    where: str,
    words: list[str],
) -> Placed:
    gap = int(rng.integers(1, 4)) if steps != (1,) * values.ndim and rng.random() < 0.3 else 0
    strides, first, extent = _layout(values.shape, values.itemsize, order, steps, gap)
    if where in ("new", "unaligned"):
        margin = values.itemsize * int(rng.integers(1, 9))
        start = margin + int(where == "unaligned")
        store = np.full(extent + 2 * margin + 1, _FILLED, np.uint8)
    else:
        store = guarded(extent)
        store[...] = _FILLED
        start = store.size - extent if where == "at the end of a page" else 0
    array = _view(store, values.shape, values.dtype, start + first, strides)
    array[...] = values
    return Placed(array, ", ".join([where, *words]), store, start + first)


def _layout(
    shape: tuple[int, ...], itemsize: int, order: tuple[int, ...], steps: tuple[int, ...], gap: int
) -> tuple[tuple[int, ...], int, int]:
    """The strides in bytes, where the first element lies, and how many bytes all span."""
    strides, distance = [0] * len(shape), itemsize
    for axis in reversed(order):
        strides[axis] = distance * steps[axis]
        distance *= max(1, shape[axis] * abs(steps[axis]))
        distance += gap * itemsize
    first = sum(-stride * (size - 1) for stride, size in zip(strides, shape, strict=True) if stride < 0 and size)
    extent = sum(abs(stride) * (size - 1) for stride, size in zip(strides, shape, strict=True) if size) + itemsize
    return tuple(strides), first, extent if 0 not in shape else 0


def _view(store: np.ndarray, shape: tuple[int, ...], dtype: np.dtype, offset: int, strides: tuple[int, ...]) -> np.ndarray:
    return np.ndarray(shape, dtype, store, offset if 0 not in shape else 0, strides)
