"""Questions about upsampling and pooling.

`naive_sampling.py` says what is right. There a map and its backward follow from one list of meetings, so that what agrees
with both is adjoint.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ..backend import BackendUnavailable, Problem
from . import bounds, naive_sampling
from .checks import Examiner, refusal
from .memory import FORMS, Form, Window
from .problems import make_problem

__all__ = ["check_pooling", "check_sampling", "check_upsampling", "poolings", "upsamplings"]

Array = np.ndarray[Any, np.dtype[Any]]

_MODES = (("nearest", False), ("bed_of_nails", False), ("bilinear", False), ("bilinear", True))
_PLAIN = Form("C order")


def check_sampling(examiner: Examiner, dtype: Any) -> None:
    """Ask all about upsampling and pooling."""
    for ask, problems in ((check_upsampling, upsamplings(dtype)), (check_pooling, poolings(dtype))):
        for problem in problems:
            if refusal(examiner.backend, problem) is None:
                ask(examiner, problem)


def upsamplings(dtype: Any) -> list[Problem]:
    """Sizes and scales along one, two and three axes."""
    sizes: list[tuple[Any, Any]] = [
        ((7,), 2), ((1,), 5), ((2,), 3), ((70,), 4), ((5, 7), 2), ((5, 7), (1, 3)), ((4, 33), (3, 1)), ((3, 20), 4),
        ((1, 1), 2), ((2, 3, 5), 2), ((3, 2, 4), (1, 3, 2)),
    ]  # fmt: skip
    return [_channelwise(make_problem(size, scale, stride=scale, dtype=dtype)) for size, scale in sizes]


def poolings(dtype: Any) -> list[Problem]:
    """Windows that overlap, leave gaps, and lie across each border."""
    cases: list[tuple[Any, Any, Any, Any, Any]] = [
        ((9,), 2, 2, (0, 0), 0), ((9,), 3, 1, (1, 1), 0), ((40,), 5, 3, (4, 2), 1), ((4, 5), 2, 2, (0, 0), 1),
        ((4, 5), 3, 2, (1, 1), 0), ((5, 35), 3, 1, (1, 1), 0), ((3, 4), (2, 3), (3, 1), ((1, 0), (2, 1)), 0),
        ((2, 3, 4), 2, 2, (0, 0), 1), ((2, 3, 4), 3, 2, (1, 1), 1),
    ]  # fmt: skip
    return [
        _channelwise(make_problem(coarse, size, stride=stride, crop=crop, extra=extra, dtype=dtype))
        for coarse, size, stride, crop, extra in cases
    ]


def _channelwise(problem: Problem) -> Problem:
    return replace(problem, batch=2, groups=3, fine_channels=3, coarse_channels=3)


def check_upsampling(examiner: Examiner, problem: Problem) -> None:
    """Every mode of normal numbers in any memory, and of numbers among which one is not."""
    fine, coarse = (examiner.draw(shape, problem.dtype) for shape in (problem.fine_array_shape, problem.coarse_array_shape))
    for mode, corners in _MODES:
        where = f"upsampling, {mode}{', corners aligned' if corners else ''}"
        with examiner.about(where, problem):
            _check(examiner, "upsample", problem, (mode, corners), coarse, fine)
            _check(examiner, "upsample_backward", problem, (mode, corners), fine, coarse)
        for value in (np.nan, np.inf, -np.inf, 1e30):
            with examiner.about(f"{where}, an element of {value}", problem):
                _check(examiner, "upsample", problem, (mode, corners), _with(examiner, coarse, value), fine, (_PLAIN,))
                _check(
                    examiner, "upsample_backward", problem, (mode, corners), _with(examiner, fine, value), coarse, (_PLAIN,)
                )
        if mode != "bilinear":
            with examiner.about(f"{where}, any bits", problem):
                _check_bits(examiner, "upsample", problem, (mode, corners), _any_bits(examiner, coarse), fine)


def check_pooling(examiner: Examiner, problem: Problem) -> None:
    """Ties, NaN and infinity; indices that repeat, in any order, and outside; any bits."""
    fine = np.round(2 * examiner.draw(problem.fine_array_shape, problem.dtype))  # so that there are ties
    holes = fine.copy()
    holes.flat[:: max(2, fine.size // 5)] = np.nan
    holes.flat[1 :: max(3, fine.size // 7)] = -np.inf
    holes.flat[2 :: max(5, fine.size // 3)] = np.inf
    coarse = examiner.draw(problem.coarse_array_shape, problem.dtype)
    for subject, array in {
        "equal numbers": fine,
        "NaN and infinity": holes,
        "nothing above minus infinity": np.full_like(fine, -np.inf),
    }.items():
        with examiner.about(f"pooling, {subject}", problem):
            _check_max_pool(examiner, problem, array)
    _, indices = naive_sampling.max_pool(problem, fine)
    anywhere = examiner.rng.integers(0, prod(problem.fine_shape), coarse.shape)
    maps = (("max_pool_backward", coarse, fine), ("max_unpool", coarse, fine), ("max_unpool_backward", fine, coarse))
    for places in (indices, np.asarray(anywhere)):
        for name, array, like in maps:
            with examiner.about("pooling", problem):
                _check(examiner, name, problem, (), array, like, places=places)
            for value in (np.nan, 1e30):
                with examiner.about(f"pooling, an element of {value}", problem):
                    _check(examiner, name, problem, (), _with(examiner, array, value), like, (_PLAIN,), places)
        for name, array, like in maps:
            if name != "max_pool_backward":
                with examiner.about("pooling, any bits", problem):
                    _check_bits(examiner, name, problem, (), _any_bits(examiner, array), like, places)
    for wrong in (-1, prod(problem.fine_shape), -(2**63), 2**63 - 1):
        outside = indices.copy()
        outside.flat[-1] = wrong
        for name, array, like in maps:
            with examiner.about("pooling", problem):
                _check_outside(examiner, name, problem, array, outside, indices, like, wrong)


def _check(
    examiner: Examiner,
    name: str,
    problem: Problem,
    options: tuple[Any, ...],
    array: Array,
    like: Array,
    forms: tuple[Form, ...] = (_PLAIN, *FORMS),
    places: Array | None = None,
) -> None:
    """One map in every form of memory."""
    after = () if places is None else (places,)
    want = getattr(naive_sampling, name)(problem, *options, array, *after)
    limit = bounds.bound(name, problem, *options, array, *after)
    terms = 4 * prod(2 * scale for scale in problem.stride) if places is None else places.size
    for form in forms:
        answers = _ask(examiner, name, problem, [*options, array, *after], [like], form)
        if answers is None:
            return
        examiner.judge(f"{name} in {form.name}", problem, answers[0], want.astype(np.float64), limit, terms)


def _check_bits(
    examiner: Examiner,
    name: str,
    problem: Problem,
    options: tuple[Any, ...],
    array: Array,
    like: Array,
    places: Array | None = None,
) -> None:
    """What is only moved keeps all its bits, also those of integers that travel as floats."""
    after = () if places is None else (places,)
    answers = _ask(examiner, name, problem, [*options, array, *after], [like], _PLAIN)
    if answers is None:
        return
    numbers = np.arange(1.0, array.size + 1).reshape(array.shape)  # moved in place of the bits
    moved = getattr(naive_sampling, name)(problem, *options, numbers, *after).astype(int)
    whole = np.dtype(f"i{array.itemsize}")
    want = np.concatenate([np.zeros(1, whole), array.view(whole).ravel()])[moved]
    if (answers[0].view(whole) != want).any():
        examiner.fail(f"{name} does not keep all bits of what it moves")


def _check_max_pool(examiner: Examiner, problem: Problem, array: Array) -> None:
    want, indices = naive_sampling.max_pool(problem, array)
    for form in (_PLAIN, *FORMS):
        got = _ask(examiner, "max_pool", problem, [array], [want, indices], form)
        if got is None:
            return
        for what, found, right in zip(("values", "indices"), got, (want, indices), strict=True):
            wrong = ~((found == right) | (np.isnan(found) & np.isnan(right)))
            if wrong.any():
                at = tuple(map(int, np.argwhere(wrong)[0]))
                examiner.fail(
                    f"max_pool in {form.name}: {what} are wrong at {wrong.sum()} of {wrong.size} elements, first at {at}: "
                    f"got {found[at]!r}, expected {right[at]!r}"
                )


def _check_outside(
    examiner: Examiner,
    name: str,
    problem: Problem,
    array: Array,
    outside: Array,
    indices: Array,
    like: Array,
    wrong: int,
) -> None:
    """The function tells whether all indices are positions, as a bool."""
    for places, right in ((outside, False), (indices, True)):
        out = np.full_like(like, 7)
        try:
            told = examiner.call(name, problem, array, places, out)
        except BackendUnavailable:
            return
        if bool(told) is not right:
            examiner.fail(f"{name} does not tell whether an index is {wrong}: it returns {told!r} where {right} is right")
        if not right and examiner.on_device and (out != 7).any():
            examiner.fail(f"{name} writes before it has looked at all indices, of which one is {wrong}")


def _ask(
    examiner: Examiner, name: str, problem: Problem, inputs: list[Any], likes: list[Array], form: Form
) -> list[Array] | None:
    """What the backend writes, from and into arrays of that form; None where it refuses arrays on its device."""
    given = [_in_form(each, form) if isinstance(each, np.ndarray) else each for each in inputs]
    windows = [Window(like.shape, np.float64 if like.dtype == np.int64 else like.dtype, form) for like in likes]
    outputs = [window.array.view(like.dtype) for window, like in zip(windows, likes, strict=True)]
    try:
        with examiner.unchanged(name, *(each for each in given if isinstance(each, np.ndarray))):
            examiner.call(name, problem, *given, *outputs)
    except BackendUnavailable:
        return None
    answers = [np.ascontiguousarray(output) for output in outputs]
    if not all(window.surroundings_untouched() for window in windows):
        examiner.fail(f"{name} writes outside its output in {form.name}")
    return answers


def _in_form(array: Array, form: Form) -> Array:
    as_float = array.view(np.float64) if array.dtype == np.int64 else array
    window = Window(array.shape, as_float.dtype, form).array
    window[...] = as_float
    window.flags.writeable = False
    return window.view(array.dtype)


def _with(examiner: Examiner, array: Array, value: float) -> Array:
    """One element anywhere has this value."""
    changed = array.copy()
    changed.flat[examiner.rng.integers(array.size)] = value
    changed.flags.writeable = False
    return changed


def _any_bits(examiner: Examiner, like: Array) -> Array:
    """Of that shape and dtype, any bits."""
    return examiner.rng.integers(0, 256, like.nbytes, np.uint8).view(like.dtype).reshape(like.shape)
