"""The cost model: what a map costs with each engine, in cycles of one core. All its constants are fitted to measured times.

An engine pays for its multiply-adds, relative to those of a direct kernel, and for what it does besides:

- direct computes whole strips, halos included, and packs its input and the weights;
- winograd and winograd_correlate multiply less, but transform windows, tiles, weights and results;
- depthwise packs only its input, but loads a vector for every multiply-add;
- cells pads cells to whole vectors, and writes rows of a stride's length;
- thin leaves the weights where they lie, and adds up columns or makes them;
- windows packs its input once per task, fills rows of filters up to whole vectors, and adds up the lanes of each result;
- correlate counts for itself, in ``correlate/_plan.pyx``, because its plan is the cheapest of several;
- im2col computes what is needed, but writes and reads the column matrix, and calls BLAS with small matrices.

What is moved costs by its bytes: the constants are those of elements of 4 bytes.

Engines for special problems say first, by a rule of thumb, whether a problem is one: that takes less time than a plan.
"""

from ._geometry cimport Geometry, positions_of, weights_of
from ._job cimport Job
from ._kernels cimport isa_index, lanes_of
from ._sizes cimport ceil_div
from ._types cimport int64_t
from .cells._plan cimport CellsPlan
from .correlate._plan cimport CorrelatePlan
from .depthwise._plan cimport DepthwisePlan
from .direct._plan cimport DirectPlan
from .im2col._plan cimport Im2colPlan
from .thin._plan cimport ThinPlan
from .windows._plan cimport WindowsPlan
from .winograd._plan cimport WinogradPlan
from .winograd_correlate._plan cimport WinogradCorrelatePlan

from ._kernels import instruction_sets

__all__ = [
    "cells_cycles",
    "cells_suits",
    "correlate_cycles",
    "depthwise_cycles",
    "depthwise_suits",
    "direct_cycles",
    "im2col_cycles",
    "thin_cycles",
    "thin_suits",
    "windows_cycles",
    "windows_suits",
    "winograd_correlate_cycles",
    "winograd_correlate_suits",
    "winograd_cycles",
    "winograd_suits",
]

cdef int BEST = isa_index(instruction_sets()[0])

cdef double DIRECT_PACKED = 0.6             # for an element of a packed strip
cdef double DIRECT_AGAIN = 0.35             # for one that a pass reads from far away
cdef double DIRECT_WEIGHT = 2.2             # for a packed weight, which comes from far away
cdef double DIRECT_ELEMENT = 1.3            # for an element of the arrays


def direct_cycles(DirectPlan plan not None, Job job not None):
    cdef double packing = plan.packed_elements() * DIRECT_PACKED + plan.read_again() * DIRECT_AGAIN + _weights(job) * DIRECT_WEIGHT
    cdef double moving = packing + _elements(job) * DIRECT_ELEMENT
    return plan.multiply_adds / _per_cycle(job) + moving * _words(job)


cdef double WINOGRAD_SUM = 1.25             # time of a multiply-add
cdef double WINOGRAD_WINDOW = 0.6           # for an element of a transformed window, or of the products of a tile
cdef double WINOGRAD_WEIGHT = 1.2           # for a transformed weight
cdef double WINOGRAD_FETCHED = 5.0          # for a weight that is going to be transformed
cdef double WINOGRAD_ELEMENT = 2.0          # for an element of the arrays, which are reached by tables
cdef int WINOGRAD_CHANNELS = 16             # on either side, so that products outweigh transforms


def winograd_suits(Job job not None):
    return min(job.g.coarse_channels, job.g.fine_channels) >= WINOGRAD_CHANNELS


def winograd_cycles(WinogradPlan plan not None, Job job not None):
    cdef double products = plan.multiply_adds * WINOGRAD_SUM / _per_cycle(job)
    cdef double weights = plan.weights * WINOGRAD_WEIGHT + plan.waves * _weights(job) * WINOGRAD_FETCHED
    cdef double moving = weights + plan.transformed * WINOGRAD_WINDOW + _elements(job) * WINOGRAD_ELEMENT
    return products + moving * _words(job)


