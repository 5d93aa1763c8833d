"""dtypes, autocast, memory formats and empty batches."""

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

CALLS = {
    "conv_transpose2d": lambda module, x: module.conv_transpose2d(x, filters(x), None, 2, 1),
    "conv2d": lambda module, x: module.conv2d(x, filters(x).transpose(0, 1).contiguous(), None, 2),
    "max_pool2d": lambda module, x: module.max_pool2d(x, 3, 2, 1),
    "bilinear": lambda module, x: module.interpolate(x, scale_factor=2, mode="bilinear"),
    "nearest": lambda module, x: module.interpolate(x, scale_factor=3),
}
REAL = [torch.float16, torch.bfloat16, torch.float32, torch.float64]
COMPLEX = [torch.complex64, torch.complex128]


def filters(x):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(x.shape[1], 3, 3, 3, generator=generator, dtype=torch.float64).to(x.dtype)


def image(dtype, *shape):
    x = torch.randn(*shape or (2, 4, 6, 8), dtype=torch.complex128 if dtype.is_complex else torch.float64)
    return x.to(dtype).requires_grad_()


@pytest.mark.parametrize(("name", "dtype"), [(name, dtype) for name in CALLS for dtype in REAL + COMPLEX])
def test_every_type_of_numbers(name, dtype):
    if dtype.is_complex and "conv" not in name:
        pytest.skip("real numbers alone")
    x = image(dtype)
    y, expected = (CALLS[name](module, x) for module in (bridge, torch.nn.functional))
    assert "Convt" in y.grad_fn.name()
    torch.testing.assert_close(y, expected)
    dy = torch.randn(y.shape).to(dtype)
    close = {"rtol": 0.02, "atol": 0.05} if dtype.itemsize == 2 else {}
    torch.testing.assert_close(torch.autograd.grad(y, x, dy), torch.autograd.grad(expected, x, dy), **close)


def test_complex_numbers_that_are_to_be_conjugated_yet():
    x, w = image(torch.complex128), filters(image(torch.complex128))
    torch.testing.assert_close(bridge.conv_transpose2d(x.conj(), w.conj()), torch.conv_transpose2d(x.conj(), w.conj()))
    negative = x.conj().imag
    assert negative.is_neg()
    w = w.real.contiguous()
    torch.testing.assert_close(bridge.conv_transpose2d(negative, w), torch.conv_transpose2d(negative, w))


@pytest.mark.parametrize("lower", [torch.bfloat16, torch.float16])
def test_autocast(lower):
    x, double = image(torch.float32), image(torch.float64)
    with torch.autocast("cpu", lower):
        for name in ("conv_transpose2d", "conv2d"):
            y = CALLS[name](bridge, x)
            assert y.dtype is CALLS[name](torch.nn.functional, x).dtype is lower
            assert CALLS[name](bridge, double).dtype is torch.float64
    (gradient,) = torch.autograd.grad(y.float().sum(), x)
    assert gradient.dtype is torch.float32
    assert CALLS["conv2d"](bridge, x).dtype is torch.float32


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("mixed", [False, True])
def test_channels_last(name, mixed):
    last = torch.channels_last
    x = image(torch.float32).detach().contiguous(memory_format=last).requires_grad_()
    y, expected = (CALLS[name](module, x) for module in (bridge, torch.nn.functional))
    assert y.is_contiguous(memory_format=last)
    assert y.stride() == expected.stride()
    torch.testing.assert_close(y, expected)
    dy = torch.randn_like(y)
    dy = dy.contiguous() if mixed else dy.contiguous(memory_format=last)
    (gradient,), wanted = torch.autograd.grad(y, x, dy), torch.autograd.grad(expected, x, dy)
    torch.testing.assert_close(gradient, wanted[0])
    assert mixed or gradient.is_contiguous(memory_format=last)


def test_channels_last_in_three_dimensions_and_by_the_filters():
    last = torch.channels_last_3d
    x, w = torch.randn(2, 4, 5, 6, 7), torch.randn(4, 3, 3, 3, 3)
    for given in ((x.contiguous(memory_format=last), w), (x, w.contiguous(memory_format=last))):
        y = bridge.conv_transpose3d(*given)
        assert y.is_contiguous(memory_format=last)
        torch.testing.assert_close(y, torch.conv_transpose3d(x, w))


def test_strides_of_any_kind():
    w = torch.randn(4, 3, 3, 3)
    wide = torch.randn(2, 4, 6, 16)
    fortran = torch.randn(8, 6, 4, 2).permute(3, 2, 1, 0)
    for x in (wide[..., ::2], wide[:1].expand(3, 4, 6, 16), fortran, wide.transpose(2, 3), wide[:, :, 1:, 3:]):
        for function in ("conv_transpose2d", "conv2d"):
            kernel = w if function == "conv_transpose2d" else w.transpose(0, 1)
            y = getattr(bridge, function)(x, kernel)
            assert y.is_contiguous()
            torch.testing.assert_close(y, getattr(torch, function)(x, kernel))
        for pool in (bridge.max_pool2d, torch.nn.functional.max_pool2d):
            assert pool(x, 2).is_contiguous()
        torch.testing.assert_close(bridge.max_pool2d(x, 2), torch.max_pool2d(x, 2))


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("last", [False, True])
def test_an_empty_batch(name, last):
    x = image(torch.float32, 0, 4, 6, 8)
    if last:
        x = x.detach().contiguous(memory_format=torch.channels_last).requires_grad_()
    y = CALLS[name](bridge, x)
    assert y.shape == CALLS[name](torch.nn.functional, x).shape
    y.sum().backward()
    assert x.grad.shape == x.shape


def test_an_empty_batch_gives_filters_a_gradient_of_zeros():
    w = torch.ones(4, 3, 3, 3, requires_grad=True)
    bridge.conv_transpose2d(torch.ones(0, 4, 6, 8), w).sum().backward()
    assert not w.grad.any()
