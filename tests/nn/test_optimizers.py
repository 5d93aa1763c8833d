"""optimizers: steps, minima, errors."""

import numpy as np
import pytest

import convt
from convt import nn


def parameter(data, grad=None, dtype=np.float64):
    made = nn.Parameter("p", (len(data),))
    made.data = np.array(data, dtype)
    if grad is not None:
        made.grad = grad
    return made


def test_adams_first_step_has_the_length_of_the_rate():
    p = parameter([1.0, 2.0, 3.0], [5.0, -0.01, 0.0])
    nn.Adam([p], 0.1).step()
    np.testing.assert_allclose(p.data, [0.9, 2.1, 3.0], rtol=1e-6)


def test_five_steps_of_adam_by_the_published_formula(rng):
    gradients = rng.standard_normal((5, 3)) * [1e-3, 1.0, 1e3]
    p = parameter([1.0, 2.0, 3.0])
    adam = nn.Adam([p], 0.1, betas=(0.8, 0.95), epsilon=1e-3)
    wanted, m, v = p.data.copy(), np.zeros(3), np.zeros(3)
    for t, gradient in enumerate(gradients, 1):
        m, v = 0.8 * m + 0.2 * gradient, 0.95 * v + 0.05 * gradient**2
        wanted -= 0.1 * (m / (1 - 0.8**t)) / (np.sqrt(v / (1 - 0.95**t)) + 1e-3)
        p.grad = gradient
        adam.step()
        np.testing.assert_allclose(p.data, wanted, rtol=1e-12)


def test_momentum_is_the_sum_of_a_series():
    p = parameter([0.0], [1.0])
    sgd = nn.SGD([p], 1.0, momentum=0.5)
    for expected in (-1.0, -2.5, -4.25):
        sgd.step()
        np.testing.assert_allclose(p.data, [expected])
    assert sgd.steps == 3


@pytest.mark.parametrize(
    ("make", "rate"),
    [(nn.Adam, 0.1), (nn.SGD, 0.015), (lambda each, rate: nn.SGD(each, rate, 0.5), 0.015)],
    ids=["adam", "sgd", "momentum"],
)
def test_it_finds_the_minimum_of_a_bowl(make, rate):
    p = parameter([3.0, -2.0], dtype=np.float32)
    optimizer = make([p], rate)
    for step in range(400):
        optimizer.zero_grad()
        p.grad += p.data * np.array([1.0, 100.0], np.float32)
        optimizer.learning_rate = rate * (1 - step / 400)
        optimizer.step()
    np.testing.assert_allclose(p.data, 0.0, atol=0.15 if make is not nn.Adam else 1e-2)
    assert p.data.dtype == np.float32


def test_a_layer_learns_the_filter_that_made_its_targets(rng):
    x, w = rng.standard_normal((8, 2, 5, 5)), rng.standard_normal((2, 1, 4, 4))
    wanted = convt.conv_transpose(x, w, stride=2, padding=1) + 0.5
    layer = nn.Conv2DTranspose(1, 4, strides=2, padding=1)
    adam = nn.Adam(layer.parameters(), 0.05)
    layer.initialize(rng=0, dtype=np.float64)
    for _ in range(300):
        error = layer(x) - wanted
        layer.zero_grad()
        layer.backward(2 / error.size * error)
        adam.step()
    np.testing.assert_allclose(layer.weight.data, w, atol=0.01)
    np.testing.assert_allclose(layer.bias.data, [0.5], atol=0.01)


def test_nothing_moves_unless_all_can():
    p = parameter([1.0], [1.0])
    sgd = nn.SGD([p, nn.Parameter("later", (1,))], 1.0)
    with pytest.raises(RuntimeError, match="later must be initialised"):
        sgd.step()
    assert p.data == [1.0]
    assert sgd.steps == 0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.SGD([np.zeros(3)]), TypeError, "parameters must be instances of convt.nn.Parameter, got array"),
        (lambda: nn.SGD([parameter([1])] * 2), ValueError, "parameters must each be there once, got one twice"),
        (lambda: nn.SGD(3), TypeError, "parameters must be a sequence of convt.nn.Parameter, got 3"),
        (lambda: nn.SGD(np.array(1.0)), TypeError, "parameters must be a sequence of convt.nn.Parameter, got array"),
        (lambda: nn.SGD([], [0.1, 0.2]), TypeError, r"learning_rate must be a number, got \[0.1, 0.2\]"),
        (lambda: nn.SGD([], np.ones(2)), TypeError, "learning_rate must be a number, got array"),
        (lambda: nn.SGD([], True), TypeError, "learning_rate must be a number, got True"),
        (lambda: nn.SGD([], float("nan")), ValueError, "learning_rate must be at least 0 and finite, got nan"),
        (lambda: nn.Adam([], betas=0.9), TypeError, "betas must be two numbers, got 0.9"),
        (lambda: nn.Adam([], betas=(0.9, 0.99, 0.999)), TypeError, r"betas must be two numbers, got \(0.9, 0.99, 0.999\)"),
        (lambda: nn.Adam([], betas="ab"), TypeError, "betas must be two numbers, got 'ab'"),
        (lambda: nn.Parameter(3, (2,)), TypeError, "name must be a str, got 3"),
        (lambda: nn.Parameter("p", 2.5), TypeError, "shape must be a sequence of integers, got 2.5"),
        (lambda: nn.Parameter("p", (2, -1)), ValueError, r"shape must have no negative sizes, got \(2, -1\)"),
        (lambda: nn.SGD([], -1), ValueError, "learning_rate must be at least 0 and finite, got -1"),
        (lambda: nn.SGD([], momentum=1), ValueError, "momentum must be at least 0 and below 1, got 1"),
        (lambda: nn.Adam([], betas=(0.9, 1.5)), ValueError, r"betas\[1\] must be at least 0 and below 1, got 1.5"),
        (lambda: nn.Adam([], epsilon="small"), TypeError, "epsilon must be a number, got 'small'"),
    ],
)
def test_a_wrong_argument_is_told(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_optimiser_shows_what_it_was_made_with():
    class Plain(nn.Optimizer):
        def move(self, parameter, *memory):
            pass

    one, two = parameter([1.0]), parameter([2.0])
    assert repr(Plain([one, two], 0.5)) == "Plain(2 parameters, learning_rate=0.5)"
    assert repr(nn.SGD([one], momentum=0.9)) == "SGD(1 parameter, learning_rate=0.01, momentum=0.9)"
    adam = nn.Adam([])
    adam.learning_rate = 0.25
    assert repr(adam) == "Adam(0 parameters, learning_rate=0.25, betas=(0.9, 0.999), epsilon=1e-08)"
