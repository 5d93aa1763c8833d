"""Interpolation, max pooling and its inverse beside PyTorch's own."""

from itertools import product

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

own = torch.nn.functional
SIZES = (6, 5, 7)


def image(axes, batched=True):
    return torch.randn(*(2,) * batched, 3, *SIZES[:axes], dtype=torch.float64, requires_grad=True)


def check_gradients(y, expected, x):
    dy = torch.randn_like(y)
    torch.testing.assert_close(torch.autograd.grad(y, x, dy), torch.autograd.grad(expected, x, dy))


def outcome(function, *arguments, **options):
    """The result, or what the error says."""
    try:
        return function(*arguments, **options)
    except RuntimeError as error:
        return str(error)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batched", [True, False])
def test_max_pool(axes, batched):
    ours, theirs = getattr(bridge, f"max_pool{axes}d"), getattr(own, f"max_pool{axes}d")
    computed = 0
    for size, stride, padding, ceil in product((1, 2, 3), (None, 1, 2, 3), (0, 1), (False, True)):
        x, options = image(axes, batched), {"ceil_mode": ceil, "return_indices": True}
        given, expected = (outcome(function, x, size, stride, padding, **options) for function in (ours, theirs))
        if isinstance(expected, str):
            assert given == expected
            continue
        y, indices = expected
        assert torch.equal(given[0], y)
        assert torch.equal(given[1], indices)
        assert torch.equal(ours(x, size, stride, padding, ceil_mode=ceil), y)
        check_gradients(given[0], y, x)
        computed += 1
    assert computed > 30


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("last", [False, True])
def test_max_unpool(axes, batched, last):
    ours, theirs = getattr(bridge, f"max_unpool{axes}d"), getattr(own, f"max_unpool{axes}d")
    for size, stride, sized in product((2, 3), (None, 3), (True, False)):
        shape = SIZES[:axes] if sized else (size + 2 * (stride or size),) * axes  # then the last windows end with the image
        x = torch.randn(*(2,) * batched, 3, *shape, dtype=torch.float64)
        y, indices = getattr(own, f"max_pool{axes}d")(x, size, stride, return_indices=True)
        if last and batched and axes == 2:
            y = y.contiguous(memory_format=torch.channels_last)
        y = y.detach().requires_grad_()
        wanted = SIZES[:axes] if sized else None
        x, expected = (function(y, indices, size, stride, output_size=wanted) for function in (ours, theirs))
        assert "Convt" in str(x.grad_fn.name()) or not batched
        assert torch.equal(x, expected)
        check_gradients(x, expected, y)


def test_indices_that_occur_twice():
    y = torch.tensor([[[1.0, 2.0]]], requires_grad=True)
    x = bridge.max_unpool1d(y, torch.tensor([[[1, 1]]]), 2)
    assert x.tolist() == [[[0, 2, 0, 0]]]
    x.sum().backward()
    assert y.grad.tolist() == [[[0, 1]]]


def test_what_is_not_ours_is_pytorchs():
    x = image(2)
    for options in ({"dilation": 2}, {"padding": 2, "kernel_size": 3}):
        arguments = {"kernel_size": 2} | options
        given, expected = (outcome(function, x, **arguments) for function in (bridge.max_pool2d, own.max_pool2d))
        assert given == expected if isinstance(expected, str) else torch.equal(given, expected)
    integers = torch.arange(16).view(1, 1, 4, 4)
    assert torch.equal(bridge.max_pool2d(integers, 2), own.max_pool2d(integers, 2))
    y, indices = own.max_pool2d(x, 2, return_indices=True)
    for size in ((9, 9), (6,)):
        with pytest.raises(ValueError, match="output_size"):
            bridge.max_unpool2d(y, indices, 2, output_size=size)
    with pytest.raises(RuntimeError):
        bridge.max_unpool2d(y, indices.int(), 2)
    with pytest.raises(ValueError, match=r"^indices must be from 0 to 29"):
        bridge.max_unpool2d(y, indices + 99, 2, output_size=(6, 5))


MODES = [(1, "linear"), (2, "bilinear"), (3, "trilinear"), *((axes, "nearest") for axes in (1, 2, 3))]


@pytest.mark.parametrize(("axes", "mode"), MODES)
def test_interpolate(axes, mode):
    scales = (1, 2, 3, 2.0, 2.5, (2,) * axes, (3, 2, 1)[:axes], (2.0, 1.5, 2)[:axes])
    for scale, align in product(scales, (None, False, True)):
        if mode == "nearest" and align is not None:
            continue
        x = image(axes)
        options = {"scale_factor": scale, "mode": mode, "align_corners": align}
        y, expected = bridge.interpolate(x, **options), own.interpolate(x, **options)
        whole = all(step == int(step) for step in (scale if isinstance(scale, tuple) else (scale,)))
        assert ("Convt" in y.grad_fn.name()) is whole
        torch.testing.assert_close(y, expected)
        check_gradients(y, expected, x)


def test_interpolate_to_a_size():
    x = image(2)
    for size, ours in (((12, 10), True), ((12, 11), False), (30, True)):
        y = bridge.interpolate(x, size, mode="bilinear")
        assert ("Convt" in y.grad_fn.name()) is ours
        torch.testing.assert_close(y, own.interpolate(x, size, mode="bilinear"))
    for mode in ("bicubic", "area", "nearest-exact"):
        y, expected = (function(x, scale_factor=2, mode=mode) for function in (bridge.interpolate, own.interpolate))
        torch.testing.assert_close(y, expected)
    double = {"scale_factor": 2}
    for wrong in ({}, double | {"size": 2}, double | {"mode": "cubic"}, double | {"align_corners": True}):
        with pytest.raises((ValueError, NotImplementedError)) as theirs:
            own.interpolate(x, **wrong)
        with pytest.raises(theirs.type) as ours:
            bridge.interpolate(x, **wrong)
        assert str(ours.value) == str(theirs.value)
