"""CorrelatePlan: one filter gradient, ready to run on any arrays of its shapes. `plan.py` makes it."""

from .._kernels cimport convt_correlate_block, convt_correlate_plan, isa_index
from .._types cimport int64_t


cdef class CorrelatePlan:
    """A `plan.Tables` in C, with the instruction set that runs it."""

    def __cinit__(self, tables):
        cdef convt_correlate_plan* p = &self.p
        self.tables = tables
        self.order = tables.order
        self.isa = isa_index(tables.isa)
        self.size = tables.size
        p.batch, p.groups, p.coarse, p.fine = tables.batch, tables.groups, tables.coarse, tables.fine
        for axis in range(3):
            p.coarse_size[axis], p.fine_size[axis] = tables.coarse_size[axis], tables.fine_size[axis]
            p.kernel[axis], p.padding[axis] = tables.kernel[axis], tables.padding[axis]
            p.stride[axis], p.dilation[axis], p.step[axis] = tables.stride[axis], tables.dilation[axis], tables.step[axis]
        for axis in range(4):
            p.count[axis], p.strips[axis] = tables.count[axis], tables.strips[axis]
        p.run, p.runs, p.fine_block, p.coarse_pitch = tables.run, tables.runs, tables.fine_block, tables.coarse_pitch
        p.fine_lanes, p.unit, p.tile, p.chunk = tables.fine_lanes, tables.unit, tables.tile, tables.chunk
        p.block_coarse, p.block_runs = tables.block_coarse, tables.block_runs
        self.strips = p.strips[0] * p.strips[1] * p.strips[2] * p.strips[3]
        self.splits = tables.splits
        self.blocks = ceil_div(p.fine, p.fine_block)
        self.wave = tables.wave
        self.coarse_blocks, self.run_blocks = ceil_div(p.coarse, p.block_coarse), ceil_div(p.runs, p.block_runs)
        self.together = tables.together
        self.tasks = p.groups * self.splits
        if self.together:
            self.tasks = max(PIECES, self.wave * self.coarse_blocks * self.run_blocks)
        self.multiply_adds = tables.multiply_adds
        self.of_coarse, self.of_fine = tables.coarse_bytes // self.size, tables.fine_bytes // self.size
        self.of_sums = tables.sums_bytes // self.size
        self.scratch, self.shared = tables.scratch // self.size, tables.shared // self.size

    @property
    def scratch_bytes(self):
        """Of one thread."""
        return self.scratch * self.size

    @property
    def shared_bytes(self):
        """Of all threads together."""
        return self.shared * self.size

    cdef convt_correlate_block block(
        self, int64_t group, int64_t fine_block, int64_t coarse_block, int64_t run_block
    ) noexcept nogil:
        """A block of the kernel, by its place among all."""
        cdef convt_correlate_block b
        b.group = group
        b.coarse = coarse_block * self.p.block_coarse
        b.coarse_end = min(b.coarse + self.p.block_coarse, self.p.coarse)
        b.fine = fine_block * self.p.fine_block
        b.fine_end = min(b.fine + self.p.fine_block, self.p.fine)
        b.run = run_block * self.p.block_runs
        b.run_end = min(b.run + self.p.block_runs, self.p.runs)
        return b
