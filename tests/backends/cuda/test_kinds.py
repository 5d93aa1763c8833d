"""Kinds of array: tensors and CuPy's arrays say themselves where they lie; subclasses are what they are derived from."""

import gc
import sys
from contextlib import nullcontext
from types import ModuleType

import numpy as np
import pytest

import convt

ONE_TYPE = "all arrays on backend 'cuda' must be of one type, float16, bfloat16, float32 or float64,"


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 4, 5, 6))


@pytest.fixture
def w(rng):
    return rng.standard_normal((4, 3, 3, 4))


@pytest.fixture
def tensor(torch, to_gpu):
    """NumPy arrays as tensors, of a subclass if need be."""

    def tensor(array, kind=None, device=0):
        made = (kind or torch.Tensor)(to_gpu(array, device), array.dtype.name)
        made.device = f"cuda:{device}"
        return made

    return tensor


def test_tensors_come_back_as_tensors_in_torchs_stream(cuda, emulator, x, w, torch, tensor, to_host, monkeypatch):
    class Stream:
        cuda_stream = 99

    monkeypatch.setattr(torch.cuda, "current_stream", lambda ordinal: Stream)
    y = convt.conv_transpose(tensor(x), tensor(w))
    assert type(y) is torch.Tensor
    assert (y.dtype, y.device) == ("torch.float64", "cuda:0")
    assert emulator.stream == 99
    np.testing.assert_allclose(to_host(y.array), convt.conv_transpose(x, w, backend="numpy"), atol=1e-12)


def test_torchs_stream_by_its_number(cuda, emulator, x, w, torch, tensor):
    asked = []
    torch._C = ModuleType("torch._C")
    torch._C._cuda_getCurrentRawStream = lambda ordinal: asked.append(ordinal) or 98
    convt.conv_transpose(tensor(x, device=1), tensor(w, device=1))
    assert set(asked) == {1}
    assert emulator.stream == 98


def test_a_subclass_of_tensor(cuda, emulator, x, w, torch, tensor, to_host):
    class Mine(torch.Tensor):
        __module__ = "somebody.elses"

    class Stream:
        cuda_stream = 97

    torch.cuda.current_stream = lambda ordinal: Stream
    y = convt.conv_transpose(tensor(x, Mine), tensor(w, Mine))
    assert type(y) is torch.Tensor
    assert emulator.stream == 97
    np.testing.assert_allclose(to_host(y.array), convt.conv_transpose(x, w, backend="numpy"), atol=1e-12)


def test_a_subclass_of_pycudas_array(cuda, emulator, x, w, to_gpu, to_host):
    from pycuda.gpuarray import GPUArray

    class Mine(GPUArray):
        pass

    on_gpu = to_gpu(x)
    with cuda._devices[0].current():
        mine = Mine(x.shape, x.dtype, base=on_gpu, gpudata=on_gpu.gpudata)
    y = convt.conv_transpose(mine, to_gpu(w))
    assert type(y) is GPUArray
    assert emulator.stream == 0
    np.testing.assert_allclose(to_host(y), convt.conv_transpose(x, w, backend="numpy"), atol=1e-12)


def test_where_tensors_lie_is_not_asked_of_the_driver(cuda, emulator, x, w, tensor):
    arrays = tensor(x), tensor(w)
    convt.conv_transpose(*arrays)
    before = emulator.calls("cuPointerGetAttributes")
    convt.conv_transpose(*arrays)
    assert emulator.calls("cuPointerGetAttributes") == before


def test_cupys_arrays(cuda, emulator, x, w, to_gpu, to_host, monkeypatch):
    """As much of CuPy as the backend asks."""
    from pycuda.gpuarray import GPUArray

    from convt_cuda.kinds import kind_of

    class Memory:
        def __init__(self, array):
            self.array, self.ptr, self.device_id = array, int(array.gpudata), 1

    class Ndarray:
        def __init__(self, shape, dtype, memory, strides):
            base = memory.array
            with cuda._devices[1].current():
                self.array = GPUArray(shape, dtype, base=base, gpudata=base.gpudata, strides=strides)
            self.shape, self.strides, self.dtype, self.data, self.device = shape, strides, dtype, memory, nullcontext()

        @property
        def __cuda_array_interface__(self):
            return {**self.array.__cuda_array_interface__, "stream": 55}

    cupy = ModuleType("cupy")
    cupy.ndarray = Ndarray
    cupy.empty = lambda shape, dtype: made(np.empty(shape, dtype))
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    kind_of.cache_clear()

    def made(array):
        return Ndarray(array.shape, array.dtype, Memory(to_gpu(array, 1)), array.strides)

    before = emulator.calls("cuPointerGetAttributes")
    y = convt.conv_transpose(made(x[0]), made(w), stride=2)
    assert type(y) is Ndarray
    assert emulator.stream == 55
    assert emulator.calls("cuPointerGetAttributes") == before
    np.testing.assert_allclose(to_host(y.array, 1), convt.conv_transpose(x[0], w, stride=2, backend="numpy"), atol=1e-12)


