"""WindowsPlan: how positions and coarse channels are cut into tasks; ``plan.h`` says what the sizes are."""

from .._cost cimport cycles_of, words
from .._geometry cimport Geometry, positions_of
from .._job cimport Job
from .._kernels cimport CONVT_WINDOWS, lanes_of, stage
from .._sizes cimport ceil_div, even, times
from .._tables cimport as_list, new_table
from .._types cimport int64_t
from ..machine._record cimport convt_machine, share, usable_l2

from types import SimpleNamespace

__all__ = ["WindowsPlan", "windows_plan", "windows_suits"]

cdef enum:                                  # the same on every machine
    STEPS = 64                              # of the fine channels that are packed at a time, at least
    DOTS = 4                                # filters of a kernel
    TASKS = 64                              # keep many cores busy,
    LEAST = 64                              # with so many windows each, which all read the same filters
    KERNEL = 8                              # elements of a row of a filter, at least
    MOST_STEPS = 4096
    MOST = 6 * 1024 * 1024                  # bytes of scratch memory of one thread

cdef struct Caches:                         # bytes; `_caches` says of what
    int64_t rows, sums, block


cdef Caches _caches(const convt_machine* m) noexcept:
    """What a task keeps in the L1 and L2 caches of its core, in bytes."""
    cdef int64_t l1 = m.l1, l2 = usable_l2(m)
    cdef Caches c
    c.rows = share(l2, 3, 8)                # the packed rows of a box
    c.sums = share(l2, 3, 16)               # the sums of a task
    c.block = share(l1, 1, 8)               # a filter whose products are added in one go, with those of the windows
    return c


cdef double SUM = 1.1                       # time of a multiply-add, relative to a direct kernel's
cdef double PACKED = 0.3                    # cycles for an element of a packed row or filter
cdef double RESULT = 8.0                    # for the sum of a vector's lanes

cdef int BOXES_STAGE = stage("windows_boxes")


cdef class WindowsPlan(Plan):
    """See ``convt_cpu._plan.Plan``; `windows_plan` makes it."""

    @property
    def tables(self):
        """All that ``plan.h`` names, by name: for tests."""
        cdef convt_windows_plan* p = &self.p
        return SimpleNamespace(
            **p.g, inputs=p.inputs, outputs=p.outputs, count=p.count, boxes=p.boxes, rows=p.rows, part=p.part, chunk=p.chunk,
            vectors=p.vectors, steps=p.steps, block=p.block, offsets=as_list(p.offsets, p.chunk * p.steps),
        )


def windows_suits(Job job not None):
    """Whether this is a gather with long filters."""
    return job.gathers and max(job.g.kernel[0], job.g.kernel[1], job.g.kernel[2]) >= KERNEL


def windows_plan(Job job not None):
    """The plan of a gather; None where rows are short or buffers large."""
    cdef const Geometry* g = &job.g
    cdef int64_t lanes = lanes_of(job.isa, g.size), vectors = ceil_div(g.kernel[2], lanes)
    if not job.gathers or g.dilation[2] > 1 or g.kernel[2] < lanes // 2:
        return None
    if times(g.kernel[0] * g.kernel[1], vectors) > MOST_STEPS:
        return None
    cdef WindowsPlan plan = WindowsPlan(job)
    plan.geometry, plan.exact = &plan.p, g.kernel[2] % lanes == 0  # else zeros behind a filter's rows meet what is there
    cdef Caches caches = _caches(&job.machine)
    plan.p.g, plan.p.inputs, plan.p.outputs = g[0], g.fine_channels, g.coarse_channels
    plan.p.vectors, plan.p.steps = vectors, g.kernel[0] * g.kernel[1] * vectors
    _cut_channels(plan)
    _cut_boxes(plan, caches, positions_of(g), lanes)
    if not _schedule(plan, job, caches, lanes):
        return None
    _write_offsets(plan, lanes)
    return plan


cdef void _cut_channels(WindowsPlan plan):
    """Filters that one core does at once, and fine channels that are packed at a time."""
    cdef convt_windows_plan* p = &plan.p
    p.part = min(CONVT_FILTERS, ceil_div(even(p.outputs, CONVT_FILTERS), DOTS) * DOTS)
    p.chunk = min(p.inputs, ceil_div(STEPS, p.steps))


