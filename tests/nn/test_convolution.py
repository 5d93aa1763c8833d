"""The six layers with filters: the textbook's shapes, the operators' numbers, gradients, errors."""

import numpy as np
import pytest
from fakes import Recorder
from gradients import check_gradients

import convt
from convt import nn

PAIRS = [(nn.Conv1D, nn.Conv1DTranspose), (nn.Conv2D, nn.Conv2DTranspose), (nn.Conv3D, nn.Conv3DTranspose)]
ALL = [layer for pair in PAIRS for layer in pair]


def axes(layer):
    return int(layer.__name__[4])


def test_the_textbook_pair_of_shapes(rng):
    down = nn.Conv2D(channels=10, kernel_size=4, strides=2, padding=1)
    up = nn.Conv2DTranspose(channels=3, kernel_size=4, strides=2, padding=1)
    x = rng.standard_normal((1, 3, 64, 64), np.float32)
    for layer in (down, up):
        layer.initialize(rng=0)
    y = down(x)
    assert y.shape == (1, 10, 32, 32)
    back = up(y)
    assert back.shape == (1, 3, 64, 64)
    assert down.weight.shape == up.weight.shape == (10, 3, 4, 4)
    assert back.dtype == np.float32


@pytest.mark.parametrize(("down", "up"), PAIRS)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(5, 3, 2), (4, 2, 1), (2, 2, 0), (3, 1, 1)])
def test_the_transpose_restores_the_shape(down, up, kernel, stride, padding):
    side = (7 - 1) * stride + kernel - 2 * padding
    x = np.zeros((2, 3, *[side] * axes(down)))
    layers = down(4, kernel, stride, padding), up(3, kernel, stride, padding)
    net = nn.Sequential(*layers)
    net.initialize()
    assert net(x).shape == x.shape
    assert layers[0](x).shape == (2, 4, *[7] * axes(down))


def test_the_worked_example_of_a_2_by_2_kernel():
    layer = nn.Conv2DTranspose(1, kernel_size=2)
    layer.initialize(np.array([[[[0.0, 1.0], [2.0, 3.0]]]]))
    y = layer([[[0.0, 1.0], [2.0, 3.0]]])
    np.testing.assert_array_equal(y, [[[0, 0, 1], [0, 4, 6], [4, 12, 9]]])


@pytest.mark.parametrize("layer", ALL)
@pytest.mark.parametrize("last", [False, True])
def test_a_layer_computes_what_its_operator_does(layer, last, rng):
    spatial = (7, 6, 5)[: axes(layer)]
    order = "WHD"[: axes(layer)][::-1]
    options = {
        "padding": ((1, 0),) * axes(layer),
        "dilation": 2,
        "groups": 2,
        "layout": f"N{order}C" if last else f"NC{order}",
    }
    extra = {"output_padding": 1} if "Transpose" in layer.__name__ else {}
    built = layer(6, 2, 2, **options, **extra, bias_initializer="normal")
    built.initialize("normal", rng=1, dtype=np.float64)
    x = rng.standard_normal((3, *spatial, 4) if last else (3, 4, *spatial))
    y = built(x)
    operator = convt.conv_transpose if extra else convt.conv
    np.testing.assert_array_equal(y, operator(x, built.weight.data, built.bias.data, stride=2, **options, **extra))
    assert built.in_channels == 4
    np.testing.assert_allclose(built(x[1]), y[1])


@pytest.mark.parametrize("layer", ALL)
def test_gradients(layer, rng):
    built = layer(4, 3, 2, 1, groups=2, bias_initializer="normal")
    built.initialize("he", rng=0, dtype=np.float64)
    check_gradients(built, rng.standard_normal((2, 2, *(5, 4, 3)[: axes(layer)])))


def test_gradients_where_channels_are_last(rng):
    built = nn.Conv2DTranspose(2, (3, 2), (2, 1), "same", layout="NHWC", use_bias=False)
    built.initialize(rng=0, dtype=np.float64)
    check_gradients(built, rng.standard_normal((1, 3, 4, 3)))


