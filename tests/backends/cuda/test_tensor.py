"""Tensor cores: who may use them, and that their matrices are put together right.

Without a GPU, the instruction is done by plain additions over what the lanes of a warp have, so that all indexing is tried.
"""

import numpy as np
import pytest
from halves import EPS, TYPES, rounded

import convt
from convt.numpy_backend import backend as numpy_backend
from convt.testing import make_problem
from convt_cuda import choice
from convt_cuda.own import plan

PROBLEMS = {
    "one tile and more": make_problem((9, 17), 3, stride=2, crop=(1, 1), channels=(20, 70), dtype=np.float32),
    "rows of two large tiles": make_problem((5, 6), 2, channels=(9, 130), dtype=np.float32),
    "groups": make_problem((4, 40), (2, 3), stride=(1, 2), channels=(18, 20), groups=2, batch=2, dtype=np.float32),
    "sums in parts": make_problem((40, 30), 2, stride=2, channels=(5, 70), dtype=np.float32),
    "three axes": make_problem((3, 4, 5), 3, stride=(2, 1, 2), crop=(1, 1), channels=(10, 12), batch=2, dtype=np.float32),
}


def tf32(array):
    """The nearest number with 10 bits of mantissa, ties away from zero."""
    values = np.asarray(array, np.float64)
    step = np.ldexp(1.0, np.frexp(values)[1] - 11)
    return np.copysign(np.floor(abs(values) / step + 0.5) * step, values)


def strides(shape):
    return tuple(step // 4 for step in np.empty(shape, np.float32).strides)


def chosen(cuda, problem, data_map="scatter", storage=None, **options):
    shapes = {
        "scatter": (problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape),
        "correlate": (problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape),
    }[data_map]
    with convt.options(cudnn=False, **options):
        return choice.choose(problem, data_map, tuple(map(strides, shapes)), cuda._devices[0], storage)


@pytest.fixture
def only_tensor(monkeypatch):
    """Of tiles of one size."""

    def only_tensor(size):
        monkeypatch.setattr(plan, "_TENSOR_TILES", (size,))
        monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "tensor")
        choice._choose.cache_clear()

    yield only_tensor
    choice._choose.cache_clear()


LARGE = make_problem((32, 32), 3, channels=(256, 256), batch=16, dtype=np.float32)


def test_floats_are_rounded_only_where_that_is_allowed(cuda):
    for data_map, launch, kernel in (
        ("scatter", 1, "scatter_tensor128x128_pixels_float32"),
        ("correlate", 0, "correlate_tensor128x128_float32"),
    ):
        assert chosen(cuda, LARGE, data_map)[0] == "tile"
        name, found = chosen(cuda, LARGE, data_map, allow_tf32=True)
        assert name == "tensor"
        assert found.launches[launch].kernel == kernel
    double = make_problem((32, 32), 3, channels=(256, 256), batch=16)
    assert chosen(cuda, double, allow_tf32=True)[0] == "tile"


@pytest.mark.parametrize("storage", TYPES)
def test_half_types_need_no_permission(cuda, storage):
    name, found = chosen(cuda, LARGE, storage=storage)
    assert name == "tensor"
    assert found.launches[1].kernel == f"scatter_tensor128x128_pixels_{storage}"
    name, found = chosen(cuda, LARGE, "correlate", storage)
    assert name == "tensor"
    assert found.launches[0].kernel == f"correlate_tensor128x128_{storage}"


def test_gpus_without_them(cuda, monkeypatch):
    monkeypatch.setattr(cuda._devices[0], "capability", (7, 5))
    assert chosen(cuda, LARGE, storage="float16")[0] == "tile"
    assert chosen(cuda, LARGE, allow_tf32=True)[0] == "tile"


def test_forced_where_they_cannot(cuda, monkeypatch):
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "tensor")
    assert chosen(cuda, LARGE)[0] == "direct"
    assert chosen(cuda, LARGE, allow_tf32=True)[0] == "tensor"


