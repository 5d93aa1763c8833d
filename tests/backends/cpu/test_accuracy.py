"""Promise 3: every element of a result is as accurate as what it reaches allows, whatever engine computes it.

The bound is ``convt.testing.bounds``; ``kernels/README.md`` states c for each engine.
"""

from itertools import product

import numpy as np
import pytest
from engines import DOUBLE, MAPS, RESULT, SINGLE, Operands, channels_last, definition, plan_of, spread
from hard_numbers import FAMILIES

import convt
from convt.backend import Problem
from convt.testing.bounds import bound, judge
from convt_cpu import CpuBackend
from convt_cpu._runner import DONE, LEFT, run
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available

pytestmark = pytest.mark.usefixtures("one_machine")

OPERANDS = {"scatter": ("coarse", "kernel"), "gather": ("fine", "kernel"), "correlate": ("fine", "coarse")}
C = {"winograd": 20.0, "winograd_correlate": 12.0}  # and of plain sums:
PLAIN = 24.0
SHAPES = {  # groups, channels, fine, coarse, kernel, stride, padding, dilation
    "3 x 3": (1, 18, 17, (14, 21), (14, 21), (3, 3), (1, 1), (1, 1), (1, 1)),
    "3 x 3, no padding": (1, 16, 20, (13, 12), (11, 10), (3, 3), (1, 1), (0, 0), (1, 1)),
    "3 x 3, all of it": (1, 16, 16, (11, 12), (13, 14), (3, 3), (1, 1), (2, 2), (1, 1)),
    "4 x 4 in phases": (1, 16, 19, (28, 22), (14, 11), (4, 4), (2, 2), (1, 1), (1, 1)),
    "4 x 4 in phases, uneven": (2, 16, 16, (23, 27), (12, 13), (4, 4), (2, 2), (2, 1), (1, 1)),
    "6 x 6 in phases": (1, 16, 17, (26, 22), (13, 11), (6, 6), (2, 2), (2, 2), (1, 1)),
    "unlike axes": (1, 16, 18, (26, 15), (13, 15), (4, 3), (2, 1), (1, 1), (1, 1)),
    "dilated": (1, 17, 16, (15, 20), (15, 20), (3, 2), (1, 1), (2, 1), (2, 3)),
    "two taps": (1, 16, 16, (12, 31), (11, 30), (2, 2), (1, 1), (0, 0), (1, 1)),
    "one row": (1, 16, 24, (1, 61), (1, 31), (1, 4), (1, 2), (0, 2), (1, 1)),
    "3 x 3, stride 2": (1, 16, 16, (19, 20), (10, 10), (3, 3), (2, 2), (1, 1), (1, 1)),
    "few channels": (1, 2, 3, (24, 33), (12, 11), (5, 6), (2, 3), (1, 1), (1, 1)),
    "long filters": (1, 2, 3, (1, 64), (1, 4), (1, 32), (1, 16), (0, 8), (1, 1)),
    "many groups": (20, 1, 1, (9, 17), (9, 17), (3, 3), (1, 1), (1, 1), (1, 1)),
}


def problem_of(name, dtype):
    groups, fine, coarse, *rest = SHAPES[name]
    return Problem(2, groups, fine * groups, coarse * groups, *rest, np.dtype(dtype))


def operands(problem, data_map, family, role, seed):
    """Unit normals, one of the operands changed; the result is NaN."""
    rng = np.random.default_rng(seed)
    arrays = {each: rng.standard_normal(getattr(problem, f"{each}_array_shape"), problem.dtype) for each in RESULT.values()}
    FAMILIES[family](rng, arrays[role])
    arrays[RESULT[data_map]][...] = np.nan
    return Operands(**arrays, bias=None)


def plans_of(problem, data_map):
    """All plans, with what tells them apart: (engine, instruction set, layout)."""
    for engine, isa, layout in product(ENGINES, available(), (np.asarray, channels_last)):
        if engine != "im2col" or isa == available()[0]:
            plan = plan_of(engine, problem, data_map, isa, channels_last=layout is channels_last)
            if plan is not None:
                yield (engine, isa, layout), plan


