"""Answers: what a call must give, and how near it must come, by convt's one bound of errors.

An answer has one part, or two for complex numbers: float64 values, each with its bound (`convt.testing.bounds`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from convt.testing.bounds import TOLERANCE, bound, judge

from . import definition
from .geometry import Geometry
from .types import computed_in, parts

Part = tuple[np.ndarray, np.ndarray]
_NARROW = np.dtype("f2")


@dataclass
class Answer:
    """What one result must be.

    Attributes
    ----------
    parts : list of (ndarray, ndarray)
        Exact values and their bounds; a bound of 0 for what must be equal.
    dtype : dtype
        Of the result.
    terms : int
        How many products are summed.
    overflows : bool
        Whether sums near the type's largest number may have overflowed; such elements may be anything.
    order : str
        "C" or "F" where the result must lie so in memory, else "".
    """

    parts: list[Part]
    dtype: np.dtype
    terms: int = 1
    overflows: bool = False
    order: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        return self.parts[0][0].shape

    def viewed(self, view: Callable[[np.ndarray], np.ndarray]) -> Answer:
        """The same with axes of the caller's."""
        return Answer(
            [(view(want), view(limit)) for want, limit in self.parts], self.dtype, self.terms, self.overflows, self.order
        )

    def wrong(self, got: Any) -> str | None:
        """What is wrong with a result; None if nothing is."""
        if not isinstance(got, np.ndarray):
            return f"is a {type(got).__name__}"
        if got.shape != self.shape:
            return f"has the shape {got.shape} instead of {self.shape}"
        if got.dtype.newbyteorder("=") != self.dtype:
            return f"has the dtype {got.dtype} instead of {self.dtype}"
        if self.order == "F" and not got.flags.f_contiguous:
            return f"is not in Fortran order, but has strides {got.strides}"
        if self.order == "C" and not got.flags.c_contiguous:
            return f"is not in C order, but has strides {got.strides}"
        some = parts(got) if self.dtype.kind == "c" else [got]
        for name, part, (want, limit) in zip(("", "its imaginary part "), some, self.parts, strict=False):
            words = self._wrong_values(part, want, limit)
            if words:
                return name + words
        return None

    def _wrong_values(self, got: np.ndarray, want: np.ndarray, limit: np.ndarray) -> str:
        if self.dtype.kind in "iub":
            different = got != want
            if not different.any():
                return ""
            at = tuple(map(int, np.argwhere(different)[0]))
            return (
                f"wrong at {int(different.sum())} of {got.size} elements, first at {at}: got {got[at]}, expected {want[at]}"
            )
        compute = computed_in(self.dtype)
        if got.dtype.newbyteorder("=") == _NARROW:
            got = self._widened(got, want, limit)
        with np.errstate(all="ignore"):
            got = got.astype(compute)
        if self.overflows:
            free = ~(limit < float(np.finfo(compute).max) / 8)
            got, limit = np.where(free, want, got).astype(compute), np.where(free, 0.0, limit)
            want = np.where(free, got, want)
        return judge(got, want, limit, terms=self.terms).words

    def _widened(self, got: np.ndarray, want: np.ndarray, limit: np.ndarray) -> np.ndarray:
        """With the exact value wherever rounding something near enough to it gives the result."""
        with np.errstate(all="ignore"):
            slack = TOLERANCE * float(np.finfo("f4").eps) * limit + self.terms * float(np.finfo("f4").smallest_subnormal)
            low, high = ((want + sign * slack).astype(_NARROW) for sign in (-1, 1))
            return np.where((low <= got) & (got <= high), want, got)


def linear(
    operation: str,
    g: Geometry,
    left: np.ndarray,
    right: np.ndarray,
    bias: np.ndarray | None = None,
    *,
    dtype: np.dtype,
    exact: bool,
    overflows: bool = False,
) -> Answer:
    """A map of two arrays, by real and imaginary parts where they are complex."""
    lefts, rights = parts(left), parts(right)
    biases = [] if bias is None else parts(bias)
    found: list[Part] = []
    for imaginary in range(2 if dtype.kind == "c" else 1):
        shape = g.shape(definition.OUTPUT[operation])
        want, limit = np.zeros(shape), np.zeros(shape)
        for i, j in ((0, imaginary), (1, 1 - imaginary)):
            if i < len(lefts) and j < len(rights):
                product = definition.apply(operation, g, lefts[i], rights[j])
                want = want + (-product if i == j == 1 else product)
                if g.batch:
                    limit = limit + bound(operation, g.problem(), lefts[i], rights[j])
        if imaginary < len(biases):
            one = biases[imaginary].reshape(-1, *[1] * g.axes)
            want, limit = want + one, limit + abs(one)
        found.append((want, 0 * np.nan_to_num(limit) if exact else limit))
    return Answer(found, dtype, definition.terms(operation, g) * len(found), overflows)


def channel_sums(g: Geometry, array: np.ndarray, *, dtype: np.dtype, exact: bool, overflows: bool = False) -> Answer:
    """The gradient of a bias."""
    found = []
    for part in parts(array):
        limit = definition.sums(abs(part))
        found.append((definition.sums(part), 0 * np.nan_to_num(limit) if exact else limit))
    while len(found) < (2 if dtype.kind == "c" else 1):
        found.append((np.zeros_like(found[0][0]), np.zeros_like(found[0][0])))
    return Answer(found, dtype, max(1, array.size), overflows)


def equal(want: np.ndarray, dtype: np.dtype) -> Answer:
    """What is moved, and must be the same."""
    return Answer([(part, np.zeros(want.shape)) for part in parts(want)], dtype)
