"""checkerboard: counts per phase, as in Odena et al.'s figures, and advice that is true."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

import convt


@pytest.mark.parametrize(
    ("kernel", "stride", "counts"),
    [
        (3, 2, [2, 1]),
        (4, 2, [2, 2]),
        (5, 2, [3, 2]),
        (5, 3, [2, 2, 1]),
        (6, 3, [2, 2, 2]),
        (2, 3, [1, 1, 0]),
        (1, 1, [1]),
        ((3, 3), 2, [[4, 2], [2, 1]]),
        ((3, 4), (2, 2), [[4, 4], [2, 2]]),
        ((2, 2, 3), (1, 2, 2), [[[4, 2], [4, 2]]]),
    ],
)
def test_textbook_counts(kernel, stride, counts):
    report = convt.checkerboard(kernel, stride)
    assert_array_equal(report.counts, counts)
    assert report.even == (np.min(counts) == np.max(counts))
    assert report.gaps == np.sum(np.equal(counts, 0))
    assert report.ratio == (np.inf if np.min(counts) == 0 else np.max(counts) / np.min(counts))


@given(st.integers(1, 9), st.integers(1, 7), st.integers(1, 5))
def test_the_counts_are_what_ones_through_ones_give(kernel, stride, dilation):
    report = convt.checkerboard(kernel, stride, dilation=dilation)
    reach = (kernel - 1) * dilation
    x = np.ones((1, 1, reach // stride + stride + 3))
    y = convt.conv_transpose(x, np.ones((1, 1, kernel)), stride=stride, dilation=dilation)[0, 0]
    first = -(-reach // stride) * stride  # from here on every tap has an element of x to come from
    inside = y[first : first + stride]
    assert len(inside) == stride
    assert_array_equal(report.counts, inside)


@given(st.integers(1, 20), st.integers(1, 9))
def test_what_it_advises_is_even(kernel, stride):
    report = convt.checkerboard(kernel, stride)
    sizes = re.search(r"take kernel_size \((.*?)\)", report.advice)
    assert (sizes is None) == report.even
    if sizes:
        wanted = [int(size) for size in sizes[1].split(" or ")]
        assert all(convt.checkerboard(size, stride).even for size in wanted)
        assert min(abs(size - kernel) for size in wanted) <= stride


def test_gaps_from_a_dilation_that_no_kernel_size_fills():
    report = convt.checkerboard(8, 4, dilation=2)
    assert_array_equal(report.counts, [4, 0, 4, 0])
    assert report.advice == (
        "uneven, 2 of 4 phases are never reached: take a dilation that has no common divisor with the stride"
    )
    assert convt.checkerboard(8, 4, dilation=3).even


def test_the_repr_tells_everything():
    assert repr(convt.checkerboard((3, 4), 2)) == (
        "checkerboard(kernel_size=(3, 4), stride=(2, 2))\n"
        "  taps per phase: [[4 4]\n"
        "                   [2 2]]\n"
        "  uneven: take kernel_size (2 or 4, 4), or enlarge by interpolation and convolve with stride 1"
    )
    assert "dilation=(3,)" in repr(convt.checkerboard(4, 2, dilation=3))
    assert len(repr(convt.checkerboard(999, 500))) < 400


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0, 2), ValueError, "kernel_size must be at least 1, got 0"),
        ((3, 0), ValueError, "stride must be at least 1, got 0"),
        ((3, 2, 0), ValueError, "dilation must be at least 1, got 0"),
        ((3.0, 2), TypeError, "kernel_size must be an integer or a sequence of integers, got 3.0"),
        (("3", 2), TypeError, "kernel_size must be an integer or a sequence of integers, got '3'"),
        ((3, None), TypeError, "stride must be an integer or a sequence of integers, got None"),
        (((3, 3), (2,)), ValueError, r"stride must have one value per spatial axis \(2\), got 1"),
        (((3, 3, 3, 3), 2), ValueError, r"kernel_size must have one value per spatial axis \(1 to 3\), got 4"),
        (((), 2), ValueError, r"kernel_size must have one value per spatial axis \(1 to 3\), got 0"),
        ((3, 2**40), ValueError, r"stride must make at most 1048576 phases, got \(1099511627776,\)"),
        ((3, (2**11, 2**11)), ValueError, "stride must make at most 1048576 phases, got .*"),
    ],
)
def test_bad_input_is_one_clear_error(arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        convt.checkerboard(*arguments[:2], **({"dilation": arguments[2]} if len(arguments) > 2 else {}))


def test_vast_kernels_cost_nothing():
    assert_array_equal(convt.checkerboard(2**62, 2).counts, [2**61, 2**61])
    assert_array_equal(convt.checkerboard(3, 2, dilation=2**61 + 1).counts, [2, 1])