def test_gradients_add_up_until_they_are_forgotten(rng):
    layer = nn.Conv1D(2, 3)
    layer.initialize(rng=0, dtype=np.float64)
    y = layer(rng.standard_normal((1, 2, 6)))
    layer.backward(np.ones_like(y))
    once = [parameter.grad.copy() for parameter in layer.parameters()]
    layer.backward(np.ones_like(y))
    for parameter, grad in zip(layer.parameters(), once, strict=True):
        np.testing.assert_array_equal(parameter.grad, 2 * grad)
    layer.zero_grad()
    assert not any(parameter.grad.any() for parameter in layer.parameters())


def test_the_number_of_channels_is_learnt_at_the_first_call():
    layer = nn.Conv2D(10, 4, 2, 1)
    assert layer.in_channels == 0
    assert repr(layer) == "Conv2D(10, kernel_size=(4, 4), strides=(2, 2), padding=1)"
    layer.initialize(rng=3)
    with pytest.raises(RuntimeError, match=r"weight must be initialised .* call the layer, which then knows its sizes"):
        layer.weight.data  # noqa: B018
    layer(np.zeros((3, 8, 8)))
    assert layer.in_channels == 3
    assert repr(layer) == "Conv2D(10, kernel_size=(4, 4), strides=(2, 2), padding=1, in_channels=3)"
    told = nn.Conv2D(10, 4, 2, 1, in_channels=3)
    told.initialize(rng=3)
    np.testing.assert_array_equal(told.weight.data, layer.weight.data)
    with pytest.raises(ValueError, match=r"x must have 3 channels \(axis 0\), got 5 in shape \(5, 8, 8\)"):
        layer(np.zeros((5, 8, 8)))


def test_initialising_again_starts_again():
    layer = nn.Conv1D(2, 3)
    layer.initialize(rng=0)
    y = layer(np.ones((1, 1, 5), np.float32))
    layer.backward(np.ones_like(y))
    before = layer.weight.data.copy()
    layer.initialize(rng=1, dtype=np.float64)
    assert layer.weight.data.dtype == np.float64
    assert not np.allclose(layer.weight.data, before)
    assert not layer.weight.grad.any()


def test_a_failed_initialisation_changes_nothing():
    layer = nn.Conv1D(2, 3, in_channels=1, bias_initializer=lambda shape, rng: np.zeros(7))
    layer.weight.data = np.ones((2, 1, 3))
    with pytest.raises(ValueError, match=r"bias must have shape \(2,\), got \(7,\)"):
        layer.initialize()
    np.testing.assert_array_equal(layer.weight.data, np.ones((2, 1, 3)))


def test_the_layers_own_initialiser_wins():
    layer = nn.Conv1D(2, 3, in_channels=1, weight_initializer="ones", bias_initializer=2)
    layer.initialize("zeros")
    np.testing.assert_array_equal(layer.weight.data, np.ones((2, 1, 3)))
    np.testing.assert_array_equal(layer.bias.data, [2, 2])


def test_the_backend_is_that_of_the_layer():
    recorder = Recorder()
    layer = nn.Conv1D(1, 2, backend=recorder)
    layer.initialize()
    layer(np.zeros((1, 4)))
    layer.backward(np.zeros((1, 3)))
    assert recorder.calls == ["gather", "scatter", "correlate"]


