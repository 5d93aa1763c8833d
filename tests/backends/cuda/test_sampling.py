"""Upsampling and pooling on a GPU: what the host gives, for arrays of every kind of memory, without a copy to the host."""

import gc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import convt

UPSAMPLINGS = {
    "nearest": ({"mode": "nearest"}, 2),
    "bed_of_nails": ({"mode": "bed_of_nails"}, (1, 3)),
    "bilinear": ({"mode": "bilinear"}, (3, 2)),
    "aligned": ({"mode": "bilinear", "align_corners": True}, 2),
}
WINDOWS = {
    "side by side": {"size": 2},
    "apart": {"size": 2, "stride": 3, "padding": ((1, 0), (0, 1))},
    "overlap": {"size": 3, "stride": (1, 2), "padding": 1},
}


class Foreign:
    """An array of another package: PyCUDA's memory, told of in another way."""

    def __init__(self, array, **interface):
        self.array = array
        self.__cuda_array_interface__ = {**array.__cuda_array_interface__, **interface}


LAYOUTS = pytest.mark.parametrize("layout", [None, "NHWC", "HWCN"])
ORDERS = pytest.mark.parametrize("order", ["C", "F"])


@pytest.fixture
def copies(emulator):
    """How many copies to the host there were."""
    return lambda: emulator.calls("cuMemcpyDtoH_v2")


@pytest.fixture
def agree(cuda, to_gpu, to_host):
    """Asserts that a function gives on GPU arrays what it gives on NumPy's, in the caller's kind and the memory order."""
    from pycuda.gpuarray import GPUArray

    def agree(function, *arrays, exact=True, **options):
        want = function(*arrays, backend="numpy", **options)
        got = function(*map(to_gpu, arrays), **options)
        for ours, wanted in zip(*((each if isinstance(each, tuple) else (each,)) for each in (got, want)), strict=True):
            assert type(ours) is GPUArray
            assert ours.dtype == wanted.dtype
            assert ours.shape == wanted.shape
            assert not wanted.flags.fnc or ours.flags.f_contiguous
            on_host = to_host(ours)
            if exact:
                np.testing.assert_array_equal(on_host, wanted)
            else:
                np.testing.assert_allclose(on_host, wanted, rtol=1e-5 if wanted.dtype == np.float32 else 1e-13, atol=1e-6)
        return want

    return agree


def images(rng, layout, order="C", dtype=np.float64):
    """Small whole numbers, so that there are ties: 2 images, 3 channels, 5 x 6 pixels."""
    array = rng.integers(-2, 3, (2, 3, 5, 6)).astype(dtype)
    axes = {None: (0, 1, 2, 3), "NHWC": (0, 2, 3, 1), "HWCN": (2, 3, 1, 0)}[layout]
    return np.asarray(array.transpose(axes), order=order)


@LAYOUTS
@ORDERS
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("options", "scale"), UPSAMPLINGS.values(), ids=UPSAMPLINGS)
def test_upsampling(agree, rng, options, scale, dtype, layout, order):
    x = images(rng, layout, order, dtype)
    y = agree(convt.upsample, x, scale=scale, layout=layout, exact=False, **options)
    dy = np.asarray(rng.standard_normal(y.shape).astype(dtype), order=order)
    agree(convt.upsample_backward, dy, scale=scale, layout=layout, exact=False, **options)


@LAYOUTS
@ORDERS
@pytest.mark.parametrize("indexing", ["spatial", "tensor"])
@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
def test_pooling(agree, rng, windows, indexing, layout, order):
    for dtype in ("f4", "f8"):
        x, options = images(rng, layout, order, dtype), {**windows, "indexing": indexing, "layout": layout}
        y, indices = agree(convt.max_pool, x, **options)
        dy = rng.standard_normal(y.shape).astype(dtype)
        sizes = {"output_size": [x.shape[axis] for axis in {"NHWC": (1, 2), "HWCN": (0, 1)}.get(layout, (2, 3))]}
        agree(convt.max_pool_backward, np.asarray(dy, order=order), indices, exact=False, **sizes, **options)
        agree(convt.max_unpool, y, indices, **sizes, **options)
        agree(convt.max_unpool_backward, x, indices, **options)


@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("limit", ["inf", "1000", "0"])
def test_indices_from_elsewhere(agree, rng, monkeypatch, windows, limit):
    """They are positions, but not in their windows; planes are done as many at a time as the limit allows."""
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", limit)
    x = rng.standard_normal((2, 3, 5, 6))
    y, indices = convt.max_pool(x, backend="numpy", **windows)
    indices = rng.integers(0, 30, indices.shape)
    agree(convt.max_pool_backward, y, indices, output_size=(5, 6), exact=False, **windows)
    agree(convt.max_unpool, y, indices, output_size=(5, 6), **windows)
    agree(convt.max_unpool_backward, x, indices, **windows)


