"""resampling/plan.py: axes of any size in parts, with bounded tables and scratch memory, and the same result."""

from functools import lru_cache, partial
from itertools import islice
from math import prod

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scratch import MEGABYTE, bytes_asked, most_scratch

import convt
from convt_cpu.isa import available
from convt_cpu.resampling import plan as planning
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


def arrays_of(plan):
    each = [value if isinstance(value, list) else [value] for value in vars(plan).values()]
    return [array for values in each for array in values if isinstance(array, np.ndarray)]


@settings(max_examples=50)
@given(vast=vast_maps())
def test_scratch_memory_and_tables_are_bounded_whatever_the_sizes_and_the_number_of_threads(vast):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "Rows", lambda plan: plan)
        patch.setattr(planning, "_cached", planning._cached.__wrapped__)
        plans = list(islice(planning.plans(*vast), 20))
    assert plans
    array = np.empty(0)
    for plan in plans:
        assert sum(table.nbytes for table in arrays_of(plan)) <= 8 * MEGABYTE
        for threads in (1, 8, 9, 1024):
            assert bytes_asked(lambda: run(Rows(plan), array, array, threads)) <= most_scratch(threads)  # noqa: B023


LAYOUTS = {"NCHW": (0, 1, 2, 3, 4), "NHWC": (0, 4, 1, 2, 3), "HWCN": (4, 3, 0, 1, 2), "CHWN": (4, 0, 1, 2, 3)}


def laid_out(array, layout):
    """The same array (N, C, z, y, x), in this order in memory."""
    order = LAYOUTS[layout]
    return np.ascontiguousarray(array.transpose(np.argsort(order))).transpose(order)


@pytest.fixture(params=[(5, 1 << 13), (48, 16)])
def small_blocks(request, monkeypatch):
    monkeypatch.setattr(planning, "_BLOCK", request.param[0])
    monkeypatch.setattr(planning, "_WIDTH", request.param[1])
    planning._cached.cache_clear()
    yield
    planning._cached.cache_clear()


@lru_cache(maxsize=4)
def maps(mode, align_corners):
    """Functions, arrays and scales, with the results that are right."""
    rng = np.random.default_rng(0)
    options = {"mode": mode, "align_corners": align_corners} if mode == "bilinear" else {"mode": mode}
    cases = []
    for size, scale in (((1, 1, 9), (1, 1, 20)), ((2, 5, 3), (7, 1, 2)), ((3, 1, 2), (1, 53, 4)), ((4, 3, 2), (2, 3, 1))):
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
