"""The cuda backend: finds the data's device and stream, chooses an engine, runs its plan.

Read `choice.py` for who computes what, ``kernels/README.md`` for how a call flows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from convt.backend import DeviceBackend, settings

from . import compiled
from .arrays import STORAGE, DeviceArray
from .choice import ENGINES, workspace_limit
from .cudnn import CudnnUnavailable, cudnn
from .device import Device, Devices
from .kinds import PycudaArrays, check_contexts, kind_of, made_like, new
from .own.plan import channel_sums_plan
from .pieces import images_at_once, run_in_pieces
from .running import Prepared, run_map, run_plan
from .sampling import SamplingMaps
from .staging import Staging

if TYPE_CHECKING:
    from convt.backend import Problem

    from .driver import Driver
    from .engine import Map

__all__ = ["CudaBackend"]


class CudaBackend(SamplingMaps, DeviceBackend):
    """The three maps on NVIDIA GPUs, upsampling and pooling.

    Data on a GPU is computed there; NumPy arrays are copied to the first GPU, or that of `convt.options`, and back, where
    this backend is asked for.

    Parameters
    ----------
    driver : Driver

    Raises
    ------
    BackendUnavailable
        There are no kernels that could run.
    """

    name = "cuda"
    storage = STORAGE
    priority = 50  # below the cpu backend: who has NumPy arrays and asks for nothing does not wait for copies

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._devices = Devices(driver)
        self._kernels = compiled.available(driver.major)

    def why_not(self, problem: Problem) -> str | None:
        return self._devices.why_not()

    def owns(self, array: Any) -> bool:
        owns: bool = kind_of(type(array)).owns(array)
        return owns

    def from_caller(self, array: Any) -> DeviceArray:
        """The caller's array, not copied.

        Raises
        ------
        ValueError, TypeError
            It is freed, in another context, or not laid out as an array of numbers.
        RequiresGrad
            A gradient would be lost.
        """
        taken: DeviceArray = kind_of(type(array)).from_caller(array, self._devices)
        return taken

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> DeviceArray:
        """A new array of the kind of `like`, on its device."""
        known = self.from_caller(like)
        device = known.device or self._devices.any()
        with device.current():
            return new(shape, dtype, known, device)

    def to_caller(self, array: DeviceArray, like: Any) -> Any:
        """What `empty` made, or a view of it, as the caller's kind of array; as it is where the caller's are of ours."""
        if type(like) is DeviceArray:
            return array
        if array.whole:
            return array.source
        with (array.device or self._devices.any()).current():
            return kind_of(type(array.source)).to_caller(array)

    def outline(self, *arrays: Any) -> Hashable:
        """What a call depends on but its memory; arrays of one kind have one, which tells its device, and one stream."""
        first = type(arrays[0])
        kind = kind_of(first)
        for array in arrays:
            if type(array) is not first and type(kind_of(type(array))) is not type(kind):
                return None
        found: Hashable = kind.outlines(arrays, self._devices)
        return found

    def prepare(
        self,
        data_map: Map,
        problem: Problem,
        left: DeviceArray,
        right: DeviceArray,
        bias: DeviceArray | None,
        out: DeviceArray,
        result: DeviceArray,
    ) -> Prepared:
        """The call that has been made, as a function of the caller's x, w and bias."""
        kind = kind_of(type(left.source))
        return Prepared(self._devices, kind, data_map, problem, left, right, bias, out, result)

    def from_host(self, array: np.ndarray) -> DeviceArray:
        """A copy in PyCUDA's memory, on the GPU that computes NumPy arrays."""
        device = self._device_for_hosts()
        with device.current():
            copy = self.from_caller(made_like(PycudaArrays(), array.shape, array.dtype, None, device, array.itemsize))
            if array.size:
                device.copy_in(copy.address, np.asarray(array, order="C"))
        return copy

    def to_host(self, array: DeviceArray) -> np.ndarray:
        """A copy in the host's memory."""
        if not array.size:
            return np.empty(array.shape, array.in_memory)
        low, high = array.extent()
        device = array.device or self._devices.any()
        read = device.receive(low, high - low, array.stream or 0)
        strides = tuple(step * array.itemsize for step in array.strides)
        return np.ndarray(array.shape, array.in_memory, read.data, array.address - low, strides)

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        self._run(problem, "scatter", (coarse, kernel), bias, fine)

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        self._run(problem, "gather", (fine, kernel), bias, coarse)

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        self._run(problem, "correlate", (fine, coarse), None, kernel)

    def channel_sums(self, problem: Problem, array: Any, sums: Any) -> None:
        """The sum of each channel, the gradient of a bias."""
        self._run(problem, None, (array,), None, sums)

    def seconds(self, run: Callable[[], object], count: int = 1) -> float:
        """How long the GPU that computes NumPy arrays takes for what so many calls put into its default stream."""
        device = self._device_for_hosts()
        with device.current():
            return device.milliseconds(run, count) / 1e3

    def info(self) -> dict[str, Any]:
        """For `convt.show_config`."""
        pycuda = self._driver.pycuda
        limit = workspace_limit()
        return {
            "gpus": self._devices.why_not()
            or ", ".join(
                f"{device.name()} (sm_{''.join(map(str, device.compute_capability()))}, {device.total_memory() >> 20} MB)"
                for device in map(pycuda.Device, range(self._driver.count))
            ),
            "driver": _version(pycuda.get_driver_version()),
            "kernels": self._kernels,
            "engines": ", ".join(ENGINES),
            "cudnn": _cudnn_words(),
            "workspace limit": f"{limit:.0f} bytes",
        }

    @contextmanager
    def placed(self, inputs: Sequence[Any], outs: Sequence[Any]) -> Iterator[tuple[Device, int, list[DeviceArray]]]:
        """The device, which is current, the stream, and all the arrays as they lie on the device."""
        arrays = [*inputs, *outs]
        if type(outs[0]) is DeviceArray:
            device = self._device_of(arrays)
            for out in outs:
                _check_apart([*inputs, out])
            with device.current(), _CommonStream(device, arrays) as stream:
                yield device, stream, arrays
            return
        device = self._device_for_hosts()
        with device.current(), Staging(device) as staging:
            copies = [staging.upload(array) for array in inputs]
            results = [staging.reserve(out) for out in outs]
            yield device, 0, [*copies, *results]
            for result, out in zip(results, outs, strict=True):
                staging.download(result, out)

    def _run(self, problem: Problem, data_map: Map | None, inputs: Sequence[Any], bias: Any, out: Any) -> None:
        if type(out) is not DeviceArray and data_map in ("scatter", "gather"):
            images = images_at_once(inputs[0], out)
            if images is not None:
                self._run_in_pieces(problem, data_map, inputs, bias, out, images)
                return
        given = inputs if bias is None else (*inputs, bias)
        with self.placed(given, (out,)) as (device, stream, arrays):
            bias_here = None if bias is None else arrays[-2]
            _compute(problem, data_map, device, stream, arrays[: len(inputs)], bias_here, arrays[-1])

    def _run_in_pieces(
        self, problem: Problem, data_map: Map, inputs: Sequence[Any], bias: Any, out: Any, images: int
    ) -> None:
        """A large batch of the host's, so many images at a time."""
        device = self._device_for_hosts()
        with device.current(), Staging(device) as staging:
            weights = staging.upload(inputs[1])
            bias_copy = None if bias is None else staging.upload(bias)

            def compute(stream: int, piece: DeviceArray, result: DeviceArray) -> None:
                part = replace(problem, batch=piece.shape[0])
                _compute(part, data_map, device, stream, (piece, weights), bias_copy, result)

            run_in_pieces(device, inputs[0], out, images, compute)

    def _device_of(self, arrays: Sequence[DeviceArray]) -> Device:
        """The one on which all arrays lie."""
        device = _one_device(arrays)
        if self._driver.current_context() not in (0, device.context):
            check_contexts(arrays, self._devices)
        return device

    def _device_for_hosts(self) -> Device:
        """The one that computes what lies in the host's memory."""
        ordinal = settings().device or 0
        if ordinal >= self._driver.count:
            raise ValueError(f"device must be less than {self._driver.count}, the number of GPUs, got {ordinal}")
        return self._devices[ordinal]


