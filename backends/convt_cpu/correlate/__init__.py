"""The correlate engine: the gradient of the kernel as sums of outer products, with neither a column matrix nor BLAS.

At each coarse position, every tap multiplies all coarse channels there with all fine channels where it points to. Both
arrays are packed with the channels of a position side by side; taps that are neighbours then lie side by side as well, and
a kernel sums products of some coarse channels with some vectors of (tap, fine channel) over many positions in registers. It
is the same outer product with the roles exchanged where few fine channels would leave the vectors empty.

`_plan.pyx` turns a problem into a plan; ``stages.h`` has its stages. Start with the picture of
``plan.h``, then ``../kernels/correlate.h``.
"""

from ..engine import Engine
from ._plan import correlate_plan

__all__ = ["engine"]

engine = Engine(correlate_plan)
