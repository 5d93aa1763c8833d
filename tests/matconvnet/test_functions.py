"""`convt.matconvnet`: cases worked out by hand, and plain loops written from MatConvNet's manual.

`test_golden.py` compares with what MatConvNet itself answers.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matlab import random

from convt.matconvnet import vl_nnconv, vl_nnconvt


def plane(array):
    """The first channel of the first image, as lists."""
    return array[:, :, 0, 0].tolist()


class Loops:
    """The manual's sums, one term at a time, in double. With v fine, f and x coarse: U = VL_NNCONV(V, F)."""

    def __init__(self, v_shape, f, u_shape, stride, pad, dilate=(1, 1)):
        self.f = f
        self.v_shape, self.u_shape = v_shape, u_shape
        self.terms = []
        channels, filters = f.shape[2], f.shape[3]
        groups = v_shape[2] // channels
        for i, j, k in np.ndindex(*u_shape[:2], filters):
            for p, q, c in np.ndindex(*f.shape[:2], channels):
                row = i * stride[0] + p * dilate[0] - pad[0]
                column = j * stride[1] + q * dilate[1] - pad[2]
                if 0 <= row < v_shape[0] and 0 <= column < v_shape[1]:
                    channel = k // (filters // groups) * channels + c
                    self.terms.append(((row, column, channel), (p, q, c, k), (i, j, k)))

    def conv(self, v):
        u = np.zeros(self.u_shape)
        for fine, tap, coarse in self.terms:
            u[coarse] += v[fine] * self.f[tap]
        return u

    def transposed(self, u):
        v = np.zeros(self.v_shape)
        for fine, tap, coarse in self.terms:
            v[fine] += u[coarse] * self.f[tap]
        return v

    def filters(self, v, u):
        f = np.zeros(self.f.shape)
        for fine, tap, coarse in self.terms:
            f[tap] += np.dot(v[fine], u[coarse])
        return f


# ---- by hand


def test_upsampling_by_two_puts_each_pixel_times_the_filter_two_apart():
    y = vl_nnconvt([[1, 2], [3, 4]], [[1, 10], [100, 1000]], [], "Upsample", 2)
    assert plane(y) == [[1, 10, 2, 20], [100, 1000, 200, 2000], [3, 30, 4, 40], [300, 3000, 400, 4000]]


def test_overlapping_filters_add():
    assert plane(vl_nnconvt([[1, 2]], [[1, 10, 100]], 5)) == [[6, 17, 125, 205]]


def test_crop_drops_top_bottom_left_right():
    x, f = [[1, 2], [3, 4]], [[1, 10], [100, 1000]]
    assert plane(vl_nnconvt(x, f, [], "Upsample", 2, "Crop", [1, 0, 0, 2])) == [[100, 1000], [3, 30], [300, 3000]]


def test_rows_come_before_columns_in_upsample():
    assert vl_nnconvt(np.ones((2, 3)), np.ones((1, 1)), [], upsample=[5, 2]).shape == (6, 5, 1, 1)


def test_output_channel_is_group_times_k_plus_filter():
    x = np.array([1.0, 10.0]).reshape(1, 1, 2)
    f = np.array([[1, 2], [3, 4], [5, 6]], float).reshape(1, 1, 3, 2)  # K = 3, D = 2
    y = vl_nnconvt(x, f, [], "NumGroups", 2)
    assert y.ravel().tolist() == [1, 3, 5, 20, 40, 60]


def test_a_filter_that_leaves_gaps_leaves_the_bias_there():
    assert plane(vl_nnconvt([[1, 2]], [[1]], [0.5], "Upsample", [1, 3])) == [[1.5, 0.5, 0.5, 2.5]]


def test_derivatives():
    x, f = np.array([[1.0, 2.0]]), np.array([[1.0, 10.0, 100.0]])
    dzdy = np.array([[1.0, 2.0, 3.0, 4.0]])
    dzdx, dzdf, dzdb = vl_nnconvt(x, f, [0.0], dzdy)
    assert plane(dzdx) == [[321, 432]]
    assert plane(dzdf) == [[5, 8, 11]]
    assert dzdb.tolist() == [10]


def test_conv():
    x = np.arange(16.0).reshape(4, 4)
    assert plane(vl_nnconv(x, [[1, 10], [100, 1000]], [], "Stride", 2)) == [[5410, 7632], [14298, 16520]]


def test_conv_pads_top_bottom_left_right():
    y = vl_nnconv([[1, 2], [3, 4]], [[1]], [], "Pad", [1, 0, 0, 2])
    assert plane(y) == [[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]]


def test_conv_dilates_the_filter():
    assert plane(vl_nnconv([[1, 2, 3, 4, 5]], [[1, 10]], [], "Dilate", [1, 3])) == [[41, 52]]


@pytest.mark.parametrize("nothing", [[], None, np.zeros((0, 3, 2, 4))])
def test_conv_without_filters_samples_pads_and_adds_biases(nothing):
    x = np.arange(1.0, 7.0).reshape(2, 3)
    assert plane(vl_nnconv(x, nothing, [0.5], "Stride", 2, "Pad", [0, 1, 1, 0])) == [[0.5, 2.5], [0.5, 0.5]]


