"""The checks behind `check_backend`, each a method of `Examiner`.

`Examiner.ask` hands one map to the backend and `Examiner.judge` compares with `naive.py`; everything else decides which
questions to ask. Tolerances follow from rounding alone: a sum of n products, computed in any order, is off by about
``eps * sqrt(n)`` of the sum of the products' magnitudes.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import sqrt
from typing import Any, NoReturn

import numpy as np

from ..adapter import missing_members
from ..core.problem import Problem
from . import naive
from .memory import FORMS, Form, Window
from .naive import INPUTS, OUTPUT

__all__ = ["Examiner"]

Array = np.ndarray[Any, np.dtype[Any]]


class Examiner:
    """Asks one backend and keeps count.

    Parameters
    ----------
    backend : Backend
    rng : numpy.random.Generator
    tolerance : float
        Allowed error in units of ``eps * sqrt(terms) * sum(|a| * |b|)``.

    Attributes
    ----------
    largest : dict of str to float
        Per dtype the largest error found, relative to ``sum(|a| * |b|)``.
    """

    def __init__(self, backend: Any, rng: np.random.Generator, tolerance: float) -> None:
        self.backend = backend
        self.largest: dict[str, float] = {}
        self._rng = rng
        self._tolerance = tolerance
        self._subject = ""
        self._problem: Problem | None = None

    @contextmanager
    def about(self, subject: str, problem: Problem) -> Iterator[None]:
        """Failures inside name this subject and this problem."""
        self._subject, self._problem = subject, problem
        yield

    # What is asked of every problem.

    def check_accuracy(self, problem: Problem) -> None:
        """All three maps, and that they are adjoint."""
        arrays = self.draw_all(problem)
        results = {
            name: self.check_map(name, problem, arrays[left], arrays[right]) for name, (left, right) in INPUTS.items()
        }
        self._check_adjoint(problem, arrays, results)
        if hasattr(self.backend, "channel_sums"):
            self._check_channel_sums(problem, arrays["fine"])
            self._check_channel_sums(problem, arrays["coarse"])

    def check_map(self, name: str, problem: Problem, left: Array, right: Array, form: Form | None = None) -> Array:
        """One map against the definition, again for the same bits, and with a bias; the result without it."""
        want = naive.apply(name, problem, left, right)
        magnitude = naive.apply(name, problem, abs(left), abs(right))
        terms = naive.terms(name, problem)
        got = self.ask(name, problem, left, right, form=form)
        self.judge(name, problem, got, want, magnitude, terms)
        if self.ask(name, problem, left, right, form=form).tobytes() != got.tobytes():
            self.fail(f"{name} gives other bits when called again")
        if name != "correlate":
            bias = self.draw((want.shape[1],), problem.dtype)
            column = bias.reshape(-1, *[1] * len(problem.stride)).astype(np.float64)
            biased = self.ask(name, problem, left, right, bias, form)
            self.judge(f"{name} with a bias", problem, biased, want + column, magnitude + abs(column), terms + 1)
        return got

    def _check_adjoint(self, problem: Problem, arrays: dict[str, Array], results: dict[str, Array]) -> None:
        forms = {name: _inner(results[name], arrays[OUTPUT[name]]) for name in INPUTS}
        magnitude = _inner(
            naive.apply("scatter", problem, abs(arrays["coarse"]), abs(arrays["kernel"])), abs(arrays["fine"])
        )
        terms = arrays["fine"].size * naive.terms("scatter", problem)
        allowed = self._tolerance * np.finfo(problem.dtype).eps * sqrt(terms) * magnitude
        if max(forms.values()) - min(forms.values()) > allowed:
            self.fail(f"the maps are not adjoint: <scatter(c,k),f>, <gather(f,k),c>, <correlate(f,c),k> are {forms}")

    def _check_channel_sums(self, problem: Problem, array: Array) -> None:
        axes = (0, *range(2, array.ndim))
        sums = np.full(array.shape[1], np.nan, array.dtype)
        with self._unchanged("channel_sums", array):
            self.backend.channel_sums(problem, array, sums)
        exact = array.astype(np.float64)
        self.judge(
            "channel_sums", problem, sums, exact.sum(axis=axes), abs(exact).sum(axis=axes), array.size // array.shape[1]
        )

    # What is asked of a few problems.

    def check_memory(self, problem: Problem) -> None:
        """Inputs and outputs of any strides; nothing outside the output is written."""
        for form in FORMS:
            arrays = {role: self._in_form(array, form) for role, array in self.draw_all(problem).items()}
            self._subject = f"arrays in {form.name}"
            for name, (left, right) in INPUTS.items():
                self.check_map(name, problem, arrays[left], arrays[right], form)
        for axis in range(2 + len(problem.stride)):
            arrays = {role: _repeated(array, axis) for role, array in self.draw_all(problem).items()}
            self._subject = f"inputs with stride zero along axis {axis}"
            for name, (left, right) in INPUTS.items():
                self.check_map(name, problem, arrays[left], arrays[right])

    def check_shared_input(self, problem: Problem) -> None:
        """Both inputs of correlate in the same memory."""
        array = self.draw(problem.fine_array_shape, problem.dtype)
        self.check_map("correlate", problem, array, array)

    def check_nonfinite(self, problem: Problem, questions: tuple[tuple[str, str], ...]) -> None:
        """NaN and infinity in one input of a map reach exactly what the definition says, also through zeros."""
        for name, role in questions:
            for value in (np.inf, -np.inf, np.nan):
                arrays = self.draw_all(problem)
                for other, array in arrays.items():
                    array.flags.writeable = True
                    if other != role:
                        array[self._rng.random(array.shape) < 0.3] = 0
                    else:
                        array.flat[self._rng.integers(array.size)] = value
                self._subject = f"{value} in the {role} array"
                left, right = INPUTS[name]
                self.check_map(name, problem, arrays[left], arrays[right])

    def check_threads(self, problems: list[Problem]) -> None:
        """Calls at the same time, eight of each problem, give the bits that they give one after the other."""
        calls: list[tuple[Any, ...]] = []
        for name, (left, right) in INPUTS.items():
            for problem in problems:
                several = [self.draw_all(problem) for _ in range(8)]
                calls += [(name, problem, arrays[left], arrays[right]) for arrays in several]
        alone = [self.ask(*call).tobytes() for call in calls]
        with ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda call: self.ask(*call).tobytes(), calls))
        for call, bits, expected in zip(calls, together, alone, strict=True):
            if bits != expected:
                with self.about("calls from several threads", call[1]):
                    self.fail(f"{call[0]} gives other bits than alone")

    # How it is asked and judged.

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Normal random numbers, read-only."""
        array: Array = self._rng.standard_normal(shape).astype(dtype)
        array.flags.writeable = False
        return array

    def draw_all(self, problem: Problem) -> dict[str, Array]:
        """A fine, a coarse and a kernel array."""
        return {role: self.draw(naive.array_shape(problem, role), problem.dtype) for role in ("fine", "coarse", "kernel")}

    def ask(
        self, name: str, problem: Problem, left: Array, right: Array, bias: Array | None = None, form: Form | None = None
    ) -> Array:
        """What the backend answers, written over NaN; the inputs must stay as they are."""
        shape = naive.array_shape(problem, OUTPUT[name])
        window = None if form is None else Window(shape, problem.dtype, form)
        out = np.full(shape, np.nan, problem.dtype) if window is None else window.array
        arguments = (left, right, out) if name == "correlate" else (left, right, bias, out)
        with self._unchanged(name, *(array for array in (left, right, bias) if array is not None)):
            getattr(self.backend, name)(problem, *arguments)
        if window is not None and not window.surroundings_untouched():
            self.fail(f"{name} writes outside its output")
        return np.ascontiguousarray(out)

    def judge(self, what: str, problem: Problem, got: Array, want: Array, magnitude: Array, terms: int) -> None:
        """The result is near enough, and not finite exactly where it should not be."""
        error = np.abs(got - want)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        with np.errstate(divide="ignore", invalid="ignore"):  # what is not a number is not allowed below
            relative = np.where(same, 0.0, error / magnitude)
        allowed = self._tolerance * float(np.finfo(problem.dtype).eps) * sqrt(max(terms, 1))
        wrong = ~(same | (np.isfinite(want) & (relative <= allowed)))
        if wrong.any():
            at = tuple(map(int, np.argwhere(wrong)[np.nan_to_num(relative[wrong], nan=np.inf).argmax()]))
            self.fail(
                f"{what} is wrong at {wrong.sum()} of {wrong.size} elements, worst at {at}: got {got[at]!r}, expected "
                f"{want[at]!r}, an error of {relative[at]:.3g} where {allowed:.3g} is allowed, both relative to the sum of "
                "the products' magnitudes"
            )
        name = str(problem.dtype)
        self.largest[name] = max(self.largest.get(name, 0.0), float(relative.max()))

    def fail(self, message: str) -> NoReturn:
        """Raise, naming the backend, the subject and the problem."""
        raise AssertionError(
            f"backend {self.backend.name!r}, {self._subject}, {self._problem.dtype if self._problem else ''}: {message}\n"
            f"{self._problem}"
        )

    @contextmanager
    def _unchanged(self, name: str, *inputs: Array) -> Iterator[None]:
        before = [array.tobytes() for array in inputs]
        yield
        if before != [array.tobytes() for array in inputs]:
            self.fail(f"{name} changes its input")

    def _in_form(self, array: Array, form: Form) -> Array:
        window = Window(array.shape, array.dtype, form).array
        window[...] = array
        window.flags.writeable = False
        return window


