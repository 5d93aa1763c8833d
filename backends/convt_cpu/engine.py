"""What an engine is: a way to compute the three maps, or some of them.

`choice.py` lists the engines, estimates what each would cost and takes the cheapest; `backend.py` runs it. Each engine is a
folder of its own (`direct`, `im2col`, ...) whose ``__init__.py`` says how it works.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from convt.problem import Problem

__all__ = ["Engine", "Map", "Order", "Plan"]

Map: TypeAlias = Literal["scatter", "gather", "correlate"]
Order: TypeAlias = tuple[int, ...]


class Plan(Protocol):
    """One map of one problem, ready to run on any arrays of its shapes; its sizes never follow from the number of threads.

    Attributes
    ----------
    tasks : int
        Parallel pieces of work: more threads than this are of no use.
    multiply_adds : int
        What is computed, borders and padding of vectors included.
    scratch_bytes, shared_bytes : int
        Scratch memory of each thread, and of all together.
    """

    @property
    def tasks(self) -> int: ...

    @property
    def multiply_adds(self) -> int: ...

    @property
    def scratch_bytes(self) -> int: ...

    @property
    def shared_bytes(self) -> int: ...


class Engine(NamedTuple):
    """How an engine is asked and run.

    Attributes
    ----------
    plan : callable
        ``plan(problem, data_map, order, isa)`` gives a plan, or None if the engine cannot do this. `order` has the spatial
        axes in the order in which they are walked, the densest in memory last; `isa` names the instruction set.
    run : callable
        ``run(plan, input, kernel, bias, output, threads)`` computes scatter or gather,
        ``run(plan, fine, coarse, kernel, threads)`` correlate. False if the engine has met values that it cannot treat as
        the definition does (NaN, infinities); another engine then writes all of the output again.
    cycles : callable
        ``cycles(plan, problem, isa)`` estimates the time on one core.
    suits : callable
        ``suits(problem, data_map)`` tells at once, without a plan, whether this is what the engine is meant for. It is not
        asked where an engine is forced.
    """

    plan: Callable[[Problem, Map, Order, str], Any]
    run: Callable[..., bool]
    cycles: Callable[[Any, Problem, str], float]
    suits: Callable[[Problem, Map], bool] = lambda problem, data_map: True
