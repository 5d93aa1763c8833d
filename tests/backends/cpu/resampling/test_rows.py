"""resampling/_rows.pyx: rows of any size in blocks, with bounded tables and scratch memory, and the same result."""

from functools import lru_cache, partial
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scratch import MEGABYTE, bytes_asked, most_scratch

import convt
from convt_cpu import resampling
from convt_cpu._memory import fail_after
from convt_cpu.isa import available
from convt_cpu.resampling._rows import Rows, run

MODES = [("nearest", False), ("bilinear", False), ("bilinear", True), ("bed_of_nails", False)]
SIZES = st.sampled_from([1, 2, 3, 7, 64, 1000, 2**15, 2**15 + 1, 2**20, 2**24, 2**33])


@st.composite
def vast_maps(draw):
    size, scale = (tuple(draw(SIZES) for _ in range(3)) for _ in range(2))
    mode, outer, inner = draw(st.sampled_from(MODES)), draw(SIZES), draw(SIZES)
    assume(prod(size) * prod(scale) * outer * inner < 2**60)
    isa, itemsize = draw(st.sampled_from(available())), draw(st.sampled_from([4, 8]))
    return (size, scale, *mode, draw(st.booleans()), outer, inner, isa, itemsize)


@settings(max_examples=200)
@given(vast=vast_maps(), threads=st.sampled_from([1, 8, 9, 1024]))
def test_scratch_memory_and_tables_are_bounded_whatever_the_sizes_and_the_number_of_threads(vast, threads):
    rows, array = Rows(*vast), np.empty(0)
    assert rows.nbytes <= 8 * MEGABYTE
    assert bytes_asked(lambda: run(rows, array, array, threads)) <= most_scratch(threads)


def rows_of(size, scale, mode="bilinear", align_corners=False, backward=False, inner=1, itemsize=4):
    return Rows((1, 1, size), (1, 1, scale), mode, align_corners, backward, 1, inner, available()[0], itemsize)


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("inner", [1, 3, 64])
@pytest.mark.parametrize("mode", ["nearest", "bilinear"])
def test_blocks_that_lie_alike_share_their_tables(mode, inner, backward):
    some, many = (rows_of(size, 2, mode, False, backward, inner) for size in (20_000, 2_000_000))
    assert some.tables == many.tables == 3 < some.blocks < many.blocks
    assert many.nbytes <= some.nbytes + MEGABYTE // 4  # the last block's may be longer
    assert many.nbytes < MEGABYTE


@pytest.mark.parametrize("backward", [False, True])
def test_blocks_of_which_no_two_lie_alike_keep_all_tables_or_none(backward):
    few, many = (rows_of(size, 2, "bilinear", True, backward) for size in (20_000, 20_000_000))
    assert few.tables == few.blocks > 3
    assert many.tables == many.nbytes == 0


@pytest.mark.parametrize(("mode", "align_corners"), [("nearest", False), ("bilinear", False), ("bilinear", True)])
@pytest.mark.parametrize("backward", [False, True])
def test_vast_factors_need_no_tables_that_are_kept(mode, align_corners, backward):
    rows = rows_of(1, 10**7, mode, align_corners, backward)
    assert rows.nbytes == 0
    assert rows.scratch < MEGABYTE
    assert rows.tasks == (1 if backward else rows.blocks)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bed_of_nails"])
def test_one_long_row_is_work_for_many_threads(mode):
    assert rows_of(10**6, 4, mode).tasks >= 64
    assert rows_of(10**6, 4, mode, backward=True).tasks >= 64
    tall = Rows((1, 1, 1), (1, 10**4, 10**4), mode, False, False, 1, 1, available()[0], 4)
    assert tall.tasks >= 64


@pytest.mark.parametrize("backward", [False, True])
def test_axes_of_one_element_are_none(backward):
    flat, tall = (Rows(size, scale, "bilinear", False, backward, 1, 1, available()[0], 4)
                  for size, scale in (((1, 1, 5000), (1, 1, 2)), ((1, 5000, 1), (1, 2, 1))))  # fmt: skip
    assert (tall.tasks, tall.nbytes, tall.blocks) == (flat.tasks, flat.nbytes, flat.blocks)


LAYOUTS = {"NCHW": (0, 1, 2, 3, 4), "NHWC": (0, 4, 1, 2, 3), "HWCN": (4, 3, 0, 1, 2), "CHWN": (4, 0, 1, 2, 3)}


def laid_out(array, layout):
    """The same array (N, C, z, y, x), in this order in memory."""
    order = LAYOUTS[layout]
    return np.ascontiguousarray(array.transpose(np.argsort(order))).transpose(order)


@pytest.fixture(params=[(5, 1 << 13), (48, 16), (1, 1 << 13)])
def small_blocks(request, monkeypatch):
    block, width = request.param
    monkeypatch.setattr(resampling, "_rows", partial(Rows, block=block, width=width))


