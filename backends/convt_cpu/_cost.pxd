# The cost model, as far as engines share it: what a map costs in cycles of one core.
#
# An engine pays for its multiply-adds, relative to those of a direct kernel, and for what it moves besides. What is moved costs
# by its bytes: constants are those of elements of 4 bytes. Each engine's own constants are in its plan; all are fitted to
# times that were measured on Zen 4 alone. What is moved costs the same on every machine; the machine's record tells how many
# multiply-adds go with it.

from ._geometry cimport Geometry, weights_of
from ._job cimport Job
from ._kernels cimport lanes_of
from ._types cimport int64_t
from .machine._record cimport multiply_adds_per_cycle


cdef inline double weights_moved(Job job) noexcept:
    """Elements of the kernel, in units of 4 bytes."""
    return weights_of(&job.g) * words(job)


cdef inline double elements_moved(Job job) noexcept:
    """Of the fine and the coarse array, likewise."""
    cdef const Geometry* g = &job.g
    cdef double fine = <double>(g.fine[0] * g.fine[1] * g.fine[2]) * g.fine_channels
    cdef double coarse = <double>(g.coarse[0] * g.coarse[1] * g.coarse[2]) * g.coarse_channels
    return (fine + coarse) * g.batch * g.groups * words(job)


cdef inline double words(Job job) noexcept:
    """The size of an element, in units of 4 bytes."""
    return job.g.size / 4.0


cdef inline double cycles_of(double multiply_adds, Job job) noexcept:
    """Of a direct kernel."""
    return multiply_adds / (vectors_per_cycle(job) * lanes_of(job.isa, job.g.size))


cdef inline double vectors_per_cycle(Job job) noexcept:
    """Vectors of multiply-adds that begin in a cycle of this model: two on most machines.

    Of 512 bits the model takes two everywhere. Zen 4, where the constants were fitted, begins one in a cycle, so that they count
    half cycles; processors that begin two turned out to be no faster beside what they move.
    """
    cdef int64_t size = job.g.size, lanes = lanes_of(job.isa, size)
    return 2 if lanes * size > 32 else multiply_adds_per_cycle(&job.machine, lanes, size) / lanes


cdef inline double evenness(int64_t tasks) noexcept nogil:
    """How busy so many tasks keep 16 and 32 cores, from 0 to 2."""
    return <double>tasks / ((tasks + 15) // 16 * 16) + <double>tasks / ((tasks + 31) // 32 * 32)


cdef inline int64_t chunks_of(double cycles, int64_t tasks) noexcept nogil:
    """Rounds in which tasks of so many cycles in all are done, so that none takes more than some 20 ms: signals wait for it."""
    return 1 + <int64_t>(cycles / max(tasks, 1) / 50e6)
