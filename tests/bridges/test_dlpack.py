"""Objects that give their memory away by DLPack, and are nothing else: results are NumPy arrays."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import convt


class Capsule:
    def __init__(self, held):
        self.held = held

    def __dlpack__(self, **options):
        return self.held.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.held.__dlpack_device__()


class Refusing(Capsule):
    def __dlpack__(self, **options):
        raise BufferError("not now")


@pytest.fixture(params=["numpy", "torch"])
def wrapped(request):
    """Objects around the arrays of a library."""
    if request.param == "numpy":
        return Capsule
    torch = pytest.importorskip("torch")
    return lambda array: Capsule(torch.from_numpy(array))


def test_results_are_numpys(wrapped, rng):
    x, w = rng.standard_normal((2, 4, 5)), rng.standard_normal((4, 3, 3))
    for given in (wrapped(w), w):
        y = convt.conv_transpose(wrapped(x), given)
        assert type(y) is np.ndarray
        assert_array_equal(y, convt.conv_transpose(x, w))
    y = convt.conv_transpose(x, wrapped(w))
    assert_array_equal(y, convt.conv_transpose(x, w))
    assert_array_equal(convt.upsample(wrapped(x), 2), convt.upsample(x, 2))
    pooled, indices = convt.max_pool(wrapped(x), 2)
    unpooled = convt.max_unpool(wrapped(pooled), wrapped(indices), 2, output_size=(4, 5))
    assert_array_equal(unpooled, convt.max_unpool(pooled, indices, 2, output_size=(4, 5)))


def test_nothing_is_copied_on_the_way_in():
    from convt.core.arrays import as_array

    x = np.ones((2, 3))
    assert np.shares_memory(as_array("x", Capsule(x)), x)


def test_a_tensor_goes_with_it(rng):
    torch = pytest.importorskip("torch")
    x, w = rng.standard_normal((2, 4, 5)), rng.standard_normal((4, 3, 3))
    assert type(convt.conv_transpose(torch.from_numpy(x), Capsule(w))) is torch.Tensor


def test_one_that_refuses():
    with pytest.raises(TypeError, match=r"^x must be an array of numbers, got Refusing \(not now\)$"):
        convt.upsample(Refusing(np.ones(3)), 2)


def test_a_type_that_numpy_lacks():
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match=r"^x must be an array of numbers, got Capsule \("):
        convt.upsample(Capsule(torch.ones(3, dtype=torch.bfloat16)), 2)
