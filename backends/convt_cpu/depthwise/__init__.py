"""The depthwise engine: the three maps where groups have one channel, or few, on each side, and memory is the limit.

Each input element is read once and each output element written once; what happens in between fits the caches. `_plan.pyx`
turns a problem into tables; ``stages.h`` has its stages. Start with ``depthwise.h``.
"""

from ..engine import Engine
from ._plan import depthwise_plan, depthwise_suits

__all__ = ["engine"]

engine = Engine(depthwise_plan, depthwise_suits)
