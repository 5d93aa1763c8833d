"""The machine's record that holds now. ``CONVT_CPU_MACHINE`` is looked at in every call, the processor once.

`record` gives it to Python, `machine` to plans as a C struct, and `machine_key` to whoever keeps what was planned.
"""

from libc.stdlib cimport getenv
from libc.string cimport strcmp

from types import SimpleNamespace

from .detect import Processor, detect
from .variable import overridden

__all__ = ["as_plans_see_it", "cpuid", "machine_key", "record"]

cdef extern from "machine/processor.h":
    int convt_cpuid(char* vendor, char* brand, int* family, int* model)

cdef object _detected = None                # this machine's record, once it is asked for
cdef object _record = None                  # the one that holds, once it is asked for,
cdef bytes _key = None
cdef bytes _text = None                     # by this value of the variable
cdef convt_machine _now


cdef convt_machine machine() except *:
    _look()
    return _now


cpdef bytes machine_key():
    """All numbers of the record that holds now, for the keys of caches."""
    _look()
    return _key


def record():
    """The record that holds now, a `convt_cpu.machine.Machine`.

    Raises
    ------
    ValueError
        ``CONVT_CPU_MACHINE`` does not have the form that `variable.py` shows.
    """
    _look()
    return _record


def as_plans_see_it(lanes, size):
    """The C struct by name, and what the functions beside it give for vectors of so many lanes of so many bytes: for tests."""
    cdef convt_machine m = machine()
    return SimpleNamespace(
        **m, l1_half=share(m.l1, 1, 2), l2_third=share(m.l2, 1, 3), usable_l2=usable_l2(&m),
        l3_share=l3_share(&m), multiply_adds=multiply_adds_per_cycle(&m, lanes, size),
    )


def cpuid():
    """This processor, a `convt_cpu.machine.detect.Processor`; None where there is no CPUID."""
    cdef char[13] vendor
    cdef char[49] brand
    cdef int family, model
    if not convt_cpuid(vendor, brand, &family, &model):
        return None
    return Processor((<bytes>vendor).decode("latin-1"), family, model, (<bytes>brand).decode("latin-1").strip())


cdef int _look() except -1:
    """See to it that the record is the one that the variable asks for."""
    global _record, _key, _text, _now
    cdef const char* value = getenv("CONVT_CPU_MACHINE")
    cdef convt_machine now
    if value == NULL:
        value = b""
    if _text is not None and strcmp(value, _text) == 0:
        return 0
    cdef bytes text = value
    made = overridden(text.decode("utf-8", "surrogateescape"), _of_processor) if text else _of_processor()
    now.fma128, now.fma256, now.fma512 = made.fma128, made.fma256, made.fma512
    now.l1, now.l2, now.l3, now.l3_cores = made.l1, made.l2, made.l3, made.l3_cores
    now.copy, now.stream, now.line, now.smt = made.copy, made.stream, made.line, made.smt
    key = (<const char*>&now)[:sizeof(now)]
    # All at once: no other thread sees a part of it.
    _record, _key, _text, _now = made, key, text, now
    return 0


def _of_processor():
    global _detected
    if _detected is None:
        _detected = detect(cpuid())
    return _detected