@lru_cache(maxsize=4)
def maps(mode, align_corners):
    """Functions, arrays and scales, with the results that are right."""
    rng = np.random.default_rng(0)
    options = {"mode": mode, "align_corners": align_corners} if mode == "bilinear" else {"mode": mode}
    cases = []
    for size, scale in (
        ((1, 1, 9), (1, 1, 20)),
        ((2, 5, 3), (7, 1, 2)),
        ((3, 1, 2), (1, 53, 4)),
        ((4, 3, 2), (2, 3, 1)),
        ((1, 2, 40), (1, 1, 2)),
    ):
        for dtype in ("f4", "f8"):
            x = rng.standard_normal((3, 13, *size)).astype(dtype)
            dy = rng.standard_normal((3, 13, *(n * k for n, k in zip(size, scale, strict=True)))).astype(dtype)
            x[0, 0, 0, 0, 0] = dy[1, 2, 0, 0, 0] = np.inf  # reaches what it has a part of, and nothing else
            for function, array in ((convt.upsample, x), (convt.upsample_backward, dy)):
                right = function(array.astype("f8"), scale, backend="numpy", **options)
                cases.append((partial(function, scale=scale, backend="cpu", **options), array, right))
    return cases


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("mode", "align_corners"), MODES)
def test_parts_make_up_the_definition(monkeypatch, isa, layout, mode, align_corners):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    for function, array, right in maps(mode, align_corners):
        got = function(laid_out(array, layout))
        np.testing.assert_allclose(got, right, rtol=0, atol=1e-4 if array.dtype == "f4" else 1e-12)


@pytest.mark.parametrize("inner", [1, 3, 20_000])
@pytest.mark.parametrize(("mode", "align_corners"), MODES)
def test_factors_and_channels_beyond_a_block(mode, align_corners, inner):
    options = {"mode": mode, "align_corners": align_corners} if mode == "bilinear" else {"mode": mode}
    size, scale = ((2, 2), (1, 3)) if inner > 3 else ((1, 3), (2, 70_001))
    x = np.moveaxis(np.random.default_rng(0).standard_normal((1, *size, inner)), -1, 1)
    y = convt.upsample(x, scale, backend="cpu", **options)
    np.testing.assert_allclose(y, convt.upsample(x, scale, backend="numpy", **options), rtol=0, atol=1e-12)
    got, right = (convt.upsample_backward(y, scale, backend=name, **options) for name in ("cpu", "numpy"))
    np.testing.assert_allclose(got, right, rtol=1e-10, atol=1e-12)  # sums of 140 002 terms


SIZES_BEYOND_A_BLOCK = [(40_000, 2), (9000, 5), (3, 20_000), (2, 30_001), (1, 50_000)]


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("size", "scale"), SIZES_BEYOND_A_BLOCK)
@pytest.mark.parametrize(("mode", "align_corners"), MODES)
def test_long_rows(monkeypatch, isa, dtype, size, scale, mode, align_corners):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    options = {"mode": mode, "align_corners": align_corners} if mode == "bilinear" else {"mode": mode}
    x = np.random.default_rng(0).standard_normal((2, size)).astype(dtype)
    x[0, size // 2] = np.nan
    y = convt.upsample(x, (scale,), backend="cpu", **options)
    exact = 1e-5 if dtype == "f4" else 1e-12
    np.testing.assert_allclose(y, convt.upsample(x.astype("f8"), (scale,), backend="numpy", **options), rtol=0, atol=exact)
    dy = np.random.default_rng(1).integers(-9, 9, y.shape).astype(dtype)
    got, right = (convt.upsample_backward(each, (scale,), backend=name, **options)
                  for name, each in (("cpu", dy), ("numpy", dy.astype("f8"))))  # fmt: skip
    np.testing.assert_allclose(got, right, rtol=0, atol=exact * scale)


@pytest.mark.parametrize(("mode", "align_corners"), MODES)
def test_long_rows_have_the_same_bits_for_any_number_of_threads(monkeypatch, mode, align_corners):
    options = {"mode": mode, "align_corners": align_corners} if mode == "bilinear" else {"mode": mode}
    x = np.random.default_rng(0).standard_normal((2, 100_001)).astype("f4")
    seen = set()
    for threads in ("1", "2", "5"):
        monkeypatch.setenv("CONVT_NUM_THREADS", threads)
        y = convt.upsample(x, (3,), backend="cpu", **options)
        seen.add((y.tobytes(), convt.upsample_backward(y, (3,), backend="cpu", **options).tobytes()))
    assert len(seen) == 1


@pytest.mark.parametrize(("size", "scale"), [(2**40, 3), (3, 2**40), (2**30, 2**28)])
@pytest.mark.parametrize("backward", [False, True])
def test_places_beyond_32_bits_and_products_beyond_64_can_be_planned(size, scale, backward):
    for align_corners in (False, True):
        assert rows_of(size, scale, "bilinear", align_corners, backward).tasks > 0


def test_a_plan_that_gets_no_memory_is_a_memory_error_and_the_next_call_is_right():
    x = np.arange(24, dtype="f4").reshape(2, 12)
    right = convt.upsample(x, (3,), mode="linear", backend="numpy")
    failed = 0
    for requests in range(20):
        resampling._rows.cache_clear()
        fail_after(requests)
        try:
            got = convt.upsample(x, (3,), mode="linear", backend="cpu")
        except MemoryError:
            failed += 1
            continue
        finally:
            fail_after(-1)
        np.testing.assert_allclose(got, right, rtol=1e-6)
        break
    assert failed == 5  # the list of tables, that of their memory, the temporary table, the table, scratch memory
