"""Winograd's filter gradient: 16 products in place of 36 for the taps that a tile of two axes meets.

It takes kernels of two or three taps per phase along one or two axes, and of one tap along the others: 3 x 3 with stride 1,
4 x 4 with stride 2, 8 x 1 with stride 4 x 1.

Tiles of the coarse array and windows of the fine one are transformed; their products, summed over all tiles, are
transformed into taps at the end. `_plan.pyx` says how the arrays are cut and who sums what,
``stages.h`` what a task does; ``plan.h`` has the geometry and
the packed layouts.
"""

from ..engine import Engine
from ._plan import winograd_correlate_plan, winograd_correlate_suits

__all__ = ["engine"]

engine = Engine(winograd_correlate_plan, winograd_correlate_suits)
