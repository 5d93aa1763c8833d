"""Memory for the length of a call: scratch and copies of NumPy arrays on the device, page-locked memory on the host.

A device's memory comes from a pool of the driver, in the order of a stream: taking it and giving it back are work of that
stream as kernels are, so that neither waits for the GPU, no other work meets it too early, whatever streams and threads
there are, and a CUDA graph that is captured has scratch memory of its own.
"""

from __future__ import annotations

import threading
from ctypes import Structure, byref, c_int, c_size_t, c_uint64, c_void_p
from typing import TYPE_CHECKING

from convt.backend import settings

from .driver import CudaError

if TYPE_CHECKING:
    from .driver import Driver

__all__ = ["PinnedPool", "Pool"]

_OUT_OF_MEMORY = 2
_RELEASE_THRESHOLD, _RESERVED, _USED = 4, 5, 7  # CUmemPool_attribute


class _Properties(Structure):
    """CUmemPoolProps."""

    _fields_ = (
        ("allocation", c_int),
        ("handles", c_int),
        ("location", c_int),
        ("ordinal", c_int),
        ("rest", c_void_p * 9),
    )


_PINNED, _ON_DEVICE = 1, 1  # the only kind of allocation that there is; a location


class Pool:
    """Blocks of one device's memory. The device's context must be current in every call but `info`.

    Parameters
    ----------
    driver : Driver
    name : str
        The device's, for messages.
    ordinal : int

    Raises
    ------
    RuntimeError
        The driver has no such pools.
    """

    most_kept = 512 * 1024 * 1024  # bytes that nobody uses; what is above is given back when somebody waits for the GPU

    def __init__(self, driver: Driver, name: str, ordinal: int) -> None:
        self._driver = driver
        self._name = name
        self._pool = c_void_p()
        self._used: dict[int, tuple[int, int]] = {}  # stream and size, by address
        try:
            driver.call("cuMemPoolCreate", byref(self._pool), byref(_Properties(_PINNED, 0, _ON_DEVICE, ordinal)))
            driver.call("cuMemPoolSetAttribute", self._pool, _RELEASE_THRESHOLD, byref(c_uint64(self.most_kept)))
        except CudaError as error:
            raise RuntimeError(
                f"{name} must have memory pools, got {error} (they need a driver for CUDA 11.2 or later, and some virtual "
                "GPUs have none)"
            ) from error

    def acquire(self, size: int, stream: int) -> int:
        """The address of a block that the work of a stream may use from now on.

        Raises
        ------
        MemoryError
            With the bytes wanted, free and in total. Nothing is left allocated.
        """
        address = self._allocate(size, stream)
        if address is None:
            self.trim()
            address = self._allocate(size, stream)
        if address is None:
            raise self.refusal(size, "this call")
        self._used[address] = stream, size
        return address

    def release(self, address: int) -> None:
        """Give a block back; what its stream has to do by now may go on using it."""
        stream, _ = self._used.pop(address)
        self._driver.fast("cuMemFreeAsync", c_void_p(address), c_void_p(stream))

    def trim(self) -> None:
        """Wait for the GPU, and free all memory that nobody uses then."""
        self._driver.call("cuCtxSynchronize")
        self._driver.call("cuMemPoolTrimTo", self._pool, 0)

    def refusal(self, size: int, purpose: str) -> MemoryError:
        """The error that so many bytes are not there."""
        free, total = self._driver.pycuda.mem_get_info()
        limit = settings().workspace_limit
        return MemoryError(
            f"{self._name} must have {size} bytes free for {purpose}, got {free} of {total} (scratch memory is limited to "
            f"{limit:.0f} bytes: convt.options(workspace_limit=...) or CONVT_WORKSPACE_LIMIT)"
        )

    def info(self) -> tuple[int, int]:
        """Bytes in use, and bytes kept."""
        used = sum(size for _, size in list(self._used.values()))
        return used, self._attribute(_RESERVED) - self._attribute(_USED)

    def _allocate(self, size: int, stream: int) -> int | None:
        address = c_void_p()
        try:
            self._driver.fast("cuMemAllocFromPoolAsync", byref(address), c_size_t(size), self._pool, c_void_p(stream))
        except CudaError as error:
            if error.code != _OUT_OF_MEMORY:
                raise
            return None
        return address.value or 0

    def _attribute(self, which: int) -> int:
        value = c_uint64()
        self._driver.call("cuMemPoolGetAttribute", self._pool, which, byref(value))
        return value.value


class PinnedPool:
    """Blocks of the host's memory that a device copies from and to while the processor does something else.

    To allocate and to free one waits for the GPU and takes long, so they are kept. A block is given back when the device is
    done with it, so whoever comes next may have it.

    Parameters
    ----------
    driver : Driver
    """

    most_kept = 128 * 1024 * 1024  # bytes at most that nobody uses

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._lock = threading.Lock()
        self._free: dict[int, list[int]] = {}  # by size
        self._used: dict[int, int] = {}  # sizes, by address

    def acquire(self, size: int) -> int:
        """The address of a block.

        Raises
        ------
        MemoryError
        """
        size = _rounded(size)
        with self._lock:
            blocks = self._free.get(size)
            address = blocks.pop() if blocks else self._allocate(size)
            self._used[address] = size
            return address

    def release(self, address: int) -> None:
        """Give a block back that no device is using."""
        with self._lock:
            size = self._used.pop(address)
            if self._kept() + size > self.most_kept:
                self._driver.call("cuMemFreeHost", address)
            else:
                self._free.setdefault(size, []).append(address)

    def trim(self) -> None:
        """Free all blocks that nobody uses."""
        with self._lock:
            self._trim()

    def info(self) -> tuple[int, int]:
        """Bytes in use, and bytes kept."""
        with self._lock:
            return sum(self._used.values()), self._kept()

    def _kept(self) -> int:
        return sum(size * len(blocks) for size, blocks in self._free.items())

    def _allocate(self, size: int) -> int:
        address = c_void_p()
        for last in (False, True):
            try:
                self._driver.call("cuMemHostAlloc", byref(address), size, 0)
            except CudaError as error:
                if error.code != _OUT_OF_MEMORY:
                    raise
                if last:
                    raise MemoryError(f"the host must have {size} bytes of page-locked memory for this call") from error
                self._trim()
            else:
                break
        return address.value or 0

    def _trim(self) -> None:
        for blocks in self._free.values():
            while blocks:
                self._driver.call("cuMemFreeHost", blocks.pop())
        self._free.clear()


def _rounded(size: int) -> int:
    """Few different sizes, so that blocks fit again: steps of an eighth of the size, of 512 bytes at least."""
    step = max(512, 1 << max(0, size.bit_length() - 4))
    return -(-size // step) * step
