"""What the cpu backend promises beyond right numbers: equal bits, fork, threads of the caller, bounded memory."""

import ctypes
import multiprocessing
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import convt
from convt.testing import random_problem
from convt_cpu import CpuBackend, blas
from convt_cpu._blas_limit import use_library

PROBLEMS = {
    "tiles of several images": ((16, 40, 4, 4), (40, 24, 4, 4), {"stride": 2, "padding": 1}),
    "parts of one image": ((1, 24, 90, 70), (24, 3, 5, 5), {"stride": 2}),
    "one dimension, long": ((1, 16, 30_000), (16, 2, 9), {"stride": 4}),
    "three dimensions": ((2, 8, 9, 10, 11), (8, 6, 2, 2, 2), {"stride": 2}),
    "many channels": ((1, 600, 9, 9), (600, 40, 3, 3), {}),
    "depthwise": ((2, 32, 40, 40), (32, 1, 4, 4), {"stride": 2, "groups": 32}),
    "filter larger than a tile": ((1, 4, 12, 12), (4, 2, 40, 40), {"stride": 8}),
}


def everything(x_shape, w_shape, options, dtype="f4"):
    """The forward and all gradients of both operators, as bytes."""
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(dtype) for shape in (x_shape, w_shape))
    y = convt.conv_transpose(x, w, backend="cpu", **options)
    bias = np.ones(y.shape[1], dtype)
    gradients = convt.conv_transpose_backward(x, w, bias, y, backend="cpu", **options)
    back = convt.conv(y, w, backend="cpu", **options)
    return [array.tobytes() for array in (y, *gradients, back)]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_bits_do_not_depend_on_the_number_of_threads(monkeypatch, problem, dtype):
    results = []
    for count in (1, 2, 3, 7):
        monkeypatch.setenv("CONVT_NUM_THREADS", str(count))
        results.append(everything(*problem, dtype))
    assert all(result == results[0] for result in results[1:])


@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_the_cpu_backend_agrees_with_the_definition(problem):
    x_shape, w_shape, options = problem
    rng = np.random.default_rng(1)
    x, w = rng.standard_normal(x_shape), rng.standard_normal(w_shape)
    expected = convt.conv_transpose(x, w, backend="numpy", **options)
    np.testing.assert_allclose(convt.conv_transpose(x, w, backend="cpu", **options), expected, rtol=0, atol=1e-11)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_computes_after_its_parent_has_used_every_core(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "2")
    problem = PROBLEMS["three dimensions"]
    expected = everything(*problem)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        results = [pool.apply_async(everything, problem) for _ in range(4)]
        assert [result.get(timeout=60) for result in results] == [expected] * 4


def test_sixteen_python_threads_at_once_get_the_same_bits():
    problem = PROBLEMS["parts of one image"]
    expected = everything(*problem)
    with ThreadPoolExecutor(16) as pool:
        assert all(result == expected for result in pool.map(lambda _: everything(*problem), range(32)))


def test_the_gil_is_released(monkeypatch):
    """Tasks ask BLAS's number of threads before they set it to 1: here, whether their thread holds the GIL, which is 0."""
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "im2col")
    monkeypatch.setenv("CONVT_NUM_THREADS", "1")  # that of the call
    told = []
    holds, tell = ctypes.pythonapi.PyGILState_Check, ctypes.CFUNCTYPE(None, ctypes.c_int)(told.append)
    assert holds() == 1
    x, w = np.ones((1, 4, 8, 8), "f4"), np.ones((4, 4, 3, 3), "f4")
    convt.conv_transpose(x, w, backend="cpu")  # loads BLAS
    get, give = (ctypes.cast(each, ctypes.c_void_p).value for each in (holds, tell))
    use_library("per_thread", get=get, set=give)
    try:
        convt.conv_transpose(x, w, backend="cpu")
    finally:
        blas.load_blas()
    assert told
    assert told == [1, 0] * (len(told) // 2)  # nothing is set where the number is 1


MEASURE = """
import resource, numpy as np, convt
x = np.ones((1, 64, 400, 400), "f4"); w = np.ones((64, 32, 4, 4), "f4")
y = np.empty((1, 32, 802, 802), "f4"); y.fill(0)
small = np.ones((1, 64, 40, 40), "f4")
convt.conv_transpose(small, w, stride=2, backend="cpu")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
convt.conv_transpose(x, w, stride=2, out=y, backend="cpu")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux only")
def test_a_call_needs_little_memory_beside_its_arrays():
    result = subprocess.run([sys.executable, "-c", MEASURE], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert int(result.stdout) < 32 * 1024  # the whole column buffer would take 328 MB


def test_results_may_be_written_in_place_of_any_strides():
    x, w = np.ones((1, 8, 20, 20), "f4"), np.ones((8, 4, 3, 3), "f4")
    large = np.full((1, 4, 44, 66), 7, "f4")
    out = large[:, :, ::2, ::-3]
    convt.conv_transpose(x, w, out=out, backend="cpu")
    np.testing.assert_array_equal(out, convt.conv_transpose(x, w, backend="numpy"))
    assert (large[:, :, 1::2] == 7).all()


@pytest.mark.parametrize("seed", range(20))
def test_the_bits_of_random_problems_do_not_depend_on_the_number_of_threads(monkeypatch, seed):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    shapes = problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape
    fine, coarse, kernel = (rng.standard_normal(shape).astype(problem.dtype) for shape in shapes)
    monkeypatch.setattr(sys.modules["convt_cpu.backend"], "_SERIAL_BELOW", 0)
    cpu, results = CpuBackend(), []
    for count in (1, 2, 3, 7):
        monkeypatch.setenv("CONVT_NUM_THREADS", str(count))
        made = [np.empty_like(array) for array in (fine, coarse, kernel)]
        cpu.scatter(problem, coarse, kernel, None, made[0])
        cpu.gather(problem, fine, kernel, None, made[1])
        cpu.correlate(problem, fine, coarse, made[2])
        results.append([array.tobytes() for array in made])
    assert all(result == results[0] for result in results[1:])
