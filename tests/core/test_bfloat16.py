"""bfloat16: what NumPy lacks, by the bits of float32."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import convt
from convt.core.bfloat16 import BFLOAT16, added, dtype_name, is_bfloat16, narrowed, widened


def of_bits(bits):
    return np.array(bits, np.uint32).view(np.float32)


def test_the_names():
    assert is_bfloat16(BFLOAT16)
    assert not is_bfloat16(np.dtype("V2"))
    assert not is_bfloat16(np.dtype("f2"))
    assert dtype_name(BFLOAT16) == "bfloat16"
    assert dtype_name(np.dtype(">f4")) == ">f4"


def test_all_bfloat16_numbers_come_back_with_their_bits():
    numbers = np.arange(2**16, dtype=np.uint16).view(BFLOAT16)
    back = narrowed(widened(numbers), BFLOAT16)
    nan = np.isnan(widened(numbers))
    assert_array_equal(back.view("u2")[~nan], numbers.view("u2")[~nan])
    assert_array_equal(back.view("u2")[nan], numbers.view("u2")[nan] | 0x0040)  # quiet, with sign and payload


@pytest.mark.parametrize(
    ("bits", "rounded"),
    [
        (0x3F808000, 0x3F80),  # a half: to even, down
        (0x3F818000, 0x3F82),  # a half: to even, up
        (0x3F808001, 0x3F81),
        (0x3F807FFF, 0x3F80),
        (0x7F7FFFFF, 0x7F80),  # overflows
        (0xFF800000, 0xFF80),
        (0x7F800001, 0x7FC0),  # a NaN whose payload is cut off stays one
        (0xFFFFFFFF, 0xFFFF),
        (0x00000001, 0x0000),
        (0x80008001, 0x8001),  # denormal
    ],
)
def test_rounding(bits, rounded):
    assert narrowed(of_bits([bits]), BFLOAT16).view("u2")[0] == rounded


@pytest.mark.parametrize("index", [np.s_[::-1, ::2], np.s_[:, 1], np.s_[2, 3:4], np.s_[:0]])
def test_any_strides(rng, index):
    array = rng.standard_normal((5, 6)).astype("f4")
    short = narrowed(array, BFLOAT16)
    assert_array_equal(widened(short[index]), widened(short)[index])
    assert_array_equal(narrowed(array[index], BFLOAT16).view("u2"), short[index].view("u2"))


def test_sums_are_made_in_float32():
    one, eps = (narrowed(np.array([value], "f4"), BFLOAT16) for value in (1, 2**-8))
    assert added(one, eps).dtype == BFLOAT16
    assert_array_equal(added(one, np.array([2**-8], "f4")), np.array([1 + 2**-8], "f4"))
    assert added(1, 2) == 3


def numbers(rng, *shape):
    return narrowed(rng.standard_normal(shape).astype("f4"), BFLOAT16)


def check(result, expected):
    assert result.dtype == BFLOAT16
    assert_array_equal(result.view("u2"), narrowed(expected, BFLOAT16).view("u2"))


def test_operators_compute_through_float32(rng):
    x, w, bias, dy = numbers(rng, 2, 4, 5), numbers(rng, 4, 3, 3), numbers(rng, 3), numbers(rng, 2, 3, 11)
    wide = [widened(array) for array in (x, w, bias, dy)]
    check(convt.conv_transpose(x, w, bias, stride=2), convt.conv_transpose(*wide[:3], stride=2))
    gradients = convt.conv_transpose_backward(x, w, bias, dy, stride=2)
    for given, expected in zip(gradients, convt.conv_transpose_backward(*wide, stride=2), strict=True):
        check(given, expected)
    out = np.empty((2, 3, 11), BFLOAT16)
    assert convt.conv_transpose(x, w, bias, stride=2, out=out) is out
    check(out, convt.conv_transpose(*wide[:3], stride=2))


@pytest.mark.parametrize(("other", "result"), [("f4", "f4"), ("f8", "f8"), ("f2", "f4"), ("c8", "c8"), ("i1", "f4")])
def test_with_other_types_it_counts_as_float32(rng, other, result):
    x, w = numbers(rng, 1, 2, 5), rng.integers(-4, 5, (2, 3, 3)).astype(other)
    y = convt.conv_transpose(x, w)
    assert y.dtype == result
    assert_array_equal(y, convt.conv_transpose(widened(x), w))


def test_upsampling_and_pooling(rng):
    x = numbers(rng, 2, 3, 6)
    for mode in ("nearest", "bilinear", "bed_of_nails"):
        check(convt.upsample(x, 2, mode=mode, layout="NCW"), convt.upsample(widened(x), 2, mode=mode, layout="NCW"))
        check(
            convt.upsample_backward(x, 2, mode=mode, layout="NCW"),
            convt.upsample_backward(widened(x), 2, mode=mode, layout="NCW"),
        )
    y, indices = convt.max_pool(x, 2, layout="NCW")
    expected = convt.max_pool(widened(x), 2, layout="NCW")
    check(y, expected.y)
    assert_array_equal(indices, expected.indices)
    for function, array in ((convt.max_unpool, y), (convt.max_pool_backward, y), (convt.max_unpool_backward, x)):
        check(function(array, indices, 2, layout="NCW"), function(widened(array), indices, 2, layout="NCW"))


def test_nearest_moves_the_bits_of_nans():
    x = np.array([0x7F81, 0xFFFF], np.uint16).view(BFLOAT16)
    assert_array_equal(convt.upsample(x, 2).view("u2"), [0x7F81, 0x7F81, 0xFFFF, 0xFFFF])


def test_an_out_of_another_type():
    x = np.zeros((1, 1, 3), BFLOAT16)
    with pytest.raises(TypeError, match=r"^out\.dtype must equal the result's bfloat16, got float32$"):
        convt.conv(x, x, out=np.empty((1, 1, 1), "f4"))


def test_double_backward(rng):
    x, w, dy = numbers(rng, 1, 2, 4), numbers(rng, 2, 3, 3), numbers(rng, 1, 3, 6)
    given = convt.conv_transpose_double_backward(x, w, None, dy, x, w)
    expected = convt.conv_transpose_double_backward(*map(widened, (x, w)), None, *map(widened, (dy, x, w)))
    check(given.x, expected.x)
    check(given.w, expected.w)
    assert given.dy.dtype == BFLOAT16
    np.testing.assert_allclose(widened(given.dy), expected.dy, rtol=2**-6, atol=0.1)
