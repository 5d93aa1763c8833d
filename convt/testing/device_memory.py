"""Questions about a device's memory: what `DeviceBackend` promises of copies, views, new arrays and calls that are kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..backend import BackendUnavailable, Problem
from . import naive, naive_sampling
from .checks import Examiner
from .device import DeviceExaminer
from .memory import FORMS, Form, Window
from .naive import INPUTS, OUTPUT
from .problems import make_problem

__all__ = ["check_device_memory", "check_repeats", "check_sampling_memory"]

Array = np.ndarray[Any, np.dtype[Any]]

_SHAPES = ((7,), (2, 3, 4), (1, 2, 1, 5), (0, 3, 4))


def check_device_memory(examiner: DeviceExaminer, dtype: Any, kinds: Sequence[Callable[[Array], Any]]) -> None:
    """Copies, ownership, new arrays, views, the callers' kinds of array, and types in memory."""
    with examiner.about("memory", None):
        for shape in _SHAPES:
            for kind in (dtype, np.int64):
                for form in (Form("C order"), *FORMS):
                    _check_copies(examiner, _in_form(examiner, shape, np.dtype(kind), form), form)
            _check_new_arrays(examiner, shape, np.dtype(dtype))
            _check_views(examiner, shape, np.dtype(dtype))
        for make in (lambda array: examiner.ask_device("from_host", array), *kinds):
            _check_kind(examiner, make, np.dtype(dtype))
    _check_storage(examiner)


def _check_copies(examiner: DeviceExaminer, array: Array, form: Form) -> None:
    original = array.copy()
    copy = examiner.ask_device("from_host", array)
    if examiner.ask_device("owns", copy) is not True:
        examiner.fail("owns must return True for what from_host made")
    _require_description(examiner, "from_host", copy, array.shape, array.dtype)
    examiner.require_equal(f"from_host of an array in {form.name}", copy, original)
    if array.size:
        array.flags.writeable = True
        array[...] = 1
        examiner.require_equal("from_host must copy: what it made, after its source was changed,", copy, original)
        fetched = examiner.ask_device("to_host", copy)
        fetched.flags.writeable = True
        fetched[...] = 2
        examiner.require_equal("to_host must copy: its source, after the copy was changed,", copy, original)


def _check_new_arrays(examiner: DeviceExaminer, shape: tuple[int, ...], dtype: np.dtype) -> None:
    like = examiner.ask_device("from_host", np.zeros(3, dtype))
    first, second = (examiner.ask_device("empty", shape, dtype, like) for _ in range(2))
    for made in (first, second):
        if examiner.ask_device("owns", made) is not True:
            examiner.fail("owns must return True for what empty made")
        _require_description(examiner, "empty", made, shape, dtype)
    first[...] = 3
    second[...] = 0
    examiner.require_equal(
        "empty must make an array of its own: one, after another was filled with 0,", first, _full(shape, 3, dtype)
    )
    examiner.require_equal("an array that was filled with 0", second, _full(shape, 0, dtype))
    indices = examiner.ask_device("empty", shape, np.dtype(np.int64), like)
    _require_description(examiner, "empty", indices, shape, np.dtype(np.int64))


def _check_views(examiner: DeviceExaminer, shape: tuple[int, ...], dtype: np.dtype) -> None:
    """Each view has NumPy's shape and content, and the memory of its base."""
    like = examiner.ask_device("from_host", np.zeros(3, dtype))
    numbers = _numbers(shape, dtype)
    axes = (*range(1, len(shape)), 0)
    for words, view in _views(shape, axes).items():
        if numbers.size or "reshape" not in words:
            _check_view(examiner, words, view, numbers, like)
    if len(shape) > 1 and not {0, 1} & set(shape):
        turned = examiner.ask_device("from_host", numbers).transpose(axes)
        for order in ("C", "F"):
            try:
                turned.reshape((int(np.prod(shape)),), order)
            except ValueError:
                continue
            examiner.fail(f"reshape of a transposed array in order {order!r} must raise ValueError, as it would copy")


def _views(shape: tuple[int, ...], axes: tuple[int, ...]) -> dict[str, Callable[[Any], Any]]:
    """What every array of a device can do, by name."""
    size = int(np.prod(shape))
    back = tuple(reversed(range(len(shape))))
    return {
        "transpose": lambda array: array.transpose(axes),
        "[None]": lambda array: array[None],
        "[..., None]": lambda array: array[..., None],
        "reshape in C order": lambda array: _reshaped(array, (1, size, 1), "C"),
        "reshape of a transposed array in F order": lambda array: _reshaped(array.transpose(back), (size,), "F"),
    }


def _check_view(examiner: DeviceExaminer, words: str, view: Callable[[Any], Any], numbers: Array, like: Any) -> None:
    """Of a copy the content, of a new array the memory."""
    want = view(numbers)
    made = examiner.ask_device("empty", numbers.shape, numbers.dtype, like)
    with examiner.about(words, None):
        seen, window = view(examiner.ask_device("from_host", numbers)), view(made)
    if examiner.ask_device("owns", seen) is not True:
        examiner.fail(f"owns must return True for a view by {words}")
    _require_description(examiner, words, seen, want.shape, want.dtype)
    examiner.require_equal(words, seen, want)
    made[...] = 3
    examiner.require_equal(
        f"{words} must not copy: a view, after its base was filled with 3,",
        window,
        view(_full(numbers.shape, 3, numbers.dtype)),
    )


