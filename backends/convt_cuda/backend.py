"""The cuda backend: finds the data's device and stream, chooses an engine, runs its plan.

Read `choice.py` for who computes what, ``kernels/README.md`` for how a call flows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from convt.backend import settings

from . import compiled
from .arrays import STORAGE, DeviceArray, adopt, delivered, empty_like, is_device_array
from .choice import ENGINES, choose, words, workspace_limit
from .cudnn import CudnnUnavailable, cudnn
from .device import Device, Devices
from .own.plan import channel_sums_plan
from .pieces import images_at_once, run_in_pieces
from .sampling import SamplingMaps
from .staging import Staging

if TYPE_CHECKING:
    from convt.problem import Problem

    from .driver import Driver
    from .engine import Map, Plan

__all__ = ["CudaBackend"]


class CudaBackend(SamplingMaps):
    """The three maps on NVIDIA GPUs, upsampling and pooling.

    Data on a GPU is computed there; NumPy arrays are copied to the first GPU and back, where this backend is asked for.

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
        self._kernels = compiled.available()

    def why_not(self, problem: Problem) -> str | None:
        return self._devices.why_not()

    def owns(self, array: Any) -> bool:
        return is_device_array(array)

    def adopt(self, array: Any) -> DeviceArray:
        """The caller's array, not copied.

        Raises
        ------
        ValueError, TypeError
            It is freed, in another context, or not laid out as an array of numbers.
        """
        return adopt(array, self._driver, self._devices)

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> DeviceArray:
        """A new array of the kind of `like`, on its device."""
        known = self.adopt(like)
        device = known.device or self._devices.any()
        with device.current():
            made = adopt(empty_like(shape, dtype, known, device), self._driver, self._devices, device)
        made.device = made.device or device
        return made

    def deliver(self, array: DeviceArray, like: Any) -> Any:
        """What `empty` made, or a view of it, as the caller's kind of array; as it is where the caller's are of ours."""
        if isinstance(like, DeviceArray):
            return array
        with (array.device or self._devices.any()).current():
            return delivered(array)

    def fetch(self, array: DeviceArray) -> np.ndarray:
        """A copy in the host's memory."""
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

    def info(self) -> dict[str, Any]:
        """For `convt.show_config`."""
        pycuda = self._driver.pycuda
        limit = workspace_limit()
        return {
            "gpus": ", ".join(
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
        """The device, the stream, and all of the arrays on the device, which is current."""
        arrays = [*inputs, *outs]
        if isinstance(outs[0], DeviceArray):
            device = _one_device(arrays)
            for out in outs:
                _check_apart([*inputs, out])
            with device.current(), _common_stream(device, arrays) as stream:
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
        if isinstance(out, DeviceArray):
            arrays = [*inputs, out] if bias is None else [*inputs, bias, out]
            device = _one_device(arrays)
            _check_apart(arrays)
            with device.current(), _common_stream(device, arrays) as stream:
                _compute(problem, data_map, device, stream, inputs, bias, out)
            return
        device = self._device_for_hosts()
        with device.current(), Staging(device) as staging:
            bias_copy = None if bias is None else staging.upload(bias)
            images = images_at_once(inputs[0], out) if data_map in ("scatter", "gather") else None
            if images is not None:
                weights = staging.upload(inputs[1])

                def compute(stream: int, piece: DeviceArray, result: DeviceArray) -> None:
                    part = replace(problem, batch=piece.shape[0])
                    _compute(part, data_map, device, stream, (piece, weights), bias_copy, result)

                run_in_pieces(device, inputs[0], out, images, compute)
                return
            copies = [staging.upload(array) for array in inputs]
            result = staging.reserve(out)
            _compute(problem, data_map, device, 0, copies, bias_copy, result)
            staging.download(result, out)

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
    plan: Plan
    if data_map is None:
        (array,) = inputs
        plan = channel_sums_plan(array.shape, array.strides, out.strides[0], array.storage)
    else:
        strides = (inputs[0].strides, inputs[1].strides, out.strides)
        name, plan = choose(problem, data_map, strides, device, out.storage)
        if settings().verbose:
            print(f"{data_map} on {device.name}: {words(name, plan)}")
    pointers = {
        "left": inputs[0].address,
        "right": inputs[-1].address,
        "bias": 0 if bias is None else bias.address,
        "bias_stride": 0 if bias is None else bias.strides[0],
        "out": out.address,
        "work": 0,
    }
    if not plan.workspace:
        plan.run(device, stream, pointers)
        return
    pointers["work"] = device.pool.acquire(plan.workspace, stream)
    try:
        plan.run(device, stream, pointers)
    finally:
        device.pool.release(pointers["work"])


def _one_device(arrays: Sequence[DeviceArray]) -> Device:
    devices = [array.device for array in arrays if array.device is not None]
    for device in devices:
        if device is not devices[0]:
            raise ValueError(f"all arrays must lie on one GPU, got {devices[0].name} and {device.name}")
    return devices[0]


def _check_apart(arrays: Sequence[DeviceArray]) -> None:
    """An `out` that overlaps an input would be read after it is written."""
    first, last = arrays[-1].extent()
    for array in arrays[:-1]:
        low, high = array.extent()
        if low < last and first < high:
            raise ValueError("out must not overlap the inputs on a GPU, got arrays that share memory")


@contextmanager
def _common_stream(device: Device, arrays: Sequence[DeviceArray]) -> Iterator[int]:
    """The result's stream, made to wait for those of the inputs; at the end they for it, as their owners may free them."""
    stream = arrays[-1].stream or 0
    others = {array.stream for array in arrays[:-1]} - {None, stream}
    for other in others:
        device.wait(stream, other or 0)
    yield stream
    for other in others:
        device.wait(other or 0, stream)


def _cudnn_words() -> str:
    try:
        return cudnn().library.words
    except CudnnUnavailable as error:
        return str(error)


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
