"""The kernels compute what the definition says, whichever engine and tile runs."""

import numpy as np
import pytest

from convt.numpy_backend import backend as reference
from convt.testing import TOPICS, check_backend, make_problem
from convt.testing.checks import Examiner
from convt.testing.problems import all_problems
from convt.testing.values import check_hot_elements

TYPES = [np.float32, np.float64]


@pytest.mark.usefixtures("remembered_definition")
@pytest.mark.parametrize("topic", TOPICS)
def test_the_backend_keeps_the_contract(cuda, to_gpu, topic):
    report = check_backend(cuda, quick=True, topics=[topic], kinds=[to_gpu])
    assert report.refused == {}
    assert report.checked > 1


@pytest.mark.parametrize("algorithm", ["tile", "direct"])
@pytest.mark.parametrize("dtype", TYPES)
def test_each_engine_does_everything(cuda, monkeypatch, algorithm, dtype):
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", algorithm)
    examiner = Examiner(cuda, np.random.default_rng(1))
    for name, problem in all_problems(np.random.default_rng(7), dtype, quick=True):
        if not name.startswith(("width", "random")) and not name[0].isdigit():
            with examiner.about(name, problem):
                examiner.check_accuracy(problem)
    check_hot_elements(examiner, make_problem((5, 7), 4, stride=2, crop=(1, 1), channels=(6, 4), batch=2, dtype=dtype))


PROBLEMS = {
    "one tile and more": make_problem((9, 17), 3, stride=2, crop=(1, 1), channels=(20, 70), dtype=np.float32),
    "rows of two large tiles": make_problem((5, 6), 2, channels=(9, 130), dtype=np.float32),
    "groups": make_problem((4, 40), (2, 3), stride=(1, 2), channels=(18, 20), groups=2, batch=2, dtype=np.float32),
    "three axes": make_problem((3, 4, 5), 3, stride=(2, 1, 2), crop=(1, 1), channels=(10, 12), batch=2, dtype=np.float32),
}


@pytest.mark.parametrize("size", [(64, 64), (32, 128), (128, 128)])
@pytest.mark.parametrize("order", ["C", "channels last"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_every_tile_in_every_order(cuda, monkeypatch, rng, size, order, problem):
    from convt_cuda import choice
    from convt_cuda.own import plan

    monkeypatch.setattr(plan, "_TILES", {"float32": (size,)})
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "tile")
    choice._choose.cache_clear()
    for data_map, shape, out_shape in [
        ("scatter", problem.coarse_array_shape, problem.fine_array_shape),
        ("gather", problem.fine_array_shape, problem.coarse_array_shape),
    ]:
        name, chosen = choice.choose(problem, data_map, (_strides(shape), _strides(shape), _strides(out_shape)))
        assert name == "tile"
        assert f"_{size[0]}x{size[1]}_" in chosen.launches[1].kernel
        x = _in_order(rng.standard_normal(shape).astype(np.float32), order)
        w = rng.standard_normal(problem.kernel_array_shape).astype(np.float32)
        bias = rng.standard_normal(out_shape[1]).astype(np.float32)
        got, want = _in_order(np.empty(out_shape, np.float32), order), np.empty(out_shape)
        getattr(cuda, data_map)(problem, x, w, bias, got)
        getattr(reference, data_map)(problem, x.astype(float), w.astype(float), bias.astype(float), want)
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)
    choice._choose.cache_clear()


@pytest.mark.parametrize("algorithm", ["tile", "direct"])
@pytest.mark.parametrize(
    "problem",
    [
        make_problem((2, 3), 5, stride=(2**33, 1), crop=((2**33 - 3, 0), (0, 0)), channels=(9, 8)),
        make_problem((2,), 5, stride=2**33 + 1, dilation=3, crop=(2**33 - 6, 2), channels=(2, 3)),
        make_problem((2,), 3, stride=3, dilation=2**33, crop=(2**33 - 5, 2**33 - 3)),
        make_problem((1,), 2, stride=5, dilation=2**40, crop=(2**40 - 4, -3)),
    ],
    ids=["stride", "coprime dilation", "dilation", "far tap"],
)
def test_indices_beyond_32_bits(cuda, monkeypatch, rng, algorithm, problem):
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", algorithm)
    fine, coarse, kernel = (
        rng.standard_normal(shape)
        for shape in (problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape)
    )
    for data_map, arrays, shape in [
        ("scatter", (coarse, kernel, None), fine.shape),
        ("gather", (fine, kernel, None), coarse.shape),
        ("correlate", (fine, coarse), kernel.shape),
    ]:
        got, want = np.empty(shape), np.zeros(shape)
        getattr(cuda, data_map)(problem, *arrays, got)
        getattr(reference, data_map)(problem, *arrays, want)
        assert abs(want).max() > 0
        np.testing.assert_allclose(got, want, atol=1e-12, err_msg=data_map)


def test_sums_in_parts_have_the_same_bits_every_time(cuda, rng):
    problem = make_problem((90, 90), 3, channels=(1, 2), batch=3, dtype=np.float32)
    fine, coarse = (
        rng.standard_normal(s).astype(np.float32) for s in (problem.fine_array_shape, problem.coarse_array_shape)
    )
    results = set()
    for _ in range(3):
        kernel, sums = np.empty(problem.kernel_array_shape, np.float32), np.empty(2, np.float32)
        cuda.correlate(problem, fine, coarse, kernel)
        cuda.channel_sums(problem, fine, sums)
        results.add((kernel.tobytes(), sums.tobytes()))
    assert len(results) == 1
    np.testing.assert_allclose(sums, fine.astype(float).sum((0, 2, 3)), rtol=1e-3, atol=1e-2)


def _in_order(array, order):
    if order == "C":
        return array
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


def _strides(shape):
    return tuple(step // 4 for step in np.empty(shape, np.float32).strides)
