"""Shapes, and every rule about them. The numbers are what the frameworks' documentation says, and what they answer."""

import pickle
from dataclasses import FrozenInstanceError, asdict, replace

import numpy as np
import pytest

import convt
from convt import Problem, conv_shape, conv_transpose_shape

# Each row of these tables is a call of the framework and the spatial size that it gives.
PYTORCH_TRANSPOSED = [
    ((20, 16, 50), (16, 33, 3), {"stride": 2}, (101,)),
    ((20, 16, 50, 100), (16, 33, 3, 5), {"stride": (2, 1), "padding": (4, 2)}, (93, 100)),
    ((1, 16, 6, 6), (16, 16, 3, 3), {"stride": 2, "padding": 1}, (11, 11)),
    ((1, 16, 6, 6), (16, 16, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}, (12, 12)),
    ((1, 16, 6, 6), (16, 16, 3, 3), {"stride": 2, "padding": 1, "output_size": (12, 12)}, (12, 12)),
    ((20, 16, 10, 50, 100), (16, 33, 3, 5, 2), {"stride": (2, 1, 1), "padding": (0, 4, 2)}, (21, 46, 97)),
    ((2, 6, 5), (6, 2, 3), {"stride": 3, "padding": 2, "output_padding": 2, "groups": 3, "dilation": 2}, (15,)),
    ((2, 6, 5), (6, 2, 3), {"stride": 1, "output_padding": 2, "dilation": 4}, (15,)),
]
PYTORCH_PLAIN = [
    ((20, 16, 50), (33, 16, 3), {"stride": 2}, (24,)),
    ((20, 16, 50, 100), (33, 16, 3, 5), {"stride": (2, 1), "padding": (4, 2), "dilation": (3, 1)}, (26, 100)),
    ((20, 16, 10, 50, 100), (33, 16, 3, 5, 2), {"stride": (2, 1, 1), "padding": (4, 2, 0)}, (8, 50, 99)),
    ((1, 3, 224, 224), (64, 3, 7, 7), {"stride": 2, "padding": 3}, (112, 112)),
]


@pytest.mark.parametrize(("x", "w", "options", "size"), PYTORCH_TRANSPOSED)
def test_transposed_sizes_are_pytorchs(x, w, options, size):
    channels = w[1] * options.get("groups", 1)
    assert conv_transpose_shape(x, w, **options) == (x[0], channels, *size)


@pytest.mark.parametrize(("x", "w", "options", "size"), PYTORCH_PLAIN)
def test_plain_sizes_are_pytorchs(x, w, options, size):
    assert conv_shape(x, w, **options) == (x[0], w[0], *size)


@pytest.mark.parametrize("name", ["same", "same_lower"])
@pytest.mark.parametrize(("size", "kernel", "stride", "dilation"), [(5, 3, 2, 1), (5, 2, 3, 1), (7, 4, 1, 2), (1, 9, 4, 1)])
def test_same_multiplies_and_divides_by_the_stride(name, size, kernel, stride, dilation):
    options = {"stride": stride, "dilation": dilation, "padding": name}
    assert conv_transpose_shape((1, 1, size), (1, 1, kernel), **options)[2] == size * stride
    assert conv_shape((1, 1, size), (1, 1, kernel), **options)[2] == -(-size // stride)


@pytest.mark.parametrize("output_size", [9, 10])
def test_output_size_chooses_among_the_sizes_that_conv_maps_to_x(output_size):
    shape = conv_transpose_shape((1, 1, 5), (1, 1, 3), stride=2, padding=1, output_size=output_size)
    assert shape == (1, 1, output_size)
    assert conv_shape(shape, (1, 1, 3), stride=2, padding=1) == (1, 1, 5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stride": 2, "padding": 1, "output_size": 8}, "9 to 10 on spatial axis 0, got 8"),
        ({"stride": 2, "padding": 1, "output_size": 11}, "9 to 10 on spatial axis 0, got 11"),
        ({"output_size": 8}, "7 on spatial axis 0, got 8"),
        ({"dilation": 3, "output_size": 14}, "11 to 13 on spatial axis 0, got 14"),
        ({"stride": 2, "padding": [(6, 5)], "output_size": 2}, "1 on spatial axis 0, got 2"),
        ({"stride": 3, "padding": 7, "output_size": 4}, "1 to 3 on spatial axis 0, got 4"),
        ({"stride": 2, "padding": "same", "output_size": 11}, "9 to 10 on spatial axis 0, got 11"),
        ({"stride": 2, "padding": "same", "output_size": 8}, "9 to 10 on spatial axis 0, got 8"),
    ],
)
def test_an_unreachable_output_size_is_told_the_reachable_ones(options, message):
    with pytest.raises(ValueError, match=f"^output_size must be reachable, {message}$"):
        conv_transpose_shape((1, 1, 5), (1, 1, 3), **options)