def test_nothing_of_the_callers_is_changed(rng):
    x, w = rng.standard_normal((1, 2, 6)), rng.standard_normal((2, 2, 3))
    kept = x.copy(), w.copy()
    layer = nn.Conv1DTranspose(2, 3)
    layer.initialize(w, dtype=np.float64)
    y = layer(x)
    dy = np.ones_like(y)
    layer.backward(dy)
    layer.weight.data += 1
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(w, kept[1])
    np.testing.assert_array_equal(dy, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"channels": 0}, ValueError, "channels must be at least 1, got 0"),
        ({"channels": 2.0}, TypeError, "channels must be an integer, got 2.0"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": (3, 3, 3)}, ValueError, r"kernel_size must .* one per spatial axis \(2\), got 3"),
        ({"strides": 0}, ValueError, "strides must be at least 1, got 0"),
        ({"padding": "full"}, ValueError, "padding must be .*, got 'full'"),
        ({"padding": (1, 1, 1)}, ValueError, r"padding must .* per spatial axis \(2\), got 3"),
        ({"output_padding": -1}, ValueError, "output_padding must be at least 0, got -1"),
        ({"dilation": "2"}, TypeError, "dilation must be an integer or a sequence of integers, got '2'"),
        ({"groups": 3}, ValueError, r"groups must divide channels \(4\), got 3"),
        ({"groups": 2, "in_channels": 3}, ValueError, r"groups must divide in_channels \(3\), got 2"),
        ({"in_channels": -1}, ValueError, "in_channels must be at least 0, got -1"),
        ({"layout": "NCW"}, ValueError, "layout must be one of 'NCHW', 'NHWC', 'HWCN' for 2 spatial axes, got 'NCW'"),
        ({"weight_initializer": "hee"}, ValueError, "weight_initializer must be one of zeros, .*, got 'hee'"),
        (
            {"bias_initializer": "he"},
            ValueError,
            "bias_initializer must be one of zeros, ones, uniform, normal, .* got 'he'",
        ),
        (
            {"kernel_size": 2**40},
            ValueError,
            r"weight must have fewer than 2\*\*58 elements, got shape \(0, 4, 109",
        ),
        ({"channels": 2**62}, ValueError, r"weight must have fewer than 2\*\*58 elements, got shape"),
        ({"use_bias": "no"}, TypeError, "use_bias must be True or False, got 'no'"),
        ({"backend": "nobody"}, LookupError, "backend must be one of .*, got 'nobody'"),
        ({"backend": 3}, TypeError, "backend must be a name, a sequence of names or a Backend, got 3"),
        ({"bias_initializer": 1j}, TypeError, "bias_initializer must hold real numbers, got complex128"),
    ],
)
def test_a_wrong_argument_is_named_when_the_layer_is_made(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.Conv2DTranspose(**({"channels": 4, "kernel_size": 3} | arguments))


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((4, 4)), ValueError, "x must have the axes N, C, H, W, or the same without N, got 2 axes"),
        (np.zeros((1, 3, 4, 4)), ValueError, r"x must have a multiple of 2 channels, at least 1 \(axis 1\), got 3"),
        (np.zeros((1, 2, 4, 4), complex), TypeError, "x must hold real numbers, got complex128"),
        ("no", TypeError, "x.dtype must be"),
        (np.zeros((1, 2, 1, 1)), ValueError, "w must fit into x"),
    ],
)
def test_a_wrong_x_is_told(x, error, message):
    layer = nn.Conv2D(2, 3, groups=2)
    layer.initialize()
    with pytest.raises(error, match=message):
        layer(x)


def test_the_order_of_calls_is_told():
    layer = nn.Conv2DTranspose(2, 3)
    with pytest.raises(RuntimeError, match=r"must be initialised before it is called: Conv2DTranspose\(2, .*\).initialize"):
        layer(np.zeros((1, 4, 4)))
    layer.initialize()
    with pytest.raises(RuntimeError, match=r"backward must follow a forward, got none before it \(layer Conv2DTranspose\("):
        layer.backward(np.zeros((2, 6, 6)))
    layer(np.zeros((1, 4, 4)))
    with pytest.raises(ValueError, match=r"dy.shape must equal the output's \(2, 6, 6\), got \(2, 5, 6\)"):
        layer.backward(np.zeros((2, 5, 6)))
    with pytest.raises(TypeError, match="dy must hold real numbers"):
        layer.backward(np.zeros((2, 6, 6), complex))
    assert not layer.weight.grad.any()


