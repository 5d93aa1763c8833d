"""cuDNN's handles: a handle belongs to one context, and one thread at a time may use it.

Making one takes long, so they are kept: as many for each device as have been in use at once.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING

from .library import Library

if TYPE_CHECKING:
    from ..device import Device

__all__ = ["Handles"]


class Handles:
    """The handles of one library.

    Parameters
    ----------
    library : Library
    """

    def __init__(self, library: Library) -> None:
        self._library = library
        self._lock = threading.Lock()
        self._free: dict[Device, list[c_void_p]] = {}
        self._process = os.getpid()
        atexit.register(self.close)

    @contextmanager
    def borrow(self, device: Device, stream: int) -> Iterator[int]:
        """A handle that works in a stream; the device's context is current."""
        handle = self.take(device, stream)
        try:
            yield handle.value or 0
        finally:
            self.give(device, handle)

    def take(self, device: Device, stream: int) -> c_void_p:
        """A handle that works in a stream, until it is given back; the device's context is current."""
        with self._lock:
            free = self._free.setdefault(device, [])
            handle = free.pop() if free else None
        if handle is None:
            handle = c_void_p()
            self._library.call("cudnnCreate", byref(handle))
        try:
            self._library.fast("cudnnSetStream", handle, c_void_p(stream))
        except BaseException:
            self.give(device, handle)
            raise
        return handle

    def give(self, device: Device, handle: c_void_p) -> None:
        """Take a handle back."""
        with self._lock:
            self._free[device].append(handle)

    def close(self) -> None:
        """Destroy those that nobody uses; in a forked child they are the parent's."""
        if os.getpid() != self._process:
            return
        with self._lock:
            for device, free in self._free.items():
                with device.current():
                    while free:
                        self._library.call("cudnnDestroy", free.pop())