def _compute(
    problem: Problem,
    data_map: Map | None,
    device: Device,
    stream: int,
    inputs: Sequence[DeviceArray],
    bias: DeviceArray | None,
    out: DeviceArray,
) -> None:
    pointers = {
        "left": inputs[0].address,
        "right": inputs[-1].address,
        "bias": 0 if bias is None else bias.address,
        "bias_stride": 0 if bias is None else bias.strides[0],
        "out": out.address,
    }
    if data_map is None:
        (array,) = inputs
        plan = channel_sums_plan(array.shape, array.strides, out.strides[0], array.storage)
        run_plan(plan, device, stream, pointers)
    else:
        strides = (inputs[0].strides, inputs[1].strides, out.strides)
        run_map(problem, data_map, strides, out.storage, device, stream, pointers)


def _one_device(arrays: Sequence[DeviceArray]) -> Device:
    found: Device | None = None
    for array in arrays:
        device = array.device
        if device is found or device is None:
            continue
        if found is not None:
            raise ValueError(f"all arrays must lie on one GPU, got {found.name} and {device.name}")
        found = device
    return cast("Device", found)  # the result's at least


def _check_apart(arrays: Sequence[DeviceArray]) -> None:
    """An `out` that overlaps an input would be read after it is written."""
    if arrays[-1].fresh:
        return
    first, last = arrays[-1].extent()
    for array in arrays[:-1]:
        low, high = array.extent()
        if low < last and first < high:
            raise ValueError("out must not overlap the inputs on a GPU, got arrays that share memory")


class _CommonStream:
    """The result's stream, made to wait for those of the inputs; at the end they for it, as their owners may free them."""

    __slots__ = ("_device", "_others", "_stream")

    def __init__(self, device: Device, arrays: Sequence[DeviceArray]) -> None:
        self._device, self._stream = device, arrays[-1].stream or 0
        self._others = {array.stream or 0 for array in arrays if array.stream not in (None, self._stream)}

    def __enter__(self) -> int:
        for other in self._others:
            self._device.wait(self._stream, other)
        return self._stream

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is None:
            for other in self._others:
                self._device.wait(other, self._stream)


def _cudnn_words() -> str:
    try:
        return cudnn().library.words
    except CudnnUnavailable as error:
        return str(error)


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