cdef double DEPTHWISE_SUM = 1.5             # time of a multiply-add
cdef double DEPTHWISE_SUM_OF_MANY = 3.2     # where direct kernels would share loads
cdef double DEPTHWISE_CORRELATE_MANY = 5.5  # and correlate's would
cdef int DEPTHWISE_FEW = 8                  # channels of one side of a group, if the other side has one
cdef double DEPTHWISE_ELEMENT = 0.9
cdef double DEPTHWISE_WORK = 2**17          # multiply-adds of a problem that is worth its tables


def depthwise_suits(Job job not None):
    return positions_of(&job.g) * _weights(job) >= DEPTHWISE_WORK


def depthwise_cycles(DepthwisePlan plan not None, Job job not None):
    cdef int64_t fewer = min(job.g.coarse_channels, job.g.fine_channels), more = max(job.g.coarse_channels, job.g.fine_channels)
    cdef double load = DEPTHWISE_SUM
    if fewer > 1 or more > DEPTHWISE_FEW:
        load = DEPTHWISE_CORRELATE_MANY if job.correlates else DEPTHWISE_SUM_OF_MANY
    return load * plan.multiply_adds / _per_cycle(job) + _elements(job) * DEPTHWISE_ELEMENT * _words(job)


cdef double CELLS_PACKED = 0.5              # for an element that is packed in rows
cdef double CELLS_ROW = 10.0                # for each row of a cell
cdef int CELLS_STRIDE = 4


def cells_suits(Job job not None):
    return job.scatters and max(job.g.stride[0], job.g.stride[1], job.g.stride[2]) >= CELLS_STRIDE


def cells_cycles(CellsPlan plan not None, Job job not None):
    cdef double moving = plan.packed * CELLS_PACKED + plan.rows * CELLS_ROW
    return plan.multiply_adds / _per_cycle(job) + moving * _words(job)


cdef struct OfMap:                          # what differs from map to map
    double scatter, gather, correlate

cdef OfMap THIN_SUM = OfMap(1.2, 2.0, 1.15)             # time of a multiply-add
cdef OfMap THIN_POSITIONS = OfMap(128, 1024, 256)       # at most,
cdef int THIN_WEIGHTS = 2**18               # and at least
cdef double THIN_MOVED = 1.0                # for an element of columns that is gathered or added up
cdef double THIN_WEIGHT = 0.8               # for a weight that is read or written where it lies


def thin_suits(Job job not None):
    return job.g.groups == 1 and _weights(job) >= THIN_WEIGHTS and positions_of(&job.g) <= _of_map(THIN_POSITIONS, job)


def thin_cycles(ThinPlan plan not None, Job job not None):
    cdef double sums = plan.multiply_adds * _of_map(THIN_SUM, job) / _per_cycle(job)
    cdef double streaming = _weights(job) * THIN_WEIGHT + _elements(job) * DIRECT_ELEMENT
    return sums + (streaming + plan.moved * THIN_MOVED) * _words(job)


cdef double WINDOWS_SUM = 1.1               # time of a multiply-add
cdef double WINDOWS_PACKED = 0.3            # for an element of a packed row or filter
cdef double WINDOWS_RESULT = 8.0            # for the sum of a vector's lanes
cdef int WINDOWS_KERNEL = 8                 # elements of a row of a filter, at least


def windows_suits(Job job not None):
    return job.gathers and max(job.g.kernel[0], job.g.kernel[1], job.g.kernel[2]) >= WINDOWS_KERNEL


def windows_cycles(WindowsPlan plan not None, Job job not None):
    cdef double results = <double>positions_of(&job.g) * job.g.groups * job.g.coarse_channels
    cdef double sums = plan.multiply_adds * WINDOWS_SUM / _per_cycle(job) + results * WINDOWS_RESULT
    return sums + plan.packed * WINDOWS_PACKED * _words(job)


