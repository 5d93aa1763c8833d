"""The checks of a backend's own upsampling and pooling, for those of their members that it has.

The NumPy definitions say what is right; besides, each backward is the adjoint of its map by an inner product.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from ..core.problem import Problem
from ..numpy_backend import pooling as reference_pooling
from ..numpy_backend import upsampling as reference_upsampling
from .checks import Examiner, refusal
from .memory import FORMS, Form, Window
from .problems import make_problem

__all__ = ["check_sampling"]

Array = np.ndarray[Any, np.dtype[Any]]

_MODES = (("nearest", False), ("bed_of_nails", False), ("bilinear", False), ("bilinear", True))
_PLAIN = Form("C order")


def check_sampling(examiner: Examiner, dtype: Any) -> None:
    """Ask whatever the backend has of upsampling and pooling."""
    for problem in _upsamplings(dtype):
        if refusal(examiner.backend, problem) is None:
            with examiner.about("upsampling", problem):
                _check_upsampling(examiner, problem)
    for problem in _poolings(dtype):
        if refusal(examiner.backend, problem) is None:
            with examiner.about("pooling", problem):
                _check_pooling(examiner, problem)


def _upsamplings(dtype: Any) -> list[Problem]:
    sizes: list[tuple[Any, Any]] = [
        ((7,), 2), ((1,), 5), ((2,), 3), ((70,), 4), ((5, 7), 2), ((5, 7), (1, 3)), ((4, 33), (3, 1)), ((3, 20), 4),
        ((1, 1), 2), ((2, 3, 5), 2), ((3, 2, 4), (1, 3, 2)),
    ]  # fmt: skip
    return [_channelwise(make_problem(size, scale, stride=scale, dtype=dtype)) for size, scale in sizes]


def _poolings(dtype: Any) -> list[Problem]:
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


def _check_upsampling(examiner: Examiner, problem: Problem) -> None:
    coarse = examiner.draw(problem.coarse_array_shape, problem.dtype)
    fine = examiner.draw(problem.fine_array_shape, problem.dtype)
    for mode, corners in _MODES:
        answers = {}
        for name, array, like in (("upsample", coarse, fine), ("upsample_backward", fine, coarse)):
            define = getattr(reference_upsampling, name)
            want, magnitude = (np.empty(like.shape) for _ in range(2))
            define(problem, mode, corners, array.astype(np.float64), want)
            define(problem, mode, corners, abs(array.astype(np.float64)), magnitude)
            for form in (_PLAIN, *FORMS):
                got = _ask(examiner, name, problem, [mode, corners, array], [like], form)
                if got is None:
                    break
                examiner.judge(f"{name}, {mode}, in {form.name}", problem, got[0], want, magnitude, _terms(problem))
                answers[name] = got[0]
        if len(answers) == 2:
            _check_adjoint(examiner, f"upsample, {mode}", answers["upsample"], fine, answers["upsample_backward"], coarse)


def _check_pooling(examiner: Examiner, problem: Problem) -> None:
    fine = np.round(2 * examiner.draw(problem.fine_array_shape, problem.dtype))  # so that there are ties
    holes = fine.copy()
    holes.flat[:: max(2, fine.size // 5)] = np.nan
    holes.flat[1 :: max(3, fine.size // 7)] = -np.inf
    coarse = examiner.draw(problem.coarse_array_shape, problem.dtype)
    indices = np.empty(coarse.shape, np.int64)
    for array in (fine, holes, np.full_like(fine, -np.inf)):
        want = np.empty_like(coarse)
        reference_pooling.max_pool(problem, array, want, indices)
        for form in (_PLAIN, *FORMS):
            got = _ask(examiner, "max_pool", problem, [array], [coarse, indices], form)
            if got is not None and not (np.array_equal(got[0], want, equal_nan=True) and (got[1] == indices).all()):
                examiner.fail(f"max_pool is wrong in {form.name}")
    anywhere = np.abs(examiner.draw(coarse.shape, np.float64) * 1000).astype(np.int64) % prod(problem.fine_shape)
    maps = (("max_pool_backward", coarse, fine), ("max_unpool", coarse, fine), ("max_unpool_backward", fine, coarse))
    for places in (indices, anywhere):
        answers = {}
        for name, array, like in maps:
            exact, want = array.astype(np.float64), np.empty(like.shape)
            getattr(reference_pooling, name)(problem, exact, places, want)
            magnitude = np.empty(like.shape)
            getattr(reference_pooling, name)(problem, abs(exact), places, magnitude)
            for form in (_PLAIN, *FORMS):
                got = _ask(examiner, name, problem, [array, places], [like], form)
                if got is not None:
                    examiner.judge(f"{name} in {form.name}", problem, got[0], want, magnitude, places.size)
                    answers[name] = got[0]
        if {"max_unpool", "max_unpool_backward"} <= set(answers):
            _check_adjoint(examiner, "max_unpool", answers["max_unpool"], fine, answers["max_unpool_backward"], coarse)
    for wrong in (-1, prod(problem.fine_shape), -(2**63), 2**63 - 1):
        outside = indices.copy()
        outside.flat[-1] = wrong
        for name, array, like in maps:
            own = getattr(examiner.backend, name, None)
            if own is not None and (
                own(problem, array, outside, like.copy()) or not own(problem, array, indices, like.copy())
            ):
                examiner.fail(f"{name} does not tell whether an index is {wrong}")


def _ask(
    examiner: Examiner, name: str, problem: Problem, inputs: list[Any], likes: list[Array], form: Form
) -> list[Array] | None:
    """What the backend writes, from and into arrays of that form; None where it has no such member."""
    own = getattr(examiner.backend, name, None)
    if own is None:
        return None
    given = [_in_form(each, form) if isinstance(each, np.ndarray) else each for each in inputs]
    windows = [Window(like.shape, np.float64 if like.dtype == np.int64 else like.dtype, form) for like in likes]
    outputs = [window.array.view(like.dtype) for window, like in zip(windows, likes, strict=True)]
    before = [each.tobytes() for each in given if isinstance(each, np.ndarray)]
    own(problem, *given, *outputs)
    if before != [each.tobytes() for each in given if isinstance(each, np.ndarray)]:
        examiner.fail(f"{name} changes its input")
    answers = [np.ascontiguousarray(output) for output in outputs]
    if not all(window.surroundings_untouched() for window in windows):
        examiner.fail(f"{name} writes outside its output")
    return answers


def _in_form(array: Array, form: Form) -> Array:
    as_float = array.view(np.float64) if array.dtype == np.int64 else array
    window = Window(array.shape, as_float.dtype, form).array
    window[...] = as_float
    window.flags.writeable = False
    return window.view(array.dtype)


def _terms(problem: Problem) -> int:
    return 4 * prod(2 * scale for scale in problem.stride)


def _check_adjoint(examiner: Examiner, what: str, y: Array, dy: Array, dx: Array, x: Array) -> None:
    left, right = (float(np.vdot(a.astype(np.float64), b.astype(np.float64))) for a, b in ((y, dy), (x, dx)))
    scale = float(np.abs(y).astype(np.float64).ravel() @ np.abs(dy).astype(np.float64).ravel()) + abs(right)
    if abs(left - right) > 100 * float(np.finfo(x.dtype).eps) * scale:
        examiner.fail(f"the backward of {what} is not its adjoint: the inner products are {left} and {right}")
