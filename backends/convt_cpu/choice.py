"""Which engine computes a map: the one whose plan costs least.

``kernels/engines.h`` lists the engines, `_cost.pxd` says what a plan costs. ``CONVT_CPU_ALGORITHM`` forces one engine for
all that it can do. What no engine can do, im2col does; what is not finite, an exact plan (see `mend.py`).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._environment import variable
from ._kernels import stages

if TYPE_CHECKING:
    from ._job import Job
    from ._plan import Plan
    from .engine import Engine

__all__ = ["ENGINES", "FALLBACK", "choose", "choose_exact", "forced_engine"]

FALLBACK = "im2col"
_NAMES = dict.fromkeys(engine for engine, _stage in stages())
ENGINES: dict[str, Engine] = {name: import_module(f".{name}", __package__).engine for name in (*_NAMES, FALLBACK)}


def forced_engine() -> str | None:
    """The engine that ``CONVT_CPU_ALGORITHM`` names, read at every call; None leaves the choice to the cost model.

    Raises
    ------
    ValueError
        It names none.
    """
    forced = variable(b"CONVT_CPU_ALGORITHM")
    if forced is not None and forced not in ENGINES:
        raise ValueError(f"CONVT_CPU_ALGORITHM must be one of {', '.join(ENGINES)}, got {forced!r}")
    return forced


def choose(job: Job, forced: str | None) -> tuple[str, Plan]:
    """The name of a map's engine, and its plan."""
    asked = [forced] if forced else [name for name, engine in ENGINES.items() if engine.suits(job)]
    able = [(name, plan) for name in asked if (plan := ENGINES[name].plan(job)) is not None]
    if not able:
        return FALLBACK, ENGINES[FALLBACK].plan(job)
    return min(able, key=lambda pair: pair[1].cycles)


def choose_exact(job: Job) -> tuple[str, Plan]:
    """The same among plans that are exact, whatever is forced; im2col, which needs BLAS, only where there is no other."""
    plans = [(name, engine.plan(job)) for name, engine in ENGINES.items() if name != FALLBACK]
    able = [(name, plan) for name, plan in plans if plan is not None and plan.exact]
    return min(able, key=lambda pair: pair[1].cycles) if able else (FALLBACK, ENGINES[FALLBACK].plan(job))
