"""Double backward: the gradients of the gradients, by numbers, by differences and by the forms they come from."""

import numpy as np
import pytest
from fakes import CallerArray, FakeDevice, Recorder
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import plain_calls, transposed_calls

import convt
from convt.testing import gradcheck

PAIRS = {
    "conv_transpose": (convt.conv_transpose, convt.conv_transpose_backward, convt.conv_transpose_double_backward),
    "conv": (convt.conv, convt.conv_backward, convt.conv_double_backward),
}


def draw(rng, shape, is_complex=False):
    real = rng.standard_normal(shape)
    return real + 1j * rng.standard_normal(shape) if is_complex else real


def test_numbers_of_a_line():
    """X = [a, b], w = [u, v], stride 2: dx = [u p + v q, u r + v s] and dw = [a p + b r, a q + b s] of dy = [p, q, r, s]."""
    x, w, dy = np.array([[[2.0, 3.0]]]), np.array([[[5.0, 7.0]]]), np.array([[[1.0, 10.0, 100.0, 1000.0]]])
    ddx, ddw = np.array([[[1.0, 2.0]]]), np.array([[[3.0, 4.0]]])
    found = convt.conv_transpose_double_backward(x, w, [0.0], dy, ddx, ddw, [6.0], stride=2)
    assert_array_equal(found.x, [[[3 * 1 + 4 * 10, 3 * 100 + 4 * 1000]]])
    assert_array_equal(found.w, [[[1 * 1 + 2 * 100, 1 * 10 + 2 * 1000]]])
    assert_array_equal(found.dy, [[[5 + 6 + 6, 7 + 8 + 6, 10 + 9 + 6, 14 + 12 + 6]]])


CASES = [
    ("conv_transpose", (2, 4, 3, 2), (4, 2, 3, 2), 2, {"stride": (2, 1), "padding": 1}),
    ("conv_transpose", (4, 5), (4, 3, 4), 6, {"groups": 2, "output_padding": 1, "stride": 3}),
    ("conv_transpose", (3, 2, 2), (3, 2, 1, 2), 1, {"layout": "HWCN", "padding": "same", "stride": 2}),
    ("conv", (2, 4, 6, 5), (2, 2, 3, 2), 2, {"groups": 2, "stride": 2, "padding": ((1, 0), (0, 2))}),
    ("conv", (1, 2, 3, 4, 4), (3, 2, 2, 2, 3), 3, {"dilation": (2, 1, 1), "padding": "same"}),
    ("conv", (2, 7, 2), (3, 2, 4), 4, {"layout": "NWC", "stride": 2}),
]


@pytest.mark.parametrize("is_complex", [False, True])
@pytest.mark.parametrize(("name", "x_shape", "w_shape", "channels", "options"), CASES)
def test_they_are_the_differences_of_the_gradients(rng, name, x_shape, w_shape, channels, options, is_complex):
    forward, backward, double_backward = PAIRS[name]
    x, w, bias = (draw(rng, shape, is_complex) for shape in (x_shape, w_shape, channels))
    dy = draw(rng, forward(x, w, **options).shape, is_complex)

    def gradients(x, w, dy):
        return backward(x, w, bias, dy, **options)

    def of_gradients(x, w, dy, ddx, ddw, ddbias):
        return double_backward(x, w, bias, dy, ddx, ddw, ddbias, **options)

    gradcheck(gradients, {"x": x, "w": w, "dy": dy}, of_gradients, elements=20)