@pytest.mark.parametrize("dtype", [None, np.int64, complex, "number", object(), np.ones(2), np.ones(0)])
def test_a_wrong_dtype_is_told(dtype):
    with pytest.raises(TypeError, match="dtype must be float16, float32 or float64, got"):
        nn.Conv1D(1, 1).initialize(dtype=dtype)


@pytest.mark.parametrize("rng", ["seed", -1, 0.5, True, [1, 2], range(2)])
def test_a_wrong_rng_is_told(rng):
    for layer in (nn.Conv1D(1, 1), nn.Sequential()):
        with pytest.raises(TypeError, match=r"rng must be an integer of at least 0, a numpy.random.Generator or None, got"):
            layer.initialize(rng=rng)


@pytest.mark.parametrize("layer", [up for _, up in PAIRS])
@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("order", ["NC*", "N*C", "*CN"])
def test_a_call_may_ask_for_the_size_of_its_output(layer, whole, batched, order, rng):
    count = axes(layer)
    name = order.replace("*", "DHW"[-count:])
    built = layer(3, 3, 2, 1, output_padding=1, layout=name).initialize(rng=0, dtype=np.float64)
    usual, wanted = (5, 4, 3)[:count], (9, 8, 5)[:count]

    def arranged(channels, spatial):
        sizes = dict(zip(name.replace("N", "").replace("C", ""), spatial, strict=True)) | {"N": 2, "C": channels}
        return tuple(sizes[axis] for axis in name if batched or axis != "N")

    x = rng.standard_normal(arranged(2, usual))
    size = arranged(3, wanted) if whole else wanted
    options = {"stride": 2, "padding": 1, "layout": name, "output_size": wanted}
    y = built(x, output_size=size)
    assert y.shape == arranged(3, wanted)
    np.testing.assert_array_equal(y, convt.conv_transpose(x, built.weight.data, built.bias.data, **options))
    np.testing.assert_array_equal(built.forward(x, size), y)
    dy = rng.standard_normal(y.shape)
    gradients = convt.conv_transpose_backward(x, built.weight.data, built.bias.data, dy, **options)
    np.testing.assert_array_equal(built.backward(dy), gradients.x)
    np.testing.assert_array_equal(built.weight.grad, gradients.w)
    np.testing.assert_array_equal(built.bias.grad, gradients.bias)
    assert built(x).shape == arranged(3, tuple(2 * n for n in usual))  # output_padding decides again
    with pytest.raises(ValueError, match=r"dy\.shape must equal"):
        built.backward(dy)


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (8, ValueError, "output_size must be reachable, 9 to 10 on spatial axis 0, got 8"),
        ((9, 11), ValueError, "output_size must be reachable, 9 to 10 on spatial axis 1, got 11"),
        ((1, 4, 9, 9), ValueError, r"the spatial size or the whole shape \(1, 3, H, W\) of the output, got \(1, 4, 9, 9\)"),
        ((2, 3, 9, 9), ValueError, r"the spatial size or the whole shape \(1, 3, H, W\) of the output, got \(2, 3, 9, 9\)"),
        ((1, 3, 9, 8), ValueError, "output_size must be reachable, 9 to 10 on spatial axis 1, got 8"),
        ((3, 9, 9), ValueError, r"output_size must be an integer or have one per spatial axis \(2\), got 3: \(3, 9, 9\)"),
        (9.0, TypeError, "output_size must be an integer or a sequence of integers, got 9.0"),
        (True, TypeError, "output_size must be an integer or a sequence of integers, got True"),
    ],
)
def test_a_size_that_a_layer_cannot_make_is_told_and_leaves_the_latest_call(size, error, message):
    layer = nn.Conv2DTranspose(3, 3, 2, 1).initialize()
    x = np.ones((1, 2, 5, 5))
    y = layer(x)
    with pytest.raises(error, match=message):
        layer(x, output_size=size)
    assert layer.backward(np.ones_like(y)).shape == x.shape


def test_only_transposed_layers_take_an_output_size():
    with pytest.raises(TypeError, match="output_size"):
        nn.Conv2D(3, 3).initialize()(np.ones((1, 2, 5, 5)), output_size=3)