def check_members(backend: Any) -> None:
    """Everything that the protocol asks for is there, and of the right kind."""
    missing = missing_members(backend)
    _require(not missing, f"a backend must have all members of convt.Backend, got {backend!r} without {', '.join(missing)}")
    name = backend.name
    _require(isinstance(name, str) and name != "", f"a backend's name must be a string, got {name!r}")
    _require(isinstance(backend.priority, int), f"backend {name!r}: priority must be an integer, got {backend.priority!r}")
    for member in ("why_not", "owns", *INPUTS):
        _require(callable(getattr(backend, member)), f"backend {name!r}: {member} must be callable")
    owned = backend.owns(np.zeros(1))
    _require(owned is False, f"backend {name!r}: owns must return False for a NumPy array, got {owned!r}")


def refusal(backend: Any, problem: Problem) -> str | None:
    """Why the backend does not do the problem; None if it does."""
    reason: Any = backend.why_not(problem)
    good = reason is None or (isinstance(reason, str) and reason != "")
    _require(good, f"backend {backend.name!r}: why_not must return None or a reason, got {reason!r}\n{problem}")
    return None if reason is None else str(reason)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def _inner(left: Array, right: Array) -> float:
    return float(np.vdot(left.astype(np.float64), right.astype(np.float64)))


def _repeated(array: Array, axis: int) -> Array:
    """An array of the same shape whose stride along one axis is zero."""
    return np.broadcast_to(array.take([0], axis), array.shape)
