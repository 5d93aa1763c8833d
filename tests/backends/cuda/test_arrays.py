"""Arrays that lie on a GPU: taken in without a copy, given back as their own kind, refused with the reason."""

import gc

import numpy as np
import pytest

import convt
import convt.matconvnet

OPTIONS = {"stride": 2, "padding": ((1, 0), (0, 2))}


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 4, 5, 6))


@pytest.fixture
def w(rng):
    return rng.standard_normal((4, 3, 3, 4))


ONE_TYPE = "all arrays on backend 'cuda' must be of one type, float16, bfloat16, float32 or float64,"


class Foreign:
    """An array of another package: PyCUDA's memory, told of in another way."""

    def __init__(self, array, **interface):
        self.array = array
        self.__cuda_array_interface__ = {**array.__cuda_array_interface__, **interface}


def test_gpu_arrays_in_gpu_arrays_out(cuda, x, w, to_gpu, to_host):
    from pycuda.gpuarray import GPUArray

    bias = np.arange(3.0)
    y = convt.conv_transpose(to_gpu(x), to_gpu(w), to_gpu(bias), **OPTIONS)
    assert isinstance(y, GPUArray)
    np.testing.assert_allclose(to_host(y), convt.conv_transpose(x, w, bias, backend="numpy", **OPTIONS), atol=1e-12)


@pytest.mark.parametrize(
    ("operator", "backward"), [(convt.conv_transpose, convt.conv_transpose_backward), (convt.conv, convt.conv_backward)]
)
def test_gradients(cuda, rng, w, to_gpu, to_host, operator, backward):
    x = rng.standard_normal((2, 4 if operator is convt.conv_transpose else 3, 8, 9))
    bias = np.zeros(3 if operator is convt.conv_transpose else 4)
    dy = rng.standard_normal(operator(x, w, bias, stride=2, backend="numpy").shape)
    got = backward(to_gpu(x), to_gpu(w), to_gpu(bias), to_gpu(dy), stride=2)
    want = backward(x, w, bias, dy, stride=2, backend="numpy")
    for ours, expected in zip(got, want, strict=True):
        np.testing.assert_allclose(to_host(ours), expected, atol=1e-11)


@pytest.mark.parametrize("layout", ["NHWC", "HWCN"])
def test_layouts_are_views(cuda, rng, to_gpu, to_host, layout):
    x, w = rng.standard_normal((5, 6, 3, 2)), rng.standard_normal((3, 4, 5, 2 if layout == "NHWC" else 3))
    want = convt.conv_transpose(x, w, layout=layout, stride=2, backend="numpy")
    np.testing.assert_allclose(
        to_host(convt.conv_transpose(to_gpu(x), to_gpu(w), layout=layout, stride=2)), want, atol=1e-12
    )


def test_no_batch_axis(cuda, x, w, to_gpu, to_host):
    y = to_host(convt.conv_transpose(to_gpu(x[0]), to_gpu(w)))
    np.testing.assert_allclose(y, convt.conv_transpose(x[0], w, backend="numpy"), atol=1e-12)


def test_an_empty_batch(cuda, x, w, to_gpu, to_host):
    dy = np.empty((0, 3, 7, 9))
    got = convt.conv_transpose_backward(
        Foreign(to_gpu(x), shape=(0, 4, 5, 6), data=(0, False)),
        to_gpu(w),
        None,
        Foreign(to_gpu(x), shape=dy.shape, data=(0, False)),
    )
    assert got.x.shape == (0, 4, 5, 6)
    assert not to_host(got.w).any()


def test_strides_of_any_sign(cuda, x, w, to_gpu, to_host):
    wide = to_gpu(np.concatenate([x, x], axis=3))
    reversed_ = Foreign(
        wide,
        shape=x.shape,
        strides=(4 * 5 * 12 * 8, 5 * 12 * 8, 12 * 8, -16),
        data=(int(wide.gpudata) + 10 * 8, False),
    )
    expected = np.concatenate([x, x], axis=3)[..., 10::-2]
    expected = expected[..., :6]
    y = convt.conv_transpose(reversed_, to_gpu(w), stride=2)
    np.testing.assert_allclose(to_host(y), convt.conv_transpose(expected, w, stride=2, backend="numpy"), atol=1e-12)


