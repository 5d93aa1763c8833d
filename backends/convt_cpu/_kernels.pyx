"""The kernels' tables, for the engines (by cimport), for tests and for microbenchmarks.

The only module that is linked with ``kernels/*.c``.
"""

from ._types cimport int64_t, real

cdef extern from "kernels/kernels.h" nogil:
    const int CONVT_PREFETCH
    int convt_isa_count()
    const char* convt_isa_name(int index)
    int convt_isa_runs_here(int index)
    const convt_kernels_f32* convt_isa_f32(int index)
    const convt_kernels_f64* convt_isa_f64(int index)


def instruction_sets():
    """The names of the instruction sets of this build that run here, best first."""
    return [
        convt_isa_name(index).decode() for index in range(convt_isa_count()) if convt_isa_runs_here(index)
    ]


cdef list NAMES = [convt_isa_name(index).decode() for index in range(convt_isa_count())]


cdef int isa_index(str name) except -1:
    """Where the tables of an instruction set are."""
    if name not in NAMES:
        raise LookupError(f"instruction set must be one of {instruction_sets()}, got {name!r}")
    return NAMES.index(name)


def stages():
    """The (engine, stage) of ``kernels/engines.h``, by name, in its order."""
    cdef const convt_named_stage* each = convt_isa_f32(0).stages
    cdef list names = []
    while each.name != NULL:
        names.append((each.engine.decode(), each.name.decode()))
        each += 1
    return names


cdef list STAGES = [name for _engine, name in stages()]


cdef int stage(str name) except -1:
    """Where a stage of an engine is in every table."""
    return STAGES.index(name)


cdef StageFunction stage_function(int isa, int64_t size, int index) noexcept nogil:
    """What does a task of a stage, for elements of `size` bytes."""
    return convt_isa_f32(isa).stages[index].run if size == 4 else convt_isa_f64(isa).stages[index].run


cdef const char* stage_name(int index) noexcept nogil:
    return convt_isa_f32(0).stages[index].name


cdef int64_t lanes_of(int isa, int64_t size) noexcept nogil:
    """Elements of `size` bytes in a vector of an instruction set."""
    return convt_isa_f32(isa).lanes if size == 4 else convt_isa_f64(isa).lanes


cdef bint has_kernel(int isa, int64_t rows, int64_t vectors) noexcept nogil:
    """Whether there is a direct kernel of that shape; the same for both element types, and for the correlate kernels."""
    return convt_isa_f32(isa).direct[rows][vectors] != NULL


cdef int64_t most_rows(int isa) noexcept nogil:
    """The largest number of rows that has direct kernels."""
    return convt_isa_f32(isa).max_rows


cdef int64_t widest(int isa, int64_t rows) noexcept nogil:
    """The most vectors of a direct kernel of so many rows."""
    return widest_within(isa, rows, CONVT_MAX_VECTORS)


cdef int64_t widest_within(int isa, int64_t rows, int64_t most) noexcept nogil:
    """The same, but no more than `most`."""
    cdef int64_t vectors = min(most, CONVT_MAX_VECTORS)
    while not has_kernel(isa, rows, vectors):
        vectors -= 1
    return vectors


def vector_length(str isa, int size):
    """Elements of `size` bytes in a vector of an instruction set."""
    return lanes_of(isa_index(isa), size)


def kernels(str isa):
    """The (rows, vectors) of the direct kernels of an instruction set, the same for both element types."""
    cdef int index = isa_index(isa), rows, vectors
    return [
        (rows, vectors)
        for rows in range(1, CONVT_MAX_ROWS + 1)
        for vectors in range(1, CONVT_MAX_VECTORS + 1)
        if has_kernel(index, rows, vectors)
    ]


def run_kernel(
    str isa, int rows, int vectors, int64_t[::1] offsets, real[:, ::1] x, real[:, :, ::1] w, real[:, ::1] y, bint add, int times=1
):
    """One direct kernel on its own, as tests and microbenchmarks want it; ``kernels/README.md`` has its contract.

    x (channels, pitch), w (channels, taps, rows), y (rows, at least vectors * lanes).
    """
    cdef int index = isa_index(isa), _
    for _ in range(times):
        if real is float:
            convt_isa_f32(index).direct[rows][vectors](
                x.shape[0], w.shape[1], &offsets[0], x.shape[1], x.shape[1], &x[0, 0], &w[0, 0, 0], &y[0, 0], y.shape[1], add
            )
        else:
            convt_isa_f64(index).direct[rows][vectors](
                x.shape[0], w.shape[1], &offsets[0], x.shape[1], x.shape[1], &x[0, 0], &w[0, 0, 0], &y[0, 0], y.shape[1], add
            )


def run_correlate_kernel(
    str isa, int rows, int vectors, int64_t[::1] at_rows, real[::1] of_rows, int64_t[::1] at_lanes, real[::1] of_lanes,
    real[:, ::1] y, bint add
):
    """One correlate kernel on its own. at_rows and at_lanes have 8 entries more than positions."""
    cdef int index = isa_index(isa)
    cdef int64_t count = at_rows.shape[0] - CONVT_PREFETCH
    if real is float:
        convt_isa_f32(index).correlate[rows][vectors](
            count, &at_rows[0], &of_rows[0], &at_lanes[0], &of_lanes[0], &y[0, 0], y.shape[1], add
        )
    else:
        convt_isa_f64(index).correlate[rows][vectors](
            count, &at_rows[0], &of_rows[0], &at_lanes[0], &of_lanes[0], &y[0, 0], y.shape[1], add
        )
