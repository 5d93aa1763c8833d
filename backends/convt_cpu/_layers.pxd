from ._tasks cimport convt_run, convt_task


cdef convt_run layer() except NULL
cdef int layer_threads(int count) except -1
