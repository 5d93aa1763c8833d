"""Upsampling and pooling of dask arrays, against the whole: indices are positions in all of x."""

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import cuts

import convt

pytest.importorskip("dask.array")

import dask
import dask.array as da
from lazy import computed, cut

import convt.dask
from convt.core.layout import LAYOUTS

SEEDS = st.integers(0, 2**32)


@st.composite
def shapes(draw):
    """The shape of an array, its layout and the number of its spatial axes."""
    layout = LAYOUTS[draw(st.sampled_from(sorted(LAYOUTS)))]
    rank = draw(st.integers(layout.axes, layout.axes + 2))
    sizes = [draw(st.integers(1, (0, 16, 7, 4)[layout.axes])) for _ in range(layout.axes)]
    if rank == layout.axes:
        return tuple(sizes), layout
    shape = draw(st.integers(0, 2)) if rank == layout.axes + 2 else 1, draw(st.integers(1, 3)), *sizes
    return layout.data_shape(shape, batched=rank == layout.axes + 2), layout


def per_axis(draw, axes, least, most):
    return draw(st.integers(least, most) | st.tuples(*[st.integers(least, most)] * axes))


@settings(max_examples=60)
@given(st.data(), shapes(), st.sampled_from(["nearest", "bilinear", "bed_of_nails"]), SEEDS)
def test_upsampling_in_any_chunks(data, shaped, mode, seed):
    shape, layout = shaped
    options = {"scale": per_axis(data.draw, layout.axes, 1, 4), "mode": mode, "layout": layout.name, "backend": "numpy"}
    options["align_corners"] = mode == "bilinear" and data.draw(st.booleans())
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    y = convt.upsample(x, **options)
    chunks = data.draw(st.none() | cuts(y.shape))
    (got,) = computed(convt.dask.upsample(cut(data.draw, x), chunks=chunks, **options))
    assert_allclose(got, y, rtol=1e-12, atol=1e-12)
    dy = rng.standard_normal(y.shape)
    chunks = data.draw(st.none() | cuts(x.shape))
    (got,) = computed(convt.dask.upsample_backward(cut(data.draw, dy), chunks=chunks, **options))
    assert_allclose(got, convt.upsample_backward(dy, **options), rtol=1e-12, atol=1e-12)