def _check_kind(examiner: DeviceExaminer, make: Callable[[Array], Any], dtype: np.dtype) -> None:
    """from_caller and to_caller: nothing is copied, and what goes out is taken in again."""
    numbers = _numbers((2, 3, 4), dtype)
    theirs = make(numbers)
    if examiner.ask_device("owns", theirs) is not True:
        examiner.fail(f"owns must return True for a caller's {type(theirs).__name__} on the device")
    ours = examiner.ask_device("from_caller", theirs)
    _require_description(examiner, "from_caller", ours, numbers.shape, dtype)
    examiner.require_equal("from_caller", ours, numbers)
    again = examiner.ask_device("from_caller", ours)
    if again is not ours:
        examiner.fail("from_caller must return an array of the backend's own kind as it is")
    made = examiner.ask_device("empty", numbers.shape, dtype, theirs)
    views: dict[str, Callable[[Any], Any]] = {
        "an array": lambda array: array,
        "a transposed array": lambda array: array.transpose((2, 0, 1)),
    }
    for words, view in views.items():
        given = examiner.ask_device("to_caller", view(made), theirs)
        if examiner.ask_device("owns", given) is not True:
            examiner.fail(f"owns must return True for what to_caller made of {words}")
        if not isinstance(given, type(theirs)):
            examiner.fail(f"to_caller must return the caller's {type(theirs).__name__}, got {type(given).__name__}")
        taken = examiner.ask_device("from_caller", given)
        for number in (3, 0):
            made[...] = number
            want = view(_full(numbers.shape, number, dtype))
            examiner.require_equal(
                f"to_caller and from_caller must not copy: {words}, filled with {number} later,", taken, want
            )


def _check_storage(examiner: DeviceExaminer) -> None:
    """The types in which arrays may lie; float16 is summed in float32, and whole numbers are exact."""
    with examiner.about("storage", None):
        storage = examiner.backend.storage
        if not isinstance(storage, tuple) or not {"float32", "float64"} <= set(storage):
            examiner.fail(f"storage must be a tuple of names with 'float32' and 'float64', got {storage!r}")
    if "float16" in storage:
        problem = make_problem((5, 7), 4, stride=2, crop=(1, 1), channels=(3, 4), batch=2, dtype=np.float32)
        with examiner.about("arrays of float16", problem):
            _check_float16(examiner, problem)


def _check_float16(examiner: DeviceExaminer, problem: Problem) -> None:
    roles = ("fine", "coarse", "kernel")
    numbers = {
        role: examiner.rng.integers(-2, 2, naive.array_shape(problem, role), endpoint=True).astype(np.float16)
        for role in roles
    }
    arrays = {role: examiner.ask_device("from_host", array) for role, array in numbers.items()}
    for name, inputs in INPUTS.items():
        made = [arrays[role].summed() for role in inputs]
        out = examiner.ask_device("empty", naive.array_shape(problem, OUTPUT[name]), made[0].dtype, made[0]).summed()
        for each in (*made, out):
            if (each.dtype, each.storage) != (np.float32, "float16"):
                examiner.fail(
                    f"summed() of float16 must have dtype float32 and storage 'float16', got {each.dtype}, {each.storage!r}"
                )
        bias = () if name == "correlate" else (None,)
        examiner.ask_device(name, problem, *made, *bias, out)
        want = naive.apply(name, problem, *(numbers[role] for role in inputs))
        found = examiner.back(out)
        if found.dtype != np.float16 or (found != want).any():
            examiner.fail(f"{name} is wrong")


def check_sampling_memory(examiner: DeviceExaminer, dtype: Any) -> None:
    """What upsampling and pooling need besides: an order, other types in place, and indices of the whole tensor."""
    numbers = _numbers((2, 3, 4), np.dtype(dtype))
    whole = np.dtype(f"i{numbers.itemsize}")
    like = examiner.ask_device("from_host", numbers)
    with examiner.about("memory", None):
        _check_view(examiner, "[None, None]", lambda array: array[None, None], numbers, like)
        _check_view(examiner, "view", lambda array: array.view(whole).view(numbers.dtype), numbers, like)
        _require_description(examiner, "view", like.view(whole), numbers.shape, whole)
        for words, array, order in (
            ("C order", like, (0, 1, 2)),
            ("Fortran order", like.transpose((2, 1, 0)), (2, 1, 0)),
            ("another order", like.transpose((0, 2, 1)), (0, 2, 1)),
            ("both orders", examiner.ask_device("from_host", numbers[:1, :1]), (0, 1, 2)),
        ):
            if getattr(array, "order", None) != order:
                examiner.fail(f"an array in {words} must have order {order}, got {getattr(array, 'order', None)!r}")
    for size in ((4,), (3, 4), (2, 3, 2)):
        problem = make_problem(size, 2, stride=2, dtype=dtype)
        problem = replace(problem, batch=2, groups=3, fine_channels=3, coarse_channels=3)
        with examiner.about("indices", problem):
            _check_moved_indices(examiner, problem)


