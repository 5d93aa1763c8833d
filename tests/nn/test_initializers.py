"""initializers: variances, known filters, functions and arrays."""

import numpy as np
import pytest

import convt
from convt import filters, nn
from convt.nn.initializers import WEIGHT_NAMES, Bank

DOWN = Bank((6, 4, 4, 4), (2, 2), (1, 1), 2, transposed=False)
UP = Bank((6, 4, 4, 4), (2, 2), (1, 1), 2, transposed=True)


def test_fans_count_the_products_that_really_meet():
    assert (DOWN.fan_in, DOWN.fan_out) == (4 * 16, 3 * 4)
    assert (UP.fan_in, UP.fan_out) == (3 * 4, 4 * 16)
    assert Bank((6, 4, 1, 1), (2, 2), (1, 1), 1, transposed=True).fan_in == 6


@pytest.mark.parametrize("layer", [nn.Conv2D(64, 4, 2), nn.Conv2DTranspose(64, 4, 2), nn.Conv2DTranspose(64, 3, 1)])
@pytest.mark.parametrize("init", ["he", "he_normal", "kaiming_uniform"])
def test_he_keeps_the_size_of_what_relu_halves(layer, init, rng):
    x = np.maximum(rng.standard_normal((4, 32, 16, 16), np.float32), 0)
    layer.initialize(init, rng=0)
    inside = layer(x)[:, :, 3:-3, 3:-3]
    assert inside.var() == pytest.approx(2 * np.mean(x**2), rel=0.15)


@pytest.mark.parametrize("init", ["xavier", "glorot_uniform", "glorot_normal"])
def test_glorot_has_the_documented_variance(init):
    layer = nn.Conv2D(40, 3, in_channels=60)
    layer.initialize(init, rng=0)
    assert layer.weight.data.var() == pytest.approx(2 / (9 * 100), rel=0.05)


def test_gluons_defaults():
    layer = nn.Conv2D(40, 3, in_channels=60)
    layer.initialize("uniform", rng=0)
    assert 0.069 < np.abs(layer.weight.data).max() <= 0.07
    layer.initialize("normal", rng=0)
    assert layer.weight.data.std() == pytest.approx(0.01, rel=0.05)


def test_xavier_is_the_default():
    layers = nn.Conv2D(4, 3, in_channels=2), nn.Conv2D(4, 3, in_channels=2)
    layers[0].initialize(rng=5)
    layers[1].initialize("xavier", rng=5)
    np.testing.assert_array_equal(layers[0].weight.data, layers[1].weight.data)
    assert not layers[0].bias.data.any()


@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_bilinear_is_that_of_filters(scale):
    w = filters.bilinear(scale, 3)
    layer = nn.Conv2DTranspose(3, w.shape[2:], scale, scale // 2, groups=3, use_bias=False)
    layer.initialize("bilinear", dtype=np.float64)
    layer(np.zeros((3, 2, 2)))
    np.testing.assert_allclose(layer.weight.data, w)


def test_bilinear_does_not_mix_channels_without_groups(rng):
    layer = nn.Conv2DTranspose(3, 4, 2, 1)
    layer.initialize("bilinear", dtype=np.float64)
    x = rng.standard_normal((3, 5, 6))
    np.testing.assert_allclose(layer(x), convt.conv_transpose(x, filters.bilinear(2, 3), stride=2, padding=1, groups=3))


@pytest.mark.parametrize("kernel", [2, 4, 6])
def test_icnr_starts_without_a_checkerboard(kernel, rng):
    layer = nn.Conv2DTranspose(5, kernel, 2, groups=5)
    layer.initialize("icnr", rng=0, dtype=np.float64)
    fine = layer(rng.standard_normal((5, 4, 4)))
    blocks = fine.reshape(5, fine.shape[1] // 2, 2, fine.shape[2] // 2, 2)
    np.testing.assert_allclose(blocks, np.broadcast_to(blocks[:, :, :1, :, :1], blocks.shape))
    assert np.ptp(fine) > 0


@pytest.mark.parametrize("name", [name for name in WEIGHT_NAMES if name != "icnr"])
@pytest.mark.parametrize("kind", [nn.Conv2D, nn.Conv2DTranspose])
def test_the_layout_does_not_change_the_filters(name, kind):
    first, last = kind(4, (3, 2), groups=2), kind(4, (3, 2), groups=2, layout="NHWC")
    for layer, x in ((first, np.zeros((4, 5, 6))), (last, np.zeros((5, 6, 4)))):
        layer.initialize(name, rng=7)
        layer(x)
    np.testing.assert_array_equal(last.weight.data.transpose(3, 2, 0, 1), first.weight.data)
    assert last.weight.data.flags.c_contiguous


def test_a_function_gets_the_shape_and_the_generator():
    layer = nn.Conv1D(2, 3, layout="NWC", bias_initializer=lambda shape, rng: rng.integers(9, size=shape))
    layer.initialize(lambda shape, rng: rng.random(shape), rng=4)
    layer(np.zeros((1, 5, 4)))
    rng = np.random.default_rng(4)
    np.testing.assert_array_equal(layer.bias.data, rng.integers(9, size=2))
    np.testing.assert_array_equal(layer.weight.data, rng.random((3, 4, 2)).astype(np.float32))


def test_an_array_tells_the_number_of_channels():
    layer = nn.Conv2DTranspose(4, 3, groups=2)
    layer.initialize(np.ones((6, 2, 3, 3)))
    assert layer.in_channels == 6


@pytest.mark.parametrize(
    ("init", "error", "message"),
    [
        ("xaver", ValueError, "init must be one of zeros, ones, .*, a number, an array or a function, got 'xaver'"),
        (np.ones((6, 2, 3, 4)), ValueError, r"weight must have shape \(6, 2, 3, 3\), got \(6, 2, 3, 4\)"),
        (lambda shape, rng: None, TypeError, "weight must be an array of numbers, got None"),
        (lambda shape, rng: np.zeros(shape, complex), TypeError, "weight must hold real numbers, got complex128"),
        ("bilinear", ValueError, r"init must not be 'bilinear' unless there are as many channels as in_channels"),
        ("icnr", ValueError, r"init must not be 'icnr' unless .*, got kernel_size \(3, 3\), strides \(2, 2\), dilation"),
        ({}, TypeError, "init.dtype must be a bool, integer, float.* got object"),
    ],
)
def test_a_wrong_initialiser_is_told(init, error, message):
    layer = nn.Conv2DTranspose(4, 3, 2, groups=2, in_channels=6)
    with pytest.raises(error, match=message):
        layer.initialize(init)
    assert not layer.weight.initialized
    assert not layer.bias.initialized


def test_icnr_is_refused_where_phases_mix():
    for layer in (nn.Conv1D(2, 2, 2, in_channels=1), nn.Conv1DTranspose(2, 2, 2, dilation=3, in_channels=1)):
        with pytest.raises(ValueError, match="init must not be 'icnr' unless"):
            layer.initialize("icnr")


def test_an_array_of_no_channels_is_refused():
    with pytest.raises(ValueError, match=r"weight must have at least 1 element along each axis, got shape \(0, 1, 2\)"):
        nn.Conv1DTranspose(1, 2).initialize(np.zeros((0, 1, 2)))


def test_no_memory_for_the_generator_is_a_memory_error(monkeypatch):
    def refused(seed):
        raise RuntimeError("can't allocate lock")

    monkeypatch.setattr(np.random, "default_rng", refused)
    with pytest.raises(MemoryError, match="can't allocate lock"):
        nn.Conv2D(6, 3).initialize(rng=0)
