"""``CONVT_CPU_MACHINE``: a processor family, fields of the record, or both.

::

    CONVT_CPU_MACHINE=zen4                      the table's record of a family
    CONVT_CPU_MACHINE=l2=512K,smt=2             this machine, but for some fields
    CONVT_CPU_MACHINE=neoverse_v1,l3_cores=32   a family, but for some fields

Sizes are bytes, or with a K, an M or a G behind the number 2**10, 2**20 or 2**30 of them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from .families import FAMILIES, LIMITS, Machine

__all__ = ["overridden"]

_FRACTIONS = ("fma128", "fma256", "fma512", "copy", "stream")
_SIZES = ("l1", "l2", "l3")


def overridden(text: str, detected: Callable[[], Machine]) -> Machine:
    """The record that the variable asks for.

    Parameters
    ----------
    text : str
        The variable's value, not empty.
    detected : callable
        Gives this machine's record; called where no family is named.

    Raises
    ------
    ValueError
        The value does not have the form above, or a field is out of its limits.
    """
    first, *rest = (part.strip() for part in text.split(","))
    fields = [first, *rest] if "=" in first else rest
    if "=" not in first and first not in FAMILIES:
        raise _error(f"begin with one of {', '.join(FAMILIES)}, or with a field such as l2=1M", text)
    record = detected() if "=" in first else FAMILIES[first]
    values: dict[str, float] = {}
    for each in fields:
        name, equals, value = (part.strip() for part in each.partition("="))
        if not equals or name not in LIMITS:
            raise _error(f"set fields among {', '.join(LIMITS)}, as in l2=1M", text)
        if name in values:
            raise _error(f"set {name} once", text)
        values[name] = _number(name, value, text)
    record = replace(record, **values, source=f"{record.source}; CONVT_CPU_MACHINE sets it")
    if record.l1 > record.l2:
        raise _error(f"leave l1 (here {record.l1}) at most as large as l2 (here {record.l2})", text)
    return record


def _number(name: str, value: str, text: str) -> float:
    """Within the field's limits."""
    least, most = LIMITS[name]
    if name in _FRACTIONS:
        kind, number = "a number", float(value) if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.A) else None
    else:
        match = re.fullmatch(r"(\d{1,12})([KMG]?)" if name in _SIZES else r"(\d{1,12})()", value.upper(), re.A)
        kind = "bytes" if name in _SIZES else "an integer"
        number = int(match[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[match[2]] if match else None
    if number is None or not least <= number <= most:
        raise _error(f"set {name} to {kind} from {_shown(name, least)} to {_shown(name, most)}", text)
    return number


def _shown(name: str, limit: float) -> str:
    if name not in _SIZES:
        return f"{limit:g}"
    return f"{limit / 2**20:g}M" if limit >= 2**20 else f"{limit / 2**10:g}K"


def _error(rule: str, text: str) -> ValueError:
    return ValueError(f"CONVT_CPU_MACHINE must {rule}, got {text!r}")
