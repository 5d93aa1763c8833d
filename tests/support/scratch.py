"""The scratch memory that the cpu backend asks for, and how much of it there may be."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from convt_cpu._memory import fail_after

MEGABYTE = 2**20


def refused(call: Callable[[], Any]) -> str:
    """What a call raises that gets no memory at all."""
    fail_after(0)
    try:
        with pytest.raises(MemoryError) as caught:
            call()
    finally:
        fail_after(-1)
    return str(caught.value)


def bytes_asked(call: Callable[[], Any]) -> int:
    """The bytes of the first request of a call."""
    found = re.search(r"\d+", refused(call))
    assert found is not None
    return int(found.group())


def most_scratch(threads: int) -> int:
    """Bytes that a call may ask for."""
    return 30 * MEGABYTE + max(0, threads - 8) * 2 * MEGABYTE
