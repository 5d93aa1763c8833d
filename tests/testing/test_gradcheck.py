"""gradcheck: it passes what is right, and finds and names each kind of mistake."""

import itertools

import numpy as np
import pytest

import convt
from convt.testing import GradientReport, gradcheck

CALLS = itertools.count()


def square(x):
    return x**2 / 2


def right(x, dy):
    return x * dy


def test_right_gradients_pass_and_are_reported(rng):
    x, w, bias = (rng.standard_normal(shape) for shape in [(2, 4, 5, 4), (4, 3, 3, 2), (3,)])
    options = {"stride": 2, "padding": (1, 0)}

    def f(x, w, bias):
        return convt.conv_transpose(x, w, bias, **options)

    def backward(x, w, bias, dy):
        return convt.conv_transpose_backward(x, w, bias, dy, **options)

    report = gradcheck(f, {"x": x, "w": w, "bias": bias}, backward)
    assert isinstance(report, GradientReport)
    assert report.checked == {"x": 160, "w": 72, "bias": 3}
    assert set(report.largest_error) == {"x", "w", "bias"}
    assert 0 < max(report.largest_error.values()) < 1e-7


def test_inputs_of_any_kind_and_gradients_of_some():
    report = gradcheck(lambda x, y: x * y, [[1, 2], np.float32(3)], lambda x, y, dy: (dy * y, None))
    assert report.checked == {"input 0": 2}
    assert gradcheck(square, ([1.0, 2.0],), lambda x, dy: [x * dy]).checked == {"input 0": 2}
    assert gradcheck(square, [np.zeros((0, 3))], right).checked == {"input 0": 0}


def test_several_outputs_have_a_dy_each():
    def backward(x, d_sine, d_power):
        return d_sine * np.cos(x) + d_power * 3 * x**2

    gradcheck(lambda x: (np.sin(x), None, x**3), [np.linspace(-2, 2, 7)], backward)


@pytest.mark.parametrize("shape", [(3,), ()])
def test_complex_gradients_are_those_of_real_and_imaginary_parts(rng, shape):
    x, w = (rng.standard_normal(shape) + 1j * rng.standard_normal(shape) for _ in range(2))
    gradcheck(lambda x: x * w, [x], lambda x, dy: dy * np.conj(w))
    gradcheck(abs, [x], lambda x, dy: dy * x / abs(x))  # complex to real
    gradcheck(lambda x: x * w, [x.real], lambda x, dy: dy * np.conj(w))  # real to complex: the real part counts
    with pytest.raises(AssertionError, match=r"; it looks conjugated$"):
        gradcheck(lambda x: x * w, [x], lambda x, dy: np.conj(dy * np.conj(w)))


@pytest.mark.parametrize(
    ("backward", "message"),
    [
        (lambda x, dy: -x * dy, "; its sign is wrong$"),
        (lambda x, dy: 2 * x * dy, "; it looks 2 times too large$"),
        (lambda x, dy: 0.25 * x * dy, "; it looks 0.25 times too large$"),
        (lambda x, dy: (x * dy)[::-1], "in the wrong places"),
        (lambda x, dy: 0 * x, "; the gradient is zero everywhere$"),
        (lambda x, dy: x * dy * [[1], [np.nan]], "wrong at 3 of 6 elements, .* gives nan,.*; the gradient is not finite$"),
        (lambda x, dy: x * dy + [[0, 0, 1], [0, 0, 0]], r"wrong at 1 of 6 elements, worst at \(0, 2\): .* is allowed$"),
        (lambda x, dy: (x * dy).T, r"the gradient of x must have its shape \(2, 3\), got \(3, 2\)"),
        (lambda x, dy: (x * dy, None), r"backward must return one gradient per input \(1\), got 2"),
        (lambda x, dy: None, "backward must return a gradient for at least one input, got None for all"),
        (lambda x, dy: x.__imul__(dy), "backward must leave its inputs as they are, but changes x"),
    ],
)
def test_each_kind_of_mistake_is_found_and_named(rng, backward, message):
    with pytest.raises(AssertionError, match=message):
        gradcheck(square, {"x": rng.standard_normal((2, 3))}, backward)


def test_the_message_has_place_values_and_tolerance():
    with pytest.raises(AssertionError) as failure:
        gradcheck(lambda a, b: a * b, {"a": [2.0], "b": [4.0]}, lambda a, b, dy: (dy, 7 * dy))
    first, second = str(failure.value).splitlines()
    assert first.startswith("the gradient of a is wrong at 1 of 1 elements, worst at (0,): backward gives 0.12")
    assert first.endswith("where 6.03e-06 is allowed; it looks 0.25 times too large")
    assert second.startswith("the gradient of b is wrong")


