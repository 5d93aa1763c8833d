"""Gradients by central differences, for layers."""

import numpy as np


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
    """Compare what a layer's backward gives, for x and all parameters in float64, with central differences."""
    direction = np.random.default_rng(1).standard_normal(layer.forward(x).shape)
    layer.zero_grad()
    dx = layer.backward(direction)

    def number():
        return np.vdot(layer.forward(x), direction)

    np.testing.assert_allclose(dx, numeric_gradient(number, x), rtol=1e-5, atol=1e-6)
    for parameter in layer.parameters():
        assert parameter.grad.shape == parameter.data.shape
        np.testing.assert_allclose(parameter.grad, numeric_gradient(number, parameter.data), rtol=1e-5, atol=1e-6)