def test_a_strided_bias(cuda, x, w, to_gpu, to_host):
    bias = to_gpu(np.arange(6.0))
    every_second = Foreign(bias, shape=(3,), strides=(16,))
    y = convt.conv_transpose(to_gpu(x), to_gpu(w), every_second)
    np.testing.assert_allclose(to_host(y), convt.conv_transpose(x, w, np.arange(0.0, 6, 2), backend="numpy"), atol=1e-12)


def test_out_is_written_and_returned(cuda, x, w, to_gpu, to_host):
    out = to_gpu(np.empty((2, 3, 7, 9)))
    assert convt.conv_transpose(to_gpu(x), to_gpu(w), out=out) is out
    np.testing.assert_allclose(to_host(out), convt.conv_transpose(x, w, backend="numpy"), atol=1e-12)


def test_the_second_gpu(cuda, emulator, x, w, to_gpu, to_host):
    y = convt.conv_transpose(to_gpu(x, 1), to_gpu(w, 1))
    assert cuda.from_caller(y).device is cuda._devices[1]
    np.testing.assert_allclose(to_host(y, 1), convt.conv_transpose(x, w, backend="numpy"), atol=1e-12)


def test_the_result_is_computed_in_its_stream_after_the_inputs(cuda, emulator, x, w, to_gpu):
    waits = emulator.stream_waits(77, 5)
    problem = convt.testing.make_problem((5, 6), (3, 4), channels=(4, 3), batch=2)
    out = cuda.empty(problem.fine_array_shape, x.dtype, to_gpu(x))
    out.stream = 77
    cuda.scatter(
        problem, cuda.from_caller(Foreign(to_gpu(x), stream=5)), cuda.from_caller(Foreign(to_gpu(w), stream=77)), None, out
    )
    assert emulator.stream == 77
    assert emulator.stream_waits(77, 5) == waits + 1
    assert emulator.calls("cuEventDestroy_v2") == emulator.calls("cuEventCreate")


def test_results_come_from_the_callers_pool(cuda, x, w, context):
    """PyCUDA's own, which frees without waiting for the GPU; views of what it gave keep it."""
    from pycuda import gpuarray, tools

    pool = tools.DeviceMemoryPool()
    try:
        turned = [np.asfortranarray(array.transpose(2, 3, 1, 0)) for array in (x, w)]
        on_gpu = [gpuarray.to_gpu(array, allocator=pool.allocate) for array in turned]
        before = pool.active_blocks
        y = convt.conv_transpose(*on_gpu, layout="HWCN")
        same = convt.matconvnet.vl_nnconvt(*on_gpu, [])
        assert pool.active_blocks == before + 2
        want = convt.conv_transpose(x, w, backend="numpy").transpose(2, 3, 1, 0)
        np.testing.assert_allclose(y.get(), want, atol=1e-12)
        np.testing.assert_allclose(same.get(), want, atol=1e-12)
        del y, same
        gc.collect()
        assert pool.active_blocks == before
    finally:
        on_gpu.clear()
        pool.stop_holding()


# What is refused


def test_host_and_device_arrays_do_not_mix(cuda, x, w, to_gpu):
    with pytest.raises(TypeError, match=r"^w must lie where the other arrays do, on backend 'cuda', got ndarray$"):
        convt.conv_transpose(to_gpu(x), w)
    with pytest.raises(TypeError, match=r"^x must lie where the other arrays do, on backend 'cuda', got ndarray$"):
        convt.conv_transpose(x, to_gpu(w))


def test_another_backend_does_not_get_device_arrays(cuda, x, w, to_gpu):
    with pytest.raises(convt.BackendUnavailable, match="its arrays lie on backend 'cuda'"):
        convt.conv_transpose(to_gpu(x), to_gpu(w), backend="numpy")


def test_arrays_of_two_devices(cuda, emulator, x, w, to_gpu):
    with pytest.raises(ValueError, match=r"^all arrays must lie on one GPU, got GPU 0 \(emulated\) and GPU 1 \(emulated\)"):
        convt.conv_transpose(to_gpu(x), to_gpu(w, 1))


def test_a_freed_array(cuda, emulator, x, w, to_gpu):
    freed = to_gpu(x)
    address = Foreign(freed)
    with cuda._devices[0].current():
        freed.gpudata.free()
    freed.gpudata = None
    with pytest.raises(ValueError, match=r"^arrays on a GPU must be alive, got a Foreign at 0x[0-9a-f]+, which is freed"):
        convt.conv_transpose(address, to_gpu(w))


