cpdef int thread_count() except -1
cpdef int threads_for(object work, object tasks, object serial_below) except -1