def correlate_cycles(CorrelatePlan plan not None, Job job not None):
    return plan.cycles


cdef double FREQUENCIES_SUM = 2.55          # time of a multiply-add of transformed tiles
cdef double FREQUENCIES_PACKED = 0.97       # for an element of a transformed tile or window
cdef double FREQUENCIES_ELEMENT = 1.0
cdef double FREQUENCIES_RESULT = 0.5        # for a sum that is transformed
cdef double FREQUENCIES_WEIGHT = 1.4        # for a weight that is written, each time


def winograd_correlate_suits(Job job not None):
    return job.correlates and min(job.g.coarse_channels, job.g.fine_channels) >= WINOGRAD_CHANNELS


def winograd_correlate_cycles(WinogradCorrelatePlan plan not None, Job job not None):
    cdef double packing = plan.packed * FREQUENCIES_PACKED + _elements(job) * FREQUENCIES_ELEMENT
    cdef double results = plan.sums * FREQUENCIES_RESULT + plan.written * FREQUENCIES_WEIGHT
    return plan.multiply_adds * FREQUENCIES_SUM / _per_cycle(job) + (packing + results) * _words(job)


cdef double IM2COL_SUM = 2.0                # time of BLAS for a multiply-add in a tile's small product
cdef double IM2COL_COLUMN = 1.2             # for an element of the column matrix
cdef double IM2COL_WEIGHT = 1.2
cdef double IM2COL_ELEMENT = 2.0
cdef double IM2COL_LONG_SUM = 2.2           # the same in correlate, whose products are long sums
cdef double IM2COL_LONG_COLUMN = 3.0
cdef double IM2COL_LONG_COARSE = 2.9        # for a packed element of the coarse array
cdef double IM2COL_LONG_WEIGHT = 21.0       # for an element of the result


def im2col_cycles(Im2colPlan plan not None, Job job not None):
    cdef const Geometry* g = &job.g
    cdef double positions = positions_of(g), rows = g.fine_channels * g.taps, columns, coarse, packing, copying
    # BLAS chooses its own instruction set, the best one.
    cdef double multiply_adds = plan.multiply_adds / (2 * lanes_of(BEST, g.size))
    if job.correlates:
        # Both operands are packed again for every block of the kernel.
        columns = positions * g.groups * rows * ceil_div(g.coarse_channels, plan.channels)
        coarse = positions * g.groups * g.coarse_channels * ceil_div(g.fine_channels * g.taps, plan.rows)
        packing = columns * IM2COL_LONG_COLUMN + coarse * IM2COL_LONG_COARSE
        return multiply_adds * IM2COL_LONG_SUM + (packing + _weights(job) * IM2COL_LONG_WEIGHT) * _words(job)
    copying = positions * g.groups * rows * IM2COL_COLUMN + _weights(job) * IM2COL_WEIGHT
    return multiply_adds * IM2COL_SUM + (copying + _elements(job) * IM2COL_ELEMENT) * _words(job)


cdef double _weights(Job job) noexcept:
    return weights_of(&job.g)


cdef double _elements(Job job) noexcept:
    """Of the fine and the coarse array."""
    cdef const Geometry* g = &job.g
    cdef double fine = <double>(g.fine[0] * g.fine[1] * g.fine[2]) * g.fine_channels
    cdef double coarse = <double>(g.coarse[0] * g.coarse[1] * g.coarse[2]) * g.coarse_channels
    return (fine + coarse) * g.batch * g.groups


cdef double _words(Job job) noexcept:
    """The size of an element, in units of 4 bytes."""
    return job.g.size / 4.0


cdef double _per_cycle(Job job) noexcept:
    """Multiply-adds of one core."""
    return 2 * lanes_of(job.isa, job.g.size)


cdef double _of_map(OfMap values, Job job) noexcept:
    return values.scatter if job.scatters else values.gather if job.gathers else values.correlate
