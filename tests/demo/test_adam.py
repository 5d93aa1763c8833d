"""adam: the optimiser."""

import numpy as np

from convt.demo.adam import Adam
from convt.demo.network import Parameter


def test_the_first_step_has_the_length_of_the_rate():
    parameter = Parameter(np.array([1.0, 2.0, 3.0]))
    parameter.gradient = np.array([5.0, -0.01, 0.0])
    Adam([parameter]).step(0.1)
    np.testing.assert_allclose(parameter.value, [0.9, 2.1, 3.0], rtol=1e-6)


def test_it_finds_the_minimum_of_a_bowl():
    parameter = Parameter(np.array([3.0, -2.0], np.float32))
    adam = Adam([parameter])
    for step in range(300):
        parameter.gradient = parameter.value * np.array([1.0, 100.0], np.float32)
        adam.step(0.1 * (1 - step / 300))
    np.testing.assert_allclose(parameter.value, 0.0, atol=1e-2)
    assert parameter.value.dtype == np.float32