@pytest.mark.parametrize("name", PAIRS)
@given(st.data())
def test_the_forms_agree_for_any_options(name, data):
    """<ddx, dx> + <ddw, dw> + <ddbias, dbias> is linear in dy, and its parts are linear in x and in w."""
    call = data.draw(plain_calls() if name == "conv" else transposed_calls())
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    forward, backward, double_backward = PAIRS[name]
    options = call["options"]
    x, w = draw(rng, call["x_shape"]), draw(rng, call["w_shape"])
    y = forward(x, w, **options)
    bias, dy = draw(rng, y.shape[-w.ndim + 1]), draw(rng, y.shape)
    seconds = [draw(rng, array.shape) for array in (x, w, bias)]
    found = double_backward(x, w, bias, dy, *seconds, **options)
    assert [array.shape for array in found] == [x.shape, w.shape, y.shape]
    of_x, of_w, of_bias = (np.vdot(a, b) for a, b in zip(seconds, backward(x, w, bias, dy, **options), strict=True))
    atol = 1e-11 * (1 + abs(dy).sum() * (1 + abs(w).max() + abs(x).max(initial=0)) * 10)
    assert_allclose(np.vdot(found.dy, dy), of_x + of_w + of_bias, atol=atol)
    assert_allclose(np.vdot(found.w, w), of_x, atol=atol)
    assert_allclose(np.vdot(found.x, x), of_w, atol=atol)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("present", [(True, False, False), (False, True, False), (False, False, True), (False,) * 3])
def test_what_is_none_counts_as_zero(rng, name, present):
    _, _, double_backward = PAIRS[name]
    x, w, bias = (draw(rng, shape) for shape in [(2, 3, 5), (3, 3, 2), (3,)])
    dy = draw(rng, (2, 3, 6 if name == "conv_transpose" else 4))
    seconds = [draw(rng, array.shape) for array in (x, w, bias)]
    given_ones = [second if there else None for second, there in zip(seconds, present, strict=True)]
    zeros = [second if there else np.zeros_like(second) for second, there in zip(seconds, present, strict=True)]
    got, want = double_backward(x, w, bias, dy, *given_ones), double_backward(x, w, bias, dy, *zeros)
    for array, full in zip(got, want, strict=True):
        if array is None:
            assert not full.any()
        else:
            assert_allclose(array, full, rtol=1e-13)
    assert [array is not None for array in got] == [present[1], present[0], any(present)]


def test_only_what_is_needed_is_computed(rng):
    x, w, dy = np.ones((1, 1, 2)), np.ones((1, 1, 3)), np.ones((1, 1, 5))
    calls = {"x": ["gather"], "w": ["correlate"], "dy": ["scatter", "scatter"]}
    for needs in [(), "x", ["w"], {"dy"}, ("x", "dy")]:
        recorder = Recorder()
        found = convt.conv_transpose_double_backward(x, w, None, dy, x, w, stride=2, needs=needs, backend=recorder)
        names = {needs} if isinstance(needs, str) else set(needs)
        assert {name for name, array in found._asdict().items() if array is not None} == names
        assert recorder.calls == [call for name in ("x", "w", "dy") if name in names for call in calls[name]]


def test_types_are_promoted_and_nothing_is_changed():
    arrays = [np.ones(shape, np.float32) for shape in [(1, 1, 2), (1, 1, 2), (1,), (1, 1, 3), (1, 1, 2), (1, 1, 2), (1,)]]
    for array in arrays:
        array.flags.writeable = False
    found = convt.conv_transpose_double_backward(*arrays)
    assert {array.dtype for array in found} == {np.dtype(np.float32)}
    assert not any(np.shares_memory(array, argument) for array in found for argument in arrays)
    found = convt.conv_transpose_double_backward(*[array.tolist() for array in arrays])
    assert {array.dtype for array in found} == {np.dtype(np.float64)}


class DeviceNumbers(CallerArray):
    """Data on a device, with the arithmetic that arrays there have."""

    @property
    def shape(self):
        return self.host.shape

    def __add__(self, other):
        return DeviceNumbers(self.host + other.host)

    def __sub__(self, other):
        return DeviceNumbers(self.host - other.host)


