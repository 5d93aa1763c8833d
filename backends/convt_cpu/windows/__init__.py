"""The windows engine: gather with long filters, as dot products over windows of packed rows.

``windows.h`` has the formula, ``stages.h`` what a task does, `_plan.pyx` the sizes.
"""

from ..engine import Engine
from ._plan import windows_plan, windows_suits

__all__ = ["engine"]

engine = Engine(windows_plan, windows_suits)
