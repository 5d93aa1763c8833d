"""Upsampling and pooling of float16 and bfloat16: sums in float32, rounded once; what is moved keeps its bits."""

import numpy as np
import pytest
from halves import EPS, LEAST, TYPES, bits_of, rounded, values_of

import convt

STORAGE = pytest.mark.parametrize("storage", TYPES)
LAYOUTS = pytest.mark.parametrize("layout", [None, "NHWC", "HWCN"])
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


@pytest.fixture
def agree(cuda, to_gpu, to_host, to_tensor, numbers):
    """Asserts that a function gives what its float64 definition gives for the same numbers, rounded; returns both."""

    def agree(function, storage, array, *indices, **options):
        want = function(array, *indices, backend="numpy", **options)
        got = function(to_tensor(array, storage), *map(to_gpu, indices), **options)
        if isinstance(got, tuple):
            places = to_host(got.indices.array)
            assert places.dtype == np.int64
            np.testing.assert_array_equal(places, want.indices)
            got, want = got.y, want.y
        assert got.dtype == f"torch.{storage}"
        # Half of the last digit, and what sums of a few small numbers in float32 are off by.
        np.testing.assert_allclose(numbers(got), want, rtol=EPS[storage] / 2, atol=LEAST[storage] + 1e-5)
        return numbers(got), want

    return agree


def images(rng, storage, layout, *, whole=False):
    """2 images, 3 channels, 5 x 6 pixels; small whole numbers, so that there are ties, or any."""
    draw = rng.integers(-2, 3, (2, 3, 5, 6)) if whole else rng.standard_normal((2, 3, 5, 6))
    axes = {None: (0, 1, 2, 3), "NHWC": (0, 2, 3, 1), "HWCN": (2, 3, 1, 0)}[layout]
    return rounded(np.ascontiguousarray(draw.transpose(axes)), storage)


@STORAGE
@LAYOUTS
@pytest.mark.parametrize(("options", "scale"), UPSAMPLINGS.values(), ids=UPSAMPLINGS)
def test_upsampling(agree, rng, storage, layout, options, scale):
    got, want = agree(convt.upsample, storage, images(rng, storage, layout), scale=scale, layout=layout, **options)
    if options["mode"] != "bilinear":
        np.testing.assert_array_equal(got, want)
    dy = rounded(rng.standard_normal(want.shape), storage)
    agree(convt.upsample_backward, storage, dy, scale=scale, layout=layout, **options)


@STORAGE
@LAYOUTS
@pytest.mark.parametrize("indexing", ["spatial", "tensor"])
@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
def test_pooling(agree, rng, storage, layout, indexing, windows):
    x, options = images(rng, storage, layout, whole=True), {**windows, "indexing": indexing, "layout": layout}
    agree(convt.max_pool, storage, x, **options)
    y, indices = convt.max_pool(x, backend="numpy", **options)
    dy = rounded(rng.standard_normal(y.shape), storage)
    sizes = {"output_size": [x.shape[axis] for axis in {"NHWC": (1, 2), "HWCN": (0, 1)}.get(layout, (2, 3))]}
    agree(convt.max_pool_backward, storage, dy, indices, **sizes, **options)
    for got, want in (
        agree(convt.max_unpool, storage, dy, indices, **sizes, **options),
        agree(convt.max_unpool_backward, storage, x, indices, **options),
    ):
        np.testing.assert_array_equal(got, want)


@STORAGE
@pytest.mark.parametrize("windows", WINDOWS.values(), ids=WINDOWS)
@pytest.mark.parametrize("limit", ["inf", "300", "0"])
def test_indices_from_elsewhere(agree, rng, monkeypatch, storage, windows, limit):
    """They are positions, but not in their windows; planes are done as many at a time as the limit allows."""
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", limit)
    x = rounded(rng.standard_normal((2, 3, 5, 6)), storage)
    y, indices = convt.max_pool(x, backend="numpy", **windows)
    indices = rng.integers(0, 30, indices.shape)
    agree(convt.max_pool_backward, storage, y, indices, output_size=(5, 6), **windows)
    agree(convt.max_unpool, storage, y, indices, output_size=(5, 6), **windows)
    agree(convt.max_unpool_backward, storage, x, indices, **windows)