@pytest.mark.parametrize("name", ["x", "w", "bias", "dy"])
def test_tensors_that_require_grad(cuda, x, w, torch, tensor, monkeypatch, name):
    arrays = {"x": tensor(x), "w": tensor(w), "bias": tensor(np.zeros(3)), "dy": tensor(np.ones((2, 3, 7, 9)))}
    arrays[name].requires_grad = True
    with pytest.raises(TypeError, match=rf"^{name} must not require grad, got a Tensor that does \(use {name}\.detach\(\)"):
        convt.conv_transpose_backward(**arrays)
    monkeypatch.setattr(torch, "is_grad_enabled", lambda: False)
    convt.conv_transpose_backward(**arrays)


def test_an_out_that_requires_grad(cuda, x, w, tensor):
    out = tensor(np.empty((2, 3, 7, 9)))
    out.requires_grad = True
    with pytest.raises(TypeError, match=r"^out must not require grad, got a Tensor that does"):
        convt.conv_transpose(tensor(x), tensor(w), out=out)


@pytest.mark.parametrize(
    ("member", "value", "message"),
    [
        ("negated", True, "arrays on a GPU must have their numbers in memory, got a Tensor that is to be negated"),
        ("data_ptr", int, "arrays on a GPU must be alive, got a Tensor without memory"),
        ("data_ptr", lambda: 12, "arrays on a GPU must be aligned to their elements, got address 0xc of float64"),
    ],
)
def test_tensors_that_cannot_be_read(cuda, x, w, tensor, member, value, message):
    strange = tensor(x)
    setattr(strange, member, value)
    with pytest.raises(ValueError, match=f"^{message}"):
        convt.conv_transpose(strange, tensor(w))


def test_a_conjugated_view(cuda, to_gpu, torch):
    z = torch.Tensor(to_gpu(np.ones((1, 1, 3), np.complex64)), "complex64")
    assert convt.upsample(z, 2).dtype == "torch.complex64"
    z.conjugated = True
    with pytest.raises(ValueError, match=r"^arrays on a GPU must have their numbers in memory, got a Tensor that is"):
        convt.upsample(z, 2)


def test_a_type_that_numpy_does_not_have(cuda, to_gpu, torch):
    x = torch.Tensor(to_gpu(np.ones((1, 1, 3), np.uint8)), "float8_e4m3fn")
    with pytest.raises(TypeError, match=f"^{ONE_TYPE} got float8_e4m3fn, float8_e4m3fn$"):
        convt.conv(x, x)


def test_sparse_tensors_and_those_of_the_host(cuda, x, w, tensor):
    sparse, ours = tensor(x), tensor(w)
    sparse.layout = "sparse"
    with pytest.raises(TypeError, match=r"^x must lie where the other arrays do, on backend 'cuda', got Tensor$"):
        convt.conv_transpose(sparse, ours)
    host = tensor(w)
    host.is_cuda = False
    with pytest.raises(TypeError, match=r"^w must lie where the other arrays do, on backend 'cuda', got Tensor$"):
        convt.conv_transpose(tensor(x), host)


def test_tensors_while_another_context_is_current(cuda, emulator, x, w, tensor):
    """What PyTorch allocates then lies in it."""
    from pycuda import driver, gpuarray

    other = driver.Device(0).make_context()
    try:
        lost = tensor(x)
        lost.array = gpuarray.to_gpu(x)
        with pytest.raises(
            ValueError, match=r"^arrays on a GPU must lie in its primary context, got a Tensor of another one"
        ):
            convt.conv_transpose(lost, tensor(w))
        lost.array.gpudata.free()
    finally:
        other.pop()
        other.detach()


# Calls like an earlier one


def _bits(numbers):
    return np.ascontiguousarray(numbers).tobytes()


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize("operator", [convt.conv_transpose, convt.conv])
def test_a_repeated_call_has_the_same_bits_and_new_memory(cuda, rng, tensor, to_host, operator, with_bias, layout):
    x, w, bias = rng.standard_normal((2, 4, 6, 5)), rng.standard_normal((4, 4, 3, 2)), rng.standard_normal(4)
    if layout == "NHWC":
        x, w = np.moveaxis(x, 1, -1), w.transpose(2, 3, 1, 0)
    results = []
    for scale in (1, 2, 3, 1, 2, 3):
        arrays = [tensor(np.ascontiguousarray(each * scale)) for each in (x, w, bias)[: 2 + with_bias]]
        results.append(operator(*arrays, stride=2, padding=1, layout=layout))
    bits = [_bits(to_host(y.array)) for y in results]
    assert bits[:3] == bits[3:]
    assert len({y.data_ptr() for y in results}) == 6
    want = operator(*((x, w, bias)[: 2 + with_bias]), stride=2, padding=1, layout=layout, backend="numpy")
    np.testing.assert_allclose(to_host(results[3].array), want, atol=1e-12)


ORDERS = {"Fortran": (3, 2, 1, 0), "channels last": (0, 2, 3, 1), "axes swapped": (1, 0, 2, 3)}


