"""Arrays of a library that follows the array API standard, and that nobody has registered."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import convt
from convt.core.containers import container_of

xp = pytest.importorskip("array_api_strict")


@pytest.fixture
def arrays(rng):
    return {"x": rng.standard_normal((2, 4, 5)), "w": rng.standard_normal((4, 3, 3)), "bias": rng.standard_normal(3)}


def made(arrays):
    return {name: xp.asarray(array) for name, array in arrays.items()}


def check(given, expected):
    assert type(given) is type(xp.ones(1))
    array = np.from_dlpack(given)
    assert array.dtype == expected.dtype
    assert_array_equal(array, expected)


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "c16", "i4", "?"])
def test_operators(arrays, dtype):
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    y = convt.conv_transpose(**arrays)
    check(convt.conv_transpose(**made(arrays)), y)
    check(convt.conv_transpose(xp.asarray(arrays["x"]), arrays["w"], arrays["bias"]), y)
    given = convt.conv_transpose_backward(**made(arrays | {"dy": y}))
    for each, expected in zip(given, convt.conv_transpose_backward(**arrays, dy=y), strict=True):
        check(each, expected)


def test_upsampling_and_pooling(rng):
    x = rng.standard_normal((2, 3, 4, 6))
    check(convt.upsample(xp.asarray(x), 2), convt.upsample(x, 2))
    y, indices = convt.max_pool(x, 2)
    given = convt.max_pool(xp.asarray(x), 2)
    check(given.y, y)
    check(given.indices, indices)
    check(convt.max_unpool(*given, 2), convt.max_unpool(y, indices, 2))


def test_out(arrays):
    expected = convt.conv_transpose(**arrays)
    out = xp.zeros(expected.shape, dtype=xp.float64)
    assert convt.conv_transpose(**made(arrays), out=out) is out
    check(out, expected)


def test_results_lie_on_the_device_of_x(arrays):
    device = xp.Device("device1")
    assert convt.conv_transpose(xp.asarray(arrays["x"], device=device), arrays["w"]).device == device


def test_a_type_that_the_library_lacks(arrays):
    x = xp.asarray(arrays["x"])
    with pytest.raises(TypeError, match=r"^the result must become a Array by the array API, .* got float16 of \(2, 4, 5\)"):
        container_of(x).give(arrays["x"].astype("f2"), x)


def test_with_numpys_x_a_gradient_would_be_lost(arrays):
    with pytest.raises(TypeError, match=r"^w must be a NumPy array, as the first array is, got a Array of array_api_strict"):
        convt.conv_transpose(arrays["x"], xp.asarray(arrays["w"]))
