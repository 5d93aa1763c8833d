"""How a backend is asked and judged: `Examiner`, with the questions about the three maps that every backend is asked.

`Examiner.ask` hands one map to the backend, `Examiner.judge` compares the answer with `naive.py` by
the bounds of `bounds.py`. Everything else decides which questions to ask: here those about results, memory and threads, in
`values.py` those about special numbers, in `sampling.py` those about upsampling and pooling, in `device.py` those about a
device's memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from ..adapter import as_backend, missing_members, what_is_wrong
from ..backend import Backend, BackendUnavailable, Problem
from . import bounds, naive
from .memory import FORMS, Form, Window
from .naive import INPUTS, OUTPUT

__all__ = ["Examiner", "check_members", "refusal"]

Array = np.ndarray[Any, np.dtype[Any]]


_MAY_BE_REFUSED = (
    "channel_sums", "upsample", "upsample_backward", "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward",
    "move_indices",
)  # fmt: skip


class Examiner:
    """Asks one backend and keeps count.

    Parameters
    ----------
    backend : Backend
        It is given NumPy arrays.
    rng : numpy.random.Generator
    tolerance : float
        Allowed error in units of eps of the bound.

    Attributes
    ----------
    largest : dict of str to float
        Per dtype the largest error found, in units of eps of the bound.
    """

    on_device = False  # where the arrays lie that the backend is given

    def __init__(self, backend: Any, rng: np.random.Generator, tolerance: float = bounds.TOLERANCE) -> None:
        self.backend = backend
        self.rng = rng
        self.largest: dict[str, float] = {}
        self._tolerance = tolerance
        self._subject = ""
        self._problem: Problem | None = None

    @contextmanager
    def about(self, subject: str, problem: Problem | None) -> Iterator[None]:
        """Failures inside name this subject and this problem."""
        before = self._subject, self._problem
        self._subject, self._problem = subject, problem
        try:
            yield
        finally:
            self._subject, self._problem = before

    # What is asked of every problem.

    def check_accuracy(self, problem: Problem) -> None:
        """All three maps, and that they are adjoint."""
        arrays = self.draw_all(problem)
        results = {
            name: self.check_map(name, problem, arrays[left], arrays[right]) for name, (left, right) in INPUTS.items()
        }
        self._check_adjoint(problem, arrays, results)
        self._check_channel_sums(problem, arrays["fine"])
        self._check_channel_sums(problem, arrays["coarse"])

    def check_map(
        self, name: str, problem: Problem, left: Array, right: Array, form: Form | None = None, *, exact: bool = False
    ) -> Array:
        """One map against the definition, again for the same bits, and with a bias; the result without it.

        Where small whole numbers make every sum `exact`, results must be equal.
        """
        got = self.check_result(name, problem, left, right, None, form, exact=exact)
        if self.ask(name, problem, left, right, form=form).tobytes() != got.tobytes():
            self.fail(f"{name} gives other bits when called again")
        if name != "correlate":
            bias = self.draw((problem.fine_channels if name == "scatter" else problem.coarse_channels,), problem.dtype)
            self.check_result(name, problem, left, right, np.round(8 * bias) if exact else bias, form, exact=exact)
        return got

    def check_result(
        self,
        name: str,
        problem: Problem,
        left: Array,
        right: Array,
        bias: Array | None = None,
        form: Form | None = None,
        *,
        exact: bool = False,
    ) -> Array:
        """One map against the definition, once."""
        want = naive.apply(name, problem, left, right)
        limit: Array | float = 0.0 if exact else bounds.bound(name, problem, left, right)
        if bias is not None:
            column = bias.reshape(-1, *[1] * len(problem.stride)).astype(np.float64)
            want = want + column
            limit = limit if exact else limit + abs(column)
        got = self.ask(name, problem, left, right, bias, form)
        words = name if bias is None else f"{name} with a bias"
        self.judge(words, problem, got, want, limit, naive.terms(name, problem) + 1)
        return got

    def _check_adjoint(self, problem: Problem, arrays: dict[str, Array], results: dict[str, Array]) -> None:
        forms = {name: _inner(results[name], arrays[OUTPUT[name]]) for name in INPUTS}
        limit = _inner(bounds.bound("scatter", problem, arrays["coarse"], arrays["kernel"]), abs(arrays["fine"]))
        allowed = self._tolerance * float(np.finfo(problem.dtype).eps) * limit
        if max(forms.values()) - min(forms.values()) > allowed:
            self.fail(f"the maps are not adjoint: <scatter(c,k),f>, <gather(f,k),c>, <correlate(f,c),k> are {forms}")

    def _check_channel_sums(self, problem: Problem, array: Array) -> None:
        axes = (0, *range(2, array.ndim))
        sums = np.full(array.shape[1], np.nan, array.dtype)
        try:
            with self.unchanged("channel_sums", array):
                self.call("channel_sums", problem, array, sums)
        except BackendUnavailable:
            return
        want = array.astype(np.float64).sum(axis=axes)
        limit = bounds.bound("channel_sums", problem, array)
        self.judge("channel_sums", problem, sums, want, limit, array.size // array.shape[1])

    # What is asked of a few problems.

    def check_memory(self, problem: Problem) -> None:
        """Inputs and outputs of any strides; nothing outside the output is written."""
        for form in FORMS:
            arrays = {role: self.in_form(array, form) for role, array in self.draw_all(problem).items()}
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

    def check_threads(self, problem: Problem) -> None:
        """Calls at the same time, eight of each map, give the bits that they give one after the other."""
        calls: list[tuple[Any, ...]] = []
        for name, (left, right) in INPUTS.items():
            several = [self.draw_all(problem) for _ in range(8)]
            calls += [(name, problem, arrays[left], arrays[right]) for arrays in several]
        alone = [self.ask(*call).tobytes() for call in calls]
        with self.holding(), ThreadPoolExecutor(8) as pool:
            together = list(pool.map(lambda call: self.ask(*call).tobytes(), calls))
        for call, bits, expected in zip(calls, together, alone, strict=True):
            if bits != expected:
                self.fail(f"{call[0]} gives other bits than alone")

    # How it is asked and judged.

    def call(self, member: str, *arguments: Any) -> Any:
        """Call a member of the backend; what it raises is a failure, except that it does not do this for its own arrays."""
        try:
            return getattr(self.backend, member)(*arguments)
        except Exception as error:
            if self.on_device and isinstance(error, BackendUnavailable) and member in _MAY_BE_REFUSED:
                raise
            self.fail(f"{member} raised {type(error).__name__}: {error}", error)

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Around calls from other threads."""
        yield

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Array:
        """Normal random numbers, read-only."""
        array: Array = self.rng.standard_normal(shape).astype(dtype)
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
        if bias is not None and form is not None and form.page:
            bias = self.in_form(bias, form)
        arguments = (left, right, out) if name == "correlate" else (left, right, bias, out)
        with self.unchanged(name, *(array for array in (left, right, bias) if array is not None)):
            self.call(name, problem, *arguments)
        if window is not None and not window.surroundings_untouched():
            self.fail(f"{name} writes outside its output")
        return np.ascontiguousarray(out)

    def judge(self, what: str, problem: Problem, got: Array, want: Array, limit: Array | float, terms: int) -> None:
        """The result is near enough, and not finite exactly where it should not be."""
        verdict = bounds.judge(got, want, np.broadcast_to(limit, want.shape), c=self._tolerance, terms=terms)
        if verdict.wrong:
            self.fail(f"{what} is {verdict.words}")
        name = str(problem.dtype)
        self.largest[name] = max(self.largest.get(name, 0.0), verdict.largest)

    def fail(self, message: str, cause: BaseException | None = None) -> NoReturn:
        """Raise, naming the backend, the subject and the problem."""
        about = [
            f"backend {self.backend.name!r}",
            "on its device" if self.on_device else "",
            self._subject,
            str(self._problem.dtype) if self._problem else "",
        ]
        problem = f"\n{self._problem}" if self._problem else ""
        raise AssertionError(f"{', '.join(filter(None, about))}: {message}{problem}") from cause

    @contextmanager
    def unchanged(self, name: str, *inputs: Array) -> Iterator[None]:
        before = [array.tobytes() for array in inputs]
        yield
        if before != [array.tobytes() for array in inputs]:
            self.fail(f"{name} changes its input")

    def in_form(self, array: Array, form: Form) -> Array:
        window = Window(array.shape, array.dtype, form).array
        window[...] = array
        window.flags.writeable = False
        return window


def check_members(candidate: Any) -> Backend:
    """The backend, wrapped if it only has a backend's members; all of them are there, and of the right kind."""
    missing = missing_members(candidate)
    _require(not missing, f"a backend must have all members of convt.Backend, got {what_is_wrong(candidate, missing)}")
    try:
        backend = as_backend(candidate)
    except TypeError as error:
        raise AssertionError(str(error)) from None
    name = backend.name
    _require(isinstance(name, str) and name != "", f"a backend's name must be a string, got {name!r}")
    _require(isinstance(backend.priority, int), f"backend {name!r}: priority must be an integer, got {backend.priority!r}")
    for member in ("why_not", "owns", *INPUTS):
        _require(callable(getattr(backend, member)), f"backend {name!r}: {member} must be callable")
    owned: Any
    try:
        owned = backend.owns(np.zeros(1))
    except Exception as error:
        owned = error
    _require(owned is False, f"backend {name!r}: owns must return False for a NumPy array, got {owned!r}")
    return backend


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
