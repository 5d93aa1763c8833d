"""The order in which spatial axes are walked: an axis of one element is none, and vectors run along rows that are long."""

import numpy as np
import pytest
from fakes import Recorder

import convt

SHAPES = [
    (1, 1, 400, 16, 8),
    (8, 8, 300, 9, 1),
    (20, 24, 100, 4, 2),
    (16, 16, 200, 5, 1),
]  # in, out, T, taps, stride


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("ones", [(0,), (1,), (0, 2), (1, 2), (0, 1)], ids=str)  # where axes of one element are put
def test_axes_of_one_element_change_no_bits(rng, shape, ones, dtype):
    inputs, outputs, size, taps, stride = shape
    x = rng.standard_normal((2, inputs, size)).astype(dtype)
    w = rng.standard_normal((inputs, outputs, taps)).astype(dtype)
    y = convt.conv_transpose(x, w, stride=stride, padding=taps // 4, backend="cpu")
    want = y, *convt.conv_transpose_backward(x, w, None, y, stride=stride, padding=taps // 4, backend="cpu")[:2]
    axes = [2 + axis for axis in ones]
    options = {"stride": [1] * (1 + len(ones)), "padding": [0] * (1 + len(ones)), "backend": "cpu"}
    place = next(axis for axis in range(1 + len(ones)) if axis not in ones)
    options["stride"][place], options["padding"][place] = stride, taps // 4
    x, w, y = (np.expand_dims(array, axes) for array in (x, w, y))
    got = convt.conv_transpose(x, w, **options), *convt.conv_transpose_backward(x, w, None, y, **options)[:2]
    for some, other in zip(got, want, strict=True):
        np.testing.assert_array_equal(some.reshape(other.shape), other)


def order_of(shape, w_shape, layout=None, **options):
    """The order that the cpu backend walks the axes of a call's arrays in."""
    from convt_cpu.backend import _order

    recorder = Recorder()
    convt.conv_transpose(np.ones(shape, "f4"), np.ones(w_shape, "f4"), layout=layout, backend=recorder, **options)
    [problem], [(_, _, _, fine)] = recorder.problems, recorder.arrays
    return _order(problem, fine.strides)


@pytest.mark.parametrize(
    ("shape", "kernel", "options", "order"),
    [
        ((50, 60), (3, 3), {}, (0, 1)),
        ((60, 1), (3, 1), {}, (1, 0)),
        ((60, 1), (3, 1), {"padding": (0, -1)}, (1, 0)),  # the one element meets the middle of three: not idle, but short
        ((60, 1), (3, 3), {}, (1, 0)),
        ((1, 60), (1, 3), {}, (0, 1)),
        ((60, 4), (3, 3), {}, (1, 0)),
        ((60, 5), (3, 3), {}, (0, 1)),
        ((4, 4), (3, 3), {}, (0, 1)),
        ((15, 2), (3, 3), {}, (0, 1)),
        ((20, 30, 1), (3, 3, 1), {}, (2, 0, 1)),
        ((20, 1, 1), (3, 1, 1), {}, (1, 2, 0)),
        ((20, 30, 2), (3, 3, 3), {}, (2, 0, 1)),
    ],
)
def test_which_axis_is_walked_last(shape, kernel, options, order):
    assert order_of((1, 2, *shape), (2, 3, *kernel), **options) == order


def test_the_densest_axis_is_last_whatever_the_layout():
    from convt_cpu.backend import _order

    recorder = Recorder()
    x = np.ones((1, 2, 20, 30), "f4").transpose(0, 1, 3, 2)
    out = np.ones((1, 3, 22, 32), "f4").transpose(0, 1, 3, 2)
    convt.conv_transpose(x, np.ones((2, 3, 3, 3), "f4"), out=out, backend=recorder)
    assert _order(recorder.problems[0], recorder.arrays[0][-1].strides) == (1, 0)
