"""convt.torch's functions beside PyTorch's own: values, first derivatives, and what is left to PyTorch."""

from itertools import product

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

OPTIONS = list(product((1, 2, 3), (0, 1, 2), (1, 2), (1, 2)))  # stride, padding, dilation, groups


def random(*shape, dtype=torch.float64):
    return torch.randn(shape, dtype=dtype, requires_grad=True)


def check_like(ours, own, tensors, *options):
    """The same values and gradients, or the same error; whether there were values."""
    y, expected = outcome(ours, tensors, *options), outcome(own, tensors, *options)
    if isinstance(expected, str):
        assert y == expected
        return False
    assert y.stride() == expected.stride()
    torch.testing.assert_close(y, expected)
    dy = torch.randn_like(y)
    needed = [tensor for tensor in tensors if tensor is not None and tensor.requires_grad]
    given = torch.autograd.grad(y, needed, dy)
    for gradient, wanted in zip(given, torch.autograd.grad(expected, needed, dy), strict=True):
        torch.testing.assert_close(gradient, wanted)
    return True


def outcome(function, tensors, *options):
    """The result, or what the error says."""
    try:
        return function(*tensors, *options)
    except RuntimeError as error:
        return str(error)


def is_ours(y):
    """Whether convt has computed it."""
    return "convt" in str(seen(y.grad_fn)).lower()


def seen(node):
    return [] if node is None else [node.name(), *(each for following, _ in node.next_functions for each in seen(following))]


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batched", [True, False])
def test_transposed_convolution(axes, batched):
    computed = 0
    ours = getattr(bridge, f"conv_transpose{axes}d")
    own = getattr(torch.nn.functional, f"conv_transpose{axes}d")
    for stride, padding, dilation, groups in OPTIONS:
        x, w = random(*(2,) * batched, 4, *(5, 4, 3)[:axes]), random(4, 3, *(3, 2, 3)[:axes])
        for extra, bias in ((0, None), (1, random(3 * groups))):
            computed += check_like(ours, own, (x, w, bias), stride, padding, extra, groups, dilation)
    assert computed > len(OPTIONS)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batched", [True, False])
def test_convolution(axes, batched):
    computed = 0
    ours, own = getattr(bridge, f"conv{axes}d"), getattr(torch.nn.functional, f"conv{axes}d")
    for stride, padding, dilation, groups in OPTIONS:
        x, w = random(*(2,) * batched, 4, *(7, 6, 5)[:axes]), random(6, 4 // groups, *(3, 2, 3)[:axes])
        for bias in (None, random(6)):
            computed += check_like(ours, own, (x, w, bias), stride, padding, dilation, groups)
    assert computed > len(OPTIONS)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv", "conv_transpose"])
def test_what_is_not_given_is_as_pytorch_has_it(name, axes):
    ours, own = (getattr(module, f"{name}{axes}d") for module in (bridge, torch.nn.functional))
    x, w = random(2, 4, *(7, 6, 5)[:axes]), random(4, 4, *(3, 2, 3)[:axes])
    assert check_like(ours, own, (x, w))
    assert check_like(ours, own, (x, w, None), 2)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [(3, 2), (4, 5)])
def test_padding_by_name(padding, kernel):
    x, w = random(2, 4, 7, 6), random(6, 4, *kernel)
    for dilation in (1, 2, (1, 2)):
        computed = check_like(bridge.conv2d, torch.nn.functional.conv2d, (x, w, None), 1, padding, dilation, 1)
        assert computed or padding == "valid"
    with pytest.raises(RuntimeError, match="strided"):
        bridge.conv2d(x, w, stride=2, padding="same")


