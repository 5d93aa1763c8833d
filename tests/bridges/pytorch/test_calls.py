"""convt's own functions, where PyTorch records gradients."""

from itertools import product

import numpy as np
import pytest

import convt

torch = pytest.importorskip("torch")

DATA = {"NCHW": (0, 1, 2, 3), "NHWC": (0, 2, 3, 1), "HWCN": (2, 3, 1, 0)}
KERNEL = {"NCHW": (0, 1, 2, 3), "NHWC": (2, 3, 1, 0), "HWCN": (2, 3, 1, 0)}
LAYOUTS = list(product(DATA, (True, False)))


def leaf(*shape):
    return torch.randn(shape, dtype=torch.float64, requires_grad=True)


def image(layout, batched, channels=4):
    x = leaf(2, channels, 6, 7).detach().permute(DATA[layout])
    return (x if batched else x.select(DATA[layout].index(0), 0)).contiguous().requires_grad_()


def unrecorded(function, *arguments, **options):
    with torch.no_grad():
        return function(*arguments, **options)


@pytest.mark.parametrize(("layout", "batched"), LAYOUTS)
@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_operators(layout, batched, name):
    function, gradients = getattr(convt, name), getattr(convt, f"{name}_backward")
    shape, outputs = ((4, 2, 3, 3), 4) if name == "conv_transpose" else ((6, 2, 3, 3), 6)
    x, w, bias = image(layout, batched), leaf(*shape).detach().permute(KERNEL[layout]).requires_grad_(), leaf(outputs)
    options = {"stride": 2, "padding": ((1, 0), (0, 2)), "groups": 2, "layout": layout}
    y = function(x, w, bias, **options)
    assert y.requires_grad
    torch.testing.assert_close(y.detach(), unrecorded(function, x, w, bias, **options))
    dy = torch.randn_like(y)
    expected = unrecorded(gradients, x, w, bias, dy, **options)
    torch.testing.assert_close(torch.autograd.grad(y, (x, w, bias), dy), tuple(expected))
    given = gradients(x, w, bias, dy, **options)
    torch.testing.assert_close(tuple(each.detach() for each in given), tuple(expected))
    assert given.x.requires_grad
    only = gradients(x, w, bias, dy, **options, needs=["w"])
    assert only.x is only.bias is None


@pytest.mark.parametrize(("layout", "batched"), LAYOUTS)
@pytest.mark.parametrize("indexing", ["spatial", "tensor"])
def test_sampling(layout, batched, indexing):
    x, options = image(layout, batched, 1), {"indexing": indexing, "layout": layout}
    given, expected = convt.max_pool(x, 3, 2, 1, **options), unrecorded(convt.max_pool, x, 3, 2, 1, **options)
    assert given.y.requires_grad
    assert torch.equal(given.y, expected.y)
    assert torch.equal(given.indices, expected.indices)
    sized = options | {"output_size": (6, 7)}
    y = given.y.detach().requires_grad_()
    dx = convt.max_pool_backward(y, given.indices, 3, 2, 1, **sized)
    torch.testing.assert_close(dx.detach(), unrecorded(convt.max_pool_backward, y, given.indices, 3, 2, 1, **sized))
    y, indices = convt.max_pool(x.detach(), 2, **options)
    check = torch.autograd.gradcheck
    assert check(lambda y: convt.max_unpool(y, indices, 2, **sized), y.requires_grad_())
    assert check(lambda x: convt.max_unpool_backward(x, indices, 2, **options), x)
    for mode in ("nearest", "bilinear", "bed_of_nails"):
        assert check(lambda x, mode=mode: convt.upsample(x, 2, mode=mode, layout=layout), x)
    assert check(lambda x: convt.upsample_backward(x, (2, 1), layout=layout), x)


def test_without_channels():
    x = leaf(3, 4)
    assert convt.upsample(x, 2).shape == (6, 8)
    assert convt.max_pool(x, 2).y.grad_fn is not None


def test_types_are_promoted_as_without_gradients():
    x, w = leaf(1, 4, 5), np.random.default_rng(0).standard_normal((4, 2, 3))
    for given, kernel in ((x, w), (x.float(), w), (x.float(), w.astype("f4")), (x.half(), w.astype("f4")), (x, w + 1j)):
        y = convt.conv_transpose(given, kernel)
        expected = unrecorded(convt.conv_transpose, given, kernel)
        assert y.dtype is expected.dtype
        assert y.requires_grad
        torch.testing.assert_close(y.detach(), expected)
    assert convt.conv_transpose(torch.ones(1, 4, 5, dtype=torch.int32), leaf(4, 2, 3)).dtype is torch.float64
    y = convt.conv_transpose(x, convt.Filters(w))
    torch.testing.assert_close(y.detach(), unrecorded(convt.conv_transpose, x, w))
    assert y.requires_grad
    frozen = w.copy()
    frozen.setflags(write=False)
    assert convt.conv_transpose(x, frozen[:, ::-1, ::-1]).requires_grad


def test_transforms():
    x, w = leaf(3, 1, 4, 5).detach(), leaf(4, 2, 3).detach()
    expected = torch.stack([convt.conv_transpose(each, w) for each in x])
    torch.testing.assert_close(torch.vmap(lambda x: convt.conv_transpose(x, w))(x), expected)
    torch.testing.assert_close(torch.func.jvp(lambda x: convt.conv_transpose(x, w), (x[0],), (x[1],))[1], expected[1])
    assert torch.func.grad(lambda w: convt.conv_transpose(x[0], w).sum())(w).shape == w.shape
    torch.testing.assert_close(torch.func.functionalize(lambda x: convt.conv_transpose(x, w))(x[0]), expected[0])


@pytest.mark.parametrize(
    ("message", "call"),
    [
        (r"^out must be None where gradients", lambda x, w: convt.conv_transpose(x, w, out=torch.empty(1, 2, 7))),
        (r"^backend must be None where gradients", lambda x, w: convt.conv_transpose(x, w, backend="numpy")),
        (r"^w\.shape\[0\] must equal x's 4 channels, got 3", lambda x, w: convt.conv_transpose(x, w[:3])),
        (r"^stride must be", lambda x, w: convt.conv_transpose(x, w, stride=0)),
        (r"^dy\.shape must equal", lambda x, w: convt.conv_transpose_backward(x, w, None, x)),
        (r"^needs must hold names", lambda x, w: convt.conv_transpose_backward(x, w, None, x, needs=["y"])),
        (r"^w must be a NumPy array, as the first", lambda x, w: convt.conv_transpose(x.detach().numpy(), w)),
        (r"^w\.dtype must be", lambda x, w: convt.conv_transpose(x, "w")),
        (r"^mode must be", lambda x, w: convt.upsample(x, 2, mode="cubic")),
        (r"^indices\.shape must equal", lambda x, w: convt.max_unpool(x, [[1]], 2)),
        (r"^indices must be integers", lambda x, w: convt.max_unpool(x, x, (2,))),
        (r"^x must hold real numbers", lambda x, w: convt.max_pool(x * 1j, 2)),
        (r"^x must not require grad.*convt\.torch tells", lambda x, w: convt.conv_double_backward(x, w, None, x, x, w)),
    ],
)
def test_what_is_refused(message, call):
    with pytest.raises((TypeError, ValueError), match=message):
        call(leaf(1, 4, 5), leaf(4, 2, 3))
