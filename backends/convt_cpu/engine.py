"""What an engine is: a way to compute the three maps, or some of them.

Each engine is a folder of its own (`direct`, `cells`, ...): its plan, and the stages of that, which are C functions. It is a
line of ``kernels/engines.h``, the list of all; `choice.py` takes the one whose plan costs least, `_runner.pyx` runs it.
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
    """How an engine is asked.

    Attributes
    ----------
    plan : callable
        ``plan(job)`` gives a `convt_cpu._plan.Plan`, or None if the engine cannot do this `convt_cpu._job.Job`.
    suits : callable
        ``suits(job)`` tells at once, without a plan, whether this is what the engine is meant for. It is not
        asked where an engine is forced.
    """

    plan: Callable[[Job], Any]
    suits: Callable[[Job], bool] = lambda job: True
