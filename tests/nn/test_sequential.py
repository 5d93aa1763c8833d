"""Sequential and activations: order, gradients, errors."""

import numpy as np
import pytest
from gradients import check_gradients

from convt import nn


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.LeakyReLU(0.2), nn.Sigmoid(), nn.Tanh()], ids=repr)
def test_the_gradient_of_an_activation(layer, rng):
    x = rng.standard_normal((2, 3, 4))
    check_gradients(layer, x)
    kept = x.copy()
    y = layer(x)
    y[...] = 7  # what the caller does with the result is the caller's business
    np.testing.assert_array_equal(x, kept)
    check_gradients(layer, x)


@pytest.mark.parametrize("layer", [nn.ReLU, nn.LeakyReLU, nn.Sigmoid, nn.Tanh])
def test_types_and_errors_of_an_activation(layer):
    bend = layer()
    with pytest.raises(RuntimeError, match="backward must follow a forward"):
        bend.backward([1.0])
    assert bend(np.float32([1, -1])).dtype == np.float32
    assert bend([1, -1]).dtype == np.float64
    assert np.isnan(bend([np.nan])).all()
    with pytest.raises(ValueError, match=r"dy.shape must equal the output's \(1,\), got \(2,\)"):
        bend.backward([1.0, 1.0])
    with pytest.raises(TypeError, match="x must hold real numbers"):
        bend([1j])
    assert bend.parameters() == []


def test_the_sigmoid_does_not_overflow():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(nn.Sigmoid()([-1e4, 0, 1e4]), [0, 0.5, 1])


@pytest.mark.parametrize(("slope", "error"), [(-0.1, ValueError), (1, ValueError), (np.nan, ValueError), ("0", TypeError)])
def test_a_wrong_slope_is_told(slope, error):
    with pytest.raises(error, match=r"slope must be .*, got"):
        nn.LeakyReLU(slope)


def test_the_gradients_of_a_network(rng):
    net = nn.Sequential(
        nn.Conv2D(4, 3, padding="same"), nn.LeakyReLU(0.1), nn.Conv2DTranspose(2, 4, 2, 1), nn.Tanh(), nn.Conv2D(1, 2)
    )
    net.initialize("he", rng=0, dtype=np.float64)
    check_gradients(net, rng.standard_normal((2, 2, 4, 3)))


def test_a_sequence_of_layers():
    relu = nn.ReLU()
    net = nn.Sequential(relu, nn.Tanh())
    assert len(net) == 2
    assert net[0] is relu
    assert [type(layer).__name__ for layer in net] == ["ReLU", "Tanh"]
    assert repr(nn.Sequential(net)) == "Sequential(\n  (0): Sequential(\n    (0): ReLU()\n    (1): Tanh()\n  )\n)"
    assert repr(nn.Sequential()) == "Sequential()"


def test_the_same_seed_gives_the_same_network_and_layers_differ():
    nets = [nn.Sequential(nn.Conv1D(3, 3), nn.Conv1D(3, 3)) for _ in range(2)]
    for net in nets:
        net.initialize(rng=6)
        net(np.zeros((3, 9)))
    for one, other in zip(nets[0].parameters(), nets[1].parameters(), strict=True):
        np.testing.assert_array_equal(one.data, other.data)
    assert not np.allclose(nets[0][0].weight.data, nets[0][1].weight.data)


def test_what_is_no_layer_or_there_already_is_refused():
    relu = nn.ReLU()
    with pytest.raises(TypeError, match=r"layers must be instances of convt.nn.Layer, got <class '.*ReLU'>"):
        nn.Sequential(nn.ReLU)
    for layers in ((relu, relu), (nn.Tanh(), relu)):
        net = nn.Sequential(relu)
        with pytest.raises(ValueError, match=r"layers must each be there once, got ReLU\(\) again"):
            net.add(*layers)
        assert len(net) == 1


def test_initialising_returns_the_layer():
    for layer in (nn.Conv2D(2, 3), nn.Conv1DTranspose(2, 3), nn.ReLU(), nn.Sequential(nn.Conv1D(1, 1), nn.Tanh())):
        assert layer.initialize(rng=0) is layer


def test_a_network_calls_a_layer_that_takes_an_output_size_without_one(rng):
    net = nn.Sequential(nn.Conv1D(2, 3, 2, 1), nn.Conv1DTranspose(1, 3, 2, 1)).initialize(rng=0, dtype=np.float64)
    x = rng.standard_normal((1, 1, 10))
    assert net(x).shape == (1, 1, 9)
    check_gradients(net, x)
    y = net[1](net[0](x), output_size=x.shape)
    assert y.shape == x.shape
    assert net.backward(np.ones_like(y)).shape == x.shape  # each layer goes back as it was called
