"""Backends for the tests: one that remembers what it was asked, and a device that is really NumPy."""

from math import prod
from typing import Any

import numpy as np

from convt.backend import DeviceBackend, Problem
from convt.numpy_backend import NumpyBackend


class Recorder(NumpyBackend):
    """NumPy under another name; `calls` are the maps that it ran, in order."""

    def __init__(self, name: str = "recorder", priority: int = 0, reason: str | None = None) -> None:
        self.name = name
        self.priority = priority
        self.reason = reason
        self.calls: list[str] = []
        self.arrays: list[tuple[Any, ...]] = []
        self.problems: list[Problem] = []

    def why_not(self, problem: Problem) -> str | None:
        return self.reason

    def _record(self, name: str, problem: Problem, *arrays: Any) -> None:
        self.calls.append(name)
        self.problems.append(problem)
        self.arrays.append(arrays)
        getattr(NumpyBackend, name)(self, problem, *arrays)

    def scatter(self, *arguments: Any) -> None:
        self._record("scatter", *arguments)

    def gather(self, *arguments: Any) -> None:
        self._record("gather", *arguments)

    def correlate(self, *arguments: Any) -> None:
        self._record("correlate", *arguments)


class CallerArray:
    """What a caller of a device backend holds: data that NumPy cannot reach."""

    def __init__(self, host: Any) -> None:
        self.host = np.asarray(host)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)  # a CUDA device

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise AssertionError("data on a device must not be copied to the host in silence")


class CudaCallerArray(CallerArray):
    """The same, told by the older protocol."""

    __dlpack_device__ = None
    __cuda_array_interface__ = None


class DeviceArray:
    """What the device backend computes with; it has the members that `convt.backend.DeviceBackend` lists, and no more."""

    def __init__(self, host: np.ndarray) -> None:
        self.host = host
        self.shape, self.ndim, self.dtype, self.size = host.shape, host.ndim, host.dtype, host.size

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, 0)

    @property
    def order(self) -> tuple[int, ...]:
        axes = tuple(range(self.ndim))
        if self.host.flags.c_contiguous or self.host.flags.fnc:
            return axes[::-1] if self.host.flags.fnc else axes
        order = tuple(sorted(axes, key=lambda axis: -self.host.strides[axis]))
        return order if self.host.transpose(order).flags.c_contiguous else axes

    def reshape(self, shape: tuple[int, ...], order: str) -> "DeviceArray":
        view = self.host.reshape(shape, order=order)
        if not np.shares_memory(view, self.host):
            raise ValueError("would be a copy")
        return DeviceArray(view)

    def transpose(self, axes: Any) -> "DeviceArray":
        return DeviceArray(self.host.transpose(axes))

    def __getitem__(self, key: Any) -> "DeviceArray":
        return DeviceArray(self.host[key])

    def __setitem__(self, key: Any, value: float) -> None:
        assert key is Ellipsis
        self.host[key] = value

    def __array__(self, *args: Any, **kwargs: Any) -> np.ndarray:
        raise AssertionError("data on a device must not be copied to the host in silence")


class FakeDevice(Recorder, DeviceBackend):
    """A device backend; owns `CallerArray`, computes on `DeviceArray`. It has no upsampling and no pooling."""

    def __init__(self, name: str = "device", priority: int = -1, reason: str | None = None) -> None:
        super().__init__(name, priority, reason)

    def owns(self, array: Any) -> bool:
        return isinstance(array, CallerArray | DeviceArray)

    def from_caller(self, array: CallerArray | DeviceArray) -> DeviceArray:
        return array if isinstance(array, DeviceArray) else DeviceArray(array.host)

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> DeviceArray:
        return DeviceArray(np.full(shape, np.nan, dtype))

    def to_caller(self, array: DeviceArray, like: Any) -> Any:
        return array if isinstance(like, DeviceArray) else type(like)(array.host)

    def from_host(self, array: np.ndarray) -> DeviceArray:
        return DeviceArray(array.copy(order="C"))

    def to_host(self, array: DeviceArray) -> np.ndarray:
        return array.host.copy()

    def channel_sums(self, problem: Problem, array: DeviceArray, sums: DeviceArray) -> None:
        _host(array).sum(axis=(0, *range(2, array.ndim)), out=_host(sums))

    def _record(self, name: str, problem: Problem, *arrays: Any) -> None:
        super()._record(name, problem, *map(_host, arrays))


class SamplingArray(DeviceArray):
    """What `convt.backend.DeviceBackend` lists besides for upsampling and pooling."""

    def view(self, dtype: Any) -> "SamplingArray":
        return SamplingArray(self.host.view(dtype))

    def transpose(self, axes: Any) -> "SamplingArray":
        return SamplingArray(self.host.transpose(axes))

    def __getitem__(self, key: Any) -> "SamplingArray":
        return SamplingArray(self.host[key])


class SamplingDevice(FakeDevice):
    """A device backend with upsampling and pooling, by the definition."""

    def from_caller(self, array: Any) -> SamplingArray:
        return array if isinstance(array, SamplingArray) else SamplingArray(array.host)

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> SamplingArray:
        return SamplingArray(np.zeros(shape, dtype))

    def from_host(self, array: np.ndarray) -> SamplingArray:
        return SamplingArray(array.copy(order="C"))

    def move_indices(self, problem: Problem, indices: Any, sign: int, moved: Any) -> None:
        self.calls.append("move_indices")
        planes = np.arange(problem.batch * problem.fine_channels).reshape(problem.batch, -1, *[1] * len(problem.stride))
        moved.host[...] = indices.host + sign * planes * prod(problem.fine_shape)

    def upsample(self, *arguments: Any) -> None:
        self._define("upsample", arguments)

    def upsample_backward(self, *arguments: Any) -> None:
        self._define("upsample_backward", arguments)

    def max_pool(self, *arguments: Any) -> None:
        self._define("max_pool", arguments)

    def max_pool_backward(self, *arguments: Any) -> bool:
        return self._define("max_pool_backward", arguments)

    def max_unpool(self, *arguments: Any) -> bool:
        return self._define("max_unpool", arguments)

    def max_unpool_backward(self, *arguments: Any) -> bool:
        return self._define("max_unpool_backward", arguments)

    def _define(self, name: str, arguments: tuple[Any, ...]) -> Any:
        self.calls.append(name)
        kinds = {type(array) for array in arguments if hasattr(array, "shape")} - {Problem}
        assert len(kinds) == 1, kinds
        return getattr(NumpyBackend(), name)(*map(_host, arguments))


def _host(array: Any) -> Any:
    return array.host if isinstance(array, DeviceArray) else array
