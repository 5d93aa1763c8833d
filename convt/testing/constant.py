"""Questions about filters that are declared constant: what a backend keeps for them must not show in results."""

from __future__ import annotations

from dataclasses import replace

from ..backend import Problem
from ..core.constant import Kept, placing
from .checks import Examiner
from .memory import FORMS
from .naive import INPUTS

__all__ = ["check_constant"]

_PLENTY = 1 << 24  # bytes


def check_constant(examiner: Examiner, problem: Problem) -> None:
    """The same bits again and again, for the same filters in another shape of memory and another problem, and for others."""
    wider = replace(problem, batch=problem.batch + 1)
    for name in ("scatter", "gather"):
        first, second = Kept(_PLENTY), Kept(_PLENTY)
        arrays, others = examiner.draw_all(problem), examiner.draw_all(problem)
        data = INPUTS[name][0]
        wide = examiner.draw_all(wider)[data]
        with placing(first):
            got = examiner.check_result(name, problem, arrays[data], arrays["kernel"])
            if examiner.ask(name, problem, arrays[data], arrays["kernel"]).tobytes() != got.tobytes():
                examiner.fail(f"{name} gives other bits when called again with the same filters")
            examiner.check_result(name, problem, others[data], arrays["kernel"])
            examiner.check_result(name, wider, wide, arrays["kernel"])
            for form in FORMS[:2]:
                examiner.check_result(name, problem, arrays[data], examiner.in_form(arrays["kernel"], form))
        with placing(second):
            examiner.check_result(name, problem, arrays[data], others["kernel"])
        with placing(first):
            again = examiner.ask(name, problem, arrays[data], arrays["kernel"])
        if again.tobytes() != got.tobytes():
            examiner.fail(f"{name} gives other bits after calls with other filters")
