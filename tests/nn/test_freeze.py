"""Layers whose parameters are read-only for a while."""

import copy
import pickle

import numpy as np
import pytest

from convt import Filters, nn

X = np.random.default_rng(0).standard_normal((2, 2, 9)).astype("f4")


@pytest.fixture
def net():
    return nn.Sequential(nn.Conv1D(4, 3, in_channels=2), nn.ReLU(), nn.Conv1DTranspose(1, 3, in_channels=4)).initialize(
        rng=0
    )


def test_a_frozen_network_computes_the_same(net):
    y = net(X)
    dx = net.backward(y)
    gradient = net[0].weight.grad.copy()
    net.zero_grad()
    assert net.freeze() is net
    for _ in range(2):
        np.testing.assert_allclose(net(X), y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net.backward(y), dx, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(net[0].weight.grad, gradient, rtol=1e-5, atol=1e-6)
    assert isinstance(net[0].weight.operand, Filters)


def test_its_parameters_cannot_be_changed_until_they_are_unfrozen(net):
    optimizer, state = nn.SGD(net.parameters(), 0.5), net.state_dict()
    net(X)
    net.backward(np.ones((2, 1, 9), "f4"))
    net.freeze().freeze()
    assert repr(net[0].weight) == "Parameter(weight, (4, 2, 3), float32, frozen)"
    with pytest.raises(ValueError, match="read-only"):
        net[0].weight.data[0] = 1
    for change in (
        optimizer.step,
        net.initialize,
        lambda: net.load_state_dict(state),
        lambda: setattr(net[2].bias, "data", [1]),
    ):
        with pytest.raises(RuntimeError, match="must not be frozen when it is changed: call unfreeze"):
            change()
    assert optimizer.steps == 0
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, state[name])
    assert net.unfreeze().unfreeze() is net
    optimizer.step()
    assert not np.array_equal(net[0].weight.data, state["0.weight"])


def test_what_held_the_data_before_does_not_reach_them(net):
    before = net[0].weight.data
    y = net.freeze()(X)
    before[...] = 0
    np.testing.assert_array_equal(net(X), y)
    net.unfreeze()
    before[...] = 1
    np.testing.assert_allclose(net(X), y, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("again", [copy.deepcopy, lambda net: pickle.loads(pickle.dumps(net))])
def test_copies_are_frozen_too(net, again):
    y = net.freeze()(X)
    other = again(net)
    np.testing.assert_array_equal(other(X), y)
    assert other[0].weight.frozen
    with pytest.raises(ValueError, match="read-only"):
        other[0].weight.data[0] = 1


def test_what_has_no_data_yet_cannot_be_frozen():
    net = nn.Sequential(nn.Conv1D(4, 3, in_channels=2), nn.Conv1DTranspose(1, 3)).initialize()
    with pytest.raises(RuntimeError, match=r"must be initialised before it is frozen, got no data for '1\.weight'"):
        net.freeze()
    assert not net[0].weight.frozen
