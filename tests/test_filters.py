"""filters: the bilinear bank."""

import numpy as np
import pytest

import convt
from convt import filters


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 7])
def test_bilinear_has_the_documented_shape_and_phases_that_sum_to_1(scale):
    w = filters.bilinear(scale, channels=3)
    size = 2 * scale - scale % 2
    assert w.shape == (3, 1, size, size)
    assert w.dtype == np.float64
    for row in range(scale):
        for column in range(scale):
            np.testing.assert_allclose(w[:, 0, row::scale, column::scale].sum(axis=(1, 2)), 1.0)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 7])
def test_bilinear_interpolates_between_pixel_centres(scale):
    centres = np.arange(6.0)
    x = np.broadcast_to(centres, (1, 6, 6))
    y = convt.conv_transpose(x, filters.bilinear(scale), stride=scale, padding=scale // 2)
    fine_centres = (np.arange(6 * scale) + 0.5) / scale - 0.5
    assert y.shape == (1, 6 * scale, 6 * scale)
    inside = slice(scale, -scale)
    np.testing.assert_allclose(y[0, 3 * scale, inside], fine_centres[inside])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "scale must be at least 1, got 0"),
        ((2, 0), ValueError, "channels must be at least 1, got 0"),
        ((1.5,), TypeError, "scale must be an integer, got 1.5"),
    ],
)
def test_bilinear_names_the_wrong_argument(arguments, error, message):
    with pytest.raises(error, match=message):
        filters.bilinear(*arguments)


def repeated(array, times):
    for axis in range(2, array.ndim):
        array = array.repeat(times, axis)
    return array


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_icnr_starts_as_nearest_neighbours_of_a_small_convolution(rng, axes, scale):
    x, small = rng.standard_normal((2, 4, 5, 4, 3)[: axes + 2]), rng.standard_normal((4, 3, 3, 2, 2)[: axes + 2])
    y = convt.conv_transpose(x, filters.icnr(small, scale), stride=scale)
    np.testing.assert_allclose(y, repeated(convt.conv_transpose(x, small), scale), rtol=1e-12)
    cropped = convt.conv_transpose(x, filters.icnr(small, scale), stride=scale, padding=scale)
    np.testing.assert_allclose(cropped, repeated(convt.conv_transpose(x, small, padding=1), scale), rtol=1e-12)


def test_icnr_with_other_scales_layouts_and_types(rng):
    small = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
    bank = filters.icnr(small, (2, 3), layout="NHWC")
    assert bank.shape == (4, 9, 4, 5)
    assert bank.dtype == np.float32
    x = rng.standard_normal((4, 3, 5)).astype(np.float32)
    y = convt.conv_transpose(x, bank, stride=(2, 3), layout="NHWC")
    want = convt.conv_transpose(x, small, layout="NHWC").repeat(2, 0).repeat(3, 1)
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)
    assert not np.shares_memory(filters.icnr(small, 1), small)


def test_icnr_before_a_pixel_shuffle(rng):
    x, small = rng.standard_normal((2, 3, 5, 4)), rng.standard_normal((6, 3, 3, 3))
    y = convt.conv(x, filters.icnr(small, 2, pixel_shuffle=True), padding=1)
    shuffled = y.reshape(2, 6, 2, 2, 5, 4).transpose(0, 1, 4, 2, 5, 3).reshape(2, 6, 10, 8)
    np.testing.assert_allclose(shuffled, repeated(convt.conv(x, small, padding=1), 2), rtol=1e-12)
    assert filters.icnr(np.ones((3, 3, 2, 8)), 3, pixel_shuffle=True, layout="HWCN").shape == (3, 3, 2, 72)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((np.ones((3, 3)), 2), ValueError, "w must have 3, 4 or 5 axes .*, got 2"),
        ((np.ones((1,) * 6), 2), ValueError, "w must have 3, 4 or 5 axes .*, got 6"),
        (("w", 2), TypeError, "w.dtype must be .*"),
        ((np.ones((1, 1, 3)), 0), ValueError, "scale must be at least 1, got 0"),
        ((np.ones((1, 1, 3)), 1.5), TypeError, "scale must be an integer or a sequence of integers, got 1.5"),
        (
            (np.ones((1, 1, 3)), 2**62),
            ValueError,
            "scale must be small enough for .*, got 4611686018427387904",
        ),
        ((np.ones((1, 1, 3)), (2, 2)), ValueError, "scale must be an integer or have one per spatial axis .*"),
        ((np.ones((1, 1, 3)), 2, "NHWC"), ValueError, "layout must be one of 'NCW', .*, got 'NHWC'.*"),
    ],
)
def test_icnr_names_the_wrong_argument(arguments, error, message):
    w, scale, *layout = arguments
    with pytest.raises(error, match=f"^{message}$"):
        filters.icnr(w, scale, layout=layout[0] if layout else None)


@pytest.mark.parametrize("value", [1, "yes", None, np.ones(2)])
def test_a_flag_is_true_or_false(value):
    with pytest.raises(TypeError, match=r"^pixel_shuffle must be True or False, got .*"):
        filters.icnr(np.ones((1, 1, 3)), 2, pixel_shuffle=value)


@pytest.mark.parametrize(("arguments", "name"), [((2**62,), "scale"), ((2, 2**62), "channels"), ((2**40, 2), "scale")])
def test_a_bank_that_nothing_holds_is_refused(arguments, name):
    with pytest.raises(ValueError, match=f"^{name} must be small enough for .*, got {max(arguments)}$"):
        filters.bilinear(*arguments)