def _check_moved_indices(examiner: DeviceExaminer, problem: Problem) -> None:
    _, indices = naive_sampling.max_pool(problem, examiner.draw(problem.fine_array_shape, problem.dtype))
    whole = naive_sampling.tensor_indices(problem, indices)
    for order in ("C", "F"):
        for sign, given, want in ((1, indices, whole), (-1, whole, indices)):
            source = examiner.there(np.asarray(given, order=order))
            moved = examiner.there(np.asarray(np.zeros_like(want), order=order))
            try:
                examiner.ask_device("move_indices", problem, source, sign, moved)
            except BackendUnavailable:
                return
            examiner.require_equal(f"the result of move_indices by {sign} in {order} order", moved, want)
            examiner.require_equal("the input of move_indices, which must not change,", source, given)


def check_repeats(examiner: DeviceExaminer, dtype: Any, kinds: Sequence[Callable[[Array], Any]]) -> None:
    """outline and prepare: what is kept of a call gives the bits of a plain call, in new memory."""
    if examiner.ask_device("outline", np.zeros(1), np.zeros(1)) is not None:
        examiner.fail("outline must return None for NumPy arrays")
    problem = make_problem((5, 7), 4, stride=2, crop=(1, 1), channels=(3, 4), batch=2, dtype=dtype)
    with examiner.about("repeated calls", problem):
        for make in (lambda array: examiner.ask_device("from_host", array), *kinds):
            for name in ("scatter", "gather"):
                for with_bias in (False, True):
                    _check_repeat(examiner, problem, name, make, with_bias)


def _check_repeat(
    examiner: DeviceExaminer, problem: Problem, name: str, make: Callable[[Array], Any], with_bias: bool
) -> None:
    channels = problem.fine_channels if name == "scatter" else problem.coarse_channels
    calls = []
    for _ in range(2):
        hosts = [examiner.draw(naive.array_shape(problem, role), problem.dtype) for role in INPUTS[name]]
        hosts += [examiner.draw((channels,), problem.dtype)] * with_bias
        calls.append([make(array) for array in hosts])
    first, second = (examiner.ask_device("outline", *call) for call in calls)
    if first is None:
        return
    try:
        same = hash(first) == hash(second) and first == second
    except TypeError as error:
        examiner.fail(f"outline must return something hashable, got {first!r}", error)
    if not same:
        examiner.fail("outline must be equal for calls that differ in memory alone")
    other = make(np.zeros((1, *naive.array_shape(problem, INPUTS[name][0])[1:]), problem.dtype))
    if examiner.ask_device("outline", other, *calls[0][1:]) == first:
        examiner.fail("outline must differ for arrays of another shape")
    answers, arguments = [], None
    for call in calls:
        ours = [examiner.ask_device("from_caller", each) for each in call] + [None] * (not with_bias)
        out = examiner.ask_device("empty", naive.array_shape(problem, OUTPUT[name]), problem.dtype, call[0])
        examiner.ask_device(name, problem, *ours, out)
        answers.append(examiner.back(out))
        arguments = arguments or (name, problem, *ours, out, out)
    assert arguments is not None
    prepared = examiner.ask_device("prepare", *arguments)
    if prepared is None:
        return
    results = []
    for call in (*calls, calls[0]):
        result = prepared(*call, *[None] * (not with_bias))
        if result is None:
            return
        results.append(result)
    for result, want in zip(results, (*answers, answers[0]), strict=True):
        if not isinstance(result, type(calls[0][0])):
            examiner.fail(
                f"a repeated call must return the caller's {type(calls[0][0]).__name__}, got {type(result).__name__}"
            )
        examiner.require_equal(f"a repeated call of {name}", examiner.ask_device("from_caller", result), want)


def _require_description(examiner: DeviceExaminer, what: str, array: Any, shape: tuple[int, ...], dtype: np.dtype) -> None:
    wanted = {"shape": shape, "ndim": len(shape), "size": int(np.prod(shape)), "dtype": dtype}
    for name, value in wanted.items():
        found = getattr(array, name, None)
        if found != value:
            examiner.fail(f"{what}: the array's {name} must be {value}, got {found}")


def _in_form(examiner: Examiner, shape: tuple[int, ...], dtype: np.dtype, form: Form) -> Array:
    window = Window(shape, np.float64 if dtype == np.int64 else dtype, form).array
    window[...] = examiner.draw(shape, window.dtype)
    return window.view(dtype)


def _numbers(shape: tuple[int, ...], dtype: np.dtype) -> Array:
    return np.arange(1, 1 + int(np.prod(shape)), dtype=dtype).reshape(shape)


def _full(shape: tuple[int, ...], number: float, dtype: np.dtype) -> Array:
    return np.full(shape, number, dtype)


def _reshaped(array: Any, shape: tuple[int, ...], order: str) -> Any:
    return array.reshape(shape, order=order)
