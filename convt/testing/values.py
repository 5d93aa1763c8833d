"""Questions about numbers that are not normal: whole, tiny, huge, of many sizes, alone among others, and not finite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import Problem
from . import naive
from .checks import Examiner
from .naive import INPUTS

__all__ = ["check_hot_elements", "check_nonfinite", "check_nonfinite_data", "check_values"]

Array = np.ndarray[Any, np.dtype[Any]]


def check_values(examiner: Examiner, problem: Problem) -> None:
    """Whole numbers, whose results are exact; numbers of many sizes; denormal ones; an input of zeros."""
    with examiner.about("small integers", problem):
        arrays = _drawn(examiner, problem, _integers)
        for name, (left, right) in INPUTS.items():
            examiner.check_map(name, problem, arrays[left], arrays[right], exact=True)
    with examiner.about("numbers of many sizes", problem):
        arrays = _drawn(examiner, problem, _of_many_sizes)
        for name in INPUTS:
            _ask(examiner, name, problem, arrays)
    tiny = float(np.finfo(problem.dtype).tiny)
    for name, role in _ROLES:
        arrays = examiner.draw_all(problem)
        with examiner.about(f"denormal numbers in the {role} array", problem):
            _ask(examiner, name, problem, {**arrays, role: _frozen(arrays[role] * problem.dtype.type(tiny / 4))})
        with examiner.about(f"zeros in the {role} array", problem):
            _ask(examiner, name, problem, {**arrays, role: _frozen(np.zeros_like(arrays[role]))})


def check_hot_elements(examiner: Examiner, problem: Problem) -> None:
    """Huge elements and fill values in one input change only what reaches them."""
    for name, role in _ROLES:
        for value in (1e8, 1e30, -9999.0):
            with examiner.about(f"an element of {value:g} in the {role} array", problem):
                arrays = examiner.draw_all(problem)
                _ask(examiner, name, problem, {**arrays, role: _with_one(examiner, arrays[role], value)})
        with examiner.about(f"fill values of -9999 in the {role} array", problem):
            arrays = examiner.draw_all(problem)
            _ask(examiner, name, problem, {**arrays, role: _with_a_corner(examiner, arrays[role], -9999.0)})
    for name, channels in (("scatter", problem.fine_channels), ("gather", problem.coarse_channels)):
        with examiner.about("an element of 1e+30 in the bias", problem):
            arrays = examiner.draw_all(problem)
            bias = _with_one(examiner, examiner.draw((channels,), problem.dtype), 1e30)
            _ask(examiner, name, problem, arrays, bias)


def check_nonfinite(examiner: Examiner, problem: Problem) -> None:
    """NaN and infinity in one input of a map reach exactly what the definition says, also through zeros."""
    for name, role in _ROLES:
        _check_nonfinite(examiner, problem, name, role)


def check_nonfinite_data(examiner: Examiner, problem: Problem) -> None:
    """The same where it makes no difference whether a backend skips what lies outside of an array, or takes it as zero."""
    for name, role in (("scatter", "coarse"), ("gather", "fine")):
        _check_nonfinite(examiner, problem, name, role)


def _check_nonfinite(examiner: Examiner, problem: Problem, name: str, role: str) -> None:
    for value in (np.inf, -np.inf, np.nan):
        with examiner.about(f"{value} in the {role} array", problem):
            arrays = {each: _with_zeros(examiner, array) for each, array in examiner.draw_all(problem).items()}
            _ask(examiner, name, problem, {**arrays, role: _with_one(examiner, arrays[role], value)})


_ROLES = [(name, role) for name, roles in INPUTS.items() for role in roles]


def _ask(examiner: Examiner, name: str, problem: Problem, arrays: dict[str, Array], bias: Array | None = None) -> None:
    left, right = INPUTS[name]
    examiner.check_result(name, problem, arrays[left], arrays[right], bias)


def _drawn(
    examiner: Examiner, problem: Problem, draw: Callable[[np.random.Generator, tuple[int, ...]], Array]
) -> dict[str, Array]:
    """A fine, a coarse and a kernel array."""
    shapes = {role: naive.array_shape(problem, role) for role in ("fine", "coarse", "kernel")}
    return {role: _frozen(draw(examiner.rng, shape).astype(problem.dtype)) for role, shape in shapes.items()}


def _integers(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(-8, 8, shape, endpoint=True).astype(np.float64)


def _of_many_sizes(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    sizes: Array = rng.standard_normal(shape) * 2.0 ** rng.integers(-30, 30, shape)
    return sizes


def _with_one(examiner: Examiner, array: Array, value: float) -> Array:
    """One element anywhere has this value."""
    changed = array.copy()
    changed.flat[examiner.rng.integers(array.size)] = value
    return _frozen(changed)


def _with_a_corner(examiner: Examiner, array: Array, value: float) -> Array:
    """A corner of one image or filter, in all its channels, as where a satellite's picture has no data."""
    changed = array.copy()
    corner: Any = tuple(slice(0, (size + 2) // 3) for size in array.shape[2:])
    changed[(int(examiner.rng.integers(len(array))), slice(None), *corner)] = value
    return _frozen(changed)


def _with_zeros(examiner: Examiner, array: Array) -> Array:
    """Three of ten elements are 0."""
    return _frozen(np.where(examiner.rng.random(array.shape) < 0.3, array.dtype.type(0), array))


def _frozen(array: Array) -> Array:
    array.flags.writeable = False
    return array
