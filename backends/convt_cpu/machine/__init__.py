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

    from ..machine._record cimport convt_machine, share, usable_l2

    cdef Caches _caches(const convt_machine* m) noexcept:       # of a job: &job.machine, which is read at every call
        cdef int64_t l1 = m.l1, l2 = usable_l2(m)
        cdef Caches c
        c.block = share(l1, 3, 4)           # bytes that a kernel reads again and again
        c.strip = share(l2, 1, 2)           # bytes that all kernels of a task read
        c.sums = share(l2, 1, 3)            # beside the strip
        return c

- What one kernel reads again and again is a fraction of L1; what the kernels of a task share, of L2. All that a task holds
  at once stays below the whole of a cache: the arrays pass through it, too.
- A cache is that of a core, also where `smt` threads share the core: systems hide that from virtual machines, which would
  then plan otherwise than their hosts.
- Scratch memory is bounded on every machine alike, so what bounds it is no fraction of a cache, and plans use no more than
  2 MB of an L2 cache. Wished-for numbers of tasks are counts, the same everywhere. Both are in a plan's enum.
- Multiply-adds per cycle belong to the cost model, `_cost.pxd`.
- Whoever keeps a plan has `machine_key()` in the key.
"""

from ._record import machine_key, record
from .families import FAMILIES, Machine

__all__ = ["FAMILIES", "Machine", "machine_key", "record"]