def test_conv_without_filters_has_derivatives_of_data_and_biases():
    x, dzdy = np.zeros((2, 3, 2, 2)), random((1, 2, 2, 2))
    dzdx, dzdf, dzdb = vl_nnconv(x, [], np.zeros(2), dzdy, stride=2)
    expected = np.zeros((2, 3, 2, 2))
    expected[::2, ::2] = dzdy
    np.testing.assert_array_equal(dzdx, expected)
    assert dzdf.shape == (0, 0)
    np.testing.assert_allclose(dzdb, dzdy.sum((0, 1, 3)))


# ---- against loops


@settings(max_examples=40)
@given(data=st.data())
def test_vl_nnconvt_is_the_manuals_sum(data):
    up = data.draw(st.tuples(*[st.integers(1, 3)] * 2))
    size = data.draw(st.tuples(*[st.integers(1, 4)] * 2))
    taps = data.draw(st.tuples(*[st.integers(1, 4)] * 2))
    groups, per_group, filters, images = data.draw(st.tuples(*[st.integers(1, 2)] * 4))
    full = [u * (s - 1) + t for u, s, t in zip(up, size, taps, strict=True)]
    top, left = (data.draw(st.integers(0, n - 1)) for n in full)
    bottom, right = (data.draw(st.integers(0, n - 1 - c)) for n, c in zip(full, (top, left), strict=True))
    depth = groups * per_group
    x, f, b = random((*size, depth, images)), random((*taps, filters, depth), 1), random((1, filters * groups), 2)
    y_shape = (full[0] - top - bottom, full[1] - left - right, filters * groups, images)
    dzdy = random(y_shape, 3)
    loops = Loops(y_shape, f, x.shape, up, (top, bottom, left, right))
    options = {"upsample": up, "crop": (top, bottom, left, right), "num_groups": groups}

    y = vl_nnconvt(x, f, b, **options)
    dzdx, dzdf, dzdb = vl_nnconvt(x, f, b, dzdy, **options)

    np.testing.assert_allclose(y, loops.transposed(x) + b.reshape(1, 1, -1, 1), atol=1e-12)
    np.testing.assert_allclose(dzdx, loops.conv(dzdy), atol=1e-12)
    np.testing.assert_allclose(dzdf, loops.filters(dzdy, x), atol=1e-12)
    np.testing.assert_allclose(dzdb, dzdy.sum((0, 1, 3))[None], atol=1e-12)


@settings(max_examples=40)
@given(data=st.data())
def test_vl_nnconv_is_the_manuals_sum(data):
    stride = data.draw(st.tuples(*[st.integers(1, 3)] * 2))
    dilate = data.draw(st.tuples(*[st.integers(1, 2)] * 2))
    taps = data.draw(st.tuples(*[st.integers(1, 3)] * 2))
    top, bottom, left, right = pad = data.draw(st.tuples(*[st.integers(0, 2)] * 4))
    reach = [d * (t - 1) + 1 for d, t in zip(dilate, taps, strict=True)]
    least = [max(1, r - p) for r, p in zip(reach, (top + bottom, left + right), strict=True)]
    size = tuple(n + data.draw(st.integers(0, 3)) for n in least)
    groups, per_group, filters, images = data.draw(st.tuples(*[st.integers(1, 2)] * 4))
    x = random((*size, groups * per_group, images))
    f, b = random((*taps, per_group, filters * groups), 1), random(filters * groups, 2)
    y_size = (
        (size[0] + top + bottom - reach[0]) // stride[0] + 1,
        (size[1] + left + right - reach[1]) // stride[1] + 1,
    )
    dzdy = random((*y_size, filters * groups, images), 3)
    loops = Loops(x.shape, f, dzdy.shape, stride, pad, dilate)
    options = {"stride": stride, "pad": pad, "dilate": dilate}

    y = vl_nnconv(x, f, b, **options)
    dzdx, dzdf, dzdb = vl_nnconv(x, f, b, dzdy, **options)

    np.testing.assert_allclose(y, loops.conv(x) + b.reshape(1, 1, -1, 1), atol=1e-12)
    np.testing.assert_allclose(dzdx, loops.transposed(dzdy), atol=1e-12)
    np.testing.assert_allclose(dzdf, loops.filters(x, dzdy), atol=1e-12)
    np.testing.assert_allclose(dzdb, dzdy.sum((0, 1, 3)), atol=1e-12)


def test_the_two_functions_are_adjoint():
    x, f = random((4, 5, 4, 2)), random((3, 4, 2, 4), 1)
    y = vl_nnconvt(x, f, [], upsample=[2, 3], crop=[1, 0, 2, 1], num_groups=2)
    v = random(y.shape, 2)
    u = vl_nnconv(v, f, [], stride=[2, 3], pad=[1, 0, 2, 1])
    np.testing.assert_allclose(np.vdot(y, v), np.vdot(x, u), rtol=1e-13)
