"""Checks for others to run: `check_backend` is the conformance suite for backends, `gradcheck` judges gradients.

They need nothing but NumPy, so that a plugin can run them in its own tests::

    def test_my_backend():
        convt.testing.check_backend(my_package.backend)

Read `naive.py` and `naive_sampling.py` for the definitions that it compares with, `bounds.py` for how near a result must be,
`questions.py` for what it asks, `checks.py` for how it asks; `gradients.py` for the central differences.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..registry import registry
from .bounds import TOLERANCE
from .checks import Examiner, check_members, refusal
from .gradients import GradientReport, gradcheck
from .problems import make_problem, random_problem
from .questions import questions

__all__ = ["TOPICS", "GradientReport", "Report", "check_backend", "gradcheck", "make_problem", "random_problem"]

TOPICS = ("maps", "values", "hot elements", "memory", "threads", "sampling")


@dataclass(frozen=True)
class Report:
    """What `check_backend` found.

    Attributes
    ----------
    backend : str
    checked : int
        Questions that the backend answered rightly, each about one problem.
    refused : dict of str to int
        How many questions the backend did not want to answer, by its reason.
    largest_error : dict of str to float
        Per dtype, the largest error in units of eps of the bound: the smallest `tolerance` that would have passed.
    """

    backend: str
    checked: int
    refused: dict[str, int]
    largest_error: dict[str, float]


def check_backend(
    backend: Any,
    *,
    quick: bool = False,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    topics: Collection[str] = TOPICS,
) -> Report:
    """Check that a backend keeps the contract of `convt.backend`.

    Compared with naive float64 definitions, in float32 and float64, are by topic

    - "maps": the three maps, with and without bias, and the sums of channels; over one, two and three axes, strides,
      dilations, crops of either sign, groups, and problems drawn at random; the same bits when called again, and the
      trilinear identity;
    - "values": small whole numbers, whose results must be exact, denormal numbers, zeros, numbers of many sizes, infinity
      and NaN;
    - "hot elements": single elements of 1e8, 1e30 and -9999 among normal numbers, and fill values. They change what they
      reach, and nothing else;
    - "memory": inputs and outputs of any strides; read-only and unchanged inputs, nothing written outside the output;
    - "threads": the same bits from concurrent calls;
    - "sampling": upsampling and pooling, for those of their members that the backend has.

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
        Allowed error c, where each element may be off by ``c * eps`` of its bound; see `convt.testing.bounds`. Sums in the
        problem's type, in whatever order, stay well below the default.
    topics : collection of str
        Which of these to ask.

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
    ValueError
        There is no such topic, or none is given.

    Examples
    --------
    >>> from convt.testing import check_backend
    >>> report = check_backend("numpy", quick=True)
    >>> report.checked > 100, report.refused
    (True, {})
    """
    if isinstance(topics, str) or not topics or set(topics) - set(TOPICS):
        raise ValueError(f"topics must be some of {', '.join(map(repr, TOPICS))}, got {topics!r}")
    if isinstance(backend, str):
        backend = registry().get(backend)
    check_members(backend)
    examiner = Examiner(backend, np.random.default_rng(seed), tolerance)
    checked, refused = 0, dict[str, int]()
    with np.errstate(all="ignore"):
        for dtype in (np.float32, np.float64):
            for topic, subject, problem, ask in questions(dtype, quick=quick, seed=seed):
                if topic not in topics:
                    continue
                reason = refusal(backend, problem)
                if reason is not None:
                    refused[reason] = refused.get(reason, 0) + 1
                    continue
                with examiner.about(subject, problem):
                    ask(examiner, problem)
                checked += 1
    if not checked:
        raise AssertionError(f"backend {backend.name!r} refuses every problem: {', '.join(refused)}")
    return Report(backend.name, checked, refused, examiner.largest)
