"""Scatter where the kernel is as large as the stride: when it is one product for all taps, and what it computes."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from halves import EPS, TYPES, rounded

import convt
from convt.numpy_backend import backend as reference
from convt.testing import make_problem
from convt_cuda import choice
from convt_cuda.own import cost, plan

SIZES = {"float32": [(64, 64), (32, 128), (128, 128)], "float64": [(64, 64), (32, 128)]}
EVERY = {"float16": 2, "bfloat16": 2, "float32": 4, "float64": 8}  # bytes

# Channels fill no tile, and each problem is small enough to be computed by an emulator.
PROBLEMS = {
    "one axis": make_problem(37, 4, stride=4, channels=(9, 19), batch=2),
    "one axis, lines that fill no tile": make_problem(21, 3, stride=3, channels=(5, 27)),
    "whole vectors": make_problem((5, 8), 2, stride=2, channels=(20, 36), batch=2),
    "odd width": make_problem((5, 7), 2, stride=2, channels=(12, 21)),
    "anisotropic": make_problem((4, 6), (3, 2), stride=(3, 2), channels=(10, 12)),
    "one by one": make_problem((5, 8), 1, channels=(11, 24)),
    "taps of one axis only": make_problem((6, 5), (2, 1), stride=(2, 1), dilation=(1, 3), channels=(7, 10)),
    "crop on all sides": make_problem((6, 9), 4, stride=4, crop=((1, 2), (3, 1)), channels=(3, 6), batch=2),
    "crop of whole cells": make_problem((6, 9), 2, stride=2, crop=((4, 5), (2, 7)), channels=(9, 18)),
    "crop that leaves one element": make_problem((4, 4), 2, stride=2, crop=(4, 3), channels=(9, 18)),
    "negative crop": make_problem((4, 5), 2, stride=2, crop=((-3, -1), (-4, -5)), channels=(4, 18)),
    "crop and output padding": make_problem(
        (5, 6), (2, 3), stride=(2, 3), crop=((1, 0), (0, 2)), extra=(1, 2), channels=(4, 5)
    ),
    "crop beyond the coarse array": make_problem((3, 3), 2, stride=2, crop=((9, -12), (-9, 12)), channels=(2, 9)),
    "crop beyond 32 bits": make_problem((3, 4), 2, stride=2, crop=((2**40 + 1, -(2**40)), (0, 0)), channels=(2, 9)),
    "groups": make_problem((4, 6), 2, stride=2, channels=(18, 20), groups=2, batch=2),
    "large stride": make_problem((2, 3), (1, 32), stride=(1, 32), channels=(3, 2)),
    "three axes, 1x2x2": make_problem((3, 4, 6), (1, 2, 2), stride=(1, 2, 2), channels=(10, 17)),
    "three axes": make_problem((3, 4, 5), 2, stride=2, crop=((0, 1), (-1, 0), (1, 1)), channels=(9, 18), batch=2),
}


class Placed:
    """A NumPy view, with all of the memory that it is a view of, on the GPU."""

    def __init__(self, view, to_gpu):
        base = view
        while base.base is not None:
            base = base.base
        self.all = to_gpu(base)
        offset = view.__array_interface__["data"][0] - base.__array_interface__["data"][0]
        self.__cuda_array_interface__ = {
            **self.all.__cuda_array_interface__,
            "shape": view.shape,
            "strides": view.strides,
            "data": (int(self.all.gpudata) + offset, False),
        }


def planned(problem, storage="float32", tensor=False, strides=None):
    shapes = (problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape)
    strides = strides or tuple(map(_dense, shapes))
    make = plan.tensor_plans if tensor else plan.tile_plans
    return min(make(_of(problem, storage), "scatter", strides, storage), key=lambda each: each.cost, default=None)


@pytest.fixture
def only(monkeypatch):
    """Of tiles of one size, cells."""

    def only(size, algorithm="tile"):
        monkeypatch.setattr(plan, "_FORMS", (plan._cells,))
        monkeypatch.setattr(plan, "_TILES", dict.fromkeys(EVERY, (size,)))
        monkeypatch.setattr(plan, "_TENSOR_TILES", (size,))
        monkeypatch.setenv("CONVT_CUDA_ALGORITHM", algorithm)
        choice._choose.cache_clear()

    yield only
    choice._choose.cache_clear()


# When


@pytest.mark.parametrize("storage", EVERY)
@pytest.mark.parametrize("tensor", [False, True])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_each_of_these_is_one_product(problem, storage, tensor):
    if tensor and storage == "float64":
        assert planned(problem, storage, tensor) is None
        return
    found = planned(problem, storage, tensor)
    (launch,) = found.launches
    assert launch.kernel.startswith(f"scatter_cells_{'tensor' * tensor}")
    assert launch.kernel.endswith(f"_pixels_{storage}")
    assert found.workspace == 0


@pytest.mark.parametrize(
    "options",
    [
        {"coarse": (8, 8), "kernel": 4, "stride": 2},
        {"coarse": (8, 8), "kernel": 2, "stride": 4},
        {"coarse": (8, 8), "kernel": (2, 3), "stride": 2},
        {"coarse": (8, 8), "kernel": 2, "stride": 2, "dilation": (1, 2)},
        {"coarse": 8, "kernel": 129, "stride": 129},
    ],
    ids=["overlaps", "gaps", "one axis overlaps", "dilated", "a line longer than a tile"],
)
def test_none_of_these_is(options):
    assert "cells" not in planned(make_problem(**options, channels=(16, 16))).launches[-1].kernel


def test_u_nets_get_large_tiles_and_the_others_what_suits_them(monkeypatch):
    layer = make_problem((64, 64), 2, stride=2, channels=(256, 128), batch=8, dtype=np.float32)
    name, found = _choose(layer)
    assert (name, found.launches[0].kernel) == ("tile", "scatter_cells_128x128_pixels_float32")
    assert found.launches[0].blocks == (128 * 4 // 128) * (8 * 64 * 64 // 128)
    assert "scatter_cells_tensor128x128" in planned(layer, "float16", tensor=True).launches[0].kernel
    depthwise = make_problem((64, 64), 2, stride=2, channels=(64, 64), groups=64, batch=8, dtype=np.float32)
    assert _choose(depthwise)[0] == "direct"


def test_cells_cost_less_than_phases(monkeypatch):
    layer = make_problem((64, 64), 2, stride=2, channels=(64, 64), batch=8, dtype=np.float32)
    cells = planned(layer)
    monkeypatch.setattr(plan, "_FORMS", (plan._tile,))
    phases = planned(layer)
    size, again = 4, (2 - 1) * 8 * 64 * 128 * 128 + (4 - 1) * 8 * 64 * 64 * 64
    assert cells.cost < phases.cost
    assert phases.cost >= cells.cost + again * size * cost._MOVED_AGAIN


def test_a_grid_that_is_too_large_is_refused():
    assert planned(make_problem((2**20, 2**20), 2, stride=2, channels=(8, 8), dtype=np.float32)) is None


def test_a_small_workspace_limit_does_not_matter(monkeypatch):
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", "0")
    assert _choose(make_problem((32, 32), 2, stride=2, channels=(64, 64), batch=4, dtype=np.float32))[0] == "tile"


# What


@pytest.mark.parametrize(("dtype", "size"), [(dtype, size) for dtype in SIZES for size in SIZES[dtype]])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_each_tile_computes_what_the_definition_says(cuda, rng, only, dtype, size, problem):
    only(size)
    problem = _of(problem, dtype)
    x, w, bias, want = _drawn(problem, rng, dtype)
    got = np.full(want.shape, np.nan, dtype)
    cuda.scatter(problem, x, w, bias, got)
    _compare(got, want)
    again = np.full(want.shape, np.nan, dtype)
    cuda.scatter(problem, x, w, bias, again)
    np.testing.assert_array_equal(got, again)


VIEWS = {
    "channels last": lambda shape: _channels_last(shape),
    "channels last, backwards": lambda shape: _channels_last(shape)[::-1, ::-1],
    "backwards": lambda shape: _all(shape)[(slice(None, None, -1),) * len(shape)],
    "every second": lambda shape: _all((*shape[:-1], 2 * shape[-1]))[..., ::2],
    "the first axis is densest": lambda shape: _all(shape[::-1]).T,
    "not aligned": lambda shape: _all((prod(shape) + 1,))[1:].reshape(shape),
    "rows with a gap": lambda shape: _all((*shape[:-1], shape[-1] + 4))[..., :-4],
    "rows with an odd gap": lambda shape: _all((*shape[:-1], shape[-1] + 3))[..., 1:-2],
    "aligned rows, odd planes": lambda shape: _all((shape[0], prod(shape[1:]) + 1))[:, :-1].reshape(shape),
}


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", ["one axis", "whole vectors", "crop on all sides", "groups", "three axes, 1x2x2"])
@pytest.mark.parametrize("both", [False, True], ids=["out", "all"])
def test_arrays_lie_as_they_like(cuda, rng, only, to_gpu, to_host, view, name, both):
    only((64, 64))
    problem = _of(PROBLEMS[name], "float32")
    x, w, bias, want = _drawn(problem, rng, "float32")
    out = VIEWS[view](want.shape)
    arrays = [_copied(array, view if both and array.ndim > 1 else None) for array in (x, w, bias)]
    placed = [Placed(array, to_gpu) for array in (*arrays, out)]
    cuda.scatter(problem, *map(cuda.from_caller, placed))
    whole = _base(out)
    before = np.isnan(whole)
    assert before.all()
    whole[...] = to_host(placed[-1].all)
    _compare(out, want)
    out[...] = np.nan
    assert np.isnan(whole).all(), "what lies between the result's elements was written"


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("order", ["C", "channels last"])
@pytest.mark.parametrize(
    ("algorithm", "size"), [("tile", (64, 64)), ("tensor", (64, 64)), ("tensor", (128, 128))], ids=["64", "t64", "t128"]
)
@pytest.mark.parametrize("name", ["one axis", "whole vectors", "crop on all sides", "groups", "three axes"])
def test_half_types(cuda, rng, only, to_tensor, numbers, storage, order, algorithm, size, name):
    only(size, algorithm)
    problem = _of(PROBLEMS[name], "float32")
    x, w, bias, want = _drawn(problem, rng, "float64", lambda array: rounded(array, storage))
    tensors = [to_tensor(_in_order(array, order), storage) for array in (x, w, bias, want * np.nan)]
    views = [_seen(cuda.from_caller(tensor), order) for tensor in tensors]
    with convt.options(cudnn=False):
        cuda.scatter(problem, *views)
    got = numbers(tensors[-1])
    got = got if order == "C" else np.moveaxis(got, -1, 1)
    np.testing.assert_allclose(got, want, rtol=EPS[storage] / 2, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (128, 128)])
@pytest.mark.parametrize("order", ["C", "channels last"])
@pytest.mark.parametrize("name", ["one axis", "whole vectors", "odd width", "three axes"])
def test_tf32(cuda, rng, only, size, order, name):
    only(size, "tensor")
    problem = _of(PROBLEMS[name], "float32")
    # Integers that TF32 has exactly.
    x, w, bias, want = _drawn(problem, rng, "float32", lambda array: np.round(array * 8))
    got = _seen(_in_order(np.full(want.shape, np.nan, np.float32), order), order)
    with convt.options(allow_tf32=True, cudnn=False):
        cuda.scatter(problem, x, w, bias, got)
    np.testing.assert_array_equal(got, want)


def test_without_a_bias_and_with_one_that_lies_backwards(cuda, rng, only):
    only((64, 64))
    problem = PROBLEMS["negative crop"]
    x, w, bias, want = _drawn(problem, rng, "float64")
    got = np.empty_like(want)
    cuda.scatter(problem, x, w, bias[::-1].copy()[::-1], got)
    _compare(got, want)
    cuda.scatter(problem, x, w, None, got)
    _compare(got, want - bias[:, None, None])


def _of(problem, storage):
    return replace(problem, dtype=np.dtype(np.float64 if storage == "float64" else np.float32))


def _choose(problem):
    shapes = (problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape)
    choice._choose.cache_clear()
    return choice.choose(problem, "scatter", tuple(map(_dense, shapes)))


def _dense(shape):
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _drawn(problem, rng, dtype, change=np.asarray):
    """Both inputs and a bias, and the float64 result."""
    shapes = (problem.coarse_array_shape, problem.kernel_array_shape, (problem.fine_channels,))
    x, w, bias = (change(rng.standard_normal(shape)).astype(dtype) for shape in shapes)
    want = np.zeros(problem.fine_array_shape)
    reference.scatter(problem, x.astype(float), w.astype(float), bias.astype(float), want)
    return x, w, bias, want


def _compare(got, want):
    tolerance = 1e-12 if got.dtype == np.float64 else 2e-5
    np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def _all(shape):
    return np.full(shape, np.nan, np.float32)


def _channels_last(shape):
    return np.moveaxis(_all((shape[0], *shape[2:], shape[1])), -1, 1)


def _copied(array, view):
    if view is None:
        return array.copy()
    made = VIEWS[view](array.shape)
    made[...] = array
    return made


def _base(view):
    while view.base is not None:
        view = view.base
    return view


def _in_order(array, order):
    return np.ascontiguousarray(array if order == "C" or array.ndim == 1 else np.moveaxis(array, 1, -1))


def _seen(array, order):
    if order == "C" or array.ndim == 1:
        return array
    return array.transpose((0, array.ndim - 1, *range(1, array.ndim - 1)))
