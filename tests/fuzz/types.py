"""The dtypes of a call's arrays, and those that its result has and is computed in."""

from __future__ import annotations

import numpy as np

SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")
INTEGERS = tuple(np.dtype(name) for name in ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"))
_REAL = {np.dtype("f2"): SINGLE, SINGLE: SINGLE, DOUBLE: DOUBLE, np.dtype("c8"): SINGLE, np.dtype("c16"): DOUBLE}


def draw_types(rng: np.random.Generator, count: int, *, floats: bool = False, real: bool = False) -> list[np.dtype]:
    """So many dtypes: mostly one for all; `floats` are float32 and float64 alone, one for all."""
    plain = [SINGLE, DOUBLE][int(rng.random() < 0.4)]
    draw = rng.random()
    if floats or draw < 0.72:
        return [plain] * count
    if draw < 0.80:
        return [np.dtype("f2")] * count
    if draw < 0.88 and not real:
        return [np.dtype(str(rng.choice(["c8", "c16"])))] * count
    if draw < 0.92:
        return [INTEGERS[int(rng.integers(len(INTEGERS)))]] * count
    several = [*INTEGERS, np.dtype("f2"), SINGLE, DOUBLE, *([] if real else [np.dtype("c8"), np.dtype("c16")])]
    return [several[int(each)] for each in rng.integers(len(several), size=count)]


def result_of(dtypes: list[np.dtype]) -> np.dtype:
    """NumPy's promotion; integers give float64."""
    promoted = np.result_type(*dtypes)
    return DOUBLE if promoted.kind in "iub" else promoted.newbyteorder("=")


def computed_in(result: np.dtype) -> np.dtype:
    """The real dtype in which sums are computed."""
    return _REAL.get(result, DOUBLE)


def exact(array: np.ndarray) -> np.ndarray:
    """In float64 or complex128."""
    return array.astype("c16" if array.dtype.kind == "c" else "f8")


def parts(array: np.ndarray) -> list[np.ndarray]:
    """The array, or its real and imaginary parts."""
    return [array.real, array.imag] if array.dtype.kind == "c" else [array]