@STORAGE
def test_sums_are_rounded_once(cuda, to_gpu, to_tensor, numbers, storage):
    """Ones lose themselves one by one beside a number of which they are less than half a digit, but not together."""
    large = 2 / EPS[storage]
    values = np.full((1, 1, 8, 8), 1.0)
    values[0, 0, 0, 0] = large
    for indices, options in (
        (np.zeros((1, 1, 8, 8), np.int64), {"size": 8, "stride": 1, "output_size": 15}),  # in their windows
        (np.full((1, 1, 8, 8), 63), {"size": 1}),  # and not
    ):
        dx = numbers(convt.max_pool_backward(to_tensor(values, storage), to_gpu(indices), **options))
        assert dx.sum() == dx.max() == rounded(large + 63, storage) == large + 64
    dx = convt.upsample_backward(to_tensor(values, storage), 8)
    assert numbers(dx) == large + 64


@STORAGE
def test_sums_may_exceed_the_type_on_their_way(cuda, to_tensor, numbers, storage):
    large = {"float16": 60000.0, "bfloat16": 1.5 * 2.0**120}[storage]
    dy = np.array([[large, large, -large, -large / 2]])
    dx = numbers(convt.upsample_backward(to_tensor(dy, storage), (1, 4)))
    np.testing.assert_array_equal(dx, [[large / 2]])


@STORAGE
def test_all_bits_are_moved_as_they_are(cuda, to_gpu, to_host, from_bits, storage):
    """Of denormal numbers, of both zeros, and of each NaN."""
    bits = np.arange(2**16, dtype=np.uint16)
    x = from_bits(bits, storage)
    places = to_gpu(np.arange(2**16))
    for moved in (
        convt.upsample(x, 1),
        convt.upsample(x, 1, mode="bed_of_nails"),
        convt.max_pool(x, 1).y,
        convt.max_unpool(x, places, 1),
        convt.max_unpool_backward(x, places, 1),
    ):
        np.testing.assert_array_equal(to_host(moved.array), bits)
    backwards = to_gpu(np.arange(2**16)[::-1].copy())
    for far in (convt.max_unpool, convt.max_unpool_backward):
        np.testing.assert_array_equal(to_host(far(x, backwards, 1).array), bits[::-1])


@STORAGE
def test_the_first_of_ties_and_of_what_is_no_number(cuda, to_host, to_tensor, from_bits, storage):
    nan, inf = np.nan, np.inf
    x = np.array([[2, 2, 1, nan, -inf, -inf, -0.0, 0.0, nan, 3, inf, nan]])
    y, indices = convt.max_pool(to_tensor(x, storage), (1, 2))
    assert to_host(indices.array).tolist() == [[0, 3, 4, 6, 8, 11]]
    np.testing.assert_array_equal(values_of(to_host(y.array), storage), [[2, nan, -inf, -0.0, nan, nan]])
    assert np.signbit(values_of(to_host(y.array), storage)[0, 3])
    y, indices = convt.max_pool(from_bits([[0x7FC1, 0xFFFF]], storage), (1, 2))
    assert to_host(y.array).tolist() == [[0x7FC1]]
    assert to_host(indices.array).tolist() == [[0]]


@STORAGE
def test_numbers_that_are_close_to_each_other(cuda, to_host, from_bits, storage):
    """The largest of neighbours, in every part of the type's range."""
    top = int(bits_of(np.inf, storage))
    x = from_bits(np.arange(top)[:, None] + [0, 1], storage)
    assert (to_host(convt.max_pool(x, (1, 2)).indices.array) % 2 == 1).all()


