"""Checks for others to run: `check_backend` is the conformance suite for backends, `gradcheck` judges gradients.

They need nothing but NumPy, so that a plugin can run them in its own tests::

    def test_my_backend():
        convt.testing.check_backend(my_package.backend)

Read `naive.py` for the definition that it compares with, `problems.py` for what it asks, `checks.py` for how it judges;
`gradients.py` for the central differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Backend
from ..registry import registry
from .checks import Examiner, check_members, refusal
from .gradients import GradientReport, gradcheck
from .naive import INPUTS
from .problems import all_problems, make_problem, random_problem
from .sampling import check_sampling

__all__ = ["GradientReport", "Report", "check_backend", "gradcheck", "make_problem", "random_problem"]


@dataclass(frozen=True)
class Report:
    """What `check_backend` found.

    Attributes
    ----------
    backend : str
    checked : int
        Problems whose results are right.
    refused : dict of str to int
        How many problems the backend did not want to do, by its reason.
    largest_error : dict of str to float
        Per dtype, the largest error relative to the sum of the magnitudes of the products.
    """

    backend: str
    checked: int
    refused: dict[str, int]
    largest_error: dict[str, float]


def check_backend(backend: str | Backend, *, quick: bool = False, seed: int = 0, tolerance: float = 4.0) -> Report:
    """Check that a backend keeps the contract of `convt.backend`.

    Compared with a naive float64 reference are the three maps in float32 and float64, with and without bias, over one,
    two and three axes, strides, dilations, crops of either sign, groups, and problems drawn at random. Furthermore: inputs
    and outputs of any strides, read-only and unchanged inputs, nothing written outside the output, NaN and infinity, the
    trilinear identity, and the same bits from repeated and from concurrent calls.

    Upsampling and pooling, for those of their members that a backend has, are compared with their definitions in NumPy.

    Problems for which ``why_not`` gives a reason are left out and counted.

    Parameters
    ----------
    backend : str or Backend
        A registered name, or the object.
    quick : bool
        About 2 seconds instead of 15.
    seed : int
        For the random problems and numbers.
    tolerance : float
        Allowed error in units of ``eps * sqrt(terms) * sum(|a| * |b|)``. Exact summation, in whatever order, stays well
        below the default.

    Returns
    -------
    Report

    Raises
    ------
    AssertionError
        The backend breaks the contract, or refuses every problem. The message names the backend, the problem, the map, the
        dtype, the largest error and where it is.
    LookupError, BackendUnavailable
        The name is not registered, or cannot be used.

    Notes
    -----
    NaN and infinity are asked where it makes no difference whether a backend skips what lies outside of an array, or
    multiplies it as zero.

    Examples
    --------
    >>> from convt.testing import check_backend
    >>> report = check_backend("numpy", quick=True)
    >>> report.checked > 100, report.refused
    (True, {})
    """
    if isinstance(backend, str):
        backend = registry().get(backend)
    check_members(backend)
    examiner = Examiner(backend, np.random.default_rng(seed), tolerance)
    checked, refused = 0, dict[str, int]()
    with np.errstate(all="ignore"):
        for dtype in (np.float32, np.float64):
            for name, problem in all_problems(np.random.default_rng(seed), dtype, quick=quick):
                reason = refusal(backend, problem)
                if reason is not None:
                    refused[reason] = refused.get(reason, 0) + 1
                    continue
                with examiner.about(name, problem):
                    examiner.check_accuracy(problem)
                checked += 1
            _check_a_few(examiner, dtype)
            check_sampling(examiner, dtype)
    if not checked:
        raise AssertionError(f"backend {backend.name!r} refuses every problem: {', '.join(refused)}")
    return Report(backend.name, checked, refused, examiner.largest)


def _check_a_few(examiner: Examiner, dtype: Any) -> None:
    """What need not be asked of every problem."""

    def wanted(*problems: Any) -> Any:
        return [problem for problem in problems if refusal(examiner.backend, problem) is None]

    general = wanted(
        make_problem(11, 5, stride=2, crop=(1, 2), channels=(4, 6), groups=2, batch=2, dtype=dtype),
        make_problem((5, 7), 4, stride=2, crop=(1, 1), channels=(6, 4), batch=2, dtype=dtype),
        make_problem((5, 7), 3, crop=(1, 1), channels=(4, 4), groups=4, batch=2, dtype=dtype),
        make_problem((3, 4, 5), 3, stride=(2, 1, 2), crop=(1, 1), batch=2, dtype=dtype),
    )
    complete = wanted(
        make_problem(9, 3, stride=3, channels=(3, 4), batch=2, dtype=dtype),
        make_problem((5, 6), 2, stride=2, channels=(6, 4), groups=2, dtype=dtype),
        make_problem((5, 6), 1, channels=(6, 4), dtype=dtype),
    )
    for problem in general + complete:
        with examiner.about("arrays in memory", problem):
            examiner.check_memory(problem)
    for problem in general:
        with examiner.about("NaN and infinity", problem):
            examiner.check_nonfinite(problem, (("scatter", "coarse"), ("gather", "fine")))
    for problem in complete:
        with examiner.about("NaN and infinity", problem):
            examiner.check_nonfinite(problem, tuple((name, role) for name, roles in INPUTS.items() for role in roles))
    for problem in wanted(make_problem((6, 7), 1, channels=(3, 3), dtype=dtype)):
        with examiner.about("one array as both inputs", problem):
            examiner.check_shared_input(problem)
    examiner.check_threads(general + complete)
