"""Tensors of PyTorch in the host's memory."""

import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import convt
from convt import nn
from convt.matconvnet import vl_nnconv, vl_nnconvt

torch = pytest.importorskip("torch")


@pytest.fixture
def arrays(rng):
    return {"x": rng.standard_normal((2, 4, 5, 6)), "w": rng.standard_normal((4, 3, 3, 3)), "bias": rng.standard_normal(3)}


def tensors(arrays):
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def check(given, expected):
    assert type(given) is torch.Tensor
    assert not given.requires_grad
    assert given.numpy().dtype == expected.dtype
    assert_array_equal(given.numpy(), expected)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "c8", "c16", "i8", "u1", "?"])
def test_operators(arrays, dtype):
    arrays = {name: (3 * array).astype(dtype) for name, array in arrays.items()}
    y = convt.conv_transpose(**arrays, stride=2)
    check(convt.conv_transpose(**tensors(arrays), stride=2), y)
    given = convt.conv_transpose_backward(**tensors(arrays | {"dy": y}), stride=2)
    for each, expected in zip(given, convt.conv_transpose_backward(**arrays, dy=y, stride=2), strict=True):
        check(each, expected)


def test_double_backward(arrays):
    arrays["dy"] = convt.conv_transpose(**arrays)
    seconds = {"ddx": arrays["x"], "ddw": arrays["w"], "ddbias": arrays["bias"]}
    given = convt.conv_transpose_double_backward(**tensors(arrays), **tensors(seconds))
    for each, expected in zip(given, convt.conv_transpose_double_backward(**arrays, **seconds), strict=True):
        check(each, expected)


def test_upsampling_and_pooling_as_pytorch_does_them(rng):
    x = torch.from_numpy(rng.standard_normal((2, 3, 4, 6)))
    enlarged = torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear")
    torch.testing.assert_close(convt.upsample(x, 2, mode="bilinear"), enlarged)
    y, indices = convt.max_pool(x, 2)
    wanted = torch.nn.functional.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(y, wanted[0])
    assert torch.equal(indices, wanted[1])
    assert torch.equal(convt.max_unpool(y, indices, 2), torch.nn.functional.max_unpool2d(*wanted, 2))


def test_matconvnet(rng):
    x, f, b = rng.standard_normal((5, 4, 3, 2)), rng.standard_normal((3, 2, 2, 3)), rng.standard_normal(2)
    y = vl_nnconvt(x, f, b, upsample=2)
    check(vl_nnconvt(*map(torch.from_numpy, (x, f, b)), upsample=2), y)
    given = vl_nnconvt(*map(torch.from_numpy, (x, f, b, y)), upsample=2)
    for each, expected in zip(given, vl_nnconvt(x, f, b, y, upsample=2), strict=True):
        check(each, expected)
    f = torch.ones(3, 2, 3, 2, dtype=torch.float64, requires_grad=True)
    with pytest.raises(TypeError, match=r"^f must not require grad"):
        vl_nnconv(torch.from_numpy(x), f, [])


def test_layers(rng):
    layer, same = (nn.Conv2DTranspose(3, 3).initialize(rng=0) for _ in range(2))
    x = rng.standard_normal((2, 4, 5, 6)).astype("f4")
    y = same(x)
    check(layer(torch.from_numpy(x)), y)
    for made in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), layer):
        check(made.backward(torch.from_numpy(y)), np.asarray(same.backward(y)))
    assert_array_equal(layer.weight.grad * 3, same.weight.grad)
    assert type(layer.weight.grad) is np.ndarray


def test_an_operator_of_scipys(rng):
    operator = convt.ConvOperator((1, 8), torch.from_numpy(rng.standard_normal((2, 1, 3))))
    x = rng.standard_normal(8)
    check(operator @ torch.from_numpy(x), operator @ x)


def test_strides_of_any_kind(rng):
    x, w = rng.standard_normal((2, 4, 5, 6)), rng.standard_normal((4, 3, 3, 3))
    expected = convt.conv_transpose(x, w)
    channels_last = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
    check(convt.conv_transpose(channels_last, torch.from_numpy(w)), expected)
    cut = torch.from_numpy(np.repeat(x, 2, 3))[..., ::2]
    check(convt.conv_transpose(cut, torch.from_numpy(w)), expected)
    one = torch.ones(1, dtype=torch.float64).expand(4, 3, 3, 3)
    check(convt.conv_transpose(torch.from_numpy(x), one), convt.conv_transpose(x, np.ones((4, 3, 3, 3))))


def test_nothing_is_copied_on_the_way_in():
    from convt.kinds import torch as kind

    x = torch.ones(2, 3)
    assert kind.take(x).ctypes.data == x.data_ptr()
    short = x.bfloat16()
    assert kind.take(short).ctypes.data == short.data_ptr()


def test_numbers_that_are_to_be_conjugated_or_negated_yet(rng):
    x, w = (
        torch.from_numpy(rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) for shape in [(1, 2, 5), (2, 3, 3)]
    )
    lazy = x.conj(), w.conj()
    assert all(each.is_conj() for each in lazy)
    check(convt.conv_transpose(*lazy), convt.conv_transpose(x.numpy().conj(), w.numpy().conj()))
    negative = x.conj().imag
    assert negative.is_neg()
    check(convt.conv_transpose(negative, w), convt.conv_transpose(-x.numpy().imag, w.numpy()))


