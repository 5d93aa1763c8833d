"""Numbers: small integers, whose results are exact, normal ones, and all kinds that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .types import computed_in

KINDS = {
    "small integers": 24,
    "normal": 14,
    "zeros among them": 5,
    "all zero": 2,
    "hot elements": 14,
    "fill values": 8,
    "of many sizes": 8,
    "denormal": 6,
    "infinity": 7,
    "NaN": 7,
    "near overflow": 5,
}
_HOT = {2: (-9999.0, 3e4), 4: (1e8, 1e30, -9999.0, -1e15), 8: (1e8, 1e30, -9999.0, 1e200)}
_EXACT = {4: 2.0**24, 8: 2.0**53}
_STEPS = 64  # an engine's exact sums may be so many times finer or larger than the terms


@dataclass(frozen=True)
class Values:
    """The numbers of one call.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    most : int
        The largest of small integers, so that sums of products stay exact; 0 if there is none.
    chosen : str
        The array that has what is special.
    """

    kind: str
    most: int
    chosen: str

    @property
    def exact(self) -> bool:
        """Whether sums of products are exact in any order."""
        return self.kind == "small integers" and self.most > 0

    @property
    def overflows(self) -> bool:
        return self.kind == "near overflow"


def draw_values(
    rng: np.random.Generator, result: np.dtype, terms: int, names: list[str], kinds: dict[str, int] = KINDS
) -> Values:
    """A kind of numbers for the arrays of these names, of whose products a sum has so many terms."""
    weights = np.array(list(kinds.values()), float)
    kind = str(rng.choice(list(kinds), p=weights / weights.sum()))
    parts = 2 if result.kind == "c" else 1
    most = int(np.sqrt(_EXACT[computed_in(result).itemsize] / (_STEPS * parts * max(terms, 1))))
    return Values(kind, min(most, 8), str(rng.choice(names)))


def draw_array(rng: np.random.Generator, values: Values, name: str, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of such numbers."""
    if dtype.kind in "iub":
        most = max(1, min(values.most, 1 if dtype.kind == "b" else 8))
        return rng.integers(0 if dtype.kind in "ub" else -most, most, shape, endpoint=True).astype(dtype)
    if dtype.kind == "c":
        part = np.dtype(f"f{dtype.itemsize // 2}")
        array = np.empty(shape, dtype)
        array.real, array.imag = (draw_array(rng, values, name, shape, part) for _ in range(2))
        return array
    return _floats(rng, values, name == values.chosen, shape, dtype)


def _floats(rng: np.random.Generator, values: Values, chosen: bool, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    kind, info = values.kind, np.finfo(dtype)
    if kind == "small integers":
        most = max(values.most, 1)
        return rng.integers(-most, most, shape, endpoint=True).astype(dtype)
    array = rng.standard_normal(shape)
    if kind in ("zeros among them", "infinity", "NaN"):
        array[rng.random(shape) < 0.3] = 0
    if kind == "of many sizes":
        array *= 2.0 ** rng.integers(-8, 8, shape) if dtype.itemsize == 2 else 2.0 ** rng.integers(-30, 30, shape)
    if not chosen or not array.size:
        return array.astype(dtype)
    if kind == "all zero":
        array[...] = 0
    elif kind == "hot elements":
        _scatter(rng, array, _HOT[dtype.itemsize])
    elif kind == "infinity":
        _scatter(rng, array, (np.inf, -np.inf))
    elif kind == "NaN":
        _scatter(rng, array, (np.nan, np.nan, np.inf))
    elif kind == "fill values":
        array[_corner(rng, shape)] = -9999.0
    elif kind == "denormal":
        array *= float(info.smallest_normal) / 4
    elif kind == "near overflow":
        array *= float(info.max) / 2.0 ** int(rng.integers(3, 12))
        if rng.random() < 0.5:
            array = np.where(rng.random(shape) < 0.1, array, 1.0)
    with np.errstate(over="ignore"):
        return array.astype(dtype)


def _scatter(rng: np.random.Generator, array: np.ndarray, choices: tuple[float, ...]) -> None:
    """Some elements, mostly one, get such values."""
    count = int(rng.choice([1, 1, 1, 2, 5, max(1, array.size // 7)]))
    array.reshape(-1)[rng.integers(array.size, size=count)] = rng.choice(choices, count)


def _corner(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Of one image or filter, in all its channels, as where a picture has no data; of a vector the first elements."""
    if len(shape) < 3:
        return tuple(slice(0, (size + 2) // 3) for size in shape)
    return (int(rng.integers(shape[0])), slice(None), *(slice(0, (size + 2) // 3) for size in shape[2:]))
