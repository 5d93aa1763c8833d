"""The direct engine: scatter and gather by kernels that keep their sums in registers; no column matrix, no BLAS.

`_plan.pyx` turns a problem into tables; ``stages.h`` has its stages. ``../kernels/README.md`` says how the
kernels work.
"""

from ..engine import Engine
from ._plan import direct_plan

__all__ = ["engine"]

engine = Engine(direct_plan)
