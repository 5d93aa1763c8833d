"""The machine: one record of what a processor adds to an instruction set, by which plans choose sizes and engines.

=================  ==================================================================
``families.py``    the record, and the table of processor families
``detect.py``      which family this processor is of, and its caches
``variable.py``    ``CONVT_CPU_MACHINE``, which overrides that
``_record.pyx``    the record that holds now, as a C struct and as a key of caches
=================  ==================================================================

It comes from the table, and sizes of caches from the system where these are plausible; nothing is measured. The same
problem, strides, instruction set and record always give the same engine and the same bits. With the variable set to a
family, as in ``CONVT_CPU_MACHINE=zen4``, the record is the same on every machine.

How a plan uses it::

    from ..machine._record cimport convt_machine, machine, share, usable_l2

    cdef convt_machine m = machine()                # read at every call, like CONVT_CPU_ISA: a comparison of two strings
    cdef int64_t block = share(m.l1, 3, 4)          # bytes that a kernel reads again and again
    cdef int64_t strip = share(usable_l2(&m), 1, 2) # bytes that all kernels of a task read
    cdef int64_t sums = share(usable_l2(&m), 1, 3)  # beside the strip

- What one kernel reads again and again is a fraction of L1; what the kernels of a task share, of L2. All that a task holds
  at once stays below the whole of a cache: the arrays pass through it, too.
- A cache is that of a core, also where `smt` threads share the core: systems hide that from virtual machines, which would
  then plan otherwise than their hosts.
- Scratch memory is bounded on every machine alike, so what bounds it is no fraction of a cache, and plans use no more than
  2 MB of an L2 cache. Wished-for numbers of tasks are counts, the same everywhere.
- Multiply-adds per cycle, copying and streaming belong to the cost model.
- Whoever keeps a plan has `machine_key()` in the key.
"""

from ._record import machine_key, record
from .families import FAMILIES, Machine

__all__ = ["FAMILIES", "Machine", "machine_key", "record"]