@pytest.mark.parametrize("present", [(True, True, True), (False, False, True)])
def test_arrays_on_a_device_stay_there(rng, install, present):
    install(device=FakeDevice(), numpy="convt.numpy_backend:backend")
    x, w, bias, dy = (draw(rng, shape) for shape in [(1, 2, 4), (2, 1, 3), (1,), (1, 1, 9)])
    seconds = [draw(rng, a.shape) if there else None for a, there in zip((x, w, bias), present, strict=True)]
    want = convt.conv_transpose_double_backward(x, w, bias, dy, *seconds, stride=2, backend="numpy")
    on_device = [None if a is None else DeviceNumbers(a) for a in (x, w, bias, dy, *seconds)]
    found = convt.conv_transpose_double_backward(*on_device, stride=2)
    for array, host in zip(found, want, strict=True):
        assert (array is None) == (host is None)
        if array is not None:
            assert isinstance(array, DeviceNumbers)
            assert_allclose(array.host, host, rtol=1e-13)


GOOD = {
    "x": np.ones((2, 3, 5)),
    "w": np.ones((3, 3, 2)),
    "bias": np.ones(3),
    "ddx": np.ones((2, 3, 5)),
    "ddw": np.ones((3, 3, 2)),
    "ddbias": np.ones(3),
}
BAD = [
    ({"ddx": np.ones((2, 3, 4))}, ValueError, r"ddx.shape must equal x's \(2, 3, 5\), got \(2, 3, 4\)"),
    ({"ddx": np.ones((3, 5))}, ValueError, r"ddx.shape must equal x's \(2, 3, 5\), got \(3, 5\)"),
    ({"ddw": np.ones((3, 3))}, ValueError, r"ddw.shape must equal w's \(3, 3, 2\), got \(3, 3\)"),
    ({"ddbias": 1.0}, ValueError, r"ddbias.shape must equal bias's \(3,\), got \(\)"),
    ({"bias": None}, ValueError, r"ddbias must be None where bias is, got an array of shape \(3,\)"),
    ({"ddw": "w"}, TypeError, "ddw.dtype must be .*, got <U1"),
    ({"dy": None}, TypeError, "dy must be an array of numbers, got None"),
    ({"x": None}, TypeError, "x must be an array of numbers, got None"),
    ({"dy": np.ones((2, 3, 5))}, ValueError, r"dy.shape must equal the output's .*, got \(2, 3, 5\)"),
    ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    ({"needs": ("bias",)}, ValueError, r"needs must hold names from \('x', 'w', 'dy'\), got \('bias',\)"),
    ({"needs": np.array("x")}, TypeError, "needs must be a collection of names from .*, got array[\\s\\S]*"),
    ({"needs": np.ones((2, 2))}, TypeError, "needs must be a collection of names from .*, got array[\\s\\S]*"),
    ({"needs": [np.ones(2)]}, ValueError, "needs must hold names from .*, got .*"),
    ({"x": 2.5}, ValueError, "x must have .*, got 0"),
    ({"w": np.ones((1,) * 6)}, ValueError, "w must have .*, got 6"),
    ({"needs": None}, TypeError, "needs must be a collection of names from .*, got None"),
    ({"layout": "NHWC"}, ValueError, "layout must be one of .*"),
]


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=lambda value: None)
def test_bad_input_is_one_clear_error_before_any_work(name, changes, error, message):
    recorder = Recorder()
    dy = np.ones((2, 3, 6 if name == "conv_transpose" else 4))
    with pytest.raises(error, match=f"^{message}$"):
        PAIRS[name][2](**{**GOOD, "dy": dy, **changes}, backend=recorder)
    assert recorder.calls == []


def test_zeros_on_a_device_are_zeros(install):
    install(device=FakeDevice(), numpy="convt.numpy_backend:backend")
    x, w, bias, dy = (DeviceNumbers(np.full(shape, np.inf)) for shape in [(1, 1, 3), (1, 1, 2), (1,), (1, 1, 4)])
    ddbias = DeviceNumbers(np.ones(1))
    found = convt.conv_transpose_double_backward(x, w, bias, dy, None, None, ddbias, needs=["dy"]).dy
    assert type(found) is DeviceNumbers
    assert_allclose(found.host, np.ones((1, 1, 4)))
