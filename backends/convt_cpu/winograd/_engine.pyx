"""The Winograd engine: scatter and gather with fewer multiplications, by the kernels of one instruction set.

`plan.py` makes the plans; ``kernels/winograd.h`` has the tasks.
"""

from cython.parallel cimport prange, threadid
from libc.stdint cimport uintptr_t
from libc.stdlib cimport free, malloc
cimport numpy as cnp

from .._kernels cimport convt_winograd_plan, isa_index, kernels_f32, kernels_f64
from .._strides cimport Strides, strides_of
from .._types cimport int64_t, real

cdef enum:
    LINE = 64                               # bytes
    FREQUENCIES = 16

cdef struct Call:                           # strides of one call's arrays; those of the kernel seen from in- to output
    Strides of_input, of_output
    int64_t of_group, of_in, of_out
    const int64_t* of_axis

cdef class WinogradPlan:
    """A `plan.Tables` in C, with the instruction set that runs it."""

    cdef convt_winograd_plan p
    cdef readonly object tables
    cdef tuple order
    cdef int isa
    cdef int64_t size                       # of an element, in bytes
    cdef bint by_outputs
    cdef readonly int64_t tasks             # that can run at once
    cdef readonly object multiply_adds      # those in padded vectors included
    cdef readonly object transformed        # elements of all transformed windows and tiles
    cdef readonly object weights            # transformed weights, as often as they are transformed
    cdef readonly int64_t waves             # times that the weights are transformed
    cdef int64_t blocks                     # of tiles, of one group
    cdef int64_t units, passes, channel_blocks
    cdef int64_t wave                       # blocks of tiles that are packed together
    cdef int64_t scratch, shared            # in elements: of one thread, of all

    def __cinit__(self, tables):
        cdef convt_winograd_plan* p = &self.p
        self.tables = tables
        self.order = tables.order
        self.isa = isa_index(tables.isa)
        self.size = tables.size
        p.batch, p.groups, p.inputs, p.outputs = tables.batch, tables.groups, tables.inputs, tables.outputs
        for axis in range(2):
            p.in_size[axis], p.out_size[axis] = tables.in_size[axis], tables.out_size[axis]
            p.kernel[axis] = tables.kernel[axis]
            p.in_stride[axis], p.out_stride[axis] = tables.in_stride[axis], tables.out_stride[axis]
            p.in_first[axis], p.out_first[axis] = tables.in_first[axis], tables.out_first[axis]
            p.taps[axis], p.results[axis] = tables.taps[axis], tables.results[axis]
            p.lattices[axis], p.tiles[axis] = tables.lattices[axis], tables.tiles[axis]
        p.flips = tables.scatters
        p.in_phases, p.out_phases = tables.in_phases, tables.out_phases
        p.block_tiles, p.pitch, p.block_channels = tables.block_tiles, tables.pitch, tables.block_channels
        p.tile, p.unit, p.pass_ = tables.tile, tables.unit, tables.pass_
        p.v_size, p.u_size = tables.v_size, tables.u_size
        self.units = (p.outputs + p.unit - 1) // p.unit
        self.passes = (self.units + p.pass_ - 1) // p.pass_
        self.channel_blocks = (p.inputs + p.block_channels - 1) // p.block_channels
        self.by_outputs, self.wave, self.blocks = tables.by_outputs, tables.wave, tables.blocks
        self.tasks = self.passes if self.by_outputs else p.groups * self.blocks
        self.multiply_adds = tables.multiply_adds
        self.transformed = tables.transformed
        self.weights = tables.weights
        self.waves = tables.waves
        self.scratch = tables.scratch // self.size
        self.shared = tables.shared // self.size

    @property
    def scratch_bytes(self):
        """Of one thread."""
        return self.scratch * self.size

    @property
    def shared_bytes(self):
        """Of all threads together."""
        return self.shared * self.size


def run(WinogradPlan plan not None, cnp.ndarray array, cnp.ndarray kernel, bias, cnp.ndarray result, int threads):
    """result = the plan's map of array and kernel, plus bias. False if a number is not finite, or huge.

    The transforms mix neighbours: such a number would spoil outputs that it does not reach by the definition.
    """
    if plan.size == 4:
        return _run[float](plan, array, kernel, bias, result, threads, NULL)
    return _run[double](plan, array, kernel, bias, result, threads, NULL)