@pytest.mark.parametrize("size", [(64, 64), (128, 128)])
@pytest.mark.parametrize("storage", [None, *TYPES])
@pytest.mark.parametrize("order", ["C", "channels last"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_scatter_and_gather(cuda, rng, only_tensor, to_gpu, to_host, to_tensor, numbers, size, storage, order, problem):
    only_tensor(size)
    shapes = {"scatter": problem.coarse_array_shape, "gather": problem.fine_array_shape}
    outs = {"scatter": problem.fine_array_shape, "gather": problem.coarse_array_shape}
    for data_map, shape in shapes.items():
        arrays = [rng.standard_normal(s) for s in (shape, problem.kernel_array_shape, outs[data_map][1:2])]
        held = [rounded(array, storage) if storage else array.astype(np.float32) for array in arrays]
        factors = held[:2] if storage else [tf32(array) for array in held[:2]]
        want = np.zeros(outs[data_map])
        getattr(numpy_backend, data_map)(problem, *(f.astype(float) for f in factors), held[2].astype(float), want)
        data = _in_order(held[0], order)
        if storage:
            inputs, out = (
                [to_tensor(a, storage) for a in (data, *held[1:])],
                to_tensor(_in_order(want * np.nan, order), storage),
            )
        else:
            inputs, out = [to_gpu(a) for a in (data, *held[1:])], to_gpu(_in_order(want.astype(np.float32) * np.nan, order))
        adopted = [_seen(cuda.from_caller(a), order, len(shape)) for a in (inputs[0], out)]
        with convt.options(allow_tf32=True, cudnn=False):
            getattr(cuda, data_map)(problem, adopted[0], *map(cuda.from_caller, inputs[1:]), adopted[1])
        got = numbers(out) if storage else to_host(out)
        got = got if order == "C" else np.moveaxis(got, -1, 1)
        # Rounded factors and exact products: nothing but sums in float32, and the result's own type.
        np.testing.assert_allclose(got, want, rtol=EPS[storage] / 2 if storage else 1e-5, atol=1e-4)


@pytest.mark.parametrize("size", [(64, 64), (128, 128)])
@pytest.mark.parametrize("storage", [None, *TYPES])
@pytest.mark.parametrize("order", ["C", "channels last"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_correlate(cuda, rng, only_tensor, to_gpu, to_host, to_tensor, numbers, size, storage, order, problem):
    only_tensor(size)
    arrays = [rng.standard_normal(shape) for shape in (problem.fine_array_shape, problem.coarse_array_shape)]
    held = [rounded(array, storage) if storage else array.astype(np.float32) for array in arrays]
    want = np.zeros(problem.kernel_array_shape)
    factors = held if storage else [tf32(array) for array in held]
    numpy_backend.correlate(problem, *(factor.astype(float) for factor in factors), want)
    make = (lambda array: to_tensor(array, storage)) if storage else to_gpu
    inputs = [make(_in_order(array, order)) for array in held]
    results = []
    for _ in range(2):
        out = make(np.full(want.shape, np.nan, np.float32))
        with convt.options(allow_tf32=True, cudnn=False):
            cuda.correlate(
                problem, *(_seen(cuda.from_caller(array), order, want.ndim) for array in inputs), cuda.from_caller(out)
            )
        results.append(numbers(out) if storage else to_host(out))
    np.testing.assert_array_equal(*results)
    np.testing.assert_allclose(results[0], want, rtol=EPS[storage] / 2 if storage else 1e-5, atol=2e-4)


def test_what_is_no_number(cuda, only_tensor, to_gpu, to_host):
    only_tensor((64, 64))
    x = np.array([np.nan, np.inf, -np.inf, 1 + 2.0**-11, -1 - 2.0**-11, 1e-40], np.float32).reshape(1, 1, 6)
    with convt.options(allow_tf32=True):
        y = convt.conv(to_gpu(x), to_gpu(np.ones((1, 1, 1), np.float32)))
    np.testing.assert_allclose(
        to_host(y).ravel(), [np.nan, np.inf, -np.inf, 1 + 2.0**-10, -1 - 2.0**-10, 0], rtol=0, atol=1e-39
    )


def _in_order(array, order):
    return np.ascontiguousarray(array if order == "C" else np.moveaxis(array, 1, -1))


def _seen(array, order, ndim):
    return array if order == "C" else array.transpose((0, ndim - 1, *range(1, ndim - 1)))
