"""network: layers and their gradients."""

import numpy as np
import pytest

from convt.demo.network import MARGIN, Conv, ConvTranspose, LeakyReLU, build


def numeric_gradient(number, array):
    """Central differences of number() with regard to each element of the array, which number() must read."""
    gradient = np.empty_like(array)
    for index in np.ndindex(array.shape):
        kept = array[index]
        array[index] = kept + 1e-6
        above = number()
        array[index] = kept - 1e-6
        gradient[index] = (above - number()) / 2e-6
        array[index] = kept
    return gradient


def check_gradients(layer, x):
    direction = np.random.default_rng(1).standard_normal(layer.forward(x).shape)
    dx = layer.backward(direction)

    def number():
        return np.vdot(layer.forward(x), direction)

    np.testing.assert_allclose(dx, numeric_gradient(number, x), rtol=1e-5, atol=1e-6)
    for parameter in layer.parameters:
        assert parameter.gradient.shape == parameter.value.shape
        np.testing.assert_allclose(parameter.gradient, numeric_gradient(number, parameter.value), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        Conv(np.random.default_rng(2).standard_normal((4, 3, 3, 3))),
        ConvTranspose(np.random.default_rng(3).standard_normal((3, 2, 4, 4)), stride=2, padding=1),
        LeakyReLU(),
    ],
    ids=["conv", "conv_transpose", "leaky_relu"],
)
def test_the_gradients_of_a_layer(layer):
    check_gradients(layer, np.random.default_rng(0).standard_normal((2, 3, 5, 4)))


def test_the_gradients_of_the_network():
    check_gradients(build(channels=2, dtype=np.float64), np.random.default_rng(0).standard_normal((1, 3, 8, 7)))


def test_a_fine_pixel_depends_on_the_margin_around_it_and_no_more():
    network = build(channels=4, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((1, 3, 21, 21))
    before = network.forward(x)
    x[:, :, 10, 10] += 1.0
    rows, columns = np.nonzero(np.abs(network.forward(x) - before).max(axis=(0, 1)))
    middle = 2 * (10 - MARGIN)
    for changed in (rows, columns):
        assert (changed.min(), changed.max()) == (middle - 2 * MARGIN, middle + 1 + 2 * MARGIN)


def test_the_same_seed_gives_the_same_network():
    for one, other in zip(build(seed=3).parameters, build(seed=3).parameters, strict=True):
        np.testing.assert_array_equal(one.value, other.value)
        assert one.value.dtype == np.float32
