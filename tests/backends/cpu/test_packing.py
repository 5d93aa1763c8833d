"""What packing stages write is kept for constant filters, and is never wrong."""

import numpy as np
import pytest
from engines import channels_last, operands, plan_of, spread

import convt
from convt import Filters
from convt.backend import Problem
from convt.core.constant import Kept, placing
from convt_cpu import CpuBackend
from convt_cpu._job import Job
from convt_cpu._memory import fail_after
from convt_cpu._packing import Packing
from convt_cpu._runner import DONE, LEFT, run
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available

RNG = np.random.default_rng(0)
LAYERS = {  # fine channels, coarse channels, coarse size, kernel, stride, padding
    "strips": (16, 16, (32, 32), 3, 1, 1),
    "outputs": (600, 400, (4, 4), 4, 2, 1),
    "winograd": (64, 64, (24, 24), 4, 2, 1),
    "depthwise": (32, 32, (20, 20), 3, 1, 1),
}


def problem_of(name, dtype="f4", batch=1):
    fine, coarse, size, kernel, stride, padding = LAYERS[name]
    sizes = tuple((each - 1) * stride - 2 * padding + kernel for each in size)
    groups = fine if name == "depthwise" else 1
    return Problem(
        batch,
        groups,
        fine,
        coarse,
        sizes,
        size,
        (kernel, kernel),
        (stride, stride),
        (padding, padding),
        (1, 1),
        np.dtype(dtype),
    )


def packs(engine, problem, data_map, isa):
    """The engine's plan for constant filters, if it packs; of depthwise problems, that for channels densest in memory."""
    plan = ENGINES[engine].plan(Job(problem, data_map, (0, 1), isa, problem.groups > 1, True))
    return plan if plan is not None and plan.packed_bytes else None


def drawn(problem, data_map, seed=0):
    arrays = operands(problem, data_map, seed)
    return spread(arrays, channels_last) if problem.groups > 1 else arrays


PACKING = [
    (engine, data_map, name)
    for engine in ENGINES
    for data_map in ("scatter", "gather")
    for name in LAYERS
    if all(packs(engine, problem_of(name), data_map, isa) for isa in available())
]


def test_the_engines_that_pack_are_tried():
    assert {engine for engine, _, _ in PACKING} >= {"direct", "winograd", "depthwise"}


@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize(("engine", "data_map", "name"), PACKING)
def test_a_second_run_leaves_the_packing_out(engine, data_map, name, isa):
    problem = problem_of(name)
    plan = packs(engine, problem, data_map, isa)
    arrays, others = drawn(problem, data_map), drawn(problem, data_map, 1)
    packing = Packing(plan.packed_bytes)
    assert not packing.done
    assert run(plan, *arrays, 2, packing=packing) == DONE
    assert packing.done
    unread = np.full_like(arrays.kernel, np.nan)
    assert run(plan, others.fine, others.coarse, unread, others.bias, 1, packing=packing) == DONE
    got = (others.fine if data_map == "scatter" else others.coarse).copy()
    bare = plan_of(engine, problem, data_map, isa, channels_last=problem.groups > 1)
    run(bare, others.fine, others.coarse, arrays.kernel, others.bias, 2)
    np.testing.assert_array_equal(got, others.fine if data_map == "scatter" else others.coarse)


def test_a_kernel_that_is_not_finite_is_not_kept():
    problem = problem_of("outputs")
    plan = packs("direct", problem, "scatter", available()[0])
    arrays = operands(problem, "scatter")
    arrays.kernel.flat[7] = np.inf
    packing = Packing(plan.packed_bytes)
    assert run(plan, *arrays, 1, packing=packing) == LEFT
    assert not packing.done


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_what_is_not_finite_is_right_with_constant_filters(name, bad):
    fine, coarse, size, kernel, stride, padding = LAYERS[name]
    groups = fine if name == "depthwise" else 1
    w = RNG.standard_normal((coarse, fine // groups, kernel, kernel)).astype("f4")
    options = {"stride": stride, "padding": padding, "groups": groups}
    x = RNG.standard_normal((1, coarse, *size)).astype("f4")
    for spoilt_x, spoilt_w in ((True, False), (False, True), (True, True)):
        if spoilt_x:
            x.flat[x.size // 2] = bad
        bank = w.copy()
        if spoilt_w:
            bank.flat[3] = bad
        filters = Filters(bank)
        want = convt.conv_transpose(x, bank, **options)
        for _ in range(2):
            got = convt.conv_transpose(x, filters, **options)
            np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
            np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-3)
        x = RNG.standard_normal((1, coarse, *size)).astype("f4")


def test_memory_that_cannot_be_had_leaves_nothing_behind():
    problem, place = problem_of("outputs"), Kept(1 << 30)
    arrays = operands(problem, "scatter")
    call = (problem, arrays.coarse, arrays.kernel, arrays.bias, arrays.fine)
    with placing(place):
        CpuBackend().scatter(*call)
        assert len(place) == 1
        place.clear()
        failures = 0
        while True:
            fail_after(failures)
            try:
                CpuBackend().scatter(*call)
                break
            except MemoryError:
                failures += 1
                assert not place
            finally:
                fail_after(-1)
    assert failures >= 2
    assert len(place) == 1


def test_scratch_memory_does_not_count_what_is_kept():
    problem = problem_of("outputs")
    constant = packs("direct", problem, "scatter", available()[0])
    assert constant.packed_bytes == 400 * 600 * 16 * 4
    assert constant.shared_bytes + constant.scratch_bytes < constant.packed_bytes
