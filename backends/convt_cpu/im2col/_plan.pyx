"""Plan: one map of one problem, ready to run: its geometry in C, how it is cut into tasks, where scratch memory lies.

`plan.py` decides the sizes and caches the plans; `_scatter.pyx`, `_gather.pyx` and `_correlate.pyx` run them. The scratch
memory of one thread, in elements::

    0           pixels_at           panel_at            spans_at               scratch
    | columns   | pixels            | panel             | two indices per tap  |
      rows x      channels x          channels x          of the last axis
      pixels      pixels              rows

All threads' slices lie one behind the other, then `shared` elements for the partial sums of correlate.
"""

from libc.stdlib cimport malloc

from .._types cimport int64_t
from ._geometry cimport Geometry

cdef class Plan:
    """One map of one problem.

    ``order`` is the order in which the spatial axes are walked; the last one should be the densest in memory.
    """

    def __cinit__(self, str data_map, problem, tuple order, tiling):
        cdef int axis, missing = 3 - len(order)
        cdef Geometry* g = &self.g
        g.batch = problem.batch
        g.groups = problem.groups
        g.fine_channels = problem.fine_channels // problem.groups
        g.coarse_channels = problem.coarse_channels // problem.groups
        for axis in range(3):
            g.fine[axis] = g.coarse[axis] = g.kernel[axis] = g.stride[axis] = g.dilation[axis] = 1
            g.padding[axis] = 0
            if axis >= missing:
                source = order[axis - missing]
                g.fine[axis] = problem.fine_shape[source]
                g.coarse[axis] = problem.coarse_shape[source]
                g.kernel[axis] = problem.kernel_shape[source]
                g.stride[axis] = problem.stride[source]
                g.padding[axis] = problem.padding[source]
                g.dilation[axis] = problem.dilation[source]
        g.taps = g.kernel[0] * g.kernel[1] * g.kernel[2]
        self.data_map = data_map
        self.order = order
        self.tiling = tiling
        self.rows, self.pixels, self.channels = tiling.rows, tiling.pixels, tiling.channels
        self.fine_block, self.images = tiling.fine_block, tiling.images
        self.parts, self.part_axis, self.splits = tiling.parts, tiling.part_axis + missing, tiling.splits
        self.tasks, self.multiply_adds = tiling.tasks, tiling.multiply_adds
        self.size = problem.dtype.itemsize
        # Slices start at multiples of 64 bytes; the spans (two per tap of the last axis) come last.
        self.pixels_at = _rounded(self.rows * self.pixels)
        self.panel_at = self.pixels_at + _rounded(self.channels * self.pixels)
        self.spans_at = self.panel_at + _rounded(self.channels * self.rows)
        self.scratch = self.spans_at + _rounded(4 * g.kernel[2])
        self.shared = self.tasks * self.channels * self.rows if self.splits > 1 else 0

    @property
    def scratch_bytes(self):
        """Of one thread."""
        return self.scratch * self.size

    @property
    def shared_bytes(self):
        """Of all threads together."""
        return self.shared * self.size

    cdef void* allocate(self, int threads) except NULL:
        """Scratch memory for so many threads; the caller frees it."""
        cdef int64_t wanted = (threads * self.scratch + self.shared) * self.size
        cdef void* memory = malloc(wanted)
        if memory == NULL:
            raise MemoryError(f"cannot allocate {wanted} bytes of scratch memory")
        return memory


cdef int64_t _rounded(int64_t elements) noexcept nogil:
    return (elements + 15) // 16 * 16
