"""Checks for others to run: `check_backend` is the conformance suite for backends, `gradcheck` judges gradients.

They need nothing but NumPy, so that a plugin can run them in its own tests::

    def test_my_backend():
        convt.testing.check_backend(my_package.backend)

Read `naive.py` and `naive_sampling.py` for the definitions that it compares with, `bounds.py` for how near a result must be,
`questions.py` for what it asks, `checks.py` for how it asks; `gradients.py` for the central differences.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Backend, DeviceBackend
from ..registry import registry
from .bounds import TOLERANCE
from .checks import Examiner, check_members, refusal
from .device import DeviceExaminer
from .device_memory import check_device_memory, check_repeats, check_sampling_memory
from .gradients import GradientReport, gradcheck
from .problems import make_problem, random_problem
from .questions import Question, questions

__all__ = ["TOPICS", "GradientReport", "Report", "check_backend", "gradcheck", "make_problem", "random_problem"]

TOPICS = ("maps", "values", "hot elements", "not finite", "memory", "threads", "constant filters", "sampling", "device")


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
        Per dtype, the largest error in units of eps of the bound: the smallest ``tolerance`` that would have passed.
    """

    backend: str
    checked: int
    refused: dict[str, int]
    largest_error: dict[str, float]


def check_backend(
    backend: str | Backend,
    *,
    quick: bool = False,
    seed: int = 0,
    tolerance: float = TOLERANCE,
    topics: Collection[str] = TOPICS,
    kinds: Sequence[Callable[[np.ndarray], Any]] = (),
) -> Report:
    """Check that a backend keeps the contract of `convt.backend`.

    Compared with naive float64 definitions, in float32 and float64, are by topic

    - "maps": the three maps, with and without bias, and the sums of channels; over one, two and three axes, strides,
      dilations, crops of either sign, groups, and problems drawn at random; the same bits when called again, and the
      trilinear identity;
    - "values": small whole numbers, whose results must be exact, denormal numbers, zeros, numbers of many sizes; infinity
      and NaN, where it makes no difference whether a backend skips what lies outside of an array, or multiplies it as zero;
    - "hot elements": single elements of 1e8, 1e30 and -9999 among normal numbers, and fill values. They change what they
      reach, and nothing else;
    - "not finite": the same of infinity and NaN, at borders too, where a tap meets nothing;
    - "memory": inputs and outputs of any strides; read-only and unchanged inputs, nothing written outside the output; arrays
      beside pages that nobody may read, where a step outside ends the process, in a call that `faulthandler` tells;
    - "threads": the same bits from concurrent calls;
    - "constant filters": what is kept for them by `convt.backend.kept` does not show in results;
    - "sampling": upsampling and pooling;
    - "device", of a backend with memory of its own: copies are copies, and views are views; new arrays, types in memory, the
      callers' kinds of array; what is kept of a call gives the same bits as the call.

    What is asked about NumPy arrays is then asked about arrays on the backend's device, too, where indices must be looked at
    before anything is written.

    Problems for which ``why_not`` gives a reason are left out and counted.

    Parameters
    ----------
    backend : str or Backend
        A registered name, or the object.
    quick : bool
        Fewer problems: about 3 seconds instead of 6 for NumPy. On a device, questions are the quick ones in any case.
    seed : int
        For the random problems and numbers.
    tolerance : float
        Allowed error c, where each element may be off by ``c * eps`` of its bound; see `convt.testing.bounds`. Sums in the
        problem's type, in whatever order, stay well below the default.
    topics : collection of str
        Which of these to ask.
    kinds : sequence of functions
        Each makes an array on the device, of a kind that callers have, from a NumPy array; the backend's own kind is asked
        in any case.

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
    backend = check_members(backend)
    examiner = Examiner(backend, np.random.default_rng(seed), tolerance)
    on_device = DeviceExaminer(backend, np.random.default_rng(seed), tolerance)
    refused: dict[str, int] = {}
    checked = 0
    with np.errstate(all="ignore"):
        for dtype in (np.float32, np.float64):
            for each in questions(dtype, quick=quick, seed=seed):
                if each.topic in topics:
                    checked += _ask(examiner, each, refused)
            if not isinstance(backend, DeviceBackend):
                continue
            if "device" in topics:
                check_device_memory(on_device, dtype, kinds)
                check_repeats(on_device, dtype, kinds)
            for each in questions(dtype, quick=True, seed=seed):
                if each.topic in topics or ("device" in topics and each.topic == "sampling"):
                    checked += _ask(on_device, each, refused)
            if "device" in topics and on_device.samples:
                check_sampling_memory(on_device, dtype)
    if refused and not checked:
        raise AssertionError(f"backend {backend.name!r} refuses every problem: {', '.join(refused)}")
    both = (examiner.largest, on_device.largest)
    largest = {name: max(each.get(name, 0.0) for each in both) for name in both[0] | both[1]}
    return Report(backend.name, checked, refused, largest)


def _ask(examiner: Examiner, question: Question, refused: dict[str, int]) -> bool:
    """Whether the question was answered rightly; if it is refused, that is counted by the reason."""
    reason = refusal(examiner.backend, question.problem)
    if reason is not None:
        refused[reason] = refused.get(reason, 0) + 1
        return False
    with examiner.about(question.subject, question.problem):
        question.ask(examiner, question.problem)
    return True
