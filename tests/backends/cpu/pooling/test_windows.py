"""pooling/_windows.pyx: windows, planes and rows of any size, with bounded scratch memory."""

from functools import lru_cache
from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from scratch import MEGABYTE, bytes_asked, most_scratch

import convt
from convt_cpu.isa import available
from convt_cpu.pooling._windows import Windows, run

NAMES = ["pool", "pool_backward", "unpool", "unpool_backward"]
THREADS = [1, 2, 3, 7, 8, 9, 12, 13, 40, 1024]
SIZES = st.sampled_from([1, 2, 3, 7, 64, 1000, 2**16, 2**20, 2**24])


@st.composite
def vast_windows(draw):
    fine, size, stride = (tuple(draw(SIZES) for _ in range(3)) for _ in range(3))
    before, after = (tuple(draw(st.integers(0, each - 1)) for each in size) for _ in range(2))
    spans = [sum(each) for each in zip(fine, before, after, strict=True)]
    coarse = tuple((n - k) // s + 1 for n, k, s in zip(spans, size, stride, strict=True))
    outer, inner = draw(SIZES), draw(SIZES)
    assume(min(coarse) > 0 and max(prod(fine), prod(coarse), prod(size)) * outer * inner < 2**60)
    isa, itemsize = draw(st.sampled_from(available())), draw(st.sampled_from([4, 8]))
    by_tiles = draw(st.sampled_from([None, True, False]))
    return Windows(fine, coarse, size, stride, before, outer, inner, isa, itemsize, by_tiles)


def scratch_of(windows, name, threads):
    """Bytes that a call asks for, which does not look at its arrays before."""
    array = np.empty(0)
    return bytes_asked(lambda: run(windows, name, array, array, array, threads))


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50, suppress_health_check=[HealthCheck.filter_too_much])  # of vast ones, few are no error
@given(windows=vast_windows(), threads=st.sampled_from(THREADS))
def test_scratch_memory_is_bounded_whatever_the_sizes_and_the_number_of_threads(name, windows, threads):
    assert scratch_of(windows, name, threads) <= most_scratch(threads)