@pytest.mark.parametrize(
    "call",
    [
        lambda gone, w: convt.conv(gone, w),
        lambda gone, w: convt.conv(w, gone),
        lambda gone, w: convt.conv_backward(w, w, None, gone),
        lambda gone, w: convt.conv(w, w, out=gone),
        lambda gone, w: convt.upsample(gone, 2),
        lambda gone, w: convt.max_pool(gone, 1),
        lambda gone, w: convt.max_unpool(w, gone, 1),
        lambda gone, w: convt.matconvnet.vl_nnconvt(gone, w, []),
    ],
)
@pytest.mark.parametrize("forgotten", [False, True])
def test_freed_arrays_of_pycuda_anywhere(cuda, emulator, to_gpu, call, forgotten):
    gone, w = to_gpu(np.ones((1, 1, 1, 1))), to_gpu(np.ones((1, 1, 1, 1)))
    with cuda._devices[0].current():
        gone.gpudata.free()
    if forgotten:
        gone.gpudata = None
    with pytest.raises(ValueError, match=r"^arrays on a GPU must be alive, got a GPUArray at 0x[0-9a-f]+, which is freed"):
        call(gone, w)
    gone.gpudata = None


def test_an_array_of_another_context(cuda, emulator, x, w, to_gpu):
    from pycuda import driver, gpuarray

    other = driver.Device(0).make_context()
    try:
        lost = gpuarray.to_gpu(x)
    finally:
        driver.Context.pop()
    with pytest.raises(
        ValueError,
        match=r"^arrays on a GPU must lie in its primary context, got a GPUArray of another one \(pycuda\.autoinit",
    ):
        convt.conv_transpose(lost, to_gpu(w))
    other.push()
    lost.gpudata.free()
    other.detach()


def test_memory_of_the_host(cuda, emulator, x, w, to_gpu, context):
    from pycuda import driver

    pinned = driver.pagelocked_empty(x.shape, x.dtype)
    with pytest.raises(ValueError, match=r"^arrays must lie on a GPU, got a Foreign in the host's memory$"):
        convt.conv_transpose(Foreign(to_gpu(x), data=(pinned.ctypes.data, False)), to_gpu(w))


@pytest.mark.parametrize(
    ("interface", "error", "message"),
    [
        (
            {"typestr": "<f2"},
            TypeError,
            f"{ONE_TYPE} got float16, float64",
        ),
        (
            {"typestr": "<f4"},
            TypeError,
            f"{ONE_TYPE} got float32, float64",
        ),
        (
            {"typestr": ">f8"},
            TypeError,
            f"{ONE_TYPE} got >f8, float64",
        ),
        ({"mask": object()}, TypeError, r"arrays on a GPU must have no mask, got one \(fill it first\)"),
        (
            {"strides": (960, 240, 48, 7)},
            ValueError,
            "arrays on a GPU must have strides of whole elements, got .*7.* bytes of float64",
        ),
    ],
)
def test_arrays_that_the_kernels_cannot_read(cuda, x, w, to_gpu, interface, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        convt.conv_transpose(Foreign(to_gpu(x), **interface), to_gpu(w))


def test_an_out_that_overlaps_an_input(cuda, rng, to_gpu):
    x, w = to_gpu(rng.standard_normal((1, 1, 9))), to_gpu(np.ones((1, 1, 1)))
    upper = Foreign(x, shape=(1, 1, 5), data=(int(x.gpudata) + 4 * 8, False))
    lower = Foreign(x, shape=(1, 1, 5))
    with pytest.raises(ValueError, match=r"^out must not overlap the inputs on a GPU, got arrays that share memory"):
        convt.conv(lower, w, out=upper)
    beside = Foreign(x, shape=(1, 1, 4), data=(int(x.gpudata) + 5 * 8, False))
    convt.conv(Foreign(x, shape=(1, 1, 4)), w, out=beside)


def test_an_unaligned_array(cuda, x, w, to_gpu):
    array = to_gpu(x)
    with pytest.raises(
        ValueError, match=r"^arrays on a GPU must be aligned to their elements, got address 0x[0-9a-f]+ of float64$"
    ):
        convt.conv_transpose(Foreign(array, data=(int(array.gpudata) + 3, False)), to_gpu(w))
