"""max_pool, max_unpool and their backward: examples, the definition element by element, adjoints, indices, bad input."""

from itertools import product

import numpy as np
import pytest
from fakes import Recorder
from hypothesis import given
from hypothesis import strategies as st

import convt

BACKENDS = ["numpy", "cpu"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request):
    with convt.use_backend(request.param):
        yield request.param


def naive_pool(x, size, stride, before, coarse):
    """Element by element, of (N, C, *spatial): a later element must be larger, or the first NaN."""
    y = np.empty((*x.shape[:2], *coarse), x.dtype)
    indices = np.empty(y.shape, np.int64)
    for place in np.ndindex(y.shape):
        best, best_at = None, None
        for tap in product(*map(range, size)):
            at = tuple(q * s - b + t for q, s, b, t in zip(place[2:], stride, before, tap, strict=True))
            if all(0 <= a < n for a, n in zip(at, x.shape[2:], strict=True)):
                value = x[(*place[:2], *at)]
                if best is None or value > best or (np.isnan(value) and not np.isnan(best)):
                    best, best_at = value, at
        y[place] = best
        indices[place] = np.ravel_multi_index(best_at, x.shape[2:])
    return y, indices


@st.composite
def poolings(draw):
    axes = draw(st.integers(1, 3))
    most = (0, 40, 9, 5)[axes]
    size = draw(st.tuples(*[st.integers(1, (0, 6, 4, 3)[axes])] * axes))
    stride = draw(st.tuples(*[st.integers(1, 4)] * axes))
    padding = tuple((draw(st.integers(0, k - 1)), draw(st.integers(0, k - 1))) for k in size)
    spatial = tuple(draw(st.integers(max(1, k - sum(p)), most)) for k, p in zip(size, padding, strict=True))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    x = rng.choice([-np.inf, -1.0, 0.0, 0.5, 2.0, np.nan], (2, 3, *spatial), p=[0.1, 0.25, 0.25, 0.2, 0.15, 0.05])
    return x, {"size": size, "stride": stride, "padding": padding}


@given(poolings())
def test_pooling_is_the_definition(case):
    x, options = case
    for name in BACKENDS:
        for dtype in ("f4", "f8"):
            y, indices = convt.max_pool(x.astype(dtype), **options, backend=name)
            before = [pair[0] for pair in options["padding"]]
            expected = naive_pool(x, options["size"], options["stride"], before, y.shape[2:])
            np.testing.assert_array_equal(y, expected[0])
            np.testing.assert_array_equal(indices, expected[1])


@given(poolings(), st.booleans(), st.integers(0, 99))
def test_backward_functions(case, anywhere, seed):
    x, options = case
    rng = np.random.default_rng(seed)
    y, indices = convt.max_pool(x, **options)
    plane = int(np.prod(x.shape[2:]))
    if anywhere:
        indices = rng.integers(0, plane, indices.shape)
    sums, last = np.zeros((6, plane)), np.zeros((6, plane))
    values, flat = rng.standard_normal(y.shape), indices.reshape(6, -1)
    for row, column in np.ndindex(flat.shape):
        sums[row, flat[row, column]] += values.reshape(6, -1)[row, column]
        last[row, flat[row, column]] = values.reshape(6, -1)[row, column]
    dy = rng.standard_normal(x.shape)
    for name in BACKENDS:
        sized = {**options, "output_size": x.shape[2:], "backend": name}
        gathered = convt.max_pool_backward(values, indices, **sized)
        np.testing.assert_allclose(gathered, sums.reshape(x.shape), atol=1e-13)
        unpooled = convt.max_unpool(values, indices, **sized)
        np.testing.assert_array_equal(unpooled, last.reshape(x.shape))
        back = convt.max_unpool_backward(dy, indices, **options, backend=name)
        np.testing.assert_allclose(np.vdot(unpooled, dy), np.vdot(values, back), atol=1e-11)
        picked = np.take_along_axis(dy.reshape(6, -1), flat, 1)  # the derivative of pooling
        np.testing.assert_allclose(np.vdot(gathered, dy), np.vdot(values, picked), atol=1e-11)


