"""The Winograd engine: scatter and gather of two axes, 16 products in place of 36, or 9 in place of 16.

It takes filters of two or three taps per axis and phase, as 3 x 3 with stride 1 and 4 x 4 with stride 2.

Windows of the input, and the weights, are transformed; then matrix products take the place of the taps, and their results
are transformed back. Outputs at the edge, which some taps do not reach, are plain sums. `_plan.pyx` says how the output is
cut into tiles, ``stages.h`` what a task does; ``plan.h`` has the geometry and the packed layouts, and
``../kernels/transforms.h`` the transforms.
"""

from ..engine import Engine
from ._plan import winograd_plan, winograd_suits

__all__ = ["engine"]

engine = Engine(winograd_plan, winograd_suits)
