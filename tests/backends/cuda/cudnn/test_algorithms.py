"""Which algorithm is chosen. The stand-in has these, in the order of its heuristic:

4: 3 ms, 1 MB; 3: 1.5 ms, 4 KB, TF32; 0: 1 ms, no workspace, not deterministic; 1: 2 ms, 4 KB; 5: not supported
"""

import json
from math import inf

import numpy as np
import pytest

from convt.testing import make_problem
from convt_cuda.cudnn import CudnnError
from convt_cuda.cudnn.tuned import Tuned

PROBLEM = make_problem((5, 6), 4, stride=2, crop=(1, 1), channels=(3, 4), dtype=np.float32)
MAPS = ["scatter", "gather", "correlate"]


def _file_of(choice):
    return json.dumps({"format": "convt cuDNN algorithms 1", "choices": {"a": choice}})


@pytest.fixture
def chosen(standin, arrays_of):
    """The algorithm that runs, and the bytes that it is given."""

    def chosen(data_map="scatter", problem=PROBLEM, **wishes):
        standin.clear()
        arrays = arrays_of(problem, data_map)
        plan = standin.compute(problem, data_map, arrays, **wishes)
        line = next(line for line in standin.log if line.startswith("Conv"))
        numbers = dict(word.split("=") for word in line.split() if word.startswith(("algorithm", "workspace", "math")))
        assert plan.workspace == int(numbers["workspace"])
        return int(numbers["algorithm"]), int(numbers["workspace"]), int(numbers["math"])

    return chosen


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize(
    ("wishes", "algorithm"),
    [
        ({}, 4),
        ({"workspace_limit": inf}, 4),
        ({"workspace_limit": 2**20}, 4),
        ({"workspace_limit": 2**20 - 1}, 1),
        ({"workspace_limit": 4096}, 1),
        ({"workspace_limit": 4095, "deterministic": False}, 0),
        ({"workspace_limit": 4096, "deterministic": False}, 0),
        ({"workspace_limit": 4096, "allow_tf32": True}, 3),
        ({"autotune": True}, 1),
        ({"autotune": True, "allow_tf32": True}, 3),
        ({"autotune": True, "deterministic": False}, 0),
        ({"autotune": True, "deterministic": False, "allow_tf32": True}, 0),
        ({"autotune": True, "workspace_limit": 4096}, 1),
    ],
)
def test_the_fastest_that_is_allowed(chosen, data_map, wishes, algorithm):
    sizes = {4: 2**20, 3: 4096, 0: 0, 1: 4096}
    math = 3 if not wishes.get("allow_tf32") else {3: 1, 0: 0}[algorithm]
    assert chosen(data_map, **wishes) == (algorithm, sizes[algorithm], math)


def test_nothing_is_chosen_where_nothing_is_allowed(standin, arrays_of):
    arrays = arrays_of(PROBLEM, "scatter")
    assert standin.plan(PROBLEM, "scatter", arrays, workspace_limit=4095) is None
    assert standin.plan(PROBLEM, "scatter", arrays, workspace_limit=4095, autotune=True) is None


def test_copies_count_for_the_limit(standin, arrays_of):
    problem = make_problem((5, 6), 4, stride=2, crop=(0, 3), channels=(3, 4), dtype=np.float32)
    arrays = arrays_of(problem, "scatter")
    plan = standin.plan(problem, "scatter", arrays)
    copies = plan.workspace - 2**20
    assert copies >= 4 * 4 * 12 * 14
    for limit in (plan.workspace, plan.workspace - 1, 4096 + copies):
        plan = standin.plan(problem, "scatter", arrays, workspace_limit=limit)
        assert plan.workspace <= limit
        standin.run(plan, arrays)
    assert standin.plan(problem, "scatter", arrays, workspace_limit=4095 + copies) is None
    assert standin.plan(problem, "scatter", arrays, workspace_limit=copies - 1) is None


def test_tf32_rounds_only_where_it_is_allowed(standin, arrays_of):
    left, right, out = arrays_of(PROBLEM, "gather")
    exact, rounded = out, out.copy()
    standin.compute(PROBLEM, "gather", [left, right, exact], workspace_limit=4096)
    standin.compute(PROBLEM, "gather", [left, right, rounded], workspace_limit=4096, allow_tf32=True)
    assert 1e-5 < np.abs(exact - rounded).max() < 1e-1


def measured(standin):
    """How many measurements there have been."""
    return len(standin.cudnn.tuned)


def test_a_measurement_is_made_once(standin, chosen):
    first = chosen(autotune=True)
    standin.fail("cudnnFindConvolutionBackwardDataAlgorithmEx", 5000)
    assert chosen(autotune=True) == first
    with pytest.raises(CudnnError):
        chosen(autotune=True, deterministic=False)


