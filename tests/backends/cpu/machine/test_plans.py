"""What plans take of the machine's record: sizes within bounds, and right results, whatever it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import vast_problems

from convt.backend import Problem
from convt.numpy_backend import backend as reference
from convt.testing import random_problem
from convt_cpu import CpuBackend
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.choice import ENGINES

MAPS = ("scatter", "gather", "correlate")
RECORDS = ("cortex_a53", "apple", "l1=8K,l2=64K", "l1=256K,l2=32M")
OWN = [name for name in ENGINES if name != "im2col"]  # the engines that take sizes from the record
LAYERS = (
    Problem(8, 1, 64, 64, (56, 56), (56, 56), (3, 3), (1, 1), (1, 1), (1, 1), np.dtype("f4")),
    Problem(4, 1, 256, 512, (16, 16), (8, 8), (4, 4), (2, 2), (1, 1), (1, 1), np.dtype("f4")),
    Problem(16, 1, 512, 1024, (8, 8), (4, 4), (4, 4), (2, 2), (1, 1), (1, 1), np.dtype("f8")),
    Problem(2, 64, 64, 64, (64, 64), (32, 32), (4, 4), (2, 2), (1, 1), (1, 1), np.dtype("f4")),
)


def plan_of(name, problem, data_map, isa):
    return ENGINES[name].plan(Job(problem, data_map, tuple(range(len(problem.stride))), isa))


@given(problem=vast_problems(), record=st.sampled_from(RECORDS), isa=st.sampled_from(instruction_sets()))
def test_scratch_memory_is_bounded_by_any_record(problem, record, isa):
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CONVT_CPU_MACHINE", record)
        for name in OWN:
            for data_map in MAPS:
                plan = plan_of(name, problem, data_map, isa)
                if plan is not None:
                    assert plan.scratch_bytes >= 0
                    assert plan.shared_bytes >= 0
                    assert plan.scratch_bytes + plan.shared_bytes < 30 * 1024 * 1024


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("name", OWN)
def test_large_caches_do_not_take_more_than_2_mb_of_each_thread(monkeypatch, name, isa):
    planned = 0
    for layer in LAYERS:
        for data_map in MAPS:
            monkeypatch.setenv("CONVT_CPU_MACHINE", "zen4")
            usual = plan_of(name, layer, data_map, isa)
            monkeypatch.setenv("CONVT_CPU_MACHINE", "l1=256K,l2=32M")
            plan = plan_of(name, layer, data_map, isa)
            assert (plan is None) == (usual is None)
            if plan is not None:
                planned += 1
                assert plan.scratch_bytes <= max(2 * 1024 * 1024, usual.scratch_bytes)
    assert planned


def results_of(backend, problem, fine, coarse, kernel):
    of_scatter, of_gather, of_correlate = (np.empty(array.shape) for array in (fine, coarse, kernel))
    backend.scatter(problem, coarse, kernel, None, of_scatter)
    backend.gather(problem, fine, kernel, None, of_gather)
    backend.correlate(problem, fine, coarse, of_correlate)
    return of_scatter, of_gather, of_correlate


@pytest.fixture(scope="module")
def answers():
    """Problems, their arrays and the results that are right."""
    rng = np.random.default_rng(20)
    layer = Problem(2, 1, 32, 48, (17, 26), (17, 26), (3, 3), (1, 1), (1, 1), (1, 1), np.dtype("f8"))
    cases = []
    for problem in (layer, *(random_problem(rng) for _ in range(20))):
        shapes = problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape
        asked = problem, *map(rng.standard_normal, shapes)
        cases.append((asked, results_of(reference, *asked)))
    return cases


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("name", OWN)
def test_results_are_right_by_any_record(monkeypatch, answers, name, record):
    monkeypatch.setenv("CONVT_CPU_MACHINE", record)
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", name)
    cpu = CpuBackend()
    for asked, expected in answers:
        for ours, right in zip(results_of(cpu, *asked), expected, strict=True):
            np.testing.assert_allclose(ours, right, rtol=0, atol=1e-11)


def test_a_strip_is_a_part_of_the_l2_cache(monkeypatch):
    sizes = []
    for record in ("zen4,l2=256K", "zen4", "zen4,l2=2M", "zen4,l2=8M"):
        monkeypatch.setenv("CONVT_CPU_MACHINE", record)
        sizes.append(plan_of("direct", LAYERS[0], "gather", "portable").tables.strip_size)
    assert sizes[0] < sizes[1] <= sizes[2] == sizes[3]  # plans use 2 MB


@pytest.mark.parametrize("isa", instruction_sets())
def test_a_larger_l2_cache_never_reads_a_strip_more_often(monkeypatch, isa):
    layer = Problem(8, 1, 192, 384, (32, 336), (8, 336), (8, 1), (4, 1), (2, 0), (1, 1), np.dtype("f4"))
    passes = []
    for record in ("zen4", "zen4,l2=1280K", "zen4,l2=2M", "zen4,l2=8M"):
        monkeypatch.setenv("CONVT_CPU_MACHINE", record)
        tables = plan_of("direct", layer, "gather", isa).tables
        assert tables.schedule == "by strips"
        passes.append(-(-tables.outputs // tables.pass_))
    assert passes == sorted(passes, reverse=True)


def test_two_vectors_at_once_halve_what_multiply_adds_cost(monkeypatch):
    isa, layer = instruction_sets()[-1], LAYERS[0]
    cycles = []
    for record in ("zen4,fma128=1,fma256=1,fma512=1", "zen4,fma128=2,fma256=2,fma512=2", "zen4,fma128=4,fma256=4,fma512=4"):
        monkeypatch.setenv("CONVT_CPU_MACHINE", record)
        cycles.append(plan_of("direct", layer, "gather", isa).cycles)
    assert cycles[0] - cycles[1] == pytest.approx(2 * (cycles[1] - cycles[2]))
