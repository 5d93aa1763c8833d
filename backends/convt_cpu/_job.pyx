"""Job: one map of one problem, as engines are asked to plan it. What they would all look up is here, once and in C."""

from ._geometry cimport geometry_of
from ._kernels cimport isa_index
from .machine._record cimport machine

__all__ = ["Job"]


cdef class Job:
    """A map to be planned.

    Parameters
    ----------
    problem : convt.backend.Problem
    data_map : "scatter", "gather" or "correlate"
    order : tuple of int
        The spatial axes in the order in which they are walked, the densest in memory last.
    isa : str
        The instruction set.
    channels_last : bool, optional
        Whether channels are the densest axis of the coarse and the fine array.
    constant : bool, optional
        Whether what packing stages write is kept from call to call.
    """

    def __cinit__(
        self, problem, str data_map not None, tuple order not None, str isa not None, bint channels_last=False,
        bint constant=False
    ):
        self.g = geometry_of(problem, order)
        self.channels_last, self.constant, self.machine = channels_last, constant, machine()
        self.data_map, self.order, self.isa = data_map, order, isa_index(isa)
        self.scatters, self.gathers, self.correlates = data_map == "scatter", data_map == "gather", data_map == "correlate"
