"""The four operators: documented conventions with the numbers written out, gradients, and what they leave alone."""

import numpy as np
import pytest
from fakes import Recorder
from numpy.testing import assert_allclose, assert_array_equal

import convt

LINE = np.array([[[1.0, 2.0, 3.0]]])
TAPS = np.array([[[1.0, 10.0, 100.0]]])


def test_every_element_adds_a_scaled_copy_of_the_filter():
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    w = np.array([[[[1.0, 10.0], [100.0, 1000.0]]]])
    assert_array_equal(
        convt.conv_transpose(x, w),
        [[[[1, 12, 20], [103, 1234, 2040], [300, 3400, 4000]]]],
    )
    assert_array_equal(
        convt.conv_transpose(x, w, stride=2),
        [[[[1, 10, 2, 20], [100, 1000, 200, 2000], [3, 30, 4, 40], [300, 3000, 400, 4000]]]],
    )


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({}, [1, 12, 123, 230, 300]),
        ({"stride": 2}, [1, 10, 102, 20, 203, 30, 300]),
        ({"stride": 2, "padding": 1}, [10, 102, 20, 203, 30]),
        ({"stride": 2, "padding": [(1, 0)]}, [10, 102, 20, 203, 30, 300]),
        ({"stride": 2, "padding": [(0, 3)]}, [1, 10, 102, 20]),
        ({"stride": 2, "padding": [(-1, -2)]}, [0, 1, 10, 102, 20, 203, 30, 300, 0, 0]),
        ({"stride": 2, "padding": "valid"}, [1, 10, 102, 20, 203, 30, 300]),
        ({"stride": 2, "padding": "same"}, [1, 10, 102, 20, 203, 30]),
        ({"stride": 2, "padding": "same_lower"}, [10, 102, 20, 203, 30, 300]),
        ({"stride": 1, "padding": "same"}, [12, 123, 230]),
        ({"stride": 4, "padding": "same"}, [1, 10, 100, 0, 2, 20, 200, 0, 3, 30, 300, 0]),
        ({"stride": 4, "padding": "same_lower"}, [1, 10, 100, 0, 2, 20, 200, 0, 3, 30, 300, 0]),
        ({"stride": 2, "output_padding": 1}, [1, 10, 102, 20, 203, 30, 300, 0]),
        ({"stride": 2, "padding": 1, "output_padding": 1}, [10, 102, 20, 203, 30, 300]),
        ({"stride": 2, "padding": 1, "output_size": 6}, [10, 102, 20, 203, 30, 300]),
        ({"stride": 2, "padding": "same", "output_size": 5}, [10, 102, 20, 203, 30]),
        ({"dilation": 2}, [1, 2, 13, 20, 130, 200, 300]),
        ({"dilation": 2, "output_padding": 1}, [1, 2, 13, 20, 130, 200, 300, 0]),
        ({"padding": [(9, -9)]}, [0, 0, 0, 0, 0]),
    ],
)
def test_options_of_conv_transpose(options, y):
    assert_array_equal(convt.conv_transpose(LINE, TAPS, **options), [[y]])


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({}, [321, 432, 543]),
        ({"stride": 2}, [321, 543]),
        ({"padding": 1}, [210, 321, 432, 543, 54]),
        ({"stride": 2, "padding": 1}, [210, 432, 54]),
        ({"padding": [(2, 0)]}, [100, 210, 321, 432, 543]),
        ({"padding": [(-1, 1)]}, [432, 543, 54]),
        ({"padding": "same"}, [210, 321, 432, 543, 54]),
        ({"stride": 2, "padding": "same"}, [210, 432, 54]),
        ({"stride": 4, "padding": "same"}, [210, 54]),
        ({"stride": 3, "padding": "same"}, [321, 54]),
        ({"stride": 3, "padding": "same_lower"}, [210, 543]),
        ({"padding": "same", "dilation": 2}, [310, 420, 531, 42, 53]),
        ({"dilation": 2}, [531]),
    ],
)
def test_options_of_conv(options, y):
    assert_array_equal(convt.conv([[[1, 2, 3, 4, 5]]], TAPS, **options), [[y]])


