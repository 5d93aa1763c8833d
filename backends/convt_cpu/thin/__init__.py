"""The thin engine: maps of few positions and very many weights, which are moved once, where they lie.

``thin.h`` has the formulas, ``stages.h`` what a task does, `_plan.pyx` the sizes.
"""

from ..engine import Engine
from ._plan import thin_plan, thin_suits

__all__ = ["engine"]

engine = Engine(thin_plan, thin_suits)
