# Plans of terms. See _plan.pyx.

from .._call cimport StageFunction
from .._geometry cimport Geometry
from .._plan cimport Plan
from .._types cimport int64_t

cdef extern from "terms/plan.h" nogil:
    ctypedef struct convt_terms_plan:
        Geometry g
        int64_t correlates, axis, band, bands, signs

    enum:
        CONVT_TERMS_TAPS, CONVT_TERMS_FIND, CONVT_TERMS_SIGNS, CONVT_TERMS_FILTER, CONVT_TERMS_OF_TAPS

    StageFunction convt_terms(int work, int64_t size)


cdef class TermsPlan(Plan):
    cdef convt_terms_plan p