def test_an_even_filter_with_same_has_its_odd_zero_at_the_end_as_pytorch_and_tensorflow_do():
    x, w = [[[1, 2, 3, 4, 5]]], [[[1, 10, 100, 1000]]]
    assert_array_equal(convt.conv(x, w, padding="same"), [[[3210, 4321, 5432, 543, 54]]])
    assert_array_equal(convt.conv(x, w, padding="same_lower"), [[[2100, 3210, 4321, 5432, 543]]])


def test_channels_are_ordered_by_group_as_pytorchs():
    x = np.arange(1.0, 9).reshape(1, 4, 2)
    assert_array_equal(
        convt.conv_transpose(x, np.arange(1.0, 17).reshape(4, 2, 2), stride=2, groups=2),
        [[[16, 20, 22, 28], [24, 28, 34, 40], [136, 148, 158, 172], [160, 172, 186, 200]]],
    )
    assert_array_equal(convt.conv(x, np.arange(1.0, 9).reshape(2, 2, 2), groups=2), [[[30], [174]]])


def test_the_axes_keep_their_own_options():
    x, w = np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0], [10.0]]]])
    y = convt.conv_transpose(x, w, stride=(5, 3), padding=((0, -1), (1, 0)), output_padding=(0, 2), dilation=(2, 1))
    assert_array_equal(y, [[[[0, 0, 2, 0, 0], [0] * 5, [0, 0, 20, 0, 0], [0] * 5]]])


def test_the_bias_is_added_to_each_output_channel():
    x, w = np.zeros((2, 1, 3, 3)), np.zeros((1, 2, 2, 2))
    y = convt.conv_transpose(x, w, [5.0, -1.0], stride=3, padding=-1)
    assert_array_equal(y, np.broadcast_to(np.reshape([5.0, -1.0], (2, 1, 1)), y.shape))
    assert_array_equal(convt.conv(y, w, [2]), np.full((2, 1, 9, 9), 2.0))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_one_two_and_three_axes_with_and_without_a_batch(rng, axes):
    x, w = rng.standard_normal((2, 3, 4, 3, 2)[: axes + 2]), rng.standard_normal((3, 2, 2, 3, 1)[: axes + 2])
    y = convt.conv_transpose(x, w, stride=2)
    assert y.shape == convt.conv_transpose_shape(x.shape, w.shape, stride=2)
    alone = convt.conv_transpose(x[1], w, stride=2)
    assert alone.shape == convt.conv_transpose_shape(x.shape[1:], w.shape, stride=2)
    assert_allclose(alone, y[1], rtol=1e-13)
    assert convt.conv(alone, w, stride=2).shape == x.shape[1:]


DUALS = [
    {},
    {"stride": 2},
    {"stride": 3, "padding": [(2, -1)]},
    {"stride": 2, "padding": "same"},
    {"stride": 3, "padding": "same_lower"},
    {"stride": 2, "dilation": 3, "padding": 2},
    {"groups": 2, "stride": 2},
]


@pytest.mark.parametrize("options", DUALS)
def test_conv_and_conv_transpose_are_adjoint(rng, options):
    w = rng.standard_normal((4, 3, 3))
    x = rng.standard_normal((2, 4, 5))
    v = rng.standard_normal(convt.conv_transpose_shape(x.shape, w.shape, **options))
    forward = convt.conv_transpose(x, w, **options)
    back = convt.conv(v, w, **options)
    assert back.shape == x.shape
    assert_allclose(np.vdot(forward, v), np.vdot(x, back), rtol=1e-12)
    assert_allclose(convt.conv_transpose_backward(x, w, None, v, **options).x, back, rtol=1e-13)
    assert_allclose(convt.conv_backward(v, w, None, x, **options).x, forward, rtol=1e-13)
    assert_allclose(
        convt.conv_backward(v, w, None, x, **options).w,
        convt.conv_transpose_backward(x, w, None, v, **options).w,
        rtol=1e-13,
    )