@pytest.mark.parametrize("dtype", [SINGLE, DOUBLE], ids=["f4", "f8"])
@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("data_map", MAPS)
def test_every_element_is_as_accurate_as_what_it_reaches(data_map, name, dtype):
    problem = problem_of(name, dtype)
    plans = dict(plans_of(problem, data_map))
    zeros = 0
    for seed, (family, role) in enumerate(product(FAMILIES, OPERANDS[data_map])):
        arrays = operands(problem, data_map, family, role, seed)
        right = definition(problem, data_map, arrays)
        limit = bound(data_map, problem, *(getattr(arrays, each) for each in OPERANDS[data_map]))
        zeros += np.count_nonzero(limit == 0)
        for (engine, isa, layout), plan in plans.items():
            placed = spread(arrays, layout)
            assert run(plan, *placed, 2) == DONE
            found = judge(getattr(placed, RESULT[data_map]), right, limit, c=C.get(engine, PLAIN))
            assert not found.wrong, f"{family} {role}, {engine} {isa} {layout.__name__}: {found.words}"
    assert zeros > 0 or data_map == "correlate"  # beside a mask, where only 0 is right


def test_all_engines_are_tried_and_winograds_with_all_their_kinds():
    able = {
        (engine, name)
        for data_map, name in product(MAPS, SHAPES)
        for (engine, _isa, _layout), _plan in plans_of(problem_of(name, SINGLE), data_map)
    }
    assert {engine for engine, _name in able} == set(ENGINES)
    assert {name for engine, name in able if engine == "winograd"} == set(list(SHAPES)[:9])
    assert {name for engine, name in able if engine == "winograd_correlate"} == set(list(SHAPES)[:11])


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("hot", [100, -9999, 1e8, 1e20, 1e30])
def test_a_hot_pixel_leaves_what_it_does_not_reach_as_it_was(data_map, hot):
    problem = Problem(1, 1, 64, 64, (96, 96), (48, 48), (4, 4), (2, 2), (1, 1), (1, 1), SINGLE)
    rng = np.random.default_rng(0)
    arrays = {role: rng.standard_normal(getattr(problem, f"{role}_array_shape"), SINGLE) for role in RESULT.values()}
    arrays[OPERANDS[data_map][0]][0, :, 24, 24] = hot
    with np.errstate(over="ignore"):
        got = _called(data_map, problem, arrays)
        right = definition(problem, data_map, Operands(**arrays, bias=None))
    limit = bound(data_map, problem, *(arrays[role] for role in OPERANDS[data_map]))
    assert not judge(got, right, limit, c=24).wrong


def _called(data_map, problem, arrays):
    options = {"stride": problem.stride, "padding": problem.padding, "backend": "cpu"}
    if data_map == "scatter":
        return convt.conv_transpose(arrays["coarse"], arrays["kernel"], **options)
    if data_map == "gather":
        return convt.conv(arrays["fine"], arrays["kernel"], **options)
    return convt.conv_transpose_backward(arrays["coarse"], arrays["kernel"], None, arrays["fine"], needs="w", **options)[1]


@pytest.mark.parametrize(
    ("engine", "data_map"), [("winograd", "scatter"), ("winograd", "gather"), ("winograd_correlate", "correlate")]
)
@pytest.mark.parametrize("name", list(SHAPES)[:9])
@pytest.mark.parametrize("role", [0, 1])
def test_what_would_overflow_in_a_transform_is_done_by_others(monkeypatch, engine, data_map, name, role):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    problem = problem_of(name, SINGLE)
    arrays = operands(problem, data_map, "normal", OPERANDS[data_map][role], 3)._asdict()
    plan = plan_of(engine, problem, data_map)
    huge = arrays[OPERANDS[data_map][role]]
    huge[...] = np.where(huge > 0, 3e38, -3e38)  # sums of neighbours overflow
    arrays[OPERANDS[data_map][1 - role]] *= np.float32(1e-9)
    assert run(plan, *Operands(**arrays), 2) == LEFT
    got = _mapped(data_map, problem, arrays)
    assert np.isfinite(got).all()
    limit = bound(data_map, problem, *(arrays[each] for each in OPERANDS[data_map]))
    assert not judge(got, definition(problem, data_map, Operands(**arrays)), limit, c=24).wrong


def _mapped(data_map, problem, arrays):
    result = arrays[RESULT[data_map]]
    getattr(CpuBackend(), data_map)(
        problem, *(arrays[role] for role in OPERANDS[data_map]), *([] if data_map == "correlate" else [None]), result
    )
    return result