@settings(max_examples=80)
@given(st.data(), shapes(), SEEDS)
def test_pooling_in_any_chunks(data, shaped, seed):
    shape, layout = shaped
    size = per_axis(data.draw, layout.axes, 1, 4)
    sizes = size if isinstance(size, tuple) else (size,) * layout.axes
    options = {
        "size": size,
        "stride": data.draw(st.none() | st.integers(1, 5)),
        "padding": data.draw(st.sampled_from(["valid", "same", tuple((each - 1, each // 2) for each in sizes)])),
        "layout": layout.name,
        "indexing": data.draw(st.sampled_from(["spatial", "tensor"])),
        "backend": "numpy",
    }
    rng = np.random.default_rng(seed)
    x = rng.integers(-9, 9, shape).astype(data.draw(st.sampled_from(["f8", "i2"])))
    try:
        y, indices = convt.max_pool(x, **options)
    except ValueError:  # a window is larger than x
        assume(False)
    chunks = data.draw(st.none() | cuts(y.shape))
    lazy = convt.dask.max_pool(cut(data.draw, x), chunks=chunks, **options)
    got = computed(*lazy)
    assert_array_equal(got[0], y)
    assert_array_equal(got[1], indices)

    spatial = tuple(
        size for size, letter in zip(shape, spatial_letters(layout, len(shape)), strict=True) if letter not in "NC"
    )
    options["output_size"] = spatial
    try:
        unpooled = convt.max_unpool(y, indices, **options)
    except ValueError:  # windows with a padding that no size of their result goes with
        event("no result of that size")
        assume(False)
    chunks = data.draw(st.none() | cuts(shape))
    values = rng.integers(-9, 9, y.shape).astype("f8")
    got = computed(
        convt.dask.max_unpool(cut(data.draw, y), cut(data.draw, indices), chunks=chunks, **options),
        convt.dask.max_pool_backward(cut(data.draw, values), indices, chunks=chunks, **options),
    )
    assert_array_equal(got[0], unpooled)
    assert_array_equal(got[1], convt.max_pool_backward(values, indices, **options))

    del options["output_size"]
    chunks = data.draw(st.none() | cuts(y.shape))
    dy = rng.integers(-9, 9, shape).astype(x.dtype)
    lazy = convt.dask.max_unpool_backward(cut(data.draw, dy), cut(data.draw, indices), chunks=chunks, **options)
    assert_array_equal(*computed(lazy), convt.max_unpool_backward(dy, indices, **options))


def test_an_element_that_another_chunk_has_overwritten_has_no_gradient():
    indices = np.array([[1, 3, 3, 3, 5]])
    dy = np.arange(1.0, 8).reshape(1, 7)
    wanted = convt.max_unpool_backward(dy, indices, 3, 1, layout="NCW")
    assert wanted.tolist() == [[2, 0, 0, 4, 6]]
    for chunks in ((1, 1), (1, 2), (1, (3, 1, 1))):
        lazy = convt.dask.max_unpool_backward(da.from_array(dy, chunks=2), indices, 3, 1, layout="NCW", chunks=chunks)
        assert len(lazy.chunks[1]) > 2
        assert_array_equal(computed(lazy)[0], wanted)


def spatial_letters(layout, rank):
    return layout.letters(rank) if rank > layout.axes else "W" * rank


@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("dtype", ["f2", "f4", "i4", "c8"])
def test_interpolation_keeps_the_dtypes_of_the_whole(rng, dtype, align_corners):
    x = rng.integers(-9, 9, (3, 12, 10)).astype(dtype)
    options = {"scale": (2, 3), "mode": "bilinear", "align_corners": align_corners, "backend": "numpy"}
    y = convt.upsample(x, **options)
    lazy = convt.upsample(da.from_array(x, chunks=(2, 5, 4)), **options)
    got = computed(lazy, convt.upsample_backward(lazy, **options))
    for each, wanted in zip(got, (y, convt.upsample_backward(y, **options)), strict=True):
        assert each.dtype == wanted.dtype
        assert_allclose(each, wanted, rtol=2e-3 if dtype == "f2" else 1e-5, atol=1e-4)


def test_pooling_goes_on_lazily(rng):
    x = rng.standard_normal((2, 3, 40, 37)).astype("f4")
    reads = []

    def note(block):
        reads.append(block.shape)
        return block

    lazy = da.from_array(x, chunks=(1, 3, 10, 20)).map_blocks(note, meta=np.empty((0,) * 4, "f4"))
    reads.clear()
    pooled = convt.max_pool(lazy, 3, 2, 1, indexing="tensor")
    dx = convt.max_pool_backward(pooled.y, pooled.indices, 3, 2, 1, output_size=(40, 37), indexing="tensor")
    assert reads == []
    y, indices, got = dask.compute(*pooled, dx)
    assert len(reads) == 2 * 4 * 2
    wanted = convt.max_pool(x, 3, 2, 1, indexing="tensor")
    assert_array_equal(y, wanted.y)
    assert_array_equal(indices, wanted.indices)
    assert_array_equal(got, convt.max_pool_backward(y, indices, 3, 2, 1, output_size=(40, 37), indexing="tensor"))


def test_indices_outside_of_their_windows_are_found():
    y = da.ones((1, 8), chunks=(1, 2))
    for wrong, message in (
        (15, "must lie in their windows where arrays are cut in chunks, got 15"),
        (99, r"must be positions in \(16,\), got 99"),
    ):
        indices = np.arange(0, 16, 2).reshape(1, 8)
        indices[0, 1] = wrong
        lazy = convt.dask.max_unpool(y, indices, 2, layout="NCW")
        with pytest.raises(ValueError, match=f"^indices {message}"):
            lazy.compute(scheduler="synchronous")


@pytest.mark.parametrize(
    ("indices", "error", "message"),
    [
        (np.zeros((1, 8)), TypeError, "indices must be integers, got float64"),
        (np.zeros((1, 7), int), ValueError, r"indices.shape must equal that of y, \(1, 8\), got \(1, 7\)"),
    ],
)
def test_wrong_indices_are_told_at_once(indices, error, message):
    with pytest.raises(error, match=f"^{message}"):
        convt.max_unpool(da.ones((1, 8), chunks=4), indices, 2, layout="NCW")
    with pytest.raises(error, match=f"^{message}".replace("that of y", "that of the pooled dy")):
        convt.max_unpool_backward(da.ones((1, 16), chunks=4), indices, 2, layout="NCW")
