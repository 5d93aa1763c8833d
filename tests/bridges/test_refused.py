"""What looks like an array, and would lose something in silence if it were taken for one."""

import os
import subprocess
import sys

import numpy as np
import pytest

import convt

W = np.ones((2, 3, 3), "f4")


def refused(x, message, **options):
    with pytest.raises(TypeError, match=f"^x must {message}"):
        convt.conv_transpose(x, W, **options)


def test_tracers_of_jax():
    jax = pytest.importorskip("jax")
    x = np.ones((1, 2, 5), "f4")
    message = r"^x must have values, got a \w+Tracer, which JAX .*use convt\.jax\.conv_transpose .*jax\.pure_callback"
    for transform in (jax.jit, jax.grad, lambda function: jax.vmap(function)):
        transformed = transform(lambda x: convt.conv_transpose(x, W).sum())
        with pytest.raises(TypeError, match=message):
            transformed(jax.numpy.asarray(x[None] if transform not in (jax.jit, jax.grad) else x))


def test_jax_arrays_without_values():
    jax = pytest.importorskip("jax")
    gone = jax.numpy.ones((1, 2, 5))
    gone.delete()
    refused(gone, r"be an array that convt\.kinds\.jax .* can take, got a ArrayImpl \(RuntimeError: .*deleted")
    refused(jax.random.key(0), "be an array that convt.kinds.jax .* can take, got a PRNGKeyArray")


def test_tensors_that_are_not_dense():
    torch = pytest.importorskip("torch")
    x = torch.ones(1, 2, 5)
    refused(x.to_sparse(), r"be a dense tensor of numbers, got a Tensor of torch\.sparse_coo, torch\.float32")
    refused(x[0].to_sparse_csr(), r"be a dense tensor of numbers, got a Tensor of torch\.sparse_csr, torch\.float32")
    refused(x.to_mkldnn(), r"be a dense tensor of numbers, got a Tensor of torch\._mkldnn, torch\.float32")
    refused(torch.nested.nested_tensor([x[0], x[0]]), r"be a dense tensor of numbers, got a Tensor of ")
    refused(x.to("meta"), r"lie in the host's memory or on a device with a backend, got a Tensor on meta \(\.cpu")
    refused(x.to(torch.float8_e4m3fn), r"be a tensor that NumPy can see, got a Tensor of torch\.float8_e4m3fn \(")


def test_tensors_with_a_dispatcher_of_their_own():
    torch = pytest.importorskip("torch")
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        fake = torch.ones(1, 2, 5)
    refused(fake, "be a plain tensor, got a FakeTensor, which has a dispatcher of its own")

    class Wrapper(torch.Tensor):
        @classmethod
        def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
            raise NotImplementedError

    wrapper = torch.Tensor._make_wrapper_subclass(Wrapper, (1, 2, 5))
    refused(wrapper, "be a plain tensor, got a Wrapper, which has a dispatcher of its own")


def test_tensors_with_tangents_or_transforms_where_the_bridge_has_no_function():
    torch = pytest.importorskip("torch")
    from torch.autograd import forward_ad

    x = torch.ones(1, 2, 5, dtype=torch.float64)

    def call(x):
        return convt.conv_double_backward(x, torch.ones(2, 2, 3), None, torch.ones(1, 2, 3), x, torch.ones(2, 2, 3)).dy

    with forward_ad.dual_level(), pytest.raises(TypeError, match=r"^x must not have a tangent, got a Tensor that has"):
        call(forward_ad.make_dual(x, x))
    for transform in (torch.vmap, torch.func.functionalize):
        with pytest.raises(TypeError, match=r"^x must not be one that torch\.func .*convt\.torch"):
            transform(call)(x[None] if transform is torch.vmap else x)


def test_tensors_on_two_devices():
    torch = pytest.importorskip("torch")
    with pytest.raises(
        TypeError, match=r"^w must lie in the host's memory or on a device with a backend, got a Tensor on meta"
    ):
        convt.conv_transpose(torch.ones(1, 2, 5), torch.ones(2, 3, 3, device="meta"))


def test_two_libraries_in_one_call():
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    message = r"^w must be a Tensor of torch, as the first array is, or a NumPy array, got a ArrayImpl of jaxlib$"
    with pytest.raises(TypeError, match=message):
        convt.conv_transpose(torch.ones(1, 2, 5), jnp.ones((2, 3, 3)))
    with pytest.raises(TypeError, match=r"^w must be a NumPy array, as the first array is, got a Tensor of torch "):
        convt.conv_transpose(np.ones((1, 2, 5)), torch.ones(2, 3, 3))


def test_neither_import_nor_a_call_on_numpys_arrays_loads_a_library():
    program = (
        "import sys, numpy as np, convt\n"
        "convt.conv_transpose(np.ones((1, 2, 5)), np.ones((2, 3, 3)), [0, 0, 0])\n"
        "convt.conv_transpose([[1.0, 2.0]], np.ones((1, 2, 3)), np.float32([1, 1]))\n"
        "convt.max_pool(np.float64(3) * np.ones(4), 2)\n"
        "print(*{name.partition('.')[0] for name in sys.modules} & {'torch', 'jax', 'jaxlib', 'dask', 'ml_dtypes'})\n"
        "print(*[name for name in sys.modules if name.startswith('convt.kinds')])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=dict(os.environ), timeout=120
    )
    assert result.stdout.split() == []
