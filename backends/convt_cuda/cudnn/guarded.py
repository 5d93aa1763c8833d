"""Strided scatter by cuDNN, made good where weights are not finite.

Where a stride is above one, cuDNN's deterministic algorithm puts zeros between the coarse elements and multiplies them
by weights, so that one infinite weight spoils results that it does not reach (seen on an H200, cuDNN 9.19; not for one
channel per group). By tensor cores that algorithm is many times as fast as all others, so it is used; but a kernel of
ours, which does nothing while all weights are finite, computes the map again where they are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from ..own.plan import guard_plan
from .plan import ALIGNMENT, aligned

if TYPE_CHECKING:
    from convt.backend import Problem

    from ..device import Device
    from ..engine import Launches, Map, Plan, Strides
    from .plan import CudnnPlan

__all__ = ["guarded"]

_PUTS_ZEROS = 1  # the algorithm's number


def guarded(plans: Iterable[CudnnPlan], problem: Problem, data_map: Map, strides: Strides, storage: str) -> Iterator[Plan]:
    """The plans, with a guard where they need one."""
    depthwise = problem.groups == problem.fine_channels == problem.coarse_channels
    zeros = data_map == "scatter" and max(problem.stride) > 1 and not depthwise
    for plan in plans:
        if zeros and plan.algorithm == _PUTS_ZEROS:
            yield _Guarded(plan, guard_plan(problem, strides, storage))
        else:
            yield plan


class _Guarded:
    """A plan, and the launches that look for weights which are not finite and that compute the map again if there are."""

    def __init__(self, plan: CudnnPlan, guard: Launches) -> None:
        self._plan = plan
        self._look, self._again = guard.launches
        self._flag = aligned(plan.workspace)
        self.workspace = self._flag + ALIGNMENT
        self.cost = plan.cost + guard.cost
        self.label = plan.label
        self.words = f"{plan.words}, guarded against weights that are not finite"

    def run(self, device: Device, stream: int, pointers: Mapping[str, int]) -> None:
        flag = pointers["work"] + self._flag
        guard = {**pointers, "guard": flag}
        device.clear(flag, 4, stream)
        device.launch(self._look, guard, stream)
        self._plan.run(device, stream, pointers)
        device.launch(self._again, guard, stream)