def test_many_indices_from_elsewhere_are_added_up_in_scan_order(rng, to_gpu, to_host):
    """More than a block reads at a time, a few of which meet many; the bits tell the order."""
    dy = rng.standard_normal((2, 2, 25, 31)).astype("f4")
    indices = rng.integers(0, 50 * 62, dy.shape)
    indices[rng.random(dy.shape) < 0.5] = 3 * 62 + 1
    want = np.zeros((4, 50 * 62), "f4")
    for plane, places, values in zip(want, indices.reshape(4, -1), dy.reshape(4, -1), strict=True):
        np.add.at(plane, places, values)
    got = to_host(convt.max_pool_backward(to_gpu(dy), to_gpu(indices), 2, output_size=(50, 62)))
    assert got.tobytes() == want.tobytes()


@pytest.mark.parametrize("shape", [(7,), (5, 6), (3, 5, 6), (2, 2, 4, 5, 6)])
def test_every_number_of_axes(agree, rng, shape):
    x = rng.standard_normal(shape)
    agree(convt.upsample, x, scale=2, mode="bilinear", exact=False)
    y, indices = agree(convt.max_pool, x, size=3, stride=2)
    agree(convt.max_unpool, y, indices, size=3, stride=2, output_size=shape[-{1: 1, 5: 3}.get(len(shape), 2) :])
    agree(convt.max_unpool_backward, x, indices, size=3, stride=2)


def test_nan_and_infinity_reach_what_they_should(agree):
    x = np.array([[1.0, np.nan, 3.0, np.inf], [-np.inf, np.nan, -0.0, 0.0]])
    agree(convt.max_pool, x, size=2)
    agree(convt.max_pool, np.full((2, 2), -np.inf), size=2)
    for corners in (False, True):
        agree(convt.upsample, x, scale=3, mode="bilinear", align_corners=corners, exact=False)
        agree(convt.upsample_backward, np.tile(x, (3, 1)), scale=2, mode="bilinear", align_corners=corners, exact=False)


@pytest.mark.parametrize("dtype", ["i4", "u4", "i8", "u8", "c8"])
def test_values_of_other_types_are_moved(agree, rng, dtype):
    bits = rng.integers(0, 2**32, (2, 3, 4, 4) if dtype in ("i4", "u4") else (2, 3, 4, 8)).astype("u4").view(dtype)
    agree(convt.upsample, bits, scale=2)
    agree(convt.upsample, bits, scale=2, mode="bed_of_nails")
    indices = convt.max_pool(rng.standard_normal((2, 3, 8, 8)), 2, backend="numpy").indices
    agree(convt.max_unpool, bits, indices, size=2)
    agree(convt.max_unpool_backward, bits, rng.integers(0, 4, (2, 3, 2, 2)), size=2)


def test_the_bits_of_nan_arrive_as_they_are(cuda, to_gpu, to_host):
    bits = np.array([0x7F800001, 0xFFC12345, 0x80000000], np.uint32)
    y = to_host(convt.upsample(to_gpu(bits.view(np.float32)), 2))
    np.testing.assert_array_equal(y.view(np.uint32), bits.repeat(2))


def test_views_are_read_and_written_where_they_are(cuda, rng, to_gpu, to_host, copies):
    wide = rng.standard_normal((2, 3, 4, 12))
    on_gpu = to_gpu(wide)
    strides = (3 * 4 * 12 * 8, 4 * 12 * 8, 12 * 8, -16)
    reversed_ = Foreign(on_gpu, shape=(2, 3, 4, 6), strides=strides, data=(int(on_gpu.gpudata) + 11 * 8, False))
    x = wide[..., ::-2]
    out = to_gpu(np.full((2, 3, 8, 24), np.nan))
    every_second = Foreign(out, shape=(2, 3, 8, 12), strides=(3 * 8 * 24 * 8, 8 * 24 * 8, 24 * 8, 16))
    before = copies()
    assert convt.upsample(reversed_, 2, out=every_second) is every_second
    y, indices = convt.max_pool(reversed_, 2)
    assert copies() == before
    np.testing.assert_array_equal(to_host(out)[..., ::2], convt.upsample(x, 2, backend="numpy"))
    assert np.isnan(to_host(out)[..., 1::2]).all()
    wanted = convt.max_pool(x, 2, backend="numpy")
    np.testing.assert_array_equal(to_host(y), wanted.y)
    np.testing.assert_array_equal(to_host(indices), wanted.indices)