cdef bint _run(
    WinogradPlan plan, cnp.ndarray array, cnp.ndarray kernel, cnp.ndarray bias, cnp.ndarray result, int threads, real* typed
) except -1:
    cdef Call call
    call.of_input, call.of_output = strides_of(array, plan.order), strides_of(result, plan.order)
    cdef Strides of_kernel = strides_of(kernel, plan.order)
    call.of_axis = of_kernel.axis
    call.of_in, call.of_out = of_kernel.channel, of_kernel.outer
    call.of_group = plan.p.outputs * of_kernel.outer
    if plan.p.flips:
        call.of_in, call.of_out = of_kernel.outer, of_kernel.channel
        call.of_group = plan.p.inputs * of_kernel.outer
    cdef real* x = <real*>cnp.PyArray_DATA(array)
    cdef real* k = <real*>cnp.PyArray_DATA(kernel)
    cdef real* b = <real*>cnp.PyArray_DATA(bias) if bias is not None else NULL
    cdef real* y = <real*>cnp.PyArray_DATA(result)
    cdef int64_t size = (plan.shared + threads * plan.scratch) * sizeof(real) + LINE
    cdef void* memory = malloc(size)
    cdef bint moderate
    if memory == NULL:
        raise MemoryError(f"cannot allocate {size} bytes of scratch memory")
    cdef real* scratch = <real*>((<uintptr_t>memory + LINE - 1) // LINE * LINE)
    with nogil:
        if plan.by_outputs:
            moderate = _by_outputs(plan, &call, x, k, b, y, scratch, threads)
        else:
            moderate = _by_tiles(plan, &call, x, k, b, y, scratch, threads)
    free(memory)
    return moderate


cdef bint _by_tiles(
    WinogradPlan plan, const Call* call, const real* x, const real* k, const real* b, real* y, real* scratch, int threads
) noexcept nogil:
    """Transform all weights; then each task is a block of tiles."""
    cdef real* own = scratch + plan.shared
    cdef int64_t task, bad = 0, of_group = plan.channel_blocks * plan.units
    for task in prange(plan.p.groups * of_group, schedule="static", num_threads=threads):
        bad += not _weights(
            plan, task % plan.units, task // plan.units % plan.channel_blocks, call, k + task // of_group * call.of_group,
            scratch + task * FREQUENCIES * plan.p.out_phases * plan.p.u_size
        )
    if not bad:
        for task in prange(plan.tasks, schedule="dynamic", chunksize=1, num_threads=threads):
            bad += not _tiles(plan, task, call, x, scratch, b, y, own + threadid() * plan.scratch)
    return not bad


cdef bint _by_outputs(
    WinogradPlan plan, const Call* call, const real* x, const real* k, const real* b, real* y, real* scratch, int threads
) noexcept nogil:
    """Wave by wave, transform the windows of some blocks of tiles; then each task is a pass of outputs."""
    cdef real* own = scratch + plan.shared
    cdef int64_t group, first, blocks, task, bad = 0, of_piece = FREQUENCIES * plan.p.v_size
    for group in range(plan.p.groups):
        first = 0
        while first < plan.blocks and not bad:
            blocks = min(plan.wave, plan.blocks - first)
            for task in prange(blocks * plan.channel_blocks, schedule="dynamic", chunksize=1, num_threads=threads):
                bad += not _input(
                    plan, first + task // plan.channel_blocks, task % plan.channel_blocks, call,
                    x + group * plan.p.inputs * call.of_input.channel, scratch + task * of_piece
                )
            if not bad:
                for task in prange(plan.passes, schedule="dynamic", chunksize=1, num_threads=threads):
                    bad += not _outputs(
                        plan, task, first, blocks, call, scratch, k + group * call.of_group,
                        b + group * plan.p.outputs if b != NULL else b,
                        y + group * plan.p.outputs * call.of_output.channel, own + threadid() * plan.scratch
                    )
            first += blocks
    return not bad


cdef inline bint _weights(
    WinogradPlan plan, int64_t unit, int64_t block, const Call* call, const real* k, real* u
) noexcept nogil:
    """Transform the weights of one unit and one block of channels of a group."""
    cdef int64_t channel = block * plan.p.block_channels, row = unit * plan.p.unit
    cdef int64_t channels = min(plan.p.block_channels, plan.p.inputs - channel)
    cdef int64_t rows = min(plan.p.unit, plan.p.outputs - row)
    k += channel * call.of_in + row * call.of_out
    if real is float:
        return kernels_f32(plan.isa).winograd_weights(
            &plan.p, channels, rows, k, call.of_in, call.of_out, call.of_axis, u
        )
    else:
        return kernels_f64(plan.isa).winograd_weights(
            &plan.p, channels, rows, k, call.of_in, call.of_out, call.of_axis, u
        )


cdef inline bint _tiles(
    WinogradPlan plan, int64_t task, const Call* call, const real* x, const real* u, const real* b, real* y, real* scratch,
) noexcept nogil:
    if real is float:
        return kernels_f32(plan.isa).winograd_tiles(
            &plan.p, task, x, &call.of_input, u, b, y, &call.of_output, scratch
        )
    else:
        return kernels_f64(plan.isa).winograd_tiles(
            &plan.p, task, x, &call.of_input, u, b, y, &call.of_output, scratch
        )


cdef inline bint _input(
    WinogradPlan plan, int64_t block, int64_t piece, const Call* call, const real* x, real* v
) noexcept nogil:
    """Transform the windows of one block of tiles and one block of channels."""
    cdef int64_t channel = piece * plan.p.block_channels
    cdef int64_t channels = min(plan.p.block_channels, plan.p.inputs - channel)
    x += channel * call.of_input.channel
    if real is float:
        return kernels_f32(plan.isa).winograd_input(&plan.p, block, channels, x, &call.of_input, v)
    else:
        return kernels_f64(plan.isa).winograd_input(&plan.p, block, channels, x, &call.of_input, v)


cdef inline bint _outputs(
    WinogradPlan plan, int64_t task, int64_t first, int64_t blocks, const Call* call, const real* v, const real* k,
    const real* b, real* y, real* scratch,
) noexcept nogil:
    if real is float:
        return kernels_f32(plan.isa).winograd_outputs(
            &plan.p, task, first, blocks, v, k, call.of_in, call.of_out, call.of_axis, b, y, &call.of_output, scratch
        )
    else:
        return kernels_f64(plan.isa).winograd_outputs(
            &plan.p, task, first, blocks, v, k, call.of_in, call.of_out, call.of_axis, b, y, &call.of_output, scratch
        )