def test_small_errors_are_found_and_tolerances_obeyed(rng):
    x = rng.standard_normal(20)
    with pytest.raises(AssertionError, match="wrong at"):
        gradcheck(square, [x], lambda x, dy: x * dy * (1 + 1e-4))
    gradcheck(square, [x], lambda x, dy: x * dy * (1 + 1e-4), rtol=1e-3)
    with pytest.raises(AssertionError, match="wrong at"):
        gradcheck(square, [x], lambda x, dy: x * dy + 1e-4)
    gradcheck(square, [x], lambda x, dy: x * dy + 1e-4, atol=1e-3)


def test_large_numbers_are_moved_by_large_steps():
    gradcheck(square, [[1e9, -1e6, 1e-9, 0.0]], right)
    gradcheck(lambda z: z * z, [[1e8 - 3e7j]], lambda z, dy: dy * 2 * np.conj(z))


def test_some_elements_stand_for_all(rng):
    calls = []

    def f(x):
        calls.append(1)
        return square(x)

    report = gradcheck(f, [rng.standard_normal(1000)], right, elements=5)
    assert report.checked == {"input 0": 5}
    assert len(calls) == 2 + 2 * 5
    assert gradcheck(square, [np.ones(3)], right, elements=5).checked == {"input 0": 3}


def test_the_callers_arrays_are_not_changed_and_may_be_read_only():
    x = np.asfortranarray(np.ones((2, 3)))
    x.flags.writeable = False
    gradcheck(square, [x], right)
    assert (x == 1).all()


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x.__imul__(2), "f must leave its inputs as they are, but changes input 0"),
        (lambda x: x + next(CALLS), "f must give the same for the same inputs, got different .*"),
    ],
)
def test_f_must_be_a_function(f, message):
    with pytest.raises(AssertionError, match=message):
        gradcheck(f, [[1.0, 2.0]], right)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"f": lambda x: x.astype("f4")}, TypeError, "f must return float64 or complex128, .*, got float32"),
        ({"f": lambda x: 3}, TypeError, "f must return float64 or complex128, .*, got int64"),
        ({"inputs": []}, TypeError, r"inputs must be a sequence of arrays, or a mapping of names to arrays, got \[\]"),
        ({"inputs": {}}, TypeError, "inputs must be a sequence of arrays, or a mapping of names to arrays, got {}"),
        ({"inputs": np.ones(3)}, TypeError, "inputs must be a sequence of arrays, or a mapping .*, got array.*"),
        ({"inputs": "x"}, TypeError, "inputs must be a sequence of arrays, or a mapping .*, got 'x'"),
        ({"inputs": ["x"]}, TypeError, r"input 0\.dtype must be .*, got <U1"),
        ({"step": 0}, ValueError, "step must be a number between 0 and 1, got 0"),
        ({"step": "small"}, ValueError, "step must be a number between 0 and 1, got 'small'"),
        ({"step": float("nan")}, ValueError, "step must be a number between 0 and 1, got nan"),
        ({"inputs": [np.ma.masked_array([1.0])]}, TypeError, "input 0 must be a plain array, got a masked array .*"),
        ({"inputs": [[True]]}, TypeError, "input 0 must be an array of numbers that can be moved, got bool"),
        ({"f": 3}, TypeError, "f must be a function, got 3"),
        ({"backward": None}, TypeError, "backward must be a function, got None"),
        ({"rtol": -1}, ValueError, "rtol must be a number of at least 0, got -1"),
        ({"rtol": [1e-5]}, ValueError, r"rtol must be a number of at least 0, got \[1e-05\]"),
        ({"atol": "small"}, ValueError, "atol must be a number of at least 0, got 'small'"),
        ({"atol": float("nan")}, ValueError, "atol must be a number of at least 0, got nan"),
        ({"seed": -1}, ValueError, "seed must be at least 0, got -1"),
        ({"seed": np.asmatrix(np.ones((2, 2)))}, TypeError, r"seed must be an integer, got matrix[\s\S]*"),
        ({"elements": 0}, ValueError, "elements must be at least 1, got 0"),
        ({"elements": 2.5}, TypeError, "elements must be an integer, got 2.5"),
    ],
)
def test_bad_input_is_one_clear_error(arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        gradcheck(**{"f": square, "inputs": [[1.0, 2.0]], "backward": right, **arguments})
