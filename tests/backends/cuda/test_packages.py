"""Results in other packages' kinds of arrays: of another type than the input, and views of what was made. By doubles."""

import sys
from types import ModuleType

import numpy as np
import pytest

import convt
from convt.core import containers
from convt.matconvnet import vl_nnconvt
from convt_cuda.kinds import kind_of


class Foreign:
    """PyCUDA's memory as another package's array."""

    def __init__(self, array, strides=None, shape=None, stream=None):
        self.array = array
        interface = array.__cuda_array_interface__
        self.shape, self.strides = shape or interface["shape"], strides or interface["strides"]
        self.__cuda_array_interface__ = {**interface, "shape": self.shape, "strides": self.strides, "stream": stream}


@pytest.fixture
def torch(cuda, to_gpu, monkeypatch):
    """Its tensors know strides in elements, and types by names of torch's own."""
    torch = ModuleType("torch")

    class Tensor(Foreign):
        device, layout, is_cuda, requires_grad = "cuda:0", "strided", True, False
        is_neg = is_conj = lambda self: False

        @property
        def dtype(self):
            return f"torch.{self.array.dtype}"

        def stride(self):
            return tuple(step // self.array.dtype.itemsize for step in self.strides)

        def data_ptr(self):
            return int(self.array.gpudata)

        def get_device(self):
            return 0

        def element_size(self):
            return self.array.dtype.itemsize

        def as_strided(self, shape, strides):
            return Tensor(self.array, tuple(step * self.array.dtype.itemsize for step in strides), shape)

    class Stream:
        cuda_stream = 99

    Tensor.__module__ = "torch"
    torch.int64, torch.float32, torch.float64 = "torch.int64", "torch.float32", "torch.float64"
    torch.Tensor, torch.strided, torch.is_grad_enabled = Tensor, "strided", lambda: True
    torch.empty = lambda shape, dtype, device: Tensor(to_gpu(np.empty(shape, dtype.removeprefix("torch."))))
    torch.cuda = ModuleType("torch.cuda")
    torch.cuda.current_stream = lambda ordinal: Stream
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setattr(containers, "_installed", containers.Containers([]))  # nothing knows its arrays in the host's memory
    kind_of.cache_clear()
    yield torch
    kind_of.cache_clear()


@pytest.fixture
def cupy(cuda, to_gpu, monkeypatch):
    cupy = ModuleType("cupy")

    class Device:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    class ndarray(Foreign):  # noqa: N801
        device = Device()

        def __init__(self, shape, dtype, memptr=None, strides=None):
            array = to_gpu(np.empty(shape, dtype)) if memptr is None else memptr
            array.device_id = 0
            super().__init__(array, strides, shape, stream=55)

        @property
        def dtype(self):
            return self.array.dtype

        @property
        def data(self):
            return self.array

    ndarray.__module__ = "cupy"
    cupy.ndarray, cupy.empty = ndarray, ndarray
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    kind_of.cache_clear()
    yield cupy
    kind_of.cache_clear()


def read(array, to_host):
    dense = to_host(array.array)
    return np.lib.stride_tricks.as_strided(dense, array.shape, array.strides)


@pytest.mark.parametrize("package", ["torch", "cupy"])
def test_results_are_the_packages_own(request, emulator, rng, to_gpu, to_host, package):
    module = request.getfixturevalue(package)

    def on_gpu(array):
        made = to_gpu(array)
        return module.Tensor(made) if package == "torch" else module.ndarray(made.shape, made.dtype, made, made.strides)

    kind = module.Tensor if package == "torch" else module.ndarray
    x = rng.standard_normal((2, 3, 4, 6)).astype("f4")
    got, want = convt.max_pool(on_gpu(x), 2), convt.max_pool(x, 2, backend="numpy")
    assert type(got.y) is type(got.indices) is kind
    assert emulator.stream == (99 if package == "torch" else 55)
    np.testing.assert_array_equal(read(got.y, to_host), want.y)
    np.testing.assert_array_equal(read(got.indices, to_host), want.indices)
    turned = np.asfortranarray(x)
    enlarged = convt.upsample(on_gpu(turned), 2)
    assert enlarged.strides == (4, 8, 24, 192)
    np.testing.assert_array_equal(read(enlarged, to_host), convt.upsample(x, 2, backend="numpy"))

    x, f, b = (np.asfortranarray(rng.standard_normal(shape)) for shape in ((4, 5, 3, 2), (2, 3, 2, 3), (1, 2)))
    y = vl_nnconvt(x, f, b, "Upsample", 2, backend="numpy")
    ours = vl_nnconvt(on_gpu(x), on_gpu(f), on_gpu(b), "Upsample", 2)
    assert type(ours) is kind
    assert ours.strides == y.strides
    np.testing.assert_allclose(read(ours, to_host), y, atol=1e-12)
    wants = vl_nnconvt(x, f, b, y, "Upsample", 2, backend="numpy")
    for derivative, wanted in zip(vl_nnconvt(on_gpu(x), on_gpu(f), on_gpu(b), ours, "Upsample", 2), wants, strict=True):
        np.testing.assert_allclose(read(derivative, to_host), wanted, atol=1e-11)
