"""What is kept for filters that are declared constant: what packing stages write, and the taps that reach something.

`convt.backend.kept` gives the place. Keys have all that the values depend on except the filters' elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._packing import Packing
from ._runner import run
from .reach import some_taps

if TYPE_CHECKING:
    from collections.abc import Hashable, MutableMapping

    from ._plan import Plan
    from .reach import Taps

    Place = MutableMapping[Hashable, Any]

__all__ = ["kept_taps", "run_packed"]


def kept_taps(place: Place, kernel: Any, taps: Taps) -> Any:
    """Some taps of a kernel, side by side in memory."""
    key = "cpu", "taps", kernel.strides, kernel.dtype, taps
    copy = place.get(key)
    if copy is None:
        place[key] = copy = np.ascontiguousarray(some_taps(kernel, taps))
    return copy


def run_packed(place: Place, plan: Plan, taps: Taps | None, fine: Any, coarse: Any, kernel: Any, *others: Any) -> int:
    """Run a plan with what its packing stages have written for this kernel before, or keep what they write now."""
    key = "cpu", plan, kernel.strides, taps
    packing = place.get(key)
    if packing is not None:
        return run(plan, fine, coarse, kernel, *others, packing=packing)
    packing = Packing(plan.packed_bytes)
    result = run(plan, fine, coarse, kernel, *others, packing=packing)
    if packing.done:
        place[key] = packing
    return result
