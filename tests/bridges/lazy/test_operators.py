"""The operators and their gradients for dask arrays, against the whole."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import cuts, operator_calls

import convt

pytest.importorskip("dask.array")

import dask.array as da
from fakes import Recorder
from lazy import computed, cut, integers

import convt.dask
from convt.core.layout import LAYOUTS
from convt.core.slabs import Axis
from convt.dask.chunking import carried, merged
from convt.testing import make_problem, naive
from convt.testing.bounds import bound, judge

SEEDS = st.integers(0, 2**32)


@settings(max_examples=120)
@given(st.data(), operator_calls(), SEEDS)
def test_any_call_in_any_chunks(data, call, seed):
    op, x_shape, w_shape, options, y_shape = call
    rng = np.random.default_rng(seed)
    x, w = integers(rng, x_shape), integers(rng, w_shape)
    channels = LAYOUTS[options["layout"]].letters(len(y_shape)).index("C")
    bias = data.draw(st.sampled_from([None, integers(rng, y_shape[channels : channels + 1])]))
    lazy = cut(data.draw, x)
    chunks = data.draw(st.none() | cuts(y_shape, channels))
    y = getattr(convt.dask, op)(lazy, w, bias, chunks=chunks, backend="numpy", **options)
    assert_array_equal(computed(y)[0], getattr(convt, op)(x, w, bias, backend="numpy", **options))


@settings(max_examples=80)
@given(st.data(), operator_calls(), SEEDS)
def test_gradients_of_any_call_in_any_chunks(data, call, seed):
    op, x_shape, w_shape, options, y_shape = call
    rng = np.random.default_rng(seed)
    channels = LAYOUTS[options["layout"]].letters(len(y_shape)).index("C")
    x, w, dy, bias = (integers(rng, shape) for shape in (x_shape, w_shape, y_shape, y_shape[channels : channels + 1]))
    backward = getattr(convt, f"{op}_backward")
    lazy = backward(cut(data.draw, x), w, bias, cut(data.draw, dy), backend="numpy", **options)
    for got, wanted in zip(computed(*lazy), backward(x, w, bias, dy, backend="numpy", **options), strict=True):
        assert_array_equal(got, wanted)


@settings(max_examples=60)
@given(st.data(), operator_calls(), SEEDS)
def test_second_derivatives_of_any_call_in_any_chunks(data, call, seed):
    op, x_shape, w_shape, options, y_shape = call
    rng = np.random.default_rng(seed)
    channels = LAYOUTS[options["layout"]].letters(len(y_shape)).index("C")
    shapes = x_shape, w_shape, y_shape[channels : channels + 1], y_shape
    x, w, bias, dy = (integers(rng, shape) for shape in shapes)
    seconds = [data.draw(st.sampled_from([None, integers(rng, shape)])) for shape in shapes[:3]]
    options["needs"] = data.draw(st.sets(st.sampled_from(["x", "w", "dy"])))
    event(f"given: {[each is not None for each in seconds]}")
    double_backward = getattr(convt, f"{op}_double_backward")
    lazy_seconds = [None if seconds[0] is None else cut(data.draw, seconds[0]), *seconds[1:]]
    lazy = double_backward(cut(data.draw, x), w, bias, cut(data.draw, dy), *lazy_seconds, backend="numpy", **options)
    assert type(lazy) is convt.DoubleGradients
    wanted = double_backward(x, w, bias, dy, *seconds, backend="numpy", **options)
    for got, gradient in zip(computed(*lazy), wanted, strict=True):
        assert_array_equal(got, gradient)


@pytest.mark.parametrize("op", ["conv_transpose", "conv"])
@pytest.mark.parametrize("dtypes", ["i2 f4 f8", "f2 f2 f2", "f4 f4 f4", "c8 f4 f4", "f4 c8 f8", "? f8 i1"])
def test_dtypes_are_those_of_the_whole(rng, op, dtypes):
    x, w, bias = (
        integers(rng, shape).astype(dtype)
        for shape, dtype in zip([(2, 4, 9, 8), (4, 4, 3, 3), (4,)], dtypes.split(), strict=True)
    )
    if w.dtype.kind == "c":
        w = w + 1j * w[::-1]
    lazy = da.from_array(x, chunks=(1, 3, 4, 3))
    options = {"padding": 1, "backend": "numpy"}
    wanted = getattr(convt, op)(x, w, bias, **options)
    (got,) = computed(getattr(convt, op)(lazy, w, bias, **options))
    assert got.dtype == wanted.dtype
    assert_array_equal(got, wanted)
    backward, dy = getattr(convt, f"{op}_backward"), integers(rng, wanted.shape).astype("f4")
    lazy_dy = da.from_array(dy, chunks=5)
    got = computed(*backward(lazy, w, bias, lazy_dy, **options))
    for each, gradient in zip(got, backward(x, w, bias, dy, **options), strict=True):
        assert each.dtype == gradient.dtype
        np.testing.assert_allclose(each, gradient, rtol=2e-3 if each.dtype == "f2" else 0)
    double_backward = getattr(convt, f"{op}_double_backward")
    got = computed(*double_backward(lazy, w, bias, lazy_dy, lazy, w, bias, **options))
    for each, gradient in zip(got, double_backward(x, w, bias, dy, x, w, bias, **options), strict=True):
        assert each.dtype == gradient.dtype
        np.testing.assert_allclose(each, gradient, rtol=2e-3 if each.dtype == "f2" else 0, atol=each.dtype == "f2")


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_results_are_as_accurate_as_the_whole(rng, dtype):
    """By the engines that the cpu backend chooses for chunks, whose sums may have another order."""
    x, w, dy = (rng.standard_normal(shape).astype(dtype) for shape in ((2, 16, 30, 29), (16, 16, 3, 3), (2, 16, 59, 57)))
    x[0, 0, 15, 15] = 1e12
    options = {"stride": 2, "padding": 1}
    problem = make_problem((30, 29), 3, stride=2, crop=(1, 1), channels=(16, 16), batch=2, dtype=dtype)
    assert problem.fine_array_shape == dy.shape
    lazy, lazy_dy = da.from_array(x, chunks=(1, 16, 13, 9)), da.from_array(dy, chunks=(1, 8, 20, 30))
    dx, dw, _ = convt.conv_transpose_backward(lazy, w, None, lazy_dy, **options)
    results = computed(convt.conv_transpose(lazy, w, **options), dx, dw)
    for operation, got, operands in zip(
        ("scatter", "gather", "correlate"), results, ((x, w), (dy, w), (dy, x)), strict=True
    ):
        exact = naive.apply(operation, problem, *(each.astype("f8") for each in operands))
        verdict = judge(got, exact, bound(operation, problem, *operands))
        assert not verdict.wrong, verdict.words


def test_a_network_of_lazy_layers_is_computed_once(rng):
    x, w = integers(rng, (1, 2, 24, 24)), integers(rng, (2, 2, 4, 4))
    options = {"stride": 2, "padding": 1, "backend": "numpy"}
    lazy = da.from_array(x, chunks=(1, 2, 8, 8))
    y = convt.conv(convt.conv_transpose(lazy, w, **options) + 1, w, **options)
    assert y.chunks == lazy.chunks
    assert_array_equal(computed(y)[0], convt.conv(convt.conv_transpose(x, w, **options) + 1, w, **options))


def test_filters_that_are_dask_arrays(rng):
    x, w, bias = integers(rng, (2, 9)), integers(rng, (2, 3, 4)), integers(rng, (3,))
    lazy, filters, offset = da.from_array(x, chunks=(1, 4)), da.from_array(w), da.from_array(bias)
    y = convt.conv_transpose(lazy, filters * 2, offset, stride=3, backend="numpy")
    assert_array_equal(computed(y)[0], convt.conv_transpose(x, w * 2, bias, stride=3, backend="numpy"))


def test_filters_that_are_constant_are_prepared_once(rng):
    x, w = rng.standard_normal((16, 2000)).astype("f4"), convt.Filters(rng.standard_normal((16, 16, 3)).astype("f4"))
    lazy = da.from_array(x, chunks=(16, 500))
    got = convt.conv(lazy, w, padding=1).compute(scheduler="threads")
    np.testing.assert_allclose(got, convt.conv(x, w.array, padding=1), rtol=1e-4, atol=1e-4)
    assert w.nbytes > w.array.nbytes
    for gradient in convt.conv_backward(lazy, w, None, lazy, padding=1, backend="numpy")[:2]:
        assert type(computed(gradient)[0]) is np.ndarray


def test_filters_are_copied_when_the_call_is_made(rng):
    x, w = integers(rng, (2, 9)), integers(rng, (2, 3, 4))
    wanted = convt.conv_transpose(x, w, backend="numpy")
    y = convt.conv_transpose(da.from_array(x, chunks=(1, 4)), w, backend="numpy")
    w[...] = 0
    assert_array_equal(computed(y)[0], wanted)


def test_the_backend_is_the_one_asked_for_when_the_call_is_made(install):
    recorder = Recorder()
    install(recorder=recorder)
    with convt.use_backend("recorder"):
        y = convt.conv(da.ones((1, 1, 12), chunks=(1, 1, 4)), np.ones((1, 1, 3)))
    assert recorder.calls == []
    y.compute(scheduler="threads")
    assert sorted(problem.fine_shape for problem in recorder.problems) == [(6,), (8,)]


def test_only_what_is_needed_is_computed_and_graphs_are_alike():
    x, w = da.ones((1, 3, 60), chunks=(1, 3, 20)), np.ones((3, 2, 3))
    dy = da.ones((1, 2, 62), chunks=(1, 2, 31))
    gradients = convt.conv_transpose_backward(x, w, None, dy, needs=["w"])
    assert (gradients.x, gradients.bias) == (None, None)
    assert gradients.w.numblocks == (1, 1, 1)
    again = convt.conv_transpose_backward(x, w, None, dy, needs=["w"])
    assert again.w.name == gradients.w.name
    assert convt.conv_transpose(x, w).name.startswith("convt-conv_transpose-")
    assert convt.conv_transpose(x, w).name == convt.conv_transpose(x, w).name != convt.conv_transpose(x, w + 1).name


# Chunks.


def test_chunks_of_x_are_kept():
    x = da.ones((4, 3, 600, 500), chunks=((1, 3), (2, 1), (200, 250, 150), 100), dtype="f4")
    y = convt.conv_transpose(x, np.ones((3, 2, 4, 4), "f4"), stride=2, padding=1)
    assert y.chunks == ((1, 3), (2,), (400, 500, 300), (200,) * 5)
    y = convt.conv(x, np.ones((2, 3, 4, 4), "f4"), stride=2, padding=1)
    assert y.chunks == ((1, 3), (2,), (100, 125, 75), (50,) * 5)
    assert convt.dask.conv(x, np.ones((2, 3, 4, 4), "f4"), padding="same", chunks=(2, 2, 300, 500)).chunksize == (
        2,
        2,
        300,
        500,
    )


@pytest.mark.parametrize(
    ("sizes", "halo", "wanted"),
    [
        ((5, 5, 5), 4, (5, 5, 5)),
        ((5, 5, 5), 5, (15,)),
        ((5, 5, 4), 4, (5, 9)),
        ((1,) * 12, 3, (4, 4, 4)),
        ((1,) * 13, 3, (4, 4, 5)),
        ((2, 2), 9, (4,)),
        ((9, 0, 9), 0, (9, 9)),
        ((0,), 2, (0,)),
    ],
)
def test_small_chunks_are_merged_with_their_neighbours(sizes, halo, wanted):
    assert merged(sizes, halo) == wanted


def test_chunks_smaller_than_the_halo_are_merged_but_not_to_the_whole():
    x = da.ones((1, 1, 1000), chunks=(1, 1, 10))
    assert convt.conv(x, np.ones((1, 1, 31)), padding="same").chunks[2] == (40,) * 25
    assert convt.conv_transpose(x, np.ones((1, 1, 31)), padding="same").chunks[2] == (40,) * 25


@pytest.mark.parametrize("scatters", [True, False])
def test_what_chunks_leave_over_is_cut_alike(scatters):
    axis = Axis(fine=10_000, coarse=10_000, reach=4, stride=1, before=-9_000)
    assert carried((300, 300, 400), axis, scatters=scatters) == (300, 300, *(400,) * 23, 200)


def test_a_slab_reads_what_its_block_needs(rng):
    """One chunk of 100 depends on the element before it and the one behind it."""
    read = []

    def note(block, block_id=None):
        read.append(block_id[2])
        return block

    x = da.ones((1, 1, 1000), chunks=(1, 1, 100)).map_blocks(note, dtype="f8", meta=np.empty((0, 0, 0)))
    y = convt.conv(x, np.ones((1, 1, 3)), padding=1)
    y.blocks[0, 0, 4].compute(scheduler="synchronous")
    assert sorted(read) == [3, 4, 5]
    read.clear()
    y.compute(scheduler="synchronous")
    assert sorted(read) == list(range(10))


def test_output_that_is_padding_alone_is_bias():
    x, w = da.ones((1, 1, 20), chunks=(1, 1, 10)), np.ones((1, 1, 1))
    y = convt.conv_transpose(x, w, [3.0], padding=[(-40, -30)])
    assert y.chunks[2] == (10,) * 9
    assert y.compute(scheduler="synchronous").tolist() == [[[3.0] * 40 + [4.0] * 20 + [3.0] * 30]]
    y = convt.conv_transpose(x, w, [3.0], padding=[(-40, 25)])
    assert y.compute(scheduler="synchronous").tolist() == [[[3.0] * 35]]


def test_terms_of_a_gradient_are_rounded_once():
    """Five terms of 2049, which float16 does not have: in all 10245, next to 10248."""
    x = da.ones((1, 1, 5 * 2049), chunks=2049, dtype="f2")
    gradients = convt.conv_backward(x, np.ones((1, 1, 1), "f2"), None, x, needs=["w"])
    assert computed(gradients.w)[0].tolist() == [[[10248.0]]]
