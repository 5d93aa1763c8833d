"""Gathers with stride, where taps of the last axis are taken together: when, and what comes out."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from halves import EPS, TYPES, rounded

import convt
from convt.numpy_backend import backend as reference
from convt.testing import make_problem
from convt_cuda import choice
from convt_cuda.own import plan

TILES = [("tile", (64, 64)), ("tile", (32, 128)), ("tile", (128, 128)), ("tensor", (64, 64)), ("tensor", (128, 128))]

# And how many taps are taken together.
PROBLEMS = {
    "2, one axis": (2, make_problem(37, 2, stride=2, channels=(19, 9), batch=2)),
    "2, k == s": (2, make_problem((5, 8), 2, stride=2, channels=(36, 21), batch=2)),
    "2, cropped on all sides": (2, make_problem((6, 9), (3, 6), stride=(2, 6), crop=((1, 2), (4, 3)), channels=(9, 5))),
    "2, negative crop": (2, make_problem((4, 5), 2, stride=2, crop=((-3, -1), (-4, -5)), channels=(18, 3))),
    "4, windows overlap": (4, make_problem((6, 7), 4, stride=2, crop=(1, 1), channels=(20, 11), batch=2)),
    "4, gaps": (4, make_problem((3, 4), (1, 4), stride=(1, 7), extra=(0, 3), channels=(20, 3))),
    "4, dilated": (4, make_problem((4, 5), 4, stride=2, dilation=(1, 3), crop=((0, 1), (2, 5)), channels=(10, 6))),
    "4, groups": (4, make_problem((3, 4), 4, stride=4, channels=(18, 20), groups=2, batch=2)),
    "8, patches": (8, make_problem((3, 2), 16, stride=16, channels=(40, 3))),
    "8, three axes": (
        8,
        make_problem((2, 3, 4), (1, 2, 8), stride=(1, 2, 8), crop=((0, 0), (1, 0), (0, 3)), channels=(9, 2)),
    ),
}


PROBLEMS = {name: (count, replace(problem, dtype=np.dtype(np.float32))) for name, (count, problem) in PROBLEMS.items()}


@pytest.fixture
def only(monkeypatch):
    """Of tiles of one size."""

    def only(algorithm, size):
        monkeypatch.setattr(plan, "_TILES", dict.fromkeys(("float16", "bfloat16", "float32", "float64"), (size,)))
        monkeypatch.setattr(plan, "_TENSOR_TILES", (size,))
        monkeypatch.setenv("CONVT_CUDA_ALGORITHM", algorithm)
        choice._choose.cache_clear()

    yield only
    choice._choose.cache_clear()


def planned(problem, order="C"):
    strides = [_strides(problem.fine_array_shape, order), _strides(problem.kernel_array_shape)]
    plans = plan.tile_plans(problem, "gather", (*strides, _strides(problem.coarse_array_shape)), "float32")
    return min(plans, key=lambda each: each.cost).launches[-1]


def beside(launch):
    return launch.values[-2 - 3 * 8]  # `beside` and `line` stand before the three axes


@pytest.mark.parametrize("name", PROBLEMS)
def test_taps_are_taken_together(name):
    count, problem = PROBLEMS[name]
    launch = planned(problem)
    assert "_channels_" in launch.kernel
    assert beside(launch) == count


@pytest.mark.parametrize(
    ("options", "order", "form"),
    [
        ({"kernel": 4, "stride": 1}, "C", "pixels"),
        ({"kernel": 3, "stride": 2}, "C", "pixels"),
        ({"kernel": (2, 1), "stride": 2}, "C", "pixels"),
        ({"kernel": 2, "stride": 2}, "channels last", "channels"),
    ],
    ids=["stride 1", "odd", "one", "channels last"],
)
def test_one_by_one_where_nothing_is_gained(options, order, form):
    launch = planned(make_problem((8, 8), **options, channels=(64, 64), dtype=np.float32), order)
    assert f"_{form}_" in launch.kernel
    assert beside(launch) == 1


def test_few_channels_waste_less():
    """A tile is 8 deep: 8 taps of one channel fill it, where one tap of 3 channels would not."""
    problem = PROBLEMS["8, patches"][1]
    strides = tuple(map(_strides, (problem.fine_array_shape, problem.kernel_array_shape, problem.coarse_array_shape)))
    found = plan._tile(problem, "gather", strides, "float32", 64, 64)
    assert found.workspace == 16 * 16 * 3 * 64 * 4


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("algorithm", "size"), TILES)
@pytest.mark.parametrize("name", PROBLEMS)
def test_what_the_definition_says(cuda, rng, only, algorithm, size, backwards, name):
    only(algorithm, size)
    problem = PROBLEMS[name][1]
    # Integers, which TF32 has exactly.
    x, w, bias, want = _drawn(problem, rng, lambda array: np.round(array * 8).astype(np.float32))
    got = np.full(want.shape, np.nan, np.float32)
    if backwards:
        x, got = np.ascontiguousarray(x[..., ::-1])[..., ::-1], got[..., ::-1]
    with convt.options(allow_tf32=True, cudnn=False):
        cuda.gather(problem, x, w, bias, got)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", ["2, k == s", "4, windows overlap", "8, three axes"])
def test_float64(cuda, rng, only, name):
    only("tile", (64, 64))
    problem = replace(PROBLEMS[name][1], dtype=np.dtype(np.float64))
    x, w, bias, want = _drawn(problem, rng)
    got = np.full(want.shape, np.nan)
    cuda.gather(problem, x, w, bias, got)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("algorithm", ["tile", "tensor"])
@pytest.mark.parametrize("name", ["2, k == s", "4, groups", "8, patches"])
def test_half_types(cuda, rng, only, to_tensor, numbers, storage, algorithm, name):
    only(algorithm, (64, 64))
    problem = PROBLEMS[name][1]
    x, w, bias, want = _drawn(problem, rng, lambda array: rounded(array, storage))
    tensors = [to_tensor(array, storage) for array in (x, w, bias, want * np.nan)]
    with convt.options(cudnn=False):
        cuda.gather(problem, *map(cuda.from_caller, tensors))
    np.testing.assert_allclose(numbers(tensors[-1]), want, rtol=EPS[storage] / 2, atol=2e-4)


def _drawn(problem, rng, change=np.asarray):
    """Both inputs and a bias, and the float64 result."""
    shapes = (problem.fine_array_shape, problem.kernel_array_shape, (problem.coarse_channels,))
    x, w, bias = (change(rng.standard_normal(shape)) for shape in shapes)
    want = np.zeros(problem.coarse_array_shape)
    reference.gather(problem, x.astype(float), w.astype(float), bias.astype(float), want)
    return x, w, bias, want


def _strides(shape, order="C"):
    if order == "C":
        return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))
    return (prod(shape[1:]), 1, *(shape[1] * prod(shape[axis + 1 :]) for axis in range(2, len(shape))))
