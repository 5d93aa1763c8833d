"""Weights are read at every call, whoever has written them; those of frozen layers are copied."""

import copy

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

from torch import nn  # noqa: E402


def set_to_ones(write):
    def change(layer):
        with torch.no_grad():
            write(layer.weight)

    return change


def by_an_optimizer(**options):
    def change(layer):
        optimizer = torch.optim.SGD([layer.weight], lr=1.0, **options)
        layer.weight.grad = layer.weight.detach() - 1
        optimizer.step()

    return change


WAYS = {
    "in place": set_to_ones(lambda w: w.fill_(1)),
    "by an index": set_to_ones(lambda w: w.__setitem__(slice(None), 1)),
    "data": lambda layer: layer.weight.data.fill_(1),
    "data replaced": lambda layer: setattr(layer.weight, "data", torch.ones_like(layer.weight)),
    "by a view of NumPy's": lambda layer: layer.weight.detach().numpy().fill(1),
    "by a view": set_to_ones(lambda w: w.view(-1).copy_(torch.ones(w.numel()))),
    "by storage": lambda layer: layer.weight.untyped_storage().copy_(torch.ones(layer.weight.numel()).untyped_storage()),
    "another parameter": lambda layer: setattr(layer, "weight", nn.Parameter(torch.ones_like(layer.weight))),
    "load_state_dict": lambda layer: layer.load_state_dict({"weight": torch.ones_like(layer.weight)}),
    "load_state_dict, assigned": lambda layer: layer.load_state_dict({"weight": torch.ones_like(layer.weight)}, assign=True),
    "an optimizer": by_an_optimizer(foreach=False),
    "an optimizer, several at once": by_an_optimizer(foreach=True),
    "a fused optimizer": by_an_optimizer(fused=True),
    "to": lambda layer: [layer.to(torch.float64), layer.weight.data.fill_(1), layer.to(torch.float32)],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["Conv2d", "ConvTranspose2d"])
def test_nothing_is_stale(way, kind):
    layer = getattr(bridge, kind)(4, 4, 3, bias=False)
    x = torch.randn(1, 4, 6, 6)
    for mode in (layer.train, layer.eval):
        mode()
        with torch.no_grad():
            layer.weight.data.normal_()
            layer(x)
        WAYS[way](layer)
        with torch.no_grad():
            torch.testing.assert_close(layer(x), bridge.revert(copy.deepcopy(layer))(x))
            torch.testing.assert_close(layer.weight, torch.ones_like(layer.weight))


@pytest.fixture
def layer():
    return bridge.convert(nn.ConvTranspose2d(4, 3, 3), freeze=True).eval()


X = torch.randn(1, 4, 6, 6)


def test_frozen_weights_are_copies(layer):
    with torch.no_grad():
        y = layer(X)
        layer.weight.zero_()
        layer.bias.zero_()
        assert torch.equal(layer(X), y)
        assert layer(X[0]).shape == y.shape[1:]
    torch.testing.assert_close(y, bridge.revert(copy.deepcopy(layer))(X) + y)


def test_what_is_packed_is_kept(layer):
    from convt.filters import Filters

    x = torch.randn(1, 4, 20, 20)
    with torch.no_grad():
        y = layer(x)
        filters = layer._constant.filters
        assert type(filters) is Filters
        assert torch.equal(layer(x), y)
        assert layer._constant.filters is filters
    torch.testing.assert_close(y, layer(x).detach())


def test_where_weights_are_not_frozen(layer):
    with torch.no_grad():
        layer(X)
        layer.weight.zero_()
        layer.bias.zero_()
    assert not layer(X).any()  # gradients are recorded
    with torch.no_grad():
        assert layer(X).any()
        layer.train()
        assert not layer(X).any()
        layer.eval()
        assert not layer(X).any()


@pytest.mark.parametrize("way", ["load_state_dict", "another type", "convert"])
def test_copies_are_made_anew(layer, way):
    with torch.no_grad():
        layer(X)
        layer.weight.zero_()
        layer.bias.zero_()
        if way == "load_state_dict":
            layer.load_state_dict(copy.deepcopy(layer.state_dict()))
        elif way == "another type":
            layer.double().float()
        else:
            bridge.convert(layer, freeze=False)
        assert not layer(X).any()


def test_frozen_weights_in_other_types(layer):
    with torch.no_grad():
        y = layer(X)
        with torch.autocast("cpu", torch.bfloat16):
            assert layer(X).dtype is torch.bfloat16
        torch.testing.assert_close(layer.double()(X.double()).float(), y)
        with pytest.raises(RuntimeError):
            layer(X)


def test_frozen_layers_in_compiled_and_transformed_programs(layer):
    torch._dynamo.reset()
    with torch.no_grad():
        y = layer(X)
        torch.testing.assert_close(torch.compile(layer, fullgraph=True, backend="eager")(X), y)
        torch.testing.assert_close(torch.vmap(layer)(X[None])[0], y)
        graph = torch.fx.experimental.proxy_tensor.make_fx(layer)(X)
        torch.testing.assert_close(graph(X), y)


def test_a_hook_makes_the_weights_before_they_are_frozen():
    layer = nn.utils.parametrizations.weight_norm(nn.ConvTranspose2d(4, 3, 3, bias=False)).eval()
    bridge.convert(layer, freeze=True)
    with torch.no_grad():
        layer.parametrizations.weight.original0.mul_(2)
        torch.testing.assert_close(layer(X), torch.conv_transpose2d(X, layer.weight))
