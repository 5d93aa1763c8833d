"""Every engine for each element type, instruction set and layout of its arrays, on the same problems.

Kernels are templates of type and instruction set, and take other ways where rows or channels are contiguous: nothing is
left out of this product, and each member of it does some problem. The engines' own tests have the problems that they cut
differently.
"""

from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest
from engines import DTYPES, MAPS, MAPS_OF, SINGLE, channels_last, check, length_of_sums, plan_of

from convt.backend import Problem
from convt_cpu._kernels import stages
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available

pytestmark = pytest.mark.usefixtures("one_machine")


def strided(array):
    """The same values, every second element of memory, backwards."""
    wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]), array.dtype)[..., ::-2]
    wide[...] = array
    return wide


LAYOUTS = {"contiguous rows": np.asarray, "contiguous channels": channels_last, "nothing contiguous": strided}
PROBLEMS = [
    ("3 x 3", 2, 1, 19, 18, (17, 45), (17, 45), (3, 3), (1, 1), (1, 1), (1, 1)),
    ("4 x 4 in phases", 2, 1, 21, 19, (18, 86), (9, 43), (4, 4), (2, 2), (1, 1), (1, 1)),
    ("dilated", 1, 1, 17, 18, (14, 50), (14, 50), (3, 3), (1, 1), (2, 2), (2, 2)),
    ("rows of one phase", 1, 1, 18, 17, (11, 46), (11, 46), (3, 2), (1, 1), (1, 0), (1, 1)),
    ("60 groups", 2, 60, 60, 60, (9, 12), (9, 12), (3, 3), (1, 1), (1, 1), (1, 1)),
    ("61 groups in phases", 1, 61, 61, 61, (12, 14), (6, 7), (4, 4), (2, 2), (1, 1), (1, 1)),
    ("groups of 2 and 3", 2, 3, 6, 9, (13, 35), (13, 35), (3, 3), (1, 1), (1, 1), (1, 1)),
    ("k == s", 2, 1, 5, 7, (21, 60), (7, 20), (3, 3), (3, 3), (0, 0), (1, 1)),
    ("long cells", 1, 1, 3, 9, (63, 88), (7, 10), (13, 17), (9, 8), (2, 0), (1, 1)),
    ("long rows", 2, 1, 3, 5, (300,), (34,), (37,), (8,), (1,), (1,)),
    ("one output", 1, 1, 1, 40, (41, 43), (21, 22), (4, 3), (2, 2), (2, 1), (1, 1)),
    ("one element", 3, 1, 40, 37, (4, 4), (1, 1), (4, 4), (1, 1), (0, 0), (1, 1)),
    ("few positions", 2, 1, 70, 90, (4, 6), (2, 3), (4, 4), (2, 2), (1, 1), (1, 1)),
    ("1 x 1", 2, 1, 33, 30, (5, 41), (5, 41), (1, 1), (1, 1), (0, 0), (1, 1)),
    ("many channels", 1, 1, 96, 96, (12, 12), (12, 12), (3, 3), (1, 1), (1, 1), (1, 1)),
    ("many weights", 1, 1, 512, 512, (4, 4), (4, 4), (3, 3), (1, 1), (1, 1), (1, 1)),
    ("three dimensions", 1, 1, 9, 11, (8, 10, 18), (4, 5, 9), (4, 4, 4), (2, 2, 2), (1, 1, 1), (1, 1, 1)),
]


@pytest.mark.parametrize("layout", LAYOUTS)
@DTYPES
@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("engine", ENGINES)
def test_each_engine_computes_the_definition(engine, isa, dtype, layout):
    for data_map in MAPS_OF[engine]:
        done = 0
        for _name, *sizes in PROBLEMS:
            problem = Problem(*sizes, dtype)
            plan = plan_of(engine, problem, data_map, isa, channels_last=layout == "contiguous channels")
            if plan is not None:
                least = length_of_sums(problem) if data_map == "correlate" else 1
                check(plan, problem, data_map, layout=LAYOUTS[layout], least=least)
                done += 1
        assert done >= 2


@pytest.mark.parametrize("engine", ENGINES)
def test_the_maps_left_out_are_those_that_an_engine_cannot_do(engine):
    problems = [Problem(*sizes, SINGLE) for _name, *sizes in PROBLEMS]
    able = {data_map for data_map in MAPS if any(plan_of(engine, problem, data_map) for problem in problems)}
    assert able == set(MAPS_OF[engine])


@DTYPES
@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("engine", dict.fromkeys(engine for engine, _stage in stages()))
def test_the_problems_reach_all_stages(engine, isa, dtype):
    made = [
        plan_of(engine, Problem(*sizes, dtype), data_map, isa, channels_last=last)
        for _name, *sizes in PROBLEMS
        for data_map in MAPS_OF[engine]
        for last in (False, True)
    ]
    reached = {stage.name for plan in made if plan is not None for stage in plan.stages}
    assert reached == {name for owner, name in stages() if owner == engine}


def kinds_of(engine):
    """The problems of an engine's own tests."""
    spec = spec_from_file_location(f"kinds_of_{engine}", Path(__file__).parent / engine / "test_engine.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.KINDS.values()


@DTYPES
@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("engine", dict.fromkeys(engine for engine, _stage in stages()))
def test_the_kinds_of_an_engines_own_tests_reach_all_of_its_stages(engine, isa, dtype):
    plans = [
        plan_of(engine, replace(problem, dtype=dtype), data_map, isa, channels_last=last)
        for problem in kinds_of(engine)
        for data_map in MAPS_OF[engine]
        for last in (False, True)
    ]
    reached = {stage.name for plan in plans if plan is not None for stage in plan.stages}
    assert reached == {name for owner, name in stages() if owner == engine}