cdef void _cut_boxes(WindowsPlan plan, Caches caches, int64_t positions, int64_t lanes):
    """Boxes of positions, filled from the last axis on, in equal parts along each: as many as fit the caches, or one."""
    cdef convt_windows_plan* p = &plan.p
    cdef int64_t of_task = max(LEAST, positions * ceil_div(p.outputs, p.part) // TASKS)
    cdef int64_t room = min(caches.sums // (p.part * lanes * plan.size), of_task), whole
    cdef int axis
    room = max(1, min(CONVT_WINDOWS, room))
    p.count[0], p.count[1], p.count[2] = 1, 1, 1
    for axis in range(2, -1, -1):
        p.count[axis] = min(p.g.coarse[axis], room)
        while p.count[axis] > 1 and _packed_rows(p, lanes) > caches.rows // plan.size:
            p.count[axis] -= 1
        whole = p.count[axis]
        p.count[axis] = even(p.g.coarse[axis], whole)
        if whole < p.g.coarse[axis]:
            break
        room //= p.count[axis]
    for axis in range(3):
        p.boxes[axis] = ceil_div(p.g.coarse[axis], p.count[axis])


cdef int64_t _packed_rows(convt_windows_plan* p, int64_t lanes):
    """Elements of the packed rows of a box, whose sizes are written, too."""
    cdef int axis
    for axis in range(2):
        p.rows[axis] = (p.count[axis] - 1) * p.g.stride[axis] + (p.g.kernel[axis] - 1) * p.g.dilation[axis] + 1
    p.rows[2] = ceil_div((p.count[2] - 1) * p.g.stride[2] + p.vectors * lanes, lanes) * lanes
    return times(times(times(p.chunk, p.rows[0]), p.rows[1]), p.rows[2])


cdef bint _schedule(WindowsPlan plan, Job job, Caches caches, int64_t lanes) except -1:
    """Tasks and scratch memory; False if that is too much."""
    cdef convt_windows_plan* p = &plan.p
    cdef int64_t rows = _packed_rows(p, lanes), windows = p.count[0] * p.count[1] * p.count[2]
    cdef int64_t filters = p.part * p.steps * lanes, elements = rows + (p.part + DOTS) * windows * lanes + p.chunk * filters
    if elements > MOST // plan.size:
        return False
    p.block = max(1, caches.block // (lanes * plan.size))
    cdef int64_t tasks = p.g.groups * ceil_div(p.outputs, p.part) * p.g.batch * p.boxes[0] * p.boxes[1] * p.boxes[2]
    plan.multiply_adds = <double>tasks * p.inputs * filters * windows
    plan.scratch = elements
    cdef double packed = <double>tasks * p.inputs * (rows // p.chunk + filters)
    cdef double results = <double>positions_of(&job.g) * p.g.groups * p.outputs
    cdef double cycles = cycles_of(plan.multiply_adds, job) * SUM + results * RESULT + packed * PACKED * words(job)
    cdef int64_t pieces = ceil_div(p.part, DOTS)
    plan.add(BOXES_STAGE, tasks * pieces, cycles, 0, pieces)
    plan.starts(p.inputs * (rows // p.chunk) * PACKED * words(job))
    return True


cdef int _write_offsets(WindowsPlan plan, int64_t lanes) except -1:
    """Where the vectors of a window lie, from the first one of its row on."""
    cdef convt_windows_plan* p = &plan.p
    cdef int64_t* offsets = new_table(&plan.all_tables, p.chunk * p.steps)
    cdef int64_t channel, z, y, vector, count = 0
    for channel in range(p.chunk):
        for z in range(p.g.kernel[0]):
            for y in range(p.g.kernel[1]):
                for vector in range(p.vectors):
                    offsets[count] = (
                        ((channel * p.rows[0] + z * p.g.dilation[0]) * p.rows[1] + y * p.g.dilation[1]) * p.rows[2]
                        + vector * lanes
                    )
                    count += 1
    p.offsets = offsets
    return 0
