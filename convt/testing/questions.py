"""All that a backend is asked about arrays that it computes with, in order, by topic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ..backend import Problem
from .checks import Examiner
from .constant import check_constant
from .problems import all_problems, make_problem
from .sampling import check_pooling, check_upsampling, poolings, upsamplings
from .values import check_hot_elements, check_nonfinite, check_nonfinite_data, check_values

__all__ = ["Question", "questions"]


class Question(NamedTuple):
    """One problem, and what is asked about it.

    Attributes
    ----------
    topic : str
        As `convt.testing.check_backend` lists them.
    subject : str
        What is special about it, for messages.
    problem : Problem
    ask : callable
        Takes an `Examiner` and the problem; an AssertionError says what is wrong.
    """

    topic: str
    subject: str
    problem: Problem
    ask: Callable[[Examiner, Problem], None]


def questions(dtype: Any, *, quick: bool, seed: int) -> Iterator[Question]:
    """Every question about one dtype.

    Parameters
    ----------
    dtype : dtype
    quick : bool
        Fewer widths, fewer random problems, and fewer problems with many channels.
    seed : int
        For the random problems.

    Yields
    ------
    Question
    """
    for name, problem in all_problems(np.random.default_rng(seed), dtype, quick=quick):
        yield Question("maps", name, problem, Examiner.check_accuracy)
    general = [
        make_problem(11, 5, stride=2, crop=(1, 2), channels=(4, 6), groups=2, batch=2, dtype=dtype),
        make_problem((5, 7), 4, stride=2, crop=(1, 1), channels=(6, 4), batch=2, dtype=dtype),
        make_problem((5, 7), 3, crop=(1, 1), channels=(4, 4), groups=4, batch=2, dtype=dtype),
        make_problem((3, 4, 5), 3, stride=(2, 1, 2), crop=(1, 1), batch=2, dtype=dtype),
    ]
    complete = [  # no border: every position meets every tap
        make_problem(9, 3, stride=3, channels=(3, 4), batch=2, dtype=dtype),
        make_problem((5, 6), 2, stride=2, channels=(6, 4), groups=2, dtype=dtype),
        make_problem((5, 6), 1, channels=(6, 4), dtype=dtype),
    ]
    fast = [
        make_problem((12, 12), 3, crop=(1, 1), channels=(64, 64), dtype=dtype),
        make_problem((9, 12), 4, stride=2, crop=(1, 1), channels=(64, 64), dtype=dtype),
    ]
    several = [*general, *complete]
    few = [general[1], general[3], complete[1]] if quick else several
    for problem in several:
        yield Question("values", "", problem, check_values)
    for problem in general:
        yield Question("values", "NaN and infinity", problem, check_nonfinite_data)
    for problem in complete:
        yield Question("values", "NaN and infinity", problem, check_nonfinite)
    for problem in general:
        yield Question("not finite", "NaN and infinity", problem, check_nonfinite)
    for problem in [*few, *fast[: 1 if quick else None]]:
        yield Question("hot elements", "", problem, check_hot_elements)
    for problem in few:
        yield Question("memory", "arrays in memory", problem, Examiner.check_memory)
    shared = make_problem((6, 7), 1, channels=(3, 3), dtype=dtype)
    yield Question("memory", "one array as both inputs", shared, Examiner.check_shared_input)
    for problem in several:
        yield Question("threads", "calls from several threads", problem, Examiner.check_threads)
    for problem in [*few, *fast[1 if quick else 0 :]]:
        yield Question("constant filters", "constant filters", problem, check_constant)
    for problem in upsamplings(dtype):
        yield Question("sampling", "upsampling", problem, check_upsampling)
    for problem in poolings(dtype):
        yield Question("sampling", "pooling", problem, check_pooling)
