"""Device memory for the length of a call: scratch, and copies of NumPy arrays.

Allocating takes longer than many kernels, and freeing waits for the whole device; so freed blocks are kept and given out
again, to the same stream only: what that stream did with a block before is done by the time it uses it again.
"""

from __future__ import annotations

import threading
from ctypes import byref, c_void_p
from typing import TYPE_CHECKING, Any

from convt.backend import settings

from .driver import CudaError

if TYPE_CHECKING:
    from .driver import Driver

__all__ = ["PinnedPool", "Pool"]

_OUT_OF_MEMORY = 2


class Pool:
    """Blocks of one device's memory. The device's context must be current in every call.

    Parameters
    ----------
    pycuda : module
    name : str
        The device's, for messages.
    """

    most_kept = 512 * 1024 * 1024  # bytes at most that nobody uses

    def __init__(self, pycuda: Any, name: str) -> None:
        self._pycuda = pycuda
        self._name = name
        self._lock = threading.Lock()
        self._free: dict[tuple[int, int], list[Any]] = {}  # by stream and size
        self._used: dict[int, tuple[int, int, Any]] = {}  # by address
        self._kept = 0

    def acquire(self, size: int, stream: int) -> int:
        """The address of a block for a stream.

        Raises
        ------
        MemoryError
            With the bytes wanted, free and in total. Nothing is left allocated.
        """
        size = _rounded(size)
        with self._lock:
            blocks = self._free.get((stream, size))
            if blocks:
                block = blocks.pop()
                self._kept -= size
            else:
                block = self._allocate(size)
            address = int(block)
            self._used[address] = (stream, size, block)
            return address

    def release(self, address: int) -> None:
        """Give a block back; work that its stream has not finished yet may go on using it."""
        with self._lock:
            stream, size, block = self._used.pop(address)
            if self._kept + size > self.most_kept:
                block.free()
            else:
                self._free.setdefault((stream, size), []).append(block)
                self._kept += size

    def trim(self) -> None:
        """Free all blocks that nobody uses."""
        with self._lock:
            self._trim()

    def refusal(self, size: int, purpose: str) -> MemoryError:
        """The error that so many bytes are not there."""
        free, total = self._pycuda.mem_get_info()
        limit = settings().workspace_limit
        return MemoryError(
            f"{self._name} must have {size} bytes free for {purpose}, got {free} of {total} (scratch memory is limited to "
            f"{limit:.0f} bytes: convt.options(workspace_limit=...) or CONVT_WORKSPACE_LIMIT)"
        )

    def info(self) -> tuple[int, int]:
        """Bytes in use, and bytes kept."""
        with self._lock:
            return sum(size for _, size, _ in self._used.values()), self._kept

    def _allocate(self, size: int) -> Any:
        try:
            return self._pycuda.mem_alloc(size)
        except self._pycuda.MemoryError:
            self._trim()
        try:
            return self._pycuda.mem_alloc(size)
        except self._pycuda.MemoryError as error:
            raise self.refusal(size, "this call") from error

    def _trim(self) -> None:
        for blocks in self._free.values():
            for block in blocks:
                block.free()
        self._free.clear()
        self._kept = 0


class PinnedPool(Pool):
    """Blocks of the host's memory that a device copies from and to while the processor does something else.

    Blocks are given back when the device is done with them, so any stream may have them next: all are acquired for stream 0.
    """

    most_kept = 128 * 1024 * 1024

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver.pycuda, "the host")
        self._driver = driver

    def _allocate(self, size: int) -> Any:
        try:
            return _Pinned(self._driver, size)
        except CudaError as error:
            if error.code != _OUT_OF_MEMORY:
                raise
            self._trim()
        try:
            return _Pinned(self._driver, size)
        except CudaError as error:
            if error.code != _OUT_OF_MEMORY:
                raise
            raise MemoryError(f"{self._name} must have {size} bytes of page-locked memory for this call") from error


class _Pinned:
    def __init__(self, driver: Driver, size: int) -> None:
        address = c_void_p()
        driver.call("cuMemHostAlloc", byref(address), size, 0)
        self._driver, self._address = driver, address

    def __int__(self) -> int:
        return self._address.value or 0

    def free(self) -> None:
        self._driver.call("cuMemFreeHost", self._address)


def _rounded(size: int) -> int:
    """Few different sizes, so that blocks fit again: steps of an eighth of the size, of 512 bytes at least."""
    step = max(512, 1 << max(0, size.bit_length() - 4))
    return -(-size // step) * step
