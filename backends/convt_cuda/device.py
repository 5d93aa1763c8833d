"""One GPU: its primary context, its kernels, its memory.

The primary context is where PyTorch's and CuPy's data lie. Each device has one Context object, because PyCUDA frees memory
only under the object that allocated it; it is pushed around every public call and never left pushed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from ctypes import byref, c_float, c_size_t, c_void_p
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from convt.backend import BackendUnavailable

from .compiled import AHEAD, kernel_image
from .driver import CudaError, Driver
from .memory import PinnedPool, Pool

if TYPE_CHECKING:
    from .launch import Launch

__all__ = ["Device", "Devices"]

_DISABLE_TIMING = 2
_NON_BLOCKING = 1  # for a stream: it does not wait for the default stream
# Code of another kind or version, none for this GPU, PTX that the driver cannot read or may not compile, no file.
_NO_BINARY = (200, 209, 218, 221, 222, 223, 300)


class Pushed:
    """A context that is pushed while a ``with`` block runs; blocks may be nested, and of several threads."""

    __slots__ = ("_context",)

    def __init__(self, context: Any) -> None:
        self._context = context

    def __enter__(self) -> None:
        self._context.push()

    def __exit__(self, *error: object) -> None:
        self._context.pop()


class Device:
    """One GPU.

    Attributes
    ----------
    ordinal : int
    name : str
    capability : tuple of int
    context : int
        The primary context's handle, to compare with those of callers' arrays.
    pool : Pool
    pinned : PinnedPool
        Of the host's memory.
    """

    def __init__(self, driver: Driver, ordinal: int) -> None:
        device = driver.pycuda.Device(ordinal)
        self.ordinal = ordinal
        self.name = f"GPU {ordinal} ({device.name()})"
        self.capability: tuple[int, int] = device.compute_capability()
        self.pool = Pool(driver, self.name, ordinal)
        self.pinned = PinnedPool(driver)
        self._driver = driver
        self._pushed = Pushed(device.retain_primary_context())
        self._functions: dict[str, c_void_p] = {}
        self._modules: dict[str, c_void_p] = {}  # by type of numbers; "" has all
        self._streams: list[int] = []
        self._lock = threading.RLock()
        with self.current():
            self.context = driver.current_context()

    def current(self) -> Pushed:
        """The context, pushed while a ``with`` block runs."""
        return self._pushed

    def launch(self, launch: Launch, pointers: Mapping[str, int], stream: int) -> None:
        """Put a kernel into a stream."""
        function = self._functions.get(launch.kernel)
        if function is None:
            function = self._function(launch.kernel)
        grid = (launch.blocks, 1, 1, launch.threads, 1, 1, 0)
        self._driver.fast("cuLaunchKernel", function, *grid, c_void_p(stream), None, launch.block(pointers))

    def copy_in(self, address: int, array: np.ndarray) -> None:
        """A contiguous NumPy array to the device."""
        self._driver.pycuda.memcpy_htod(address, array)

    def copy_out(self, array: np.ndarray, address: int) -> None:
        """Into a contiguous NumPy array, when all work of the default stream is done."""
        self._driver.pycuda.memcpy_dtoh(array, address)

    def send(self, address: int, array: np.ndarray, stream: int) -> None:
        """A contiguous NumPy array to the device, in a stream's order; it may be given up at once."""
        with self.current():
            self._driver.call("cuMemcpyHtoDAsync_v2", address, array.ctypes.data, array.nbytes, stream)

    def start_receiving(self, array: np.ndarray, address: int, stream: int) -> None:
        """Into a contiguous NumPy array in page-locked memory, in a stream's order."""
        self._driver.call("cuMemcpyDtoHAsync_v2", array.ctypes.data, address, array.nbytes, stream)

    def finish(self, stream: int) -> None:
        """Wait until a stream has nothing left to do."""
        self._driver.call("cuStreamSynchronize", stream)

    def streams(self, count: int) -> list[int]:
        """Streams of our own; the same in every call, also in those of other threads."""
        with self._lock:
            while len(self._streams) < count:
                stream = c_void_p()
                self._driver.call("cuStreamCreate", byref(stream), _NON_BLOCKING)
                self._streams.append(stream.value or 0)
            return self._streams[:count]

    def receive(self, address: int, size: int, stream: int) -> np.ndarray:
        """Bytes of the device, when all work of the stream is done."""
        read = np.empty(size, np.uint8)
        with self.current():
            self._driver.call("cuMemcpyDtoHAsync_v2", read.ctypes.data, address, size, stream)
            self._driver.call("cuStreamSynchronize", stream)
        return read

    def clear(self, address: int, size: int, stream: int) -> None:
        """Fill memory with zeros; the device's context is current."""
        self._driver.fast("cuMemsetD8Async", c_void_p(address), 0, c_size_t(size), c_void_p(stream))

    def wait(self, stream: int, other: int) -> None:
        """Let a stream wait for all that another one has to do by now."""
        event = c_void_p()
        self._driver.call("cuEventCreate", byref(event), _DISABLE_TIMING)
        try:
            self._driver.call("cuEventRecord", event, other)
            self._driver.call("cuStreamWaitEvent", stream, event, 0)
        finally:
            self._driver.call("cuEventDestroy_v2", event)

    def milliseconds(self, run: Callable[[], object], count: int) -> float:
        """How long the GPU takes for what so many calls put into the default stream."""
        events = (c_void_p(), c_void_p())
        for event in events:
            self._driver.call("cuEventCreate", byref(event), 0)
        try:
            self._driver.call("cuEventRecord", events[0], 0)
            for _ in range(count):
                run()
            self._driver.call("cuEventRecord", events[1], 0)
            self._driver.call("cuEventSynchronize", events[1])
            elapsed = c_float()
            self._driver.call("cuEventElapsedTime", byref(elapsed), *events)
            return elapsed.value
        finally:
            for event in events:
                self._driver.call("cuEventDestroy_v2", event)

    @cached_property
    def kernels(self) -> str:
        """Where the code of the kernels for float32 came from."""
        with self._lock:
            self._module("float32")
            return self._origin

    def _function(self, name: str) -> c_void_p:
        with self._lock:
            module, function = self._module(name.rpartition("_")[2]), c_void_p()
            try:
                self._driver.call("cuModuleGetFunction", byref(function), module, name.encode())
            except CudaError as error:
                raise RuntimeError(f"the compiled kernels ({self._origin}) must have {name}: build convt again") from error
            self._functions[name] = function
            return function

    def _module(self, storage: str) -> c_void_p:
        """The code of a type's kernels, loaded when the first of them is needed."""
        found = self._modules.get("") or self._modules.get(storage)
        if found is None:
            found = self._load(storage)
            self._modules["" if self._origin == AHEAD else storage] = found
        return found

    def _load(self, storage: str) -> c_void_p:
        module = c_void_p()
        for image, origin in kernel_image(self.capability, storage, self._driver.major):
            self._origin = origin
            try:
                self._driver.call("cuModuleLoadData", byref(module), image)
            except CudaError as error:
                if error.code not in _NO_BINARY:
                    raise
                refusal = error
                continue
            return module
        raise RuntimeError(f"{self.name} must be able to run the kernels ({self._origin}), got {refusal}")


class Devices:
    """All GPUs, each opened when it is first used.

    Parameters
    ----------
    driver : Driver
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._devices: dict[int, Device] = {}
        self._first: Device | None = None
        self._lock = threading.Lock()

    def __getitem__(self, ordinal: int) -> Device:
        device = self._devices.get(ordinal)
        if device is not None:
            return device
        with self._lock:
            if ordinal not in self._devices:
                self.driver.start()
                self._devices[ordinal] = Device(self.driver, ordinal)
                self._first = self._first or self._devices[ordinal]
            return self._devices[ordinal]

    def any(self) -> Device:
        """The device that was opened first."""
        return self._first or self[0]

    def why_not(self) -> str | None:
        """There may be no GPU after all, and a forked child cannot use what its parent has initialised."""
        if self.driver.process == os.getpid():
            return None
        try:
            self.driver.start()
        except BackendUnavailable as error:
            return str(error)
        return None
