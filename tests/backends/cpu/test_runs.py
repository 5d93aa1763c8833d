"""Runs of tasks: layers of usual sizes, by all engines, are right and have the same bits whatever the runs' lengths."""

import numpy as np
import pytest
from engines import DOUBLE, MAPS, RESULT, SINGLE, TOLERANCE, computed, definition, is_shared, operands, plan_of

from convt.backend import Problem
from convt_cpu._kernels import instruction_sets
from convt_cpu.choice import ENGINES

pytestmark = pytest.mark.usefixtures("one_machine")

SEEDS = range(16)
THREADS = (1, 2, 5, 64)
LEAST, MOST = 1e6, 5e7  # multiply-adds, ...
ELEMENTS = 1e6  # ... with so many elements of an array at most
FILTERS = ((1, 1), (2, 2), (3, 1), (3, 1), (3, 2), (4, 2), (4, 2), (5, 1), (5, 4), (8, 4))  # sizes and strides
RATIOS = ((0.7, 1.5, 1.0), (1.3, 0.7, 1.0))  # of the lengths of an image's axes


def layer(seed):
    """A problem of some million multiply-adds: up to 200 channels, filters as networks have them, images of any shape."""
    rng = np.random.default_rng(seed)
    axes = int(rng.choice([1, 2, 2, 2, 3]))
    size, stride = FILTERS[rng.integers(len(FILTERS))]
    dilation = int(rng.choice([1, 1, 1, 2])) if stride == 1 else 1
    groups, batch = int(rng.choice([1, 1, 1, 2, 5])), int(rng.integers(1, 4))
    wanted = LEAST * (MOST / LEAST) ** rng.random()
    coarse_channels, fine_channels = (int(each) for each in rng.integers(1, 200 // groups, 2, endpoint=True))
    if rng.random() < 0.15:
        groups, coarse_channels, fine_channels = coarse_channels, 1, 1  # depthwise
    weights = groups * coarse_channels * fine_channels * size**axes
    elements = groups * max(fine_channels * stride**axes, coarse_channels)
    length = max(2.0, (min(wanted / weights, ELEMENTS / elements) / batch) ** (1 / axes))
    ratios = np.array(RATIOS[rng.integers(len(RATIOS))][:axes])
    coarse = np.maximum(1, np.rint(length * ratios)).astype(int)
    padding = rng.integers(0, size // 2, axes, endpoint=True)
    fine = (coarse - 1) * stride - 2 * padding + dilation * (size - 1) + 1 + rng.integers(0, stride, axes)
    shapes = (tuple(map(int, each)) for each in (np.maximum(fine, 1), coarse))
    kernel, strides, dilations = ((each,) * axes for each in (size, stride, dilation))
    crop, dtype = tuple(map(int, padding)), rng.choice([SINGLE, DOUBLE])
    channels = groups * fine_channels, groups * coarse_channels
    return Problem(batch, groups, *channels, *shapes, kernel, strides, crop, dilations, dtype)


def plans_of(problem, data_map):
    """All that there are, by engine and instruction set; im2col has one."""
    names = [(engine, isa) for engine in ENGINES for isa in instruction_sets() if engine != "im2col"]
    plans = {name: plan_of(name[0], problem, data_map, name[1]) for name in names}
    plans["im2col", ""] = plan_of("im2col", problem, data_map)
    return {name: plan for name, plan in plans.items() if plan is not None}


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("seed", SEEDS)
def test_all_engines_compute_layers_with_the_same_bits_for_any_number_of_threads(seed, data_map):
    problem = layer(seed)
    arrays = operands(problem, data_map, seed)
    right = definition(problem, data_map, arrays)
    tolerance = TOLERANCE[problem.dtype.itemsize] * max(1, abs(right).max())
    result = getattr(arrays, RESULT[data_map])
    for name, plan in plans_of(problem, data_map).items():
        results = []
        for threads in THREADS:
            result[...] = np.nan
            results.append(computed(plan, data_map, arrays, threads).copy())
        np.testing.assert_allclose(results[0], right, rtol=0, atol=tolerance, err_msg=str(name))
        assert {result.tobytes() for result in results} == {results[0].tobytes()}, name


def test_the_layers_give_several_threads_something_to_do():
    plans = {}
    for seed in SEEDS:
        for data_map in MAPS:
            for (engine, _isa), plan in plans_of(layer(seed), data_map).items():
                plans.setdefault(engine, []).append(plan)
    assert set(plans) == set(ENGINES)
    for engine, some in plans.items():
        assert 2 * sum(map(is_shared, some)) > len(some), engine
    assert {plan.tables.schedule for plan in plans["direct"] if is_shared(plan)} == {"by strips", "together", "by outputs"}
    assert {plan.tables.schedule for plan in plans["winograd"] if is_shared(plan)} >= {"by tiles", "together"}
    assert {plan.tables.together for plan in plans["winograd_correlate"] if is_shared(plan)} == {False, True}