def test_options_per_axis_and_by_name():
    x, w, b = random(2, 4, 7, 6), random(4, 3, 3, 2), random(3)
    for form in (list, tuple):
        options = {"stride": form([2, 1]), "padding": form([1, 0]), "output_padding": form([1, 0]), "dilation": form([1, 2])}
        y = bridge.conv_transpose2d(input=x, weight=w, bias=b, **options)
        torch.testing.assert_close(y, torch.conv_transpose2d(x, w, b, **options))
        assert is_ours(y)
    assert is_ours(bridge.conv_transpose2d(x, w, None, [2]))


def test_who_computes():
    x, w = random(1, 4, 7, 6), random(4, 3, 3, 2)
    assert is_ours(bridge.conv_transpose2d(x, w))
    assert is_ours(bridge.conv_transpose2d(x[0], w))
    assert is_ours(bridge.conv2d(x, random(3, 4, 3, 3), padding="same"))
    assert not is_ours(torch.conv_transpose2d(x, w))


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (lambda x, w: (x[:, :3], w), RuntimeError),
        (lambda x, w: (x.float(), w), RuntimeError),
        (lambda x, w: (x.detach().numpy(), w), TypeError),
        (lambda x, w: (x.tolist(), w), TypeError),
        (lambda x, w: (x[0, 0], w), RuntimeError),
        (lambda x, w: (x, w[0]), RuntimeError),
        (lambda x, w: (x.detach().to_sparse(), w), RuntimeError),
        (lambda x, w: (x.int(), w.int()), RuntimeError),
        (lambda x, w: (x, w, torch.ones(2, dtype=x.dtype)), RuntimeError),
        (lambda x, w: (x, w, None, 0), RuntimeError),
        (lambda x, w: (x, w, None, 1, -1), RuntimeError),
        (lambda x, w: (x, w, None, (1, 2, 3)), RuntimeError),
        (lambda x, w: (x, w, None, 1, 9), RuntimeError),
        (lambda x, w: (x, w, None, 2, 0, 2), RuntimeError),
        (lambda x, w: (x, w, None, 1, 0, 0, 3), RuntimeError),
        (lambda x, w: (x, w, None, 1.5), TypeError),
        (lambda x, w: (x, w, None, "2"), TypeError),
    ],
)
def test_what_is_wrong_is_told_as_pytorch_does(arguments, kind):
    given = arguments(random(1, 4, 5, 6), random(4, 3, 3, 2))
    with pytest.raises(kind) as own:
        torch.conv_transpose2d(*given)
    with pytest.raises(kind) as ours:
        bridge.conv_transpose2d(*given)
    assert str(ours.value) == str(own.value)


def test_tensors_on_two_devices():
    x, w = torch.ones(1, 4, 5, 6), torch.ones(4, 3, 3, 2, device="meta")
    assert bridge.conv_transpose2d(x, w).shape == torch.conv_transpose2d(x, w).shape
    y = bridge.conv_transpose2d(x.to("meta"), w, stride=2)
    assert (y.shape, y.device.type) == ((1, 3, 11, 12), "meta")
    assert bridge.max_pool2d(x.to("meta"), 2).shape == (1, 4, 2, 3)


def test_a_plain_subclass_stays_one():
    class Named(torch.Tensor):
        """Kept by PyTorch's functions."""

    x, w = random(1, 4, 5, 6).detach().as_subclass(Named), random(4, 3, 3, 2)
    y = bridge.conv_transpose2d(x, w)
    assert type(y) is Named
    torch.testing.assert_close(y.as_subclass(torch.Tensor), torch.conv_transpose2d(x, w).as_subclass(torch.Tensor))
    assert is_ours(y)


def test_results_of_inference_mode():
    x, w = random(1, 4, 5, 6), random(4, 3, 3, 2)
    with torch.inference_mode():
        y = bridge.conv_transpose2d(x, w)
    assert y.is_inference()
    torch.testing.assert_close(y.clone(), torch.conv_transpose2d(x, w).detach())


def test_what_was_saved_must_not_change():
    x, w = random(1, 4, 5, 6), random(4, 3, 3, 2)
    y = bridge.conv_transpose2d(x, w)
    with torch.no_grad():
        w.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
