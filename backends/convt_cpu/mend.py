"""What becomes of a result that may be wrong because something is not finite.

An engine has zeros where the definition has no term, and 0 * inf is NaN; Winograd's transforms mix neighbours.
``kernels/call.h`` says what tasks tell of that. Three cases, the cheapest first:

- the kernel (in correlate, the coarse array) is finite, and the engine is *exact* then: the result is right as it is;
- the engine is exact but for that array: it runs again, with what is not finite replaced by 1 or -1, and `terms` are added;
- it is not exact: the same, by the one that costs least of those that are.

So a call takes a few times as long as with finite numbers, never more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ._runner import DONE, DOUBTFUL, LEFT, run
from .terms import find_plan, terms_plan

if TYPE_CHECKING:
    from ._job import Job
    from ._plan import Plan

__all__ = ["mend"]


def mend(job: Job, plan: Plan, result: int, exact: Callable[[], Plan], arrays: tuple[Any, ...], threads: int) -> None:
    """Compute anew what is wrong.

    Parameters
    ----------
    job : Job
    plan : Plan
        That has run.
    result : int
        What `convt_cpu._runner.run` has returned: LEFT or DOUBTFUL.
    exact : callable
        Gives a plan that is exact, this one or another, when it is to run.
    arrays : tuple
        Fine, coarse, kernel and bias.
    threads : int

    Raises
    ------
    MemoryError
        There is none for BLAS's own buffer.
    """
    spoilt = run(find_plan(job), *arrays, threads) != DONE
    if result == DOUBTFUL and plan.exact and not spoilt:
        return
    if run(exact(), *arrays, threads, True) == LEFT:
        raise MemoryError("cannot allocate BLAS's scratch memory")
    if spoilt:
        run(terms_plan(job), *arrays, threads)