def test_an_empty_batch(cuda, to_gpu):
    from pycuda import gpuarray

    with cuda._devices[0].current():
        x, whole = gpuarray.empty((0, 3, 4, 4), np.float32), gpuarray.empty((0, 3, 4, 4), np.float32)
    assert convt.upsample(x, 2).shape == (0, 3, 8, 8)
    y, indices = convt.max_pool(x, 2, indexing="tensor")
    assert y.shape == indices.shape == (0, 3, 2, 2)
    assert convt.max_unpool(y, indices, 2, indexing="tensor").shape == (0, 3, 4, 4)
    assert convt.max_pool_backward(y, indices, 2, out=whole) is whole


def test_each_bit_is_the_same_every_time(cuda, rng, to_gpu, to_host):
    y, indices = rng.standard_normal((1, 2, 40, 40)).astype("f4"), rng.integers(0, 50, (1, 2, 40, 40))
    for windows in ({"size": 3, "stride": 1}, {"size": 1}):
        for function in (convt.max_unpool, convt.max_pool_backward):
            results = [to_host(function(to_gpu(y), to_gpu(indices), **windows)).tobytes() for _ in range(3)]
            assert len(set(results)) == 1


# Streams, threads, devices


def test_results_are_computed_in_their_stream_after_the_inputs(cuda, emulator, rng, to_gpu):
    dy, indices = rng.standard_normal((1, 1, 4, 4)), np.arange(16).reshape(1, 1, 4, 4)
    out = Foreign(to_gpu(np.empty((1, 1, 4, 4))), stream=77)
    pairs = [(77, 5), (77, 6), (5, 77), (6, 77)]
    waits = [emulator.stream_waits(*pair) for pair in pairs]
    convt.max_pool_backward(Foreign(to_gpu(dy), stream=5), Foreign(to_gpu(indices), stream=6), 1, out=out)
    assert emulator.stream == 77
    assert [emulator.stream_waits(*pair) for pair in pairs] == [count + 1 for count in waits]
    waits = emulator.calls("cuStreamWaitEvent")
    convt.upsample(Foreign(to_gpu(dy), stream=77), 1, out=out)
    assert emulator.stream == 77
    assert emulator.calls("cuStreamWaitEvent") == waits
    assert emulator.calls("cuEventDestroy_v2") == emulator.calls("cuEventCreate")


def test_threads(cuda, rng, to_gpu):
    arrays = [rng.standard_normal((1, 2, 6, 6)) for _ in range(6)]
    on_gpu = [to_gpu(array) for array in arrays]

    def run(index):
        y, indices = convt.max_pool(on_gpu[index], 2)
        back = convt.max_unpool(y, indices, 2)
        with cuda._devices[0].current():
            return back.get(), [each.gpudata.free() for each in (y, indices, back)]

    with ThreadPoolExecutor(4) as pool:
        for (got, _), x in zip(pool.map(run, range(6)), arrays, strict=True):
            np.testing.assert_array_equal(got, convt.max_unpool(*convt.max_pool(x, 2, backend="numpy"), 2, backend="numpy"))


def test_the_second_gpu(cuda, emulator, rng, to_gpu, to_host):
    x = rng.standard_normal((2, 3, 4, 4))
    y, indices = convt.max_pool(to_gpu(x, 1), 2)
    assert cuda.from_caller(y).device is cuda.from_caller(indices).device is cuda._devices[1]
    np.testing.assert_array_equal(to_host(y, 1), convt.max_pool(x, 2, backend="numpy").y)
    with pytest.raises(ValueError, match=r"^all arrays must lie on one GPU, got GPU 1 \(emulated\) and GPU 0 \(emulated\)"):
        convt.max_unpool(y, to_gpu(to_host(indices, 1)), 2)


# NumPy arrays, where this backend is asked for


@pytest.mark.parametrize("function", ["upsample", "upsample_backward"])
@ORDERS
def test_numpy_in_numpy_out(cuda, emulator, rng, function, order):
    x = np.asarray(rng.standard_normal((2, 3, 4, 6)), order=order)
    before = emulator.calls("cuLaunchKernel")
    got = getattr(convt, function)(x, 2, mode="bilinear", backend="cuda")
    assert emulator.calls("cuLaunchKernel") == before + 1
    want = getattr(convt, function)(x, 2, mode="bilinear", backend="numpy")
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-15)
    assert got.flags.fnc == want.flags.fnc


