"""bfloat16 of PyTorch, JAX and ml_dtypes: computed through float32, given back as it came."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import convt
from convt import nn

ml_dtypes = pytest.importorskip("ml_dtypes")


def of_numpy(array):
    return array.astype(ml_dtypes.bfloat16)


def of_torch(array):
    return pytest.importorskip("torch").from_numpy(array).bfloat16()


def of_jax(array):
    jnp = pytest.importorskip("jax.numpy")
    return jnp.asarray(array, jnp.bfloat16)


def floats(given):
    """The numbers as float32, after a look at the type."""
    assert str(given.dtype).rpartition(".")[2] == "bfloat16"
    return given.float().numpy() if hasattr(given, "float") else np.asarray(given).astype("f4")


def rounded(array):
    return array.astype(ml_dtypes.bfloat16).astype("f4")


@pytest.fixture(params=[of_numpy, of_torch, of_jax])
def short(request):
    request.param(np.ones(1, "f4"))  # or skip
    return request.param


@pytest.fixture
def arrays(rng):
    made = {"x": rng.standard_normal((2, 4, 5)), "w": rng.standard_normal((4, 3, 3)), "bias": rng.standard_normal(3)}
    return {name: rounded(array.astype("f4")) for name, array in made.items()}


def test_operators(short, arrays):
    y = convt.conv_transpose(**arrays, stride=2)
    given = {name: short(array) for name, array in arrays.items()}
    assert_array_equal(floats(convt.conv_transpose(**given, stride=2)), rounded(y))
    gradients = convt.conv_transpose_backward(**given, dy=short(y), stride=2)
    for each, expected in zip(gradients, convt.conv_transpose_backward(**arrays, dy=rounded(y), stride=2), strict=True):
        assert_array_equal(floats(each), rounded(expected))


def test_upsampling_and_pooling(short, arrays):
    x = arrays["x"]
    for mode in ("nearest", "bilinear", "bed_of_nails"):
        expected = rounded(convt.upsample(x, 2, mode=mode))
        assert_array_equal(floats(convt.upsample(short(x), 2, mode=mode)), expected)
    y, indices = convt.max_pool(short(x), 2)
    expected = convt.max_pool(x, 2)
    assert_array_equal(floats(y), expected.y)
    unpooled = convt.max_unpool(y, indices, 2, output_size=(4, 5))
    assert_array_equal(floats(unpooled), convt.max_unpool(*expected, 2, output_size=(4, 5)))


def test_double_backward(short, arrays):
    x, w = arrays["x"], arrays["w"]
    dy = rounded(convt.conv_transpose(x, w))
    given = convt.conv_transpose_double_backward(*map(short, (x, w)), None, *map(short, (dy, x, w)))
    expected = convt.conv_transpose_double_backward(x, w, None, dy, x, w)
    assert_array_equal(floats(given.x), rounded(expected.x))
    assert_array_equal(floats(given.w), rounded(expected.w))
    np.testing.assert_allclose(floats(given.dy), expected.dy, rtol=2**-6, atol=0.1)


def test_with_float32_it_is_float32(short, arrays):
    given = convt.conv_transpose(short(arrays["x"]), arrays["w"])
    assert str(given.dtype).rpartition(".")[2] == "float32"
    assert_array_equal(np.asarray(given), convt.conv_transpose(arrays["x"], arrays["w"]))


def test_layers_and_linear_operators(short, arrays):
    layer = nn.Conv1DTranspose(3, 3).initialize(arrays["w"])
    y = layer(short(arrays["x"]))
    assert str(y.dtype).rpartition(".")[2] == "float32"
    assert_array_equal(np.asarray(y), convt.conv_transpose(arrays["x"], arrays["w"]))
    bend = nn.ReLU()
    assert_array_equal(floats(bend(short(arrays["x"]))), np.maximum(arrays["x"], 0))
    assert_array_equal(floats(bend.backward(short(arrays["x"]))), np.maximum(arrays["x"], 0))
    same = convt.ConvOperator((4, 5), arrays["w"][:, :, :2].transpose(1, 0, 2))
    made = convt.ConvOperator((4, 5), short(np.ascontiguousarray(arrays["w"][:, :, :2].transpose(1, 0, 2))))
    x = arrays["x"][0].ravel()
    assert_array_equal(np.asarray(made @ x), same @ x)
    assert_array_equal(np.asarray(same @ short(x)), same @ x)


@pytest.mark.parametrize("short", [of_numpy, of_torch])
def test_out(short, arrays):
    expected = rounded(convt.conv_transpose(**arrays))
    out = short(np.full((2, 3, 7), np.nan, "f4"))
    assert convt.conv_transpose(**{name: short(array) for name, array in arrays.items()}, out=out) is out
    assert_array_equal(floats(out), expected)


def test_float16_beside_it(arrays):
    y = convt.conv_transpose(of_numpy(arrays["x"]), arrays["w"].astype("f2"))
    assert y.dtype == np.float32
