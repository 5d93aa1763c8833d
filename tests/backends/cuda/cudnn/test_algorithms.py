"""Which algorithms take part. The stand-in has these, in the order of its heuristic:

4: Winograd; 1: 1 MB; 3: 4 KB, TF32; 0: no workspace, not deterministic; 2: 4 KB; 5: not supported
"""

from math import inf

import numpy as np
import pytest

from convt.testing import make_problem
from convt_cuda.cudnn.maps import MAPS

PROBLEM = make_problem((5, 6), 4, stride=2, crop=(1, 1), channels=(3, 4), dtype=np.float32)
SIZES = {1: 2**20, 3: 4096, 0: 0, 2: 4096}


@pytest.fixture
def offered(standin, arrays_of):
    """The algorithms that take part, in order; each has run, with the bytes that it needs."""

    def offered(data_map="scatter", problem=PROBLEM, **wishes):
        standin.clear()
        arrays = arrays_of(problem, data_map)
        plans = standin.plans(problem, data_map, arrays, **wishes)
        for plan in plans:
            standin.run(plan, arrays)
        ran = [dict(word.split("=") for word in line.split() if "=" in word) for line in standin.log]
        assert [int(line["algorithm"]) for line in ran] == [plan.algorithm for plan in plans]
        assert [int(line["workspace"]) for line in ran] == [plan.workspace for plan in plans]
        assert [plan.workspace for plan in plans] == [SIZES[plan.algorithm] for plan in plans]
        assert {line["math"] for line in ran} <= {"0" if wishes.get("allow_tf32") else "3"}
        return [plan.algorithm for plan in plans]

    return offered


@pytest.mark.parametrize(
    ("wishes", "scatter", "gather", "correlate"),
    [
        ({}, [1], [1, 2], [1]),
        ({"workspace_limit": inf}, [1], [1, 2], [1]),
        ({"workspace_limit": 2**20}, [1], [1, 2], [1]),
        ({"workspace_limit": 2**20 - 1}, [], [2], []),
        ({"workspace_limit": 4095}, [], [], []),
        ({"workspace_limit": 0, "deterministic": False}, [0], [0], [0]),
        ({"deterministic": False}, [1, 0], [1, 0, 2], [1, 0]),
        ({"allow_tf32": True}, [1], [1, 3, 2], [1, 3]),
    ],
)
def test_those_that_keep_what_is_promised(offered, wishes, scatter, gather, correlate):
    assert offered("scatter", **wishes) == scatter
    assert offered("gather", **wishes) == gather
    assert offered("correlate", **wishes) == correlate


@pytest.mark.parametrize("data_map", MAPS)
def test_transforms_take_no_part(data_map):
    """A Fourier transform, or Winograd's, reads elements that a result does not reach."""
    names = MAPS[data_map].algorithms
    for number in MAPS[data_map].sums:
        assert "FFT" not in names[number]
        assert "Winograd" not in names[number]


def test_copies_count_for_the_limit(standin, arrays_of):
    problem = make_problem((5, 6), 4, stride=2, crop=(0, 3), channels=(3, 4), dtype=np.float32)
    arrays = arrays_of(problem, "scatter")
    (plan,) = standin.plans(problem, "scatter", arrays)
    copies = plan.workspace - 2**20
    assert copies >= 4 * 4 * 12 * 14
    (again,) = standin.plans(problem, "scatter", arrays, workspace_limit=plan.workspace)
    standin.run(again, arrays)
    assert standin.plans(problem, "scatter", arrays, workspace_limit=plan.workspace - 1) == []
    assert standin.plans(problem, "scatter", arrays, workspace_limit=copies - 1) == []


def test_tf32_rounds_only_where_it_is_allowed(standin, arrays_of):
    left, right, out = arrays_of(PROBLEM, "gather")
    exact, rounded = out, out.copy()
    standin.compute(PROBLEM, "gather", [left, right, exact], workspace_limit=4096)
    standin.compute(PROBLEM, "gather", [left, right, rounded], workspace_limit=4096, allow_tf32=True)
    assert 1e-5 < np.abs(exact - rounded).max() < 1e-1


def test_an_algorithm_that_is_refused_after_all(standin, arrays_of):
    standin.fail("cudnnGetConvolutionForwardWorkspaceSize", 3000)
    plans = standin.plans(PROBLEM, "gather", arrays_of(PROBLEM, "gather"))
    assert [plan.algorithm for plan in plans] == [2]