def test_pooling_and_back():
    x = np.array([[[[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]]], float)
    y, indices = convt.max_pool(x, 2)
    np.testing.assert_array_equal(y, [[[[5, 6], [7, 8]]]])
    np.testing.assert_array_equal(indices, [[[[5, 2], [12, 15]]]])
    np.testing.assert_array_equal(convt.max_unpool(y, indices, 2), np.where(np.isin(x, [5, 6, 7, 8]), x, 0))


def test_the_last_of_equal_indices_stays_for_any_number_of_threads(monkeypatch, rng):
    y = rng.standard_normal((4, 60, 20, 20))
    indices = rng.integers(0, 1600, y.shape)
    dy = rng.standard_normal((4, 60, 40, 40))
    x = np.round(dy)
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setenv("CONVT_NUM_THREADS", str(threads))
        arrays = (
            convt.max_unpool(y, indices, 2), convt.max_pool_backward(y, indices, 2), *convt.max_pool(x, 3, 1, 1),
            convt.max_unpool_backward(dy, indices, 2),
        )  # fmt: skip
        results.append([array.tobytes() for array in arrays])
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("layout", "shape"), [("NCHW", (2, 3, 6, 1203)), ("NHWC", (2, 6, 9, 3)), ("NCDHW", (2, 3, 4, 6, 9))]
)
@pytest.mark.parametrize("size", [2, 3])
def test_an_index_in_another_window_takes_part_as_any_other(rng, layout, shape, size):
    """Where windows do not overlap, and indices lie in theirs, there is a shorter way for unpooling's gradient."""
    x = rng.standard_normal(shape)
    indices = convt.max_pool(x, size, layout=layout, backend="numpy").indices
    for moved in (False, True):
        if moved:
            indices.flat[indices.size // 2 :: 7] = indices.flat[0]
        results = [convt.max_unpool_backward(x, indices, size, layout=layout, backend=name) for name in ("numpy", "cpu")]
        np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f8"])
def test_types_are_kept(rng, dtype):
    x = rng.integers(0, 2, (3, 4, 6)).astype(dtype)
    y, indices = convt.max_pool(x, 2)
    expected = naive_pool(x[None].astype(float), (2, 2), (2, 2), (0, 0), (2, 3))
    assert y.dtype == np.dtype(dtype).newbyteorder("=")
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(y, expected[0][0])
    np.testing.assert_array_equal(indices, expected[1][0])
    unpooled = convt.max_unpool(y, indices, 2)
    assert unpooled.dtype == y.dtype
    np.testing.assert_array_equal(convt.max_unpool_backward(unpooled, indices, 2), y)
    assert convt.max_pool_backward(y, indices, 2).dtype == (y.dtype if y.dtype.kind == "f" else np.float64)


@pytest.mark.parametrize("dtype", ["?", "u2", "i4", "i8", "f2", "f4", "f8", "c8"])
def test_out_may_have_any_byte_order(dtype):
    y, indices = np.array([[5, 6], [7, 8]]).astype(dtype), [[5, 2], [12, 15]]
    out = np.empty((4, 4), np.dtype(dtype).newbyteorder())
    assert convt.max_unpool(y, indices, 2, out=out) is out
    np.testing.assert_array_equal(out, convt.max_unpool(y, indices, 2))
    with pytest.raises(TypeError, match=r"out.dtype must equal the result's"):
        convt.max_unpool(y, indices, 2, out=np.empty((4, 4), ">u4"))


def test_large_integers_are_compared_exactly():
    x = np.array([2**62, 2**62 + 1, -(2**63), 5])
    assert [array.tolist() for array in convt.max_pool(x, 2)] == [[2**62 + 1, 5], [1, 3]]


def test_complex_values_can_be_unpooled(rng):
    y = rng.standard_normal((3, 2, 2)) + 1j
    indices = np.array([[[5, 2], [12, 15]]] * 3)
    for dtype in ("c8", "c16"):
        x = convt.max_unpool(y.astype(dtype), indices, 2)
        assert x.dtype == dtype
        np.testing.assert_array_equal(convt.max_unpool_backward(x, indices, 2), y.astype(dtype))
        np.testing.assert_array_equal(convt.max_pool_backward(y.astype(dtype), indices, 2), x)
    with pytest.raises(TypeError, match=r"^x must hold real numbers, as complex ones have no order, got complex128"):
        convt.max_pool(y, 2)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "HWCN"])
@pytest.mark.parametrize("indexing", ["spatial", "tensor"])
@pytest.mark.parametrize("order", "CF")
def test_layouts_and_indexing(rng, layout, indexing, order):
    x = np.round(2 * rng.standard_normal((2, 3, 6, 7)))
    turn = tuple("NCHW".index(axis) for axis in layout)
    y, indices = convt.max_pool(x, 3, 2, 1)
    options = {"indexing": indexing, "layout": layout}
    other = convt.max_pool(x.transpose(turn).copy(order), 3, 2, 1, **options)
    shift = np.arange(6).reshape(2, 3, 1, 1) * 42 if indexing == "tensor" else 0
    np.testing.assert_array_equal(other.y, y.transpose(turn))
    np.testing.assert_array_equal(other.indices, (indices + shift).transpose(turn))
    for function in (convt.max_unpool, convt.max_pool_backward):
        expected = function(y, indices, 3, 2, 1, output_size=(6, 7)).transpose(turn)
        np.testing.assert_array_equal(function(*other, 3, 2, 1, output_size=(6, 7), **options), expected)
    expected = convt.max_unpool_backward(x, indices, 3, 2, 1).transpose(turn)
    back = convt.max_unpool_backward(x.transpose(turn), other.indices, 3, 2, 1, **options)
    np.testing.assert_array_equal(back, expected)


def test_same_padding_and_sizes():
    x = np.arange(5.0)
    assert convt.max_pool(x, 3, 2, "same").y.tolist() == [1, 3, 4]
    assert convt.max_pool(x, 2, 2, "same_lower").y.tolist() == [0, 2, 4]
    y, indices = convt.max_pool(x, 2)
    assert convt.max_unpool(y, indices, 2).shape == (4,)
    assert convt.max_unpool(y, indices, 2, output_size=5).shape == (5,)
    assert convt.max_pool(np.ones((0, 3, 4, 4)), 2).y.shape == (0, 3, 2, 2)
    assert convt.max_unpool(np.ones((0, 3, 2, 2)), np.ones((0, 3, 2, 2), int), 2).shape == (0, 3, 4, 4)