GRADIENTS = [
    (convt.conv_transpose, convt.conv_transpose_backward, (2, 4, 3, 2), (4, 2, 3, 2), 2, {"stride": (2, 1), "padding": 1}),
    (
        convt.conv_transpose,
        convt.conv_transpose_backward,
        (4, 5),
        (4, 3, 4),
        6,
        {"groups": 2, "output_padding": 1, "stride": 3},
    ),
    (
        convt.conv,
        convt.conv_backward,
        (2, 4, 6, 5),
        (2, 2, 3, 2),
        2,
        {"groups": 2, "stride": 2, "padding": ((1, 0), (0, 2))},
    ),
    (convt.conv, convt.conv_backward, (1, 2, 5, 4, 4), (3, 2, 2, 2, 3), 3, {"dilation": (2, 1, 1), "padding": "same"}),
]


@pytest.mark.parametrize(("forward", "backward", "x_shape", "w_shape", "channels", "options"), GRADIENTS)
def test_gradients_are_those_of_differences(rng, forward, backward, x_shape, w_shape, channels, options):
    arguments = {"x": rng.standard_normal(x_shape), "w": rng.standard_normal(w_shape), "bias": rng.standard_normal(channels)}
    dy = rng.standard_normal(forward(**arguments, **options).shape)
    gradients = backward(**arguments, dy=dy, **options)._asdict()
    for name, array in arguments.items():
        numeric = np.empty_like(array)
        for position in np.ndindex(array.shape):
            step = np.zeros_like(array)
            step[position] = 0.5  # the operators are linear in each argument: any step gives the exact difference
            up, down = (forward(**{**arguments, name: array + side * step}, **options) for side in (1, -1))
            numeric[position] = np.vdot(dy, up - down)
        assert_allclose(gradients[name], numeric, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("needs", [(), ("x",), ("w",), ["bias"], {"x", "bias"}, "w", ("x", "w", "bias"), ("bias", "x")])
def test_only_the_gradients_that_are_needed_are_computed(needs):
    recorder = Recorder()
    gradients = convt.conv_transpose_backward(LINE, TAPS, [1.0], np.ones((1, 1, 5)), needs=needs, backend=recorder)
    names = {needs} if isinstance(needs, str) else set(needs)
    assert {name for name, gradient in gradients._asdict().items() if gradient is not None} == names
    assert recorder.calls == [call for name, call in [("x", "gather"), ("w", "correlate")] if name in names]


def test_without_a_bias_there_is_no_gradient_of_it():
    assert convt.conv_backward(LINE, TAPS, None, [[[1.0]]]).bias is None


@pytest.mark.parametrize(
    ("needs", "error", "message"),
    [
        (("x", "y"), ValueError, r"needs must hold names from \('x', 'w', 'bias'\), got \('x', 'y'\)"),
        ("xw", ValueError, "needs must hold names from .*, got 'xw'"),
        ([["x"]], ValueError, "needs must hold names from .*"),
        (None, TypeError, "needs must be a collection of names from .*, got None"),
        (3, TypeError, "needs must be a collection of names from .*, got 3"),
        (iter("x"), TypeError, "needs must be a collection of names from .*"),
    ],
)
@pytest.mark.parametrize("backward", [convt.conv_transpose_backward, convt.conv_backward])
def test_wrong_needs(backward, needs, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        backward(LINE, TAPS, None, [[[1.0]]], padding=1, needs=needs)


@pytest.mark.parametrize("groups", [1, 2])
def test_an_empty_batch_gives_empty_results_and_zero_gradients(groups):
    recorder = Recorder()
    x, w, bias = np.zeros((0, 4, 3, 3)), np.ones((4, 2, 2, 2)), np.ones(2 * groups)
    y = convt.conv_transpose(x, w, bias, stride=2, groups=groups, backend=recorder)
    assert y.shape == (0, 2 * groups, 6, 6)
    assert convt.conv(y, w, stride=2, groups=groups, backend=recorder).shape == x.shape
    for backward, data, dy, b in [
        (convt.conv_transpose_backward, x, y, bias),
        (convt.conv_backward, y, x, np.ones(4)),
    ]:
        gradients = backward(data, w, b, dy, stride=2, groups=groups, backend=recorder)
        assert gradients.x.shape == data.shape
        assert_array_equal(gradients.w, np.zeros_like(w))
        assert_array_equal(gradients.bias, np.zeros_like(b))
    assert recorder.calls == []


def test_nothing_of_the_callers_is_changed(rng):
    x, w, bias, dy = (rng.standard_normal(shape) for shape in [(2, 4, 3), (4, 1, 3), (2,), (2, 2, 6)])
    padding, stride, needs = [[1, 0]], np.array([2]), ["x", "w", "bias"]
    copies = [np.array(each) for each in (x, w, bias, dy, padding, stride, needs)]
    convt.conv_transpose(x, w, bias, stride=stride, padding=padding, groups=2)
    convt.conv_transpose_backward(x, w, bias, dy, stride=stride, padding=padding, groups=2, needs=needs)
    for each, copy in zip((x, w, bias, dy, padding, stride, needs), copies, strict=True):
        assert_array_equal(each, copy)


def test_results_share_no_memory_with_the_arguments():
    x, w, bias = np.ones((1, 1, 1)), np.ones((1, 1, 1)), np.ones(1)
    results = [convt.conv(x, w, bias), *convt.conv_backward(x, w, bias, np.ones((1, 1, 1)))]
    assert not any(np.shares_memory(result, argument) for result in results for argument in (x, w, bias))
    assert all(result.flags.writeable for result in results)


# Bad input: one clear error, before any work.

REFUSER = Recorder()
ARGUMENTS = {"x": np.ones((2, 4, 5)), "w": np.ones((4, 4, 3)), "bias": np.ones(4)}
FUNCTIONS = {
    "conv_transpose": ((2, 4, 7), {}),
    "conv": ((2, 4, 3), {}),
    "conv_transpose_backward": ((2, 4, 7), {"dy": np.ones((2, 4, 7))}),
    "conv_backward": ((2, 4, 3), {"dy": np.ones((2, 4, 3))}),
}
BAD = [
    ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    ({"stride": -2}, ValueError, "stride must be at least 1, got -2"),
    ({"stride": 1.5}, TypeError, "stride must be an integer or a sequence of integers, got 1.5"),
    ({"stride": "2"}, TypeError, "stride must be an integer or a sequence of integers, got '2'"),
    ({"stride": True}, TypeError, "stride must be an integer or a sequence of integers, got True"),
    ({"stride": None}, TypeError, "stride must be an integer or a sequence of integers, got None"),
    ({"stride": (1, 1)}, ValueError, r"stride must be an integer or have one per spatial axis \(1\), got 2: \(1, 1\)"),
    ({"stride": 10**40}, ValueError, "stride must fit into 64 bits, got an integer of 133 bits"),
    ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
    ({"dilation": 2**62}, ValueError, r"stride, dilation and sizes must span fewer than 2\*\*62 elements, got \d+"),
    ({"dilation": [1.0]}, TypeError, r"dilation\[0\] must be an integer, got 1.0"),
    ({"padding": "full"}, ValueError, r"padding must be an integer, .*, or one of \('valid', .*\), got 'full'"),
    ({"padding": [(1, 2, 3)]}, ValueError, r"padding\[0\] must be an integer or a \(before, after\) pair, got \(1, 2, 3\)"),
    ({"padding": {}}, TypeError, "padding must be an integer, .*, got {}"),
    ({"groups": 0}, ValueError, "groups must be at least 1, got 0"),
    ({"groups": 3}, ValueError, "groups must divide x's 4 channels, got 3"),
    ({"groups": 2.0}, TypeError, "groups must be an integer, got 2.0"),
    ({"groups": [1]}, TypeError, r"groups must be an integer, got \[1\]"),
    ({"layout": "NHWC"}, ValueError, "layout must be one of 'NCW', 'NWC', 'WCN' for 1 spatial axis, got 'NHWC'.*'NWC'.*"),
    ({"layout": 1}, ValueError, "layout must be one of .*, got 1"),
    ({"x": np.ones(5)}, ValueError, "x must have 3 axes to go with w's 1 spatial ones, or 2 without a batch, got 1"),
    ({"x": 3.0}, ValueError, "x must have 3 axes .*, got 0"),
    ({"x": np.ones((2, 4, 5, 1))}, ValueError, "x must have 3 axes .*, got 4"),
    (
        {"x": np.ones((2, 4, 0))},
        ValueError,
        r"x must have at least 1 channel and 1 element .*, got 4 channels and \(0,\) .*",
    ),
    ({"x": np.ones((2, 0, 5))}, ValueError, "x must have at least 1 channel and 1 element .*, got 0 channels .*"),
    ({"x": np.ones((2, 5, 5))}, ValueError, r"w.shape\[[01]\] must equal x's 5 channels.*, got 4 .*"),
    ({"w": np.ones((4, 4))}, ValueError, r"w must have 3, 4 or 5 axes .*, got 2"),
    (
        {"w": np.ones((4, 4, 0))},
        ValueError,
        r"w must have at least 1 element along each axis, got 4 x 4 channels and .* \(0,\)",
    ),
    ({"bias": np.ones(5)}, ValueError, r"bias.shape must equal \(4,\), one per output channel, got \(5,\)"),
    ({"bias": 1.0}, ValueError, r"bias.shape must equal \(4,\), one per output channel, got \(\)"),
    ({"bias": np.ones((4, 1))}, ValueError, r"bias.shape must equal \(4,\), one per output channel, got \(4, 1\)"),
    ({"bias": "none"}, TypeError, "bias.dtype must be .*, got <U4"),
]


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=lambda value: None)
def test_bad_input_is_one_clear_error_before_any_work(name, changes, error, message):
    recorder = Recorder()
    arguments = {**ARGUMENTS, **FUNCTIONS[name][1], **changes}
    with pytest.raises(error, match=f"^{message}$"):
        getattr(convt, name)(**arguments, backend=recorder)
    assert recorder.calls == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_arguments_of_these_tests_are_good_without_changes(name):
    recorder = Recorder()
    getattr(convt, name)(**ARGUMENTS, **FUNCTIONS[name][1], backend=recorder)
    assert recorder.calls


@pytest.mark.parametrize("name", ["conv_backward", "conv_transpose_backward"])
@pytest.mark.parametrize("shape", [(2, 4, 4), (1, 4, 7), (2, 4), (), (2, 4, 7, 1)])
def test_dy_has_the_shape_of_y(name, shape):
    recorder = Recorder()
    y_shape = str(FUNCTIONS[name][0]).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"^dy.shape must equal the output's {y_shape}, got \("):
        getattr(convt, name)(**ARGUMENTS, dy=np.ones(shape), backend=recorder)
    assert recorder.calls == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: convt.conv_transpose(LINE, TAPS, stride=2**46, backend=REFUSER), MemoryError),
        (lambda: convt.conv_transpose(LINE, TAPS, padding=-(2**55), backend=REFUSER), MemoryError),
        (lambda: convt.conv(LINE, TAPS, padding=2**55, backend=REFUSER), MemoryError),
        (lambda: convt.conv_transpose(LINE * 1j, TAPS, stride=2**58 - 9, backend=REFUSER), MemoryError),
        (lambda: convt.conv_transpose(LINE.astype("f2"), TAPS.astype("f2"), stride=2**50, backend=REFUSER), MemoryError),
        (lambda: convt.conv_transpose(LINE, TAPS, dilation=2**60, backend=REFUSER), ValueError),
        (lambda: convt.conv_transpose(LINE, TAPS, stride=2**59, backend=REFUSER), ValueError),
        (lambda: convt.conv(np.broadcast_to(np.int8(1), (2**61, 1, 3)), TAPS, backend=REFUSER), ValueError),
        (lambda: convt.conv(LINE, np.broadcast_to(np.int8(1), (2**60, 1, 3)), backend=REFUSER), ValueError),
    ],
)
def test_what_cannot_be_allocated_is_an_error_before_any_work(call, error):
    with pytest.raises(error, match=r"^(Unable to allocate|x, w and the result must each take fewer than 2\*\*62 bytes)"):
        call()
    assert REFUSER.calls == []
