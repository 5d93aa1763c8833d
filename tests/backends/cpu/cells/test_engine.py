"""The cells engine on problems of all kinds, for every instruction set, against the definition."""

import numpy as np
import pytest

from convt.problem import Problem
from convt.reference import backend as reference
from convt.testing import random_problem
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu.cells._engine import run
from convt_cpu.cells._plan import cells_plan

TOLERANCE = {4: 2e-5, 8: 4e-14}
SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")

KINDS = {
    "k == 2s, cropped by half a cell": Problem(1, 1, 5, 6, (80, 80), (5, 5), (32, 32), (16, 16), (8, 8), (1, 1), SINGLE),
    "one dimension": Problem(2, 1, 70, 40, (240,), (30,), (16,), (8,), (4,), (1,), SINGLE),
    "one output, several blocks": Problem(1, 1, 1, 600, (5000,), (20,), (1024,), (256,), (0,), (1,), SINGLE),
    "several waves": Problem(1, 1, 2, 40, (320, 320), (160, 160), (4, 4), (2, 2), (1, 1), (1, 1), DOUBLE),
    "several blocks and parts": Problem(4, 1, 3, 300, (60, 60), (20, 20), (6, 6), (3, 3), (0, 0), (1, 1), DOUBLE),
    "k no multiple of s": Problem(2, 1, 3, 9, (40, 58), (10, 12), (7, 3), (4, 5), (1, 0), (1, 1), SINGLE),
    "k below s": Problem(1, 1, 3, 9, (40, 58), (10, 12), (1, 3), (4, 5), (0, 0), (1, 1), DOUBLE),
    "padding beyond a cell": Problem(1, 1, 3, 4, (31, 31), (10, 10), (13, 13), (4, 4), (9, 11), (1, 1), SINGLE),
    "an extended output": Problem(1, 2, 4, 4, (60, 70), (10, 10), (5, 5), (5, 5), (-7, -11), (1, 1), SINGLE),
    "three dimensions": Problem(2, 1, 9, 11, (12, 14, 27), (6, 7, 9), (2, 2, 5), (2, 2, 3), (0, 0, 1), (1, 1, 1), SINGLE),
}


def arrays_of(problem, seed=0):
    rng = np.random.default_rng(seed)
    shapes = problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape
    return [rng.standard_normal(shape).astype(problem.dtype) for shape in shapes]


def check(problem, order, isa, seed=0, threads=2, last=False):
    plan = cells_plan(Job(problem, "scatter", order, isa))
    coarse, kernel, fine = arrays_of(problem, seed)
    if last:  # channels last, as views
        coarse, kernel, fine = (np.moveaxis(np.moveaxis(a, 1, -1).copy(), -1, 1) for a in (coarse, kernel, fine))
    bias = np.arange(fine.shape[1]).astype(problem.dtype)
    right = np.empty(fine.shape)
    reference.scatter(problem, coarse.astype("f8"), kernel.astype("f8"), bias.astype("f8"), right)
    got = np.full_like(fine, np.nan)
    assert run(plan, coarse, kernel, bias, got, threads)
    np.testing.assert_allclose(got, right, rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * abs(right).max())


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("last", [False, True], ids=["channels first", "channels last"])
@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_each_kind_of_plan_computes_the_definition(problem, last, isa):
    check(problem, tuple(range(len(problem.stride))), isa, last=last)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("seed", range(40))
def test_random_problems_compute_the_definition(seed, isa):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, rng.choice(["f4", "f8"]))
    order = tuple(int(axis) for axis in rng.permutation(len(problem.stride)))
    if cells_plan(Job(problem, "scatter", order, isa)) is not None:
        check(problem, order, isa, seed, threads=int(rng.integers(1, 4)))


@pytest.mark.parametrize("problem", KINDS.values(), ids=KINDS)
def test_the_bits_do_not_depend_on_the_number_of_threads(problem):
    plan = cells_plan(Job(problem, "scatter", tuple(range(len(problem.stride))), instruction_sets()[0]))
    coarse, kernel, fine = arrays_of(problem)
    results = []
    for threads in (1, 2, 3, 7):
        assert run(plan, coarse, kernel, None, fine, threads)
        results.append(fine.tobytes())
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("which", ["coarse", "kernel"])
def test_what_is_not_finite_is_left_to_others(which, bad):
    problem = KINDS["k no multiple of s"]
    coarse, kernel, fine = arrays_of(problem)
    (coarse if which == "coarse" else kernel)[-1, -1, -1, -1] = bad
    assert not run(cells_plan(Job(problem, "scatter", (0, 1), instruction_sets()[0])), coarse, kernel, None, fine, 2)


def test_the_kinds_reach_several_waves_parts_and_blocks():
    tables = [
        cells_plan(Job(problem, "scatter", tuple(range(len(problem.stride))), "portable")).tables
        for problem in KINDS.values()
    ]
    assert any(table.wave * table.unit < table.positions for table in tables)
    assert any(table.block < table.inputs for table in tables)
    assert any(table.parts > 1 and table.block < table.inputs for table in tables)
    assert any(table.panels > 1 for table in tables)