def test_every_output_size_that_is_told_reachable_is_so():
    for size in (9, 10):
        assert conv_transpose_shape((1, 1, 5), (1, 1, 3), stride=2, padding="same", output_size=size) == (1, 1, size)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_padding": 1}, r"output_padding must be below the stride or the dilation \(1 on spatial axis 0\), got 1"),
        ({"stride": 3, "dilation": 2, "output_padding": 3}, r"output_padding must be below .* \(3 on .* 0\), got 3"),
        ({"output_padding": -1}, "output_padding must be at least 0, got -1"),
        ({"stride": 2, "output_padding": 1, "output_size": 12}, "output_padding must be 0 when output_size is given, got 1"),
        ({"stride": 2, "output_padding": 1, "padding": "same"}, "output_padding must be 0 with padding='same', got 1"),
        ({"output_size": 0}, "output_size must be at least 1, got 0"),
        ({"padding": 4}, r"padding must crop less than the 7 elements of spatial axis 0, got \(4, 4\), which leaves -1"),
        (
            {"padding": [(7, 0)]},
            r"padding must crop less than the 7 elements of spatial axis 0, got \(7, 0\), which leaves 0",
        ),
        (
            {"padding": 9, "output_size": 3},
            r"padding must crop less than the 7 elements of spatial axis 0, got \(9, 9\), which leaves -11",
        ),
        ({"padding": 2**60}, r"padding must be below 2\*\*60 in magnitude, got .*"),
        ({"stride": 2**62}, r"stride, dilation and sizes must span fewer than 2\*\*62 elements, got \d+"),
        ({"dilation": 2**62}, r"stride, dilation and sizes must span fewer than 2\*\*62 elements, got \d+"),
        ({"dilation": 2**61}, r"stride, dilation and sizes must span fewer than 2\*\*62 elements, got \d+"),
        ({"stride": 2**60}, r"stride, dilation and sizes must span fewer than 2\*\*62 elements, got \d+"),
        ({"stride": 2**58}, r"x, w and the result must each take fewer than 2\*\*62 bytes, got shape .*"),
        ({"groups": 0}, "groups must be at least 1, got 0"),
        ({"groups": -1}, "groups must be at least 1, got -1"),
        ({"groups": 2}, "groups must divide x's 1 channels, got 2"),
    ],
)
def test_bad_options_of_conv_transpose(options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        conv_transpose_shape((1, 1, 5), (1, 1, 3), **options)


@pytest.mark.parametrize(
    ("w", "options", "message"),
    [
        ((2, 2, 6), {}, "w must fit into x: on spatial axis 0 the dilated filter spans 6 elements, got 5 .*"),
        ((2, 2, 3), {"dilation": 3}, "w must fit into x: .* spans 7 elements, got 5 .*"),
        ((2, 2, 3), {"padding": -2}, r"w must fit into x: .* spans 3 elements, got 1 \(x's 5 and padding \(-2, -2\)\)"),
        ((2, 4, 3), {"groups": 4}, "groups must divide x's 2 channels, got 4"),
        ((3, 1, 3), {"groups": 2}, "groups must divide w's 3 output channels, got 2"),
        ((2, 3, 3), {}, r"w.shape\[1\] must equal x's 2 channels // groups \(2\), got 3 \(conv takes w as .*\)"),
        ((2, 2, 3), {"padding": 2**60}, r"padding must be below 2\*\*60 in magnitude, got .*"),
        ((2, 2, 3), {"dilation": 2**62}, r"stride, dilation and sizes must span fewer than 2\*\*62 elements, got \d+"),
        ((2, 2, 3), {"stride": 2**62}, r"stride, dilation and sizes must span fewer than 2\*\*62 elements, got \d+"),
    ],
)
def test_bad_options_of_conv(w, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        conv_shape((1, 2, 5), w, **options)


@pytest.mark.parametrize("shape", [conv_shape, conv_transpose_shape])
@pytest.mark.parametrize(
    ("x", "w", "message"),
    [
        ((1, 1, 5), (1, 1), r"w must have 3, 4 or 5 axes \(two of channels and 1 to 3 spatial ones\), got 2"),
        ((1,) * 6, (1,) * 6, r"w must have 3, 4 or 5 axes \(two of channels and 1 to 3 spatial ones\), got 6"),
        ((5,), (1, 1, 1), "x must have 3 axes to go with w's 1 spatial ones, or 2 without a batch, got 1"),
        ((1, 1, 5, 5, 5), (1, 1, 1, 1), "x must have 4 axes to go with w's 2 spatial ones, or 3 without a batch, got 5"),
        ((1, 0, 5), (0, 1, 1), r"x must have at least 1 channel and 1 element .*, got 0 channels and \(5,\) .*"),
        ((1, 1, 0), (1, 1, 1), r"x must have at least 1 channel and 1 element .*, got 1 channels and \(0,\) .*"),
        ((1, 1, 5), (1, 1, 0), r"w must have at least 1 element along each axis, got 1 x 1 channels and .* \(0,\)"),
        ((1, 1, 5), (1, 0, 3), r"w must have at least 1 element along each axis, got 1 x 0 channels and .* \(3,\)"),
        ((2**31, 2**30, 4), (2**30, 2**30, 1), r"x, w and the result must each take fewer than 2\*\*62 bytes, got .*"),
        ((1, 2**62 - 1, 1), (2**62 - 1, 2**62 - 1, 1), r"x, w and the result must each take fewer than 2\*\*62 bytes, .*"),
    ],
)
def test_bad_shapes(shape, x, w, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        shape(x, w)


def test_swapped_channels_of_w_are_told_with_the_likely_mistake():
    with pytest.raises(
        ValueError,
        match=r"^w.shape\[0\] must equal x's 64 channels, got 32 \(conv_transpose takes w as "
        r"\(in, out // groups, kh, kw\); did you pass conv's w\?\)$",
    ):
        conv_transpose_shape((1, 64, 8, 8), (32, 64, 3, 3))
    with pytest.raises(
        ValueError, match=r"^w.shape\[3\] must equal .*\(kh, kw, out // groups, in\); did you pass conv's w\?"
    ):
        conv_transpose_shape((1, 8, 8, 64), (3, 3, 64, 32), layout="NHWC")
    with pytest.raises(
        ValueError, match=r"^w.shape\[1\] must equal .*\(out, in // groups, kw\); did you pass conv_trans.*'s w"
    ):
        conv_shape((1, 64, 8), (64, 32, 3))


def test_large_sizes_are_plain_numbers():
    assert conv_transpose_shape((1, 1, 2), (1, 1, 1), stride=2**40) == (1, 1, 2**40 + 1)
    assert conv_shape((1, 1, 2**40), (1, 1, 2), stride=2**39, dilation=2**38) == (1, 1, 2)


def test_a_dilation_beyond_the_stride_allows_as_much_output_padding():
    assert conv_transpose_shape((1, 1, 4), (1, 1, 2), stride=2, dilation=5, output_padding=4) == (1, 1, 16)


def test_problems_are_keys():
    options = (1, 1, 2, 3, (4,), (4,), (1,), (1,), (0,), (1,), np.dtype(np.float32))
    assert {Problem(*options): "found"}[Problem(*options)] == "found"
    for position in range(len(options) - 1):
        other = list(options)
        other[position] = (9,) if isinstance(other[position], tuple) else 9
        assert Problem(*other) != Problem(*options)


def test_a_problem_knows_the_shapes_of_its_arrays():
    problem = Problem(5, 2, 6, 4, (7, 8), (3, 4), (2, 1), (2, 2), (0, 0), (1, 1), np.dtype(np.float64))
    assert problem.fine_array_shape == (5, 6, 7, 8)
    assert problem.coarse_array_shape == (5, 4, 3, 4)
    assert problem.kernel_array_shape == (4, 3, 2, 1)


def test_a_problem_is_a_frozen_dataclass_that_may_be_a_key():
    fields = {
        "batch": 2,
        "groups": 1,
        "fine_channels": 3,
        "coarse_channels": 4,
        "fine_shape": (9, 11),
        "coarse_shape": (4, 5),
        "kernel_shape": (3, 3),
        "stride": (2, 2),
        "padding": (0, 0),
        "dilation": (1, 1),
        "dtype": np.dtype("f4"),
    }
    problem = Problem(**fields)
    assert asdict(problem) == fields
    assert {problem: 1}[Problem(*fields.values())] == 1
    assert {problem: 1}[pickle.loads(pickle.dumps(problem))] == 1
    for name in fields:
        assert replace(problem, **{name: 7}) != problem
    with pytest.raises(FrozenInstanceError):
        problem.batch = 3


def test_an_array_takes_fewer_than_2_to_the_62_bytes():
    def every_second(elements):
        return convt.conv(np.broadcast_to(1.0, (1, 1, elements)), np.ones((1, 1, 1)), stride=2**58, backend="cpu")

    np.testing.assert_array_equal(every_second(2**59 - 1), np.ones((1, 1, 2)))
    with pytest.raises(ValueError, match=r"must each take fewer than 2\*\*62 bytes, got shape \(1, 1, 576460752303423488\)"):
        every_second(2**59)