def test_every_part_of_the_problem_is_in_the_key(standin, arrays_of):
    base = {"coarse": (5, 6), "kernel": 4, "stride": 2, "crop": (1, 1), "channels": (4, 4), "dtype": np.float32}
    changes = [
        {},
        {"coarse": (5, 7)},
        {"kernel": 3},
        {"stride": 1},
        {"crop": (2, 2)},
        {"crop": (1, 0)},
        {"dilation": 2},
        {"channels": (4, 2)},
        {"channels": (2, 4)},
        {"groups": 2},
        {"batch": 2},
        {"dtype": np.float64},
    ]
    problems = [make_problem(**{**base, **change}) for change in changes]
    asked = [(problem, "scatter", {}) for problem in problems] + [(problems[0], "gather", {})]
    options = ({"allow_tf32": True}, {"deterministic": False}, {"workspace_limit": 10**6})
    asked += [(problems[0], "scatter", wishes) for wishes in options]
    for count, (problem, data_map, wishes) in enumerate(asked, 1):
        standin.plan(problem, data_map, arrays_of(problem, data_map), autotune=True, **wishes)
        assert measured(standin) == count, (problem, data_map, wishes)


def test_measuring_leaves_the_callers_arrays_alone(standin, arrays_of):
    arrays = arrays_of(PROBLEM, "scatter")
    before = [array.copy() for array in arrays]
    standin.plan(PROBLEM, "scatter", arrays, autotune=True)
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_without_memory_to_measure_the_heuristic_decides(standin, chosen, arrays_of):
    standin.device.pool.full_above = 2**20 - 1
    assert chosen("scatter", autotune=True, workspace_limit=2**19)[0] == 1
    assert measured(standin) == 1
    standin.device.pool.full_above = 4096
    assert chosen("gather", autotune=True, workspace_limit=5000)[0] == 1
    assert measured(standin) == 2
    standin.device.pool.full_above = 0
    arrays = [
        np.ones(s, np.float32) for s in (PROBLEM.fine_array_shape, PROBLEM.coarse_array_shape, PROBLEM.kernel_array_shape)
    ]
    plan = standin.plan(PROBLEM, "correlate", arrays, autotune=True)
    assert plan.workspace == 2**20
    assert measured(standin) == 2


def test_choices_are_saved_and_loaded(standin, chosen, tmp_path):
    file = tmp_path / "choices.json"
    first = chosen(autotune=True)
    standin.cudnn.tuned.save(file)
    assert [path.name for path in tmp_path.iterdir()] == ["choices.json"]
    standin.cudnn.tuned.clear()
    standin.cudnn.tuned.load(file)
    standin.fail("cudnnFindConvolutionBackwardDataAlgorithmEx", 5000)
    assert chosen(autotune=True) == first
    standin.fail("", 0)


def test_a_file_in_the_environment_is_read_and_written(standin, chosen, tmp_path, monkeypatch):
    file = tmp_path / "choices.json"
    monkeypatch.setenv("CONVT_CUDNN_TUNED", str(file))
    chosen(autotune=True)
    written = json.loads(file.read_text())
    (choice,) = written["choices"].values()
    assert choice == {"algorithm": 1, "math": 3, "workspace": 4096}
    choice.update(algorithm=4, workspace=0)
    file.write_text(json.dumps(written))
    standin.cudnn.tuned.clear()
    assert chosen(autotune=True) == (4, 2**20, 3)  # with the workspace that it needs, not what the file says


def test_a_saved_choice_that_cudnn_does_not_have_is_measured_again(standin, chosen, tmp_path, monkeypatch):
    file = tmp_path / "choices.json"
    chosen(autotune=True)
    standin.cudnn.tuned.save(file)
    file.write_text(file.read_text().replace('"algorithm": 1', '"algorithm": 77'))
    standin.cudnn.tuned.load(file)
    assert chosen(autotune=True)[0] == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": "other", "choices": {}}',
        _file_of({"b": 1}),
        _file_of({"algorithm": -1, "math": 0, "workspace": 0}),
        _file_of({"algorithm": "1", "math": 0, "workspace": 0}),
    ],
)
def test_other_files_are_refused(tmp_path, content):
    file = tmp_path / "choices.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"^path must be a file that Tuned\.save has written, got '.*choices\.json' \("):
        Tuned().load(file)


def test_a_file_that_cannot_be_written_does_not_stop_a_computation(chosen, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVT_CUDNN_TUNED", str(tmp_path / "missing" / "choices.json"))
    assert chosen(autotune=True)[0] == 1
