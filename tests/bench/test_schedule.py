"""schedule: bounds by arithmetic, and a command that asks the backend and runs nothing."""

import json

import numpy as np
import pytest
from fakes import Recorder

import convt
from convt.__main__ import main
from convt.backend import Stage
from convt.bench.cases import CASES
from convt.bench.schedule import MAPS, Schedule, problem_of


class Planner(Recorder):
    """Tells stages that depend on the map."""

    def schedule(self, data_map, problem):
        self.problems.append(problem)
        rounds = {"scatter": 1, "gather": 3, "correlate": 1}[data_map]
        packing = [Stage("pack", 1, 1, 10.0)] if data_map == "correlate" else []
        return [*packing, Stage("rows", 12, rounds, 90.0)]


@pytest.fixture
def planner(install):
    made = Planner("planner", priority=1)
    install(planner=made, plain=Recorder("plain"))
    return made


def schedule(*stages):
    return Schedule(CASES["tiny-1d"], "scatter", stages)


def test_the_bound_of_one_stage_is_that_of_its_tasks():
    made = schedule(Stage("rows", 12, 1, 60.0))
    assert [made.bound(threads) for threads in (1, 2, 5, 8, 12, 64)] == [1.0, 2.0, 4.0, 6.0, 12.0, 12.0]
    assert (made.largest, made.serial) == (1 / 12, 0.0)


def test_rounds_cut_tasks_but_not_the_bound():
    made = schedule(Stage("rows", 12, 5, 60.0))
    assert made.bound(8) == 6.0
    assert made.largest == 1 / 60


def test_stages_add_up():
    made = schedule(Stage("pack", 1, 2, 10.0), Stage("rows", 9, 1, 90.0), Stage("sum", 4, 1, 20.0))
    assert made.bound(4) == pytest.approx(120 / (10 + 90 * 3 / 9 + 20 / 4))
    assert made.main.name == "rows"
    assert made.serial == pytest.approx(10 / 120)
    assert made.largest == pytest.approx(10 / 120)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_problem_is_the_one_of_a_call(case):
    class Silent(Recorder):
        def scatter(self, problem, *arrays):
            self.problems.append(problem)

    silent = Silent()
    x, w = (np.broadcast_to(np.float32(0), shape) for shape in (case.x_shape, case.w_shape))
    convt.conv_transpose(x, w, **case.options, backend=silent)
    assert silent.problems == [problem_of(case, "float32")]


def test_the_command(tmp_path, capsys, planner):
    arguments = ["--cases", "tiny-1d,fcn-8", "--threads", "2,8", "--json", str(tmp_path / "a.json")]
    assert main(["bench", "--schedule", *arguments]) == 0
    printed = capsys.readouterr().out
    assert "(backend planner), float32" in printed
    assert [printed.count(title) for title in MAPS.values()] == [1, 1, 1]
    scatter, gather, correlate = (part.splitlines() for part in printed.split("\nconv_transpose")[1:])
    assert scatter[2].split("  ")[-2:] == ["2 threads", "8 threads"]
    assert scatter[4].split() == ["fcn-8", "12", "8.3%", "0.0%", "2.00", "6.00"]
    assert gather[5].split() == ["tiny-1d", "3", "x", "12", "2.8%", "0.0%", "2.00", "6.00"]
    assert correlate[4].split() == ["fcn-8", "12", "10.0%", "10.0%", "1.82", "4.00"]
    assert correlate[-1].split() == ["geometric", "mean", "1.82", "4.00"]
    assert len({len(line) for line in scatter[2:8]}) == 1
    assert {problem.dtype.name for problem in planner.problems} == {"float32"}
    assert planner.calls == []
    entries = json.loads((tmp_path / "a.json").read_text())["schedules"]
    assert [entry["map"] for entry in entries[::2]] == list(MAPS)
    assert entries[-1]["bounds"] == {"2": pytest.approx(100 / 55), "8": pytest.approx(4)}


def test_three_numbers_of_threads_by_default_and_markdown(capsys, planner):
    assert main(["bench", "--schedule", "--cases", "tiny-1d", "--markdown"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines.count("| case | shape | tasks | largest | serial | 8 threads | 32 threads | 64 threads |") == 3
    assert lines.count("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |") == 3


def test_a_backend_that_does_not_tell_is_an_error(capsys, planner):
    assert main(["bench", "--schedule", "--backend", "plain"]) == 2
    assert "backend must be one that tells its schedule, got 'plain'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--threads", "8,0"], "threads must be at least 1, got 0"),
        (["--peers", "none"], "peers must not be given with --schedule"),
        (["--busy"], "busy must not be given with --schedule"),
        (["--repeat", "3"], "repeat must not be given with --schedule"),
        (["--cases", "dcgam"], "did you mean 'dcgan"),
        (["--json", "/nowhere/a.json"], "json must be a file in an existing directory"),
    ],
)
def test_what_is_wrong_is_told(capsys, planner, arguments, message):
    assert main(["bench", "--schedule", *arguments]) == 2
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert message in errors