@pytest.mark.parametrize("name", ["x", "w", "bias", "dy"])
def test_a_tensor_that_requires_grad_is_refused_where_the_bridge_has_no_function(arrays, name):
    arrays["dy"] = convt.conv_transpose(**arrays)
    given, seconds = tensors(arrays), {"ddx": arrays["x"], "ddw": arrays["w"], "ddbias": arrays["bias"]}
    given[name].requires_grad_()
    with pytest.raises(
        TypeError, match=rf"^{name} must not require grad, got a Tensor that does \(use \.detach\(\) .*convt\.torch"
    ):
        convt.conv_transpose_double_backward(**given, **seconds)
    expected = convt.conv_transpose_backward(**arrays)
    for guard in (torch.no_grad(), torch.inference_mode()):
        with guard:
            check(convt.conv_transpose_backward(**given).x, expected.x)
    given[name] = given[name].detach()
    check(convt.conv_transpose_backward(**given).x, expected.x)


def test_parameters_are_tensors(arrays):
    given = {name: torch.nn.Parameter(tensor) for name, tensor in tensors(arrays).items()}
    assert convt.conv_transpose(**given).requires_grad
    with torch.no_grad():
        check(convt.conv_transpose(**given), convt.conv_transpose(**arrays))
    frozen = {name: torch.nn.Parameter(tensor, requires_grad=False) for name, tensor in tensors(arrays).items()}
    check(convt.conv_transpose(**frozen), convt.conv_transpose(**arrays))


class Named(torch.Tensor):
    """A subclass that PyTorch's functions keep."""


class Plain(torch.Tensor):
    """A subclass that PyTorch's functions do not keep."""

    __torch_function__ = torch._C._disabled_torch_function_impl


@pytest.mark.parametrize(("kind", "result"), [(Named, Named), (Plain, torch.Tensor)])
def test_a_subclass_becomes_what_pytorchs_functions_make_of_it(arrays, kind, result):
    given = {name: tensor.as_subclass(kind) for name, tensor in tensors(arrays).items()}
    y = convt.conv_transpose(**given)
    assert type(y) is result
    assert type(torch.nn.functional.conv_transpose2d(given["x"], given["w"])) is result
    assert_array_equal(y.as_subclass(torch.Tensor).numpy(), convt.conv_transpose(**arrays))


def test_an_out_is_written_in_its_own_memory(arrays):
    expected = convt.conv_transpose(**arrays)
    out = torch.full(expected.shape, torch.nan, dtype=torch.float64).contiguous(memory_format=torch.channels_last)
    address, version = out.data_ptr(), out._version
    assert convt.conv_transpose(**tensors(arrays), out=out) is out
    check(out, expected)
    assert out.data_ptr() == address
    assert out._version > version


def test_autograd_learns_that_an_out_has_changed(arrays):
    leaf = torch.ones(2, 3, 7, 8, dtype=torch.float64, requires_grad=True)
    out = torch.ones_like(leaf).detach()
    product = (leaf * out).sum()
    convt.conv_transpose(**tensors(arrays), out=out)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.backward()


def test_an_out_of_inference_mode_or_with_bits_that_are_pending(arrays):
    expected = convt.conv_transpose(**arrays)
    with torch.inference_mode():
        out = torch.empty(expected.shape, dtype=torch.float64)
        convt.conv_transpose(**tensors(arrays), out=out)
        check(out, expected)
    pending = torch.empty(expected.shape, dtype=torch.complex128).conj()
    x = torch.from_numpy(arrays["x"] + 1j)
    convt.conv_transpose(x, torch.from_numpy(arrays["w"]), out=pending)
    assert pending.is_conj()
    check(pending.resolve_conj(), convt.conv_transpose(arrays["x"] + 1j, arrays["w"]))


def test_an_out_that_cannot_be(arrays):
    given = tensors(arrays)
    shape = (2, 3, 7, 8)
    with pytest.raises(ValueError, match=r"^out must have memory for each element, got strides \(0, 0, 0, 0\)$"):
        convt.conv_transpose(**given, out=torch.ones(1, dtype=torch.float64).expand(shape))
    with pytest.raises(TypeError, match=r"^out must not require grad"):
        convt.conv_transpose(**given, out=torch.ones(shape, dtype=torch.float64, requires_grad=True))
    with pytest.raises(TypeError, match=r"^out must be a NumPy array, got Tensor$"):
        convt.conv_transpose(**arrays, out=torch.ones(shape, dtype=torch.float64))


def test_an_empty_out():
    x, w = torch.empty(0, 2, 5), torch.ones(2, 3, 3)
    out = torch.empty(0, 3, 7)
    assert convt.conv_transpose(x, w, out=out) is out
    assert convt.conv_transpose(x, w).shape == (0, 3, 7)
    numpys = torch.empty(0, 3, 7).numpy()  # with strides of zero
    assert convt.conv_transpose(x.numpy(), w.numpy(), out=numpys) is numpys


def test_a_size_of_pytorchs_is_a_tuple():
    assert_array_equal(convt.upsample(torch.Size([1, 2]), 2), [1, 1, 2, 2])
    assert convt.conv_transpose_shape(torch.empty(1, 2, 5).shape, torch.empty(2, 3, 3).shape) == (1, 3, 7)
