"""Geometry: which elements of x and y meet, from the shapes and options alone. Nothing is drawn here.

Per axis there is one rule, ``fine = coarse * stride - before + tap * dilation``; a transposed convolution goes from coarse
to fine, a convolution from fine to coarse.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from string import ascii_letters
from typing import Any, Literal, TypeAlias, cast, get_args

import numpy as np

from ..core.arguments import as_flag, as_padding, as_sizes
from ..core.problem import Problem, conv_problem, conv_transpose_problem

__all__ = ["Arithmetic", "Follow", "Index", "View", "accept", "accept_position", "check_size"]

Index: TypeAlias = tuple[int, ...]
Follow: TypeAlias = Literal["output", "input"]

LARGEST = 40  # elements along an axis that can still be told apart


@dataclass(frozen=True)
class View:
    """What one picture shows: an element of x or y, and the elements of the other that it meets.

    Attributes
    ----------
    follow : {"output", "input"}
        Whether the one element is of y or of x.
    position : tuple of int
        The one element.
    partners : dict of tuple of int to str
        The elements that it meets, with the letter of the tap that joins them.
    outside : dict of tuple of int to str
        Those that it meets beyond the border: zeros of the padding, or what is cropped.
    taps : frozenset of tuple of int
        The taps between it and its partners.
    """

    follow: Follow
    position: Index
    partners: dict[Index, str]
    outside: dict[Index, str]
    taps: frozenset[Index]


@dataclass(frozen=True)
class Arithmetic:
    """The geometry of one call.

    Attributes
    ----------
    problem : Problem
        With one image and one channel.
    transposed : bool
    options : dict of str to object
        As the caller gave them, for the caption.
    """

    problem: Problem
    transposed: bool
    options: dict[str, Any]

    @property
    def x_shape(self) -> Index:
        """The input's spatial shape."""
        return self.problem.coarse_shape if self.transposed else self.problem.fine_shape

    @property
    def y_shape(self) -> Index:
        """The output's spatial shape."""
        return self.problem.fine_shape if self.transposed else self.problem.coarse_shape

    @property
    def w_shape(self) -> Index:
        """The filter's spatial shape."""
        return self.problem.kernel_shape

    @cached_property
    def reach(self) -> list[range]:
        """Per axis, the fine indices that filters touch, also beyond the border."""
        spans = []
        for axis, fine in enumerate(self.problem.fine_shape):
            touched = [self._fine(axis, q, t) for q in self._ends(axis, "coarse") for t in self._ends(axis, "kernel")]
            spans.append(range(min(0, *touched), max(fine - 1, *touched) + 1))
        return spans

    def letter(self, tap: Index) -> str:
        """The name of a tap."""
        number = int(np.ravel_multi_index(tap, self.w_shape))
        return ascii_letters[number] if np.prod(self.w_shape) <= len(ascii_letters) else str(number)

    def meets(self, index: Index, *, fine: bool) -> list[tuple[Index, Index]]:
        """The (partner, tap) pairs of an element of the fine or the coarse array, also those beyond the border."""
        along = self._coarse_partners if fine else self._fine_partners
        pairs = product(*(along(axis, place) for axis, place in enumerate(index)))
        return [(tuple(p for p, _ in pair), tuple(t for _, t in pair)) for pair in pairs]

    def view(self, position: Index, follow: Follow) -> View:
        """What the picture of one element shows."""
        shape = self.x_shape if follow == "output" else self.y_shape
        partners: dict[Index, str] = {}
        outside: dict[Index, str] = {}
        taps = set()
        for partner, tap in self.meets(position, fine=self.transposed == (follow == "output")):
            inside = all(0 <= place < size for place, size in zip(partner, shape, strict=True))
            (partners if inside else outside)[partner] = self.letter(tap)
            if inside:
                taps.add(tap)
        return View(follow, position, partners, outside, frozenset(taps))

    def positions(self, follow: Follow) -> list[Index]:
        """All indices of y or of x, row by row."""
        return list(np.ndindex(self.y_shape if follow == "output" else self.x_shape))

    def telling(self, follow: Follow) -> Index:
        """The element that meets the most; of several, the one closest to the middle."""
        positions = self.positions(follow)
        middle = (np.array(positions[-1]) - 0.25) / 2  # of two in the middle, the first
        return min(positions, key=lambda each: (-len(self.view(each, follow).partners), float(np.sum((each - middle) ** 2))))

    def _ends(self, axis: int, side: str) -> tuple[int, int]:
        return 0, getattr(self.problem, f"{side}_shape")[axis] - 1

    def _fine(self, axis: int, coarse: int, tap: int) -> int:
        problem = self.problem
        return coarse * problem.stride[axis] - problem.padding[axis] + tap * problem.dilation[axis]

    def _fine_partners(self, axis: int, coarse: int) -> list[tuple[int, int]]:
        return [(self._fine(axis, coarse, tap), tap) for tap in range(self.w_shape[axis])]

    def _coarse_partners(self, axis: int, fine: int) -> list[tuple[int, int]]:
        found = []
        for tap in range(self.w_shape[axis]):
            coarse, rest = divmod(fine - self._fine(axis, 0, tap), self.problem.stride[axis])
            if not rest and 0 <= coarse < self.problem.coarse_shape[axis]:
                found.append((coarse, tap))
        return found


