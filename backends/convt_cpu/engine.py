"""What an engine is: a way to compute the three maps, or some of them.

`choice.py` lists the engines, estimates what each would cost and takes the cheapest; `backend.py` runs it. Each engine is a
folder of its own (`direct`, `im2col`, ...) whose ``__init__.py`` says how it works.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from ._job import Job

__all__ = ["Engine", "Map", "Order"]

Map: TypeAlias = Literal["scatter", "gather", "correlate"]
Order: TypeAlias = tuple[int, ...]


class Engine(NamedTuple):
    """How an engine is asked and run.

    Attributes
    ----------
    plan : callable
        ``plan(job)`` gives a `convt_cpu._plan.Plan`, or None if the engine cannot do this `convt_cpu._job.Job`.
    run : callable
        ``run(plan, input, kernel, bias, output, threads)`` computes scatter or gather,
        ``run(plan, fine, coarse, kernel, threads)`` correlate. False if the engine has met values that it cannot treat as
        the definition does (NaN, infinities); another engine then writes all of the output again.
    cycles : callable
        ``cycles(plan, job)`` estimates the time on one core.
    suits : callable
        ``suits(job)`` tells at once, without a plan, whether this is what the engine is meant for. It is not
        asked where an engine is forced.
    """

    plan: Callable[[Job], Any]
    run: Callable[..., bool]
    cycles: Callable[[Any, Job], float]
    suits: Callable[[Job], bool] = lambda job: True