def test_numpy_pooling(cuda, rng):
    x = rng.standard_normal((2, 3, 5, 6)).astype("f4")
    y, indices = convt.max_pool(x, 3, 2, indexing="tensor", backend="cuda")
    want = convt.max_pool(x, 3, 2, indexing="tensor", backend="numpy")
    np.testing.assert_array_equal(y, want.y)
    np.testing.assert_array_equal(indices, want.indices)
    with pytest.raises(ValueError, match=r"^indices must be from 0 to 14 \(positions in \(5, 3\)\), got 15;"):
        convt.max_unpool(np.zeros((2, 1)), np.array([[3], [15]]), (3, 3), 2, backend="cuda")
    assert convt.max_pool(np.array([3, 1, 2, 2]), 2, backend="cuda").y.dtype == np.int64  # in NumPy


# What is refused


def test_indices_outside_are_told_and_nothing_is_written(cuda, rng, to_gpu, to_host):
    y, indices = rng.standard_normal((2, 3, 2, 2)), rng.integers(0, 16, (2, 3, 2, 2))
    for wrong in (-1, 16, -(2**63), 2**63 - 1):
        indices[1, 2, 0, 1] = wrong
        message = rf"^indices must be from 0 to 15 \(positions in \(4, 4\)\), got {wrong}(; where pooling .*)?$"
        for function in (convt.max_unpool, convt.max_pool_backward):
            out = to_gpu(np.full((2, 3, 4, 4), 7.0))
            with pytest.raises(ValueError, match=message):
                function(to_gpu(y), to_gpu(indices), 2, out=out)
            assert (to_host(out) == 7).all()
        with pytest.raises(ValueError, match=message):
            convt.max_unpool_backward(to_gpu(rng.standard_normal((2, 3, 4, 4))), to_gpu(indices), 2)
    tensor = indices + np.arange(0, 96, 16).reshape(2, 3, 1, 1)
    tensor[1, 2, 0, 1] = wrong
    turned = [to_gpu(np.ascontiguousarray(each.transpose(2, 3, 1, 0))) for each in (y, tensor)]
    with pytest.raises(ValueError, match=rf"^indices must be from 80 to 95 \(positions in .* of their image.*got {wrong}$"):
        convt.max_unpool(*turned, 2, indexing="tensor", layout="HWCN")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda gpu: convt.upsample(gpu("i2"), 2),
            r"x\.dtype must be of 4 or 8 bytes, in native order, or float16, or bfloat16, on backend 'cuda', got int16",
        ),
        (lambda gpu: convt.upsample(gpu(">f4"), 2), r"x\.dtype must be of 4 or 8 bytes, in native order, .*, got >f4"),
        (
            lambda gpu: convt.upsample(gpu("i4"), 2, mode="bilinear"),
            r"x\.dtype must be float16, bfloat16, float32 or float64 on backend 'cuda', got int32",
        ),
        (
            lambda gpu: convt.upsample_backward(gpu("i4"), 2),
            r"dy\.dtype must be float16, bfloat16, float32 or float64 on backend 'cuda', got int32",
        ),
        (lambda gpu: convt.max_pool(gpu("i8"), 2), r"x\.dtype must be float16, .* or float64 on backend 'cuda', got int64"),
        (
            lambda gpu: convt.max_pool(gpu("c8"), 2),
            r"x must hold real numbers, as complex ones have no order, got complex64",
        ),
        (lambda gpu: convt.max_unpool(gpu("i1"), gpu("i8"), 1), r"y\.dtype must be of 4 or 8 bytes"),
        (lambda gpu: convt.max_unpool(gpu("f4"), gpu("i4"), 1), r"indices must be of int64 on backend 'cuda', got int32"),
        (lambda gpu: convt.max_unpool(gpu("f4"), gpu("f8"), 1), r"indices must be integers, got float64"),
        (lambda gpu: convt.max_unpool(gpu("f2"), gpu("f2"), 1), r"indices must be integers, got float16"),
        (lambda gpu: convt.max_pool_backward(gpu("i8"), gpu("i8"), 1), r"dy\.dtype must be float16, .* or float64"),
    ],
)
def test_types(cuda, to_gpu, call, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        call(lambda dtype: to_gpu(np.zeros((2, 2), dtype)))


def test_arrays_of_both_sides(cuda, to_gpu):
    x, indices = np.zeros((2, 2)), np.zeros((2, 2), np.int64)
    elsewhere = r"must lie where the other arrays do, on backend 'cuda', got ndarray$"
    for call, name in [
        (lambda: convt.max_unpool(to_gpu(x), indices, 1), "indices"),
        (lambda: convt.max_unpool(x, to_gpu(indices), 1), "y"),
        (lambda: convt.max_pool_backward(x, to_gpu(indices), 1), "dy"),
        (lambda: convt.upsample(to_gpu(x), 1, out=np.empty((2, 2))), "out"),
    ]:
        with pytest.raises(TypeError, match=f"^{name} {elsewhere}"):
            call()
    with pytest.raises(TypeError, match=r"^out must be a NumPy array, got GPUArray$"):
        convt.upsample(x, 1, out=to_gpu(x))
    with pytest.raises(convt.BackendUnavailable, match="its arrays lie on backend 'cuda'"):
        convt.upsample(to_gpu(x), 1, backend="numpy")


def test_a_wrong_out(cuda, to_gpu):
    x = to_gpu(np.zeros((4, 4)))
    with pytest.raises(ValueError, match=r"^out must be the result's \(8, 8\) of float64, got \(4, 4\) of float64$"):
        convt.upsample(x, 2, out=to_gpu(np.zeros((4, 4))))
    with pytest.raises(ValueError, match=r"^out must be the result's \(4, 4\) of float64, got \(4, 4\) of float32$"):
        convt.upsample(x, 1, out=to_gpu(np.zeros((4, 4), "f4")))
    with pytest.raises(ValueError, match=r"^out must not overlap the inputs on a GPU, got arrays that share memory"):
        convt.upsample(x, 1, out=x)


def test_a_backend_without_them_refuses_and_says_so(cuda, monkeypatch, to_gpu):
    from convt_cuda.sampling import SamplingMaps

    monkeypatch.delattr(SamplingMaps, "max_pool")
    monkeypatch.delattr(SamplingMaps, "move_indices")
    with pytest.raises(
        convt.BackendUnavailable,
        match=r"^backend 'cuda' cannot do this call: it has no max_pool for arrays on its device \(copy",
    ):
        convt.max_pool(to_gpu(np.zeros((4, 4))), 2, indexing="tensor")
    assert convt.max_pool(np.eye(2), 2, backend="cuda").y == 1


# Memory


def test_nothing_is_left(cuda, emulator, rng, to_gpu, context):
    x, indices = to_gpu(rng.standard_normal((1, 2, 4, 4))), to_gpu(rng.integers(0, 16, (1, 2, 4, 4)))

    def run():
        y, places = convt.max_pool(x, 2, indexing="tensor")
        return y, places, convt.max_unpool(x, indices, 1), convt.max_unpool(y, places, 2, indexing="tensor")

    run()
    gc.collect()
    before = emulator.blocks
    results = run()
    assert emulator.blocks == before + len(results)
    del results
    assert emulator.blocks == before


@pytest.mark.parametrize(
    ("function", "after"),
    [
        ("cuLaunchKernel", 0),
        ("cuLaunchKernel", 1),
        ("cuLaunchKernel", 2),
        ("cuMemcpyDtoH_v2", 0),
        ("cuMemsetD8Async", 0),
        ("cuMemsetD8Async", 1),
        ("cuStreamSynchronize", 0),
    ],
)
def test_a_call_that_the_driver_refuses_leaves_nothing_in_use(cuda, emulator, rng, to_gpu, function, after):
    y, indices = to_gpu(rng.standard_normal((1, 2, 4, 4))), to_gpu(rng.integers(0, 16, (1, 2, 4, 4)))
    convt.max_unpool(y, indices, 1)
    gc.collect()
    before = emulator.blocks
    emulator.fail(function, 719, after)
    with pytest.raises(Exception, match="unspecified launch failure"):
        convt.max_unpool(y, indices, 1)
    gc.collect()
    assert cuda._devices[0].pool.info()[0] == 0
    assert emulator.contexts == 0
    assert emulator.blocks == before


def test_out_of_memory(cuda, emulator, rng, to_gpu):
    x, indices = to_gpu(rng.standard_normal((4, 4))), to_gpu(rng.integers(0, 16, (4, 4)))
    out = to_gpu(np.zeros((4, 4)))
    with cuda._devices[0].current():
        cuda._devices[0].pool.trim()
    before = emulator.blocks
    emulator.set_memory(1)
    with pytest.raises(MemoryError, match=r"must have 512 bytes free for the result, got \d+ of 1 \("):
        convt.upsample(x, 2)
    with pytest.raises(MemoryError, match=r"must have \d+ bytes free for this call, got \d+ of 1 \("):
        convt.max_unpool(x, indices, 1, out=out)
    with pytest.raises(MemoryError, match=r"must have \d+ bytes free for this call, got \d+ of 1 \("):
        convt.max_pool(np.eye(4), 2, backend="cuda")
    gc.collect()
    assert emulator.blocks == before
