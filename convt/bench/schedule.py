"""The schedule: how many cores a backend's plans can keep busy, by their own counts; nothing is run.

A stage is a parallel loop of equal tasks; a round of it begins when the one before has ended, the next stage when all its
rounds have. On p threads a round takes as long as ceil(tasks / p) tasks, so that the speed-up is at most

    sum of cycles / sum of (cycles * ceil(tasks / p) / tasks)

over the stages, cycles being those of all tasks of a stage. What slows real threads down comes on top: a memory that all
share, the way to a thread and back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Backend, BackendUnavailable, Stage
from ..core.problem import Problem
from ..selection import choose
from ..version import __version__
from .cases import Case
from .choice import select_cases
from .export import check_folder, write
from .results import geometric_mean
from .tables import lay_out, three_digits
from .tables import threads as in_words

__all__ = ["MAPS", "THREADS", "Schedule", "problem_of", "run"]

MAPS = {
    "scatter": "conv_transpose (scatter)",
    "gather": "conv_transpose, gradient of x (gather)",
    "correlate": "conv_transpose, gradient of w (correlate)",
}
THREADS = (8, 32, 64)
_LEGEND = {
    "tasks": "of the stage with the most work; 3 x 10 are three rounds of ten, each of which waits for the one before",
    "largest": "one task's part of all work",
    "serial": "the part of all work in stages of one task",
    "threads": "how many times as fast as one thread so many can be at most",
}


@dataclass(frozen=True)
class Schedule:
    """The stages of one map on one case; there is at least one.

    Attributes
    ----------
    case : Case
    data_map : {"scatter", "gather", "correlate"}
    stages : tuple of Stage

    Examples
    --------
    >>> from convt.backend import Stage
    >>> from convt.bench.cases import CASES
    >>> from convt.bench.schedule import Schedule
    >>> schedule = Schedule(CASES["fcn-8"], "scatter", (Stage("pack", 1, 1, 10.0), Stage("rows", 12, 1, 90.0)))
    >>> schedule.serial, schedule.largest, schedule.bound(8)
    (0.1, 0.1, 4.0)
    """

    case: Case
    data_map: str
    stages: tuple[Stage, ...]

    @property
    def cycles(self) -> float:
        """Of all work."""
        return sum(stage.cycles for stage in self.stages)

    @property
    def main(self) -> Stage:
        """The stage with the most work."""
        return max(self.stages, key=lambda stage: stage.cycles)

    @property
    def largest(self) -> float:
        """The largest task's part of all work."""
        return max(stage.cycles / (stage.rounds * stage.tasks) for stage in self.stages) / self.cycles

    @property
    def serial(self) -> float:
        """The part of all work in stages of one task."""
        return sum(stage.cycles for stage in self.stages if stage.tasks == 1) / self.cycles

    def bound(self, threads: int) -> float:
        """How many times as fast as one thread so many can be at most."""
        return self.cycles / sum(stage.cycles * -(-stage.tasks // threads) / stage.tasks for stage in self.stages)


def run(
    cases: Sequence[str] | None = None,
    *,
    threads: Sequence[int] | None = None,
    dtype: str = "float32",
    markdown: bool = False,
    json: str | os.PathLike[str] | None = None,
) -> list[Schedule]:
    """Print the bounds on the speed-up of each map on each case.

    Parameters
    ----------
    cases : sequence of str, optional
        As in `convt.bench.run.run`.
    threads : sequence of int, optional
        The numbers to tell the bound for, each at least 1; `THREADS` by default.
    dtype : {"float32", "float64"}
    markdown : bool
        Print the tables as Markdown.
    json : str or path-like, optional
        Where to write the stages and the bounds.

    Returns
    -------
    list of Schedule

    Raises
    ------
    BackendUnavailable
        The backend that is selected does not tell its schedule.
    LookupError, ValueError, OSError
        A case is not known; a number is out of range; the file cannot be written.
    """
    selected = select_cases(cases)
    numbers = list(dict.fromkeys(threads or THREADS))
    if min(numbers) < 1:
        raise ValueError(f"threads must be at least 1, got {min(numbers)}")
    check_folder(json)
    backend = choose(problem_of(selected[0], dtype), None)
    schedules = [_schedule(backend, data_map, case, dtype) for data_map in MAPS for case in selected]

    print(f"convt {__version__} (backend {backend.name}), {dtype}: bounds by the plans' own counts, nothing is run\n")
    print(*(f"- {word}: {meaning}" for word, meaning in _LEGEND.items()), sep="\n")
    for data_map, title in MAPS.items():
        part = [schedule for schedule in schedules if schedule.data_map == data_map]
        print(f"\n{title}\n")
        print(_table(part, numbers, markdown))
    if json:
        write(json, {"backend": backend.name, "dtype": dtype, "schedules": [_entry(each, numbers) for each in schedules]})
    return schedules


def problem_of(case: Case, dtype: str) -> Problem:
    """What a backend is asked for by conv_transpose and its gradients."""
    return Problem(
        batch=case.batch,
        groups=case.groups,
        fine_channels=case.outputs,
        coarse_channels=case.channels,
        fine_shape=case.y_shape[2:],
        coarse_shape=case.size,
        kernel_shape=case.kernel,
        stride=case.stride,
        padding=case.padding,
        dilation=case.dilation,
        dtype=np.dtype(dtype),
    )


def _schedule(backend: Backend, data_map: str, case: Case, dtype: str) -> Schedule:
    stages = backend.schedule(data_map, problem_of(case, dtype))
    if not stages:
        raise BackendUnavailable(f"backend must be one that tells its schedule, got {backend.name!r} (see --backend)")
    return Schedule(case, data_map, tuple(stages))


def _table(schedules: Sequence[Schedule], numbers: Sequence[int], markdown: bool) -> str:
    titles = ["case", *["shape"] * markdown, "tasks", "largest", "serial", *map(in_words, numbers)]
    rows = [
        [
            each.case.name,
            *[str(each.case)] * markdown,
            f"{each.main.rounds} x {each.main.tasks}" if each.main.rounds > 1 else str(each.main.tasks),
            f"{each.largest:.1%}",
            f"{each.serial:.1%}",
            *(three_digits(each.bound(number)) for number in numbers),
        ]
        for each in schedules
    ]
    means = (geometric_mean(each.bound(number) for each in schedules) for number in numbers)
    foot = ["geometric mean", *[""] * markdown, "", "", "", *(three_digits(mean or 0) for mean in means)]
    return lay_out(titles, rows, [foot], words=1 + markdown, markdown=markdown)


def _entry(schedule: Schedule, numbers: Sequence[int]) -> dict[str, Any]:
    return {
        "case": schedule.case.name,
        "map": schedule.data_map,
        "stages": [stage._asdict() for stage in schedule.stages],
        "largest": schedule.largest,
        "serial": schedule.serial,
        "bounds": {number: schedule.bound(number) for number in numbers},
    }
