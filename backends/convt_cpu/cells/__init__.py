"""The cells engine: scatter with large strides, as a matrix product whose lanes run along the filter.

A fine array with large strides falls into cells of stride elements, and an output channel's cells are coarse positions x
filter places: filters are read as they lie in memory, and cells are written in whole rows. ``cells.h`` has the
formula, ``stages.h`` what a task does, `_plan.pyx` the sizes.
"""

from ..engine import Engine
from ._plan import cells_plan, cells_suits

__all__ = ["engine"]

engine = Engine(cells_plan, cells_suits)
