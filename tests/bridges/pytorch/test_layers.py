"""Layers, and the conversion of models."""

import copy
import io
import pickle

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

from torch import nn  # noqa: E402
from torch.nn.utils import parametrizations, parametrize  # noqa: E402

LAYERS = {
    "Conv1d": ((4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}),
    "Conv2d": ((4, 6, (3, 2)), {"dilation": (1, 2), "bias": False}),
    "Conv3d": ((4, 6, 2), {"padding": "same"}),
    "ConvTranspose1d": ((4, 6, 3), {"stride": 2, "output_padding": 1}),
    "ConvTranspose2d": ((4, 6, (3, 2)), {"stride": (2, 1), "groups": 2, "bias": False}),
    "ConvTranspose3d": ((4, 6, 2), {"dilation": 2}),
    "MaxPool1d": ((2,), {"ceil_mode": True}),
    "MaxPool2d": ((3, 2, 1), {}),
    "MaxPool3d": ((2,), {"stride": 1}),
    "Upsample": ((), {"scale_factor": 2, "mode": "bilinear", "align_corners": True}),
    "UpsamplingBilinear2d": ((), {"scale_factor": 3}),
    "UpsamplingNearest2d": ((), {"size": (12, 14)}),
}


def image(name):
    return torch.randn(2, 4, *(6, 7, 5)[: int(name[-2]) if name.endswith("d") else 2], requires_grad=True)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_drop_ins(name):
    arguments, options = LAYERS[name]
    own, ours = getattr(nn, name)(*arguments, **options), getattr(bridge, name)(*arguments, **options)
    assert repr(ours) == repr(own)
    assert isinstance(ours, getattr(nn, name))
    assert ours.state_dict().keys() == own.state_dict().keys()
    ours.load_state_dict(own.state_dict())
    x = image(name)
    y = ours(x)
    assert "Convt" in y.grad_fn.name()
    torch.testing.assert_close(y, own(x))


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_unpooling(axes):
    x = torch.randn(2, 3, *(6,) * axes, requires_grad=True)
    y, indices = getattr(nn, f"MaxPool{axes}d")(2, return_indices=True)(x)
    own, ours = (getattr(module, f"MaxUnpool{axes}d")(2) for module in (nn, bridge))
    assert "Convt" in ours(y, indices).grad_fn.name()
    assert torch.equal(ours(y, indices), own(y, indices))
    assert torch.equal(ours(y, indices, output_size=(7,) * axes), own(y, indices, output_size=(7,) * axes))


def test_an_output_size():
    layer = bridge.ConvTranspose2d(4, 3, 3, stride=2)
    own = bridge.revert(copy.deepcopy(layer))
    x = torch.randn(2, 4, 5, 6)
    for size in ((11, 14), (2, 3, 12, 13)):
        torch.testing.assert_close(layer(x, output_size=size), own(x, output_size=size))
    with pytest.raises(ValueError, match="requested an output size"):
        layer(x, output_size=(20, 20))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
def test_modes_of_padding(mode):
    layer = bridge.Conv2d(4, 3, 3, padding=(1, 2), padding_mode=mode)
    x = torch.randn(2, 4, 5, 6, requires_grad=True)
    torch.testing.assert_close(layer(x), bridge.revert(copy.deepcopy(layer))(x))


def model():
    return nn.ModuleDict(
        {
            "conv": nn.Conv2d(4, 4, 3),
            "up": nn.Sequential(nn.ConvTranspose2d(4, 4, 3, 2), nn.Upsample(scale_factor=2)),
            "pool": nn.MaxPool2d(2),
            "norm": nn.BatchNorm2d(4),
        }
    )


def converted(net):
    return {name for name, layer in net.named_modules() if type(layer).__module__ == "convt.torch.modules"}


def test_what_is_converted():
    net = model()
    assert bridge.convert(net) is net
    assert converted(net) == {"conv", "up.0", "up.1", "pool"}
    assert bridge.revert(net) is net
    assert converted(net) == set()
    assert converted(bridge.convert(model(), conv=False)) == {"up.0", "up.1", "pool"}
    assert converted(bridge.convert(model(), sampling=False)) == {"conv", "up.0"}
    assert converted(bridge.convert(model(), where=lambda name, layer: name.startswith("up"))) == {"up.0", "up.1"}
    assert type(bridge.convert(nn.Conv2d(3, 3, 3))) is bridge.Conv2d