def accept(
    x_shape: Any, w_shape: Any, *, stride: Any, padding: Any, dilation: Any, output_padding: Any, transposed: bool
) -> Arithmetic:
    """The geometry of spatial shapes and options, checked by the operators' own rules."""
    transposed = as_flag("transposed", transposed)
    x, w = _spatial("x_shape", x_shape), _spatial("w_shape", w_shape)
    if len(x) != len(w):
        raise ValueError(f"w_shape must have as many axes as x_shape ({len(x)}), got {w}")
    for name, shape in (("x_shape", x), ("w_shape", w)):
        check_size(name, shape)
    options: dict[str, Any] = {
        "stride": as_sizes("stride", stride),
        "padding": as_padding(padding),
        "dilation": as_sizes("dilation", dilation),
    }
    extra = as_sizes("output_padding", output_padding)
    if transposed:
        options["output_padding"] = extra
        problem = conv_transpose_problem((1, 1, *x), (1, 1, *w), **options)
    elif extra not in (0, (0,) * len(x)):
        raise ValueError(f"output_padding must be 0 unless transposed, got {output_padding}")
    else:
        problem = conv_problem((1, 1, *x), (1, 1, *w), **options)
    arithmetic = Arithmetic(problem, transposed, options)
    check_size("y's shape", arithmetic.y_shape)
    check_size("what the filters touch", tuple(map(len, arithmetic.reach)))
    return arithmetic


def accept_position(arithmetic: Arithmetic, position: Any, follow: Any) -> tuple[Index, Follow]:
    """Check position and follow; by default the element that meets the most."""
    if not isinstance(follow, str) or follow not in get_args(Follow):
        raise ValueError(f"follow must be 'output' or 'input', got {follow!r}")
    side = cast(Follow, follow)
    if position is None:
        return arithmetic.telling(side), side
    given = as_sizes("position", position)
    index = given if isinstance(given, tuple) else (given,)
    name, shape = ("y", arithmetic.y_shape) if follow == "output" else ("x", arithmetic.x_shape)
    if len(index) != len(shape) or not all(0 <= place < size for place, size in zip(index, shape, strict=True)):
        raise ValueError(f"position must lie in {name}'s shape {shape}, got {position!r}")
    return index, side


def _spatial(name: str, value: Any) -> Index:
    given = as_sizes(name, value)
    shape = given if isinstance(given, tuple) else (given,)
    if len(shape) not in (1, 2):
        raise ValueError(f"{name} must have 1 or 2 spatial axes and no others, got {shape}")
    return shape


def check_size(name: str, shape: Sequence[int]) -> None:
    """Raise if an axis has too many elements to be told apart in a picture."""
    if max(shape) > LARGEST:
        raise ValueError(f"{name} must have at most {LARGEST} elements along each axis to be drawn, got {tuple(shape)}")