def test_arrays_of_pycuda_in_both_orders(cuda, rng, to_gpu, to_host):
    from pycuda.gpuarray import GPUArray

    x = np.asfortranarray(rng.standard_normal((2, 3, 4, 6)).astype(np.float16))
    for order in "CF":
        y, indices = convt.max_pool(to_gpu(np.asarray(x, order=order)), 2)
        fine = convt.upsample(y, 2, mode="bilinear")
        assert type(y) is type(indices) is type(fine) is GPUArray
        assert [y.dtype, indices.dtype, fine.dtype] == [np.float16, np.int64, np.float16]
        assert y.flags.f_contiguous == fine.flags.f_contiguous == (order == "F")
        np.testing.assert_array_equal(to_host(y), convt.max_pool(x, 2, backend="numpy").y)
        out = to_gpu(np.asarray(np.zeros(x.shape, np.float16), order=order))
        assert convt.max_unpool(y, indices, 2, out=out) is out
        np.testing.assert_array_equal(to_host(out).max((2, 3)), np.maximum(to_host(y).max((2, 3)), 0))


@STORAGE
def test_an_empty_batch(cuda, to_tensor, storage):
    x = to_tensor(np.empty((0, 3, 4, 4)), storage)
    y, indices = convt.max_pool(x, 2)
    assert y.dtype == f"torch.{storage}"
    assert convt.max_pool_backward(y, indices, 2).shape == (0, 3, 4, 4)
    assert convt.upsample(x, 2, mode="bilinear").dtype == f"torch.{storage}"


def test_numpys_go_through_float32(cuda, rng):
    x = rng.standard_normal((2, 3, 4, 6)).astype(np.float16)
    for function in (convt.upsample, convt.upsample_backward):
        got, want = (function(x, 2, mode="bilinear", backend=name) for name in ("cuda", "numpy"))
        assert got.dtype == np.float16
        np.testing.assert_allclose(got, want, rtol=2.0**-10)
    np.testing.assert_array_equal(convt.max_pool(x, 2, backend="cuda").y, convt.max_pool(x, 2, backend="numpy").y)


def test_an_out_of_another_type(cuda, to_gpu, to_tensor):
    half, wide = to_gpu(np.ones((1, 1, 2), np.float16)), to_gpu(np.ones((1, 1, 2), np.float32))
    brain = to_tensor(np.ones((1, 1, 2)), "bfloat16")
    for out, name in ((wide, "float32"), (brain, "bfloat16")):
        with pytest.raises(
            ValueError, match=rf"^out must be the result's \(1, 1, 2\) of float16, got \(1, 1, 2\) of {name}$"
        ):
            convt.upsample(half, 1, out=out)
    with pytest.raises(ValueError, match=r"^out must be the result's \(1, 1, 2\) of float32, got \(1, 1, 2\) of float16$"):
        convt.max_unpool(wide, to_gpu(np.zeros((1, 1, 2), np.int64)), 1, out=half)


@pytest.mark.parametrize(
    ("function", "after"), [("cuLaunchKernel", 1), ("cuMemAllocFromPoolAsync", 0), ("cuMemFreeAsync", 0)]
)
def test_a_call_that_the_driver_refuses_leaves_nothing_in_use(cuda, emulator, to_gpu, function, after):
    dy, indices = to_gpu(np.ones((1, 2, 40, 40), np.float16)), to_gpu(np.full((1, 2, 40, 40), 1599))
    with cuda._devices[0].current():
        cuda._devices[0].pool.trim()
    emulator.fail(function, 719, after)
    with pytest.raises(Exception, match="unspecified launch failure"):
        convt.max_pool_backward(dy, indices, 1, out=to_gpu(np.ones((1, 2, 40, 40), np.float16)))
    assert cuda._devices[0].pool.info()[0] == 0
