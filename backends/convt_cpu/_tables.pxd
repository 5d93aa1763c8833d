# The memory of a plan's tables: made one by one, freed with the plan.

from ._memory cimport allocate, release
from ._types cimport int64_t

cdef struct Tables:
    void* memory[8]
    int made
    int64_t size                            # of all, in bytes


cdef inline int64_t* new_table(Tables* tables, int64_t length) except NULL:
    cdef void* memory = allocate(length * sizeof(int64_t))
    tables.memory[tables.made] = memory
    tables.made += 1
    tables.size += length * sizeof(int64_t)
    return <int64_t*>memory


cdef inline void free_tables(Tables* tables) noexcept:
    cdef int table
    for table in range(tables.made):
        release(tables.memory[table])


cdef inline list as_list(const int64_t* table, int64_t length):
    return [table[i] for i in range(length)]


cdef inline list as_rows(const int64_t* table, int64_t rows, int64_t length):
    return [as_list(table + row * length, length) for row in range(rows)]