@pytest.mark.parametrize("size", [[7, 7], (7, 7), np.array([7, 7]), 7, [6, 7]])
def test_an_output_size_in_all_its_forms(rng, size):
    rows, columns = np.broadcast_to(size, 2)
    x = rng.standard_normal((2, rows, columns))
    y, indices = convt.max_pool(x, 2)
    unpooled = convt.max_unpool(y, indices, 2, output_size=size)
    np.testing.assert_array_equal(unpooled, np.where(np.isin(x, y), x, 0))
    np.testing.assert_array_equal(convt.max_pool_backward(y, indices, 2, output_size=size), unpooled)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i4", "u8", ">i8"])
def test_any_integers_are_indices(dtype):
    np.testing.assert_array_equal(convt.max_unpool([1.0, 2.0], np.array([1, 2], dtype), 2), [0, 1, 2, 0])


@pytest.mark.parametrize("wrong", [5, -1, 2**63 - 1, -(2**63), np.uint64(2**64 - 1)])
@pytest.mark.parametrize("name", ["max_unpool", "max_pool_backward"])
def test_indices_out_of_range_are_told_before_anything_is_written(name, wrong):
    out = np.full(4, 7.0)
    with pytest.raises(ValueError, match=rf"^indices must be from 0 to 3 \(positions in \(4,\)\), got {wrong}$"):
        getattr(convt, name)([1.0, 2.0], np.array([0, wrong], np.asarray(wrong).dtype), 2, out=out)
    assert (out == 7).all()


def test_indices_of_a_size_that_was_rounded_off_are_told_what_to_pass():
    x = np.zeros((5, 5))
    x[1::2, 1::2] = 1
    y, indices = convt.max_pool(x, 2)
    with pytest.raises(ValueError, match=r"got 16; where pooling rounded a size off, pass it as output_size$"):
        convt.max_unpool(y, np.maximum(indices, [[0, 0], [16, 18]]), 2)
    np.testing.assert_array_equal(convt.max_unpool(y, indices, 2, output_size=5), x)
    with pytest.raises(ValueError, match=r"got 18$"):
        convt.max_unpool_backward(x[:4, :4], np.full((2, 2), 18), 2)


def test_indices_of_another_channel_are_out_of_range():
    y, indices = np.ones((2, 1, 1)), np.array([[[3]], [[3]]])
    with pytest.raises(ValueError, match=r"^indices must be from 4 to 7 \(positions in \(2, 2\) of their image.*\), got 3$"):
        convt.max_unpool(y, indices, 2, indexing="tensor")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"indices": [0.0, 1.0]}, TypeError, "indices must be integers, got float64"),
        ({"indices": [True, False]}, TypeError, "indices must be integers, got bool"),
        ({"indices": [0]}, ValueError, r"indices.shape must equal that of y, \(2,\), got \(1,\)"),
        ({"output_size": 6}, ValueError, "output_size must be reachable, 4 to 5 on spatial axis 0, got 6"),
        ({"output_size": 3}, ValueError, "output_size must be reachable, 4 to 5 on spatial axis 0, got 3"),
        ({"size": 2.0}, TypeError, "size must be an integer or a sequence of integers, got 2.0"),
        ({"size": 0}, ValueError, "size must be at least 1, got 0"),
        (
            {"size": 2**61},
            ValueError,
            r"size and stride must make a result of fewer than 2\*\*58 elements, got \(23.* and \(23",
        ),
        ({"stride": 2**61}, ValueError, r"size and stride must make .* elements, got \(2,\) and \(2305843009213693952,\)"),
        ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        (
            {"padding": 2},
            ValueError,
            r"padding must be at least 0 and below the size of the windows \(2 on spatial axis 0\)",
        ),
        ({"padding": -1}, ValueError, "padding must be at least 0"),
        ({"padding": "full"}, ValueError, "padding must be"),
        ({"indexing": "onnx"}, ValueError, "indexing must be 'spatial' or 'tensor', got 'onnx'"),
        ({"y": np.ones((2, 0))}, ValueError, "y must have at least 1 channel"),
    ],
)
def test_bad_input(arguments, error, message):
    arguments = {"y": [1.0, 2.0], "indices": [0, 1], "size": 2, **arguments}
    with pytest.raises(error, match=f"^{message}"):
        convt.max_unpool(**arguments)


def test_windows_must_fit():
    with pytest.raises(
        ValueError, match=r"^size must fit into x: on spatial axis 1 the window has 3 elements, got 2 \(x's 2"
    ):
        convt.max_pool(np.ones((4, 2)), 3)


def test_a_backend_without_pooling_leaves_it_to_numpy(install):
    install(plain=Recorder("plain"))
    assert convt.max_pool([1.0, 2.0], 2, backend="plain").y.tolist() == [2]