def by_slices(x, size, stride, padding):
    """Maxima of an image and their places, each window by itself; of equals the first one, and the first NaN."""
    values, places = [], []
    for y in range((x.shape[0] + 2 * padding[0] - size[0]) // stride[0] + 1):
        for column in range((x.shape[1] + 2 * padding[1] - size[1]) // stride[1] + 1):
            top, left = (each * step - before for each, step, before in zip((y, column), stride, padding, strict=True))
            window = x[max(0, top) : top + size[0], max(0, left) : left + size[1]]
            row, at = np.unravel_index(window.argmax(), window.shape)
            values.append(window[row, at])
            places.append((max(0, top) + row) * x.shape[1] + max(0, left) + at)
    return np.array(values), np.array(places)


def windows_over(fine, size, stride=1, inner=1, outer=1, itemsize=4, by_tiles=None):
    """Windows of an image without padding, or of a signal: sizes of one or two axes."""
    fine, size = ((1,) * (3 - len(each)) + each for each in (fine, size))
    stride = tuple(min(stride, each) for each in size)
    coarse = tuple((n - k) // s + 1 for n, k, s in zip(fine, size, stride, strict=True))
    return Windows(fine, coarse, size, stride, (0, 0, 0), outer, inner, available()[0], itemsize, by_tiles)


def test_a_window_costs_what_its_elements_cost():
    for fine, size in (((4_000_000,), (4_000_000,)), ((2000, 2000), (2000, 2000)), ((4_000_000, 1), (4_000_000, 1))):
        windows = windows_over(fine, size)
        assert windows.by_tiles
        assert windows.cost < 4_000_000 / 4  # vectors of several elements are compared at once
        assert scratch_of(windows, "pool", 1) < MEGABYTE


@pytest.mark.parametrize(("axes", "inner"), [(1, 1), (2, 1), (1, 64)])
def test_running_maxima_cost_the_same_whatever_the_size_of_the_windows(axes, inner):
    costs = []
    for size in (200, 400, 800, 1600):
        windows = windows_over((size + 3000,) * axes, (size,) * axes, inner=inner)
        assert windows.by_tiles
        costs.append(windows.cost / ((size + 3000) ** axes * inner))  # of an element
    assert max(costs) < 3 * min(costs)


@pytest.mark.parametrize(("shape", "size"), [((4600,), 1600), ((4600, 4600), 1600), ((300, 300, 300), 100)])
@pytest.mark.parametrize("inner", [1, 64])
def test_running_maxima_cost_a_small_part_of_windows_by_themselves(shape, size, inner):
    tiles, rows = (windows_over(shape, (size,) * len(shape), inner=inner, by_tiles=each) for each in (None, False))
    assert tiles.by_tiles
    assert tiles.cost < rows.cost / 4 ** len(shape)


def test_windows_that_share_little_are_done_row_by_row():
    for size, stride in ((2, 2), (3, 2), (3, 1), (5, 1)):
        for inner in (1, 64):
            assert not windows_over((224, 224), (size, size), stride, inner, 64).by_tiles


def test_windows_of_whole_rows_are_windows_of_fewer_axes():
    assert windows_over((5000, 1), (9, 1), 3).cost == windows_over((5000,), (9,), 3).cost
    assert windows_over((500, 7), (9, 7), 7).pool_tasks == windows_over((3500,), (63,), 49).pool_tasks


def first_of_the_largest(x, size, stride, padding):
    """Maxima of images (N, C, *spatial) and their places, each window by itself."""
    shape = [(n + 2 * p - k) // s + 1 for n, k, s, p in zip(x.shape[2:], size, stride, padding, strict=True)]
    values, places = np.empty((*x.shape[:2], *shape), x.dtype), np.empty((*x.shape[:2], *shape), int)
    numbers = np.arange(prod(x.shape[2:])).reshape(x.shape[2:])
    for q in np.ndindex(*shape):
        starts = [each * s - p for each, s, p in zip(q, stride, padding, strict=True)]
        window = tuple(slice(max(0, start), start + k) for start, k in zip(starts, size, strict=True))
        some = x[(..., *window)].reshape(*x.shape[:2], -1)
        at = some.argmax(-1)  # the first of equals, and the first NaN
        values[(..., *q)] = np.take_along_axis(some, at[..., None], -1)[..., 0]
        places[(..., *q)] = numbers[window].ravel()[at]
    return values, places


KINDS = {
    "distinct": lambda x: np.argsort(x.ravel()).reshape(x.shape),
    "rising": lambda x: np.arange(x.size).reshape(x.shape),
    "falling": lambda x: -np.arange(x.size).reshape(x.shape),
    "equal": lambda x: np.round(x),
    "one number": lambda x: np.where(x == x.max(), 0, -np.inf),
    "-infinity": lambda x: np.full(x.shape, -np.inf),
    "some NaN": lambda x: np.where(x > 2, np.nan, x),
    "NaN": lambda x: np.full(x.shape, np.nan),
    "both zeros": lambda x: np.where(x > 0, 0.0, -0.0),
}
TILED = [
    ((700,), (700,), (1,), (0,)),
    ((3000,), (2500,), (7,), (1000,)),
    ((300,), (40,), (1,), (39,)),
    ((41, 37), (20, 30), (1, 2), (10, 3)),
    ((30, 20), (3, 20), (2, 1), (1, 0)),
    ((25, 9), (25, 9), (1, 1), (12, 8)),
    ((9, 8, 11), (5, 4, 9), (1, 1, 1), (2, 0, 4)),
    ((20, 3, 2), (15, 3, 2), (3, 1, 1), (0, 0, 0)),
]
LONG = 150_000  # elements of an image, which few channels do as well


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    ("inner", "shape", "size", "stride", "padding"),
    [(inner, *sizes) for inner in (1, 3, 70) for sizes in TILED if inner * prod(sizes[0]) < LONG],
)
def test_tiles_and_rows_are_the_definition(isa, dtype, inner, shape, size, stride, padding):
    rng = np.random.default_rng(0)
    fine, window, step, before = ((0 if each is padding else 1,) * (3 - len(shape)) + each
                                  for each in (shape, size, stride, padding))  # fmt: skip
    for kind in KINDS.values():
        x = kind(rng.standard_normal((2, inner, *shape))).astype(dtype)
        values, places = first_of_the_largest(x, size, stride, padding)
        coarse = (1,) * (3 - len(shape)) + values.shape[2:]
        array = np.ascontiguousarray(np.moveaxis(x, 1, -1))
        for by_tiles in (True, False):
            windows = Windows(fine, coarse, window, step, before, 2, inner, isa, array.itemsize, by_tiles)
            assert windows.by_tiles == by_tiles
            for threads in (1, 3):
                y, at = np.empty((2, *values.shape[2:], inner), dtype), np.empty((2, *values.shape[2:], inner), np.int64)
                run(windows, "pool", array, y, at, threads)
                np.testing.assert_array_equal(np.moveaxis(at, -1, 1), places)
                assert np.moveaxis(y, -1, 1).tobytes() == values.tobytes()


IMAGE, WINDOW = (1, 41, 37), (1, 20, 30)
COARSE = (1, 22, 8)
PLANE, REACH = 41 * 37, (1 * 41 + 20) * 37 + 30  # places of the image, and of a window as rows count them


@pytest.mark.parametrize(
    ("places", "by_tiles", "wide"),
    [(REACH + 1, True, False), (REACH, True, True), (PLANE + 1, True, True), (PLANE, False, True), (1, False, True)],
)
@pytest.mark.parametrize("inner", [1, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_more_places_than_an_integer_tells_apart_are_found_one_by_one(dtype, inner, places, by_tiles, wide):
    x = np.random.default_rng(0).standard_normal((2, inner, *IMAGE[1:])).astype(dtype)
    values, right = first_of_the_largest(x, WINDOW[1:], (1, 1), (0, 0))
    array = np.ascontiguousarray(np.moveaxis(x, 1, -1))
    for asked in (True, False):
        windows = Windows(
            IMAGE, COARSE, WINDOW, (1, 1, 1), (0, 0, 0), 2, inner, available()[0], x.itemsize, asked, places=places
        )
        assert (windows.by_tiles, windows.wide) == (asked and by_tiles, wide)
        y, at = np.empty((2, *COARSE[1:], inner), dtype), np.empty((2, *COARSE[1:], inner), np.int64)
        run(windows, "pool", array, y, at, 2)
        np.testing.assert_array_equal(np.moveaxis(y, -1, 1), values)
        np.testing.assert_array_equal(np.moveaxis(at, -1, 1), right)


@pytest.mark.parametrize(("size", "itemsize", "fits"), [(2**31 - 1, 4, True), (2**31, 4, False), (2**31, 8, True)])
def test_float32_goes_by_tiles_up_to_what_32_bits_tell_apart(size, itemsize, fits):
    windows = windows_over((size,), (size,), itemsize=itemsize)
    assert windows.by_tiles == fits


@pytest.mark.parametrize(("rows", "wide"), [(2**20, False), (2**20 + 1, True)])
def test_float32_goes_window_by_window_from_there_on(rows, wide):
    def image(itemsize):
        fine, coarse, size = (1, rows, 2**10), (1, 3, 2), (1, rows - 2, 2**10 - 1)
        return Windows(fine, coarse, size, (1, 1, 1), (0, 0, 0), 1, 1, available()[0], itemsize, by_tiles=False)

    assert image(4).wide == wide
    assert not image(8).wide


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_one_window_of_all_elements(monkeypatch, isa, dtype):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    x = np.random.default_rng(0).integers(0, 1000, 100_003).astype(dtype)
    for at in (0, 1, 63, 64, 2047, 2048, 50_000, 100_002):
        for value in (1000, np.inf, np.nan):
            some = x.copy()
            some[at:] = np.where(np.arange(len(x) - at) % 50_000 == 0, value, some[at:])
            y, place = convt.max_pool(some, (some.size,), backend="cpu")
            assert place.item() == at
            np.testing.assert_array_equal(y, [value])


@lru_cache(maxsize=1)
def images(shape, dtype, size, stride, padding):
    """Images, and the maxima of their windows with their places."""
    numbers = np.random.default_rng(0).integers(-50, 50, shape)  # many that are equal: the first one counts
    numbers[..., ::10_001] = 99
    x = numbers.astype(dtype)
    some = x, np.full_like(x, -np.inf), np.where(numbers == 99, np.nan, x)
    return [(array, *by_slices(array, size, stride, padding)) for array in some]


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    ("shape", "size", "stride", "padding"),
    [
        ((2, 70_000), (2, 70_000), (2, 2**20), (0, 0)),
        ((3, 70_000), (3, 3001), (1, 1500), (1, 1500)),
        ((1, 200_000), (1, 40_000), (1, 40_000), (0, 20_000)),
        ((1, 200_000), (1, 2001), (1, 150), (0, 1000)),
        ((1, 140_000), (1, 66_000), (1, 30_000), (0, 0)),
        ((2, 70_000), (1, 66_000), (1, 100), (0, 33_000)),
    ],
)
def test_windows_that_are_done_by_some_taps_after_the_other(monkeypatch, isa, dtype, shape, size, stride, padding):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    for array, values, places in images(shape, dtype, size, stride, padding):
        got = convt.max_pool(array[None, None], size, stride, padding, backend="cpu")
        np.testing.assert_array_equal(got[0].ravel(), values)
        np.testing.assert_array_equal(got[1].ravel(), places)


@pytest.mark.parametrize("inner", [1, 3])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_planes_whose_winners_are_remembered_by_segments(dtype, inner):
    rng = np.random.default_rng(0)
    fine = rng.standard_normal((2, 900, 800, inner)).astype(dtype)
    indices = rng.integers(0, 900 * 800, (2, 300, 400, inner))
    right = convt.max_unpool_backward(np.moveaxis(fine, -1, 1), np.moveaxis(indices, -1, 1), (3, 2), backend="numpy")
    assert (right == 0).any()
    windows = Windows((1, 900, 800), (1, 300, 400), (1, 3, 2), (1, 3, 2), (0, 0, 0), 2, inner, available()[0], fine.itemsize)
    scratch = set()
    for threads in (1, 40):
        coarse = np.empty(indices.shape, dtype)
        assert run(windows, "unpool_backward", fine, indices, coarse, threads)
        np.testing.assert_array_equal(np.moveaxis(coarse, -1, 1), right)
        scratch.add(scratch_of(windows, "unpool_backward", threads) / threads)
    assert len(scratch) == 2
    indices.flat[-1] = 900 * 800
    assert not run(windows, "unpool_backward", fine, indices, coarse, 40)


def test_strides_and_windows_beyond_all_arrays():
    x = np.arange(16, dtype="f4").reshape(1, 1, 2, 2, 4)
    for stride in ((2**32, 2**32, 1), (2**61, 2**61, 2**61)):
        y, indices = convt.max_pool(x, (2, 2, 4), stride, backend="cpu")
        assert (y.item(), indices.item()) == (15, 15)
    for dtype in ("f4", "f8"):
        x = np.zeros((1, 1, 1, 4096), dtype)
        x[..., 5] = 1
        y, indices = convt.max_pool(x, (2**20, 4096), 1, ((2**20 - 1, 0), (0, 0)), backend="cpu")  # of 2**32 elements
        assert (y.item(), indices.item()) == (1, 5)
    x = np.ones((1, 1, 1, 1, 2), "f4")
    for size, before in (((2**37, 2**20, 2), (2**37 - 1, 2**20 - 1, 0)), ((2**29, 2**29, 1), (0, 0, 0))):
        padding = [(each, size[axis] - 1 - each) for axis, each in enumerate(before)]
        y, indices = convt.max_pool(x, size, 2**40, padding, backend="cpu")
        assert (y.ravel()[0], indices.ravel()[0]) == (1, 0)