def test_everything_but_the_class_stays():
    net = model()
    parameters, called = dict(net.named_parameters()), []
    net["conv"].register_forward_hook(lambda *_: called.append("hook"))
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    bridge.convert(net)
    assert all(parameters[name] is parameter for name, parameter in net.named_parameters())
    before = net["conv"].weight.detach().clone()
    net["conv"](torch.randn(1, 4, 5, 5)).sum().backward()
    optimizer.step()
    assert called == ["hook"]
    assert not torch.equal(net["conv"].weight, before)


def test_derived_layers_are_left_alone():
    class Other(nn.Conv2d):
        """What it computes is its own business."""

    net = nn.Sequential(Other(3, 3, 3))
    assert type(bridge.convert(net)[0]) is Other


def test_copies_and_files():
    net = bridge.convert(nn.Sequential(nn.Conv2d(4, 4, 3), nn.ConvTranspose2d(4, 3, 3)), freeze=True).eval()
    x = torch.randn(1, 4, 6, 6)
    with torch.no_grad():
        y = net(x)
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    for made in (copy.deepcopy(net), pickle.loads(pickle.dumps(net)), torch.load(file, weights_only=False)):
        assert type(made[1]) is bridge.ConvTranspose2d
        torch.testing.assert_close(made(x), y)
    plain = bridge.revert(net)
    assert not [name for layer in plain for name in vars(layer) if name in ("freezes", "_constant")]


def test_layers_with_parametrized_weights():
    layer = parametrizations.weight_norm(nn.ConvTranspose1d(4, 3, 5, 2))
    x = torch.randn(2, 4, 9, requires_grad=True)
    twin, y = copy.deepcopy(layer), layer(x)
    assert isinstance(bridge.convert(layer), bridge.ConvTranspose1d)
    assert not isinstance(twin, bridge.ConvTranspose1d)
    assert "Convt" in layer(x).grad_fn.name()
    torch.testing.assert_close(layer(x), y)
    layer(x).sum().backward()
    assert layer.parametrizations.weight.original0.grad is not None
    bridge.revert(layer)
    assert not isinstance(layer, bridge.ConvTranspose1d)
    torch.testing.assert_close(layer(x), y)
    parametrize.remove_parametrizations(bridge.convert(layer), "weight")
    assert type(layer) is bridge.ConvTranspose1d
    torch.testing.assert_close(layer(x), y)


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_layers_whose_weights_a_hook_makes():
    layer = nn.utils.spectral_norm(nn.ConvTranspose2d(4, 3, 3)).eval()
    x = torch.randn(2, 4, 5, 5)
    y = layer(x)
    torch.testing.assert_close(bridge.convert(layer)(x), y)


def test_lazy_layers_stay_pytorchs():
    layer = bridge.convert(nn.LazyConvTranspose2d(3, 3))
    assert layer(torch.randn(1, 4, 5, 5)).shape == (1, 3, 7, 7)
    assert type(bridge.convert(layer)) is bridge.ConvTranspose2d


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: bridge.convert(torch.ones(3)), r"model must be a torch\.nn\.Module, got a Tensor"),
        (lambda: bridge.convert(nn.Conv2d), r"model must be a torch\.nn\.Module, got the class Conv2d"),
        (lambda: bridge.revert("model"), r"model must be a torch\.nn\.Module, got a str"),
        (lambda: bridge.convert(nn.ReLU(), where="conv"), "where must be a function of a name and a layer, got 'conv'"),
        (lambda: bridge.convert(nn.ReLU(), conv="no"), "conv must be True or False, got 'no'"),
        (lambda: bridge.convert(nn.ReLU(), sampling=0), "sampling must be True or False, got 0"),
        (lambda: bridge.convert(nn.ReLU(), freeze=None), "freeze must be True or False, got None"),
        (lambda: bridge.use(conv="no"), "conv must be True or False, got 'no'"),
        (lambda: bridge.use(sampling=1), "sampling must be True or False, got 1"),
    ],
)
def test_wrong_arguments_of_the_conversion(call, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        call()


@pytest.mark.parametrize(
    ("name", "wanted"), [("ConvTranspose2D", "ConvTranspose2d"), ("conv2D", "conv2d"), ("covert", "convert")]
)
def test_a_misspelt_name(name, wanted):
    with pytest.raises(
        AttributeError, match=rf"^module 'convt\.torch' has no attribute '{name}'; did you mean '{wanted}'\?$"
    ):
        getattr(bridge, name)