@pytest.mark.parametrize("axes", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize("with_torch", [False, True], ids=["pycuda", "torch"])
def test_results_lie_in_the_order_of_x_in_repeated_calls_too(
    cuda, rng, to_gpu, tensor, to_host, context, with_torch, axes, emulator
):
    x, w = rng.standard_normal((2, 4, 6, 5)), rng.standard_normal((4, 3, 3, 2))
    back = tuple(np.argsort(axes))
    if with_torch:
        lying = tensor(np.ascontiguousarray(x.transpose(axes)))
        strides = lying.stride()
        lying = lying.as_strided(x.shape, tuple(strides[axis] for axis in back))
        arrays = lying, tensor(w)
    else:
        arrays = to_gpu(x.transpose(axes).copy()).transpose(back), to_gpu(w)
    want = convt.conv_transpose(x, w, stride=2, backend="numpy")
    blocks = []
    for _ in range(4):
        y = convt.conv_transpose(*arrays, stride=2)
        np.testing.assert_allclose(to_host(y.array if with_torch else y), want, atol=1e-12)
        strides = y.stride() if with_torch else y.strides
        assert tuple(sorted(range(4), key=[-step for step in strides].__getitem__)) == axes
        del y
        gc.collect()
        blocks.append(emulator.blocks)
    if not with_torch:
        assert blocks[-1] == blocks[0], "what is kept of a call has no memory"
        dy = to_gpu(want)
        dx = convt.conv_transpose_backward(*arrays, None, dy, stride=2, needs=("x",)).x
        assert dx.strides == arrays[0].strides


def test_a_repeated_call_still_looks_at_what_may_have_changed(cuda, emulator, x, w, torch, tensor, monkeypatch, capsys):
    arrays = tensor(x), tensor(w)
    for _ in range(3):
        convt.conv_transpose(*arrays)
    launched = emulator.calls("cuLaunchKernel")
    with convt.options(verbose=True):
        convt.conv_transpose(*arrays)
    assert capsys.readouterr().out.startswith("scatter on GPU 0 (emulated): engine ")
    assert emulator.calls("cuLaunchKernel") > launched
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "magic")
    with pytest.raises(ValueError, match=r"^CONVT_CUDA_ALGORITHM must be one of .*, got 'magic'$"):
        convt.conv_transpose(*arrays)
    monkeypatch.delenv("CONVT_CUDA_ALGORITHM")
    monkeypatch.setenv("CONVT_BACKEND", "numpy")
    with pytest.raises(convt.BackendUnavailable, match="its arrays lie on backend 'cuda'"):
        convt.conv_transpose(*arrays)
    monkeypatch.delenv("CONVT_BACKEND")
    for attribute, message in [("requires_grad", "w must not require grad"), ("negated", "arrays on a GPU must have their")]:
        setattr(arrays[1], attribute, True)
        with pytest.raises((TypeError, ValueError), match=f"^{message}"):
            convt.conv_transpose(*arrays)
        setattr(arrays[1], attribute, False)
    strange = tensor(x)
    strange.data_ptr = lambda: 12
    with pytest.raises(ValueError, match=r"^arrays on a GPU must be aligned to their elements, got address 0xc of float64$"):
        convt.conv_transpose(strange, arrays[1])


@pytest.mark.parametrize("algorithm", ["tile", "direct"])
def test_a_repeated_call_obeys_the_engine_that_is_forced(cuda, x, w, tensor, monkeypatch, capsys, algorithm):
    arrays = tensor(x), tensor(w)
    for _ in range(3):
        convt.conv_transpose(*arrays)
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", algorithm)
    for _ in range(2):
        with convt.options(verbose=True):
            convt.conv_transpose(*arrays)
        assert f"engine {algorithm}" in capsys.readouterr().out


def test_a_repeated_call_on_arrays_of_pycuda_asks_where_they_lie(cuda, emulator, x, w, to_gpu, context):
    arrays = to_gpu(x), to_gpu(w)
    for _ in range(3):
        convt.conv_transpose(*arrays)
    before = emulator.calls("cuPointerGetAttributes")
    convt.conv_transpose(*arrays)
    assert emulator.calls("cuPointerGetAttributes") == before + 2


def test_kinds_that_are_mixed_are_computed_too(cuda, x, w, tensor, to_gpu, to_host):
    for _ in range(3):
        y = convt.conv_transpose(tensor(x), to_gpu(w))
        np.testing.assert_allclose(to_host(y.array), convt.conv_transpose(x, w, backend="numpy"), atol=1e-12)


def test_a_repeated_call_without_memory(cuda, x, w, torch, tensor, monkeypatch):
    arrays = tensor(x), tensor(w)
    for _ in range(3):
        convt.conv_transpose(*arrays)

    def empty(*arguments, **options):
        raise MemoryError("none")

    monkeypatch.setattr(torch, "empty", empty)
    with pytest.raises(MemoryError, match=r"must have 3024 bytes free for the result, got \d+ of \d+ \(scratch"):
        convt.conv_transpose(*arrays)
