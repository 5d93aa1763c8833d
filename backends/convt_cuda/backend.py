"""The cuda backend: finds the data's device and stream, chooses an engine, runs its plan.

Read `choice.py` for who computes what, ``kernels/README.md`` for how a call flows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from convt.backend import settings

from . import compiled
from .arrays import STORAGE, DeviceArray, adopt, empty_like, is_device_array
from .choice import ENGINES, choose, words, workspace_limit
from .cudnn import CudnnUnavailable, cudnn
from .device import Device, Devices
from .own.plan import channel_sums_plan
from .staging import Staging

if TYPE_CHECKING:
    from convt.problem import Problem

    from .driver import Driver
    from .engine import Map, Plan

__all__ = ["CudaBackend"]


class CudaBackend:
    """The three maps on NVIDIA GPUs.

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
        model = self.adopt(like)
        device = model.device or self._devices.any()
        with device.current():
            made = self.adopt(empty_like(shape, dtype, model, device))
        made.device = made.device or device
        return made

    def deliver(self, array: DeviceArray, like: Any) -> Any:
        """What `empty` made."""
        return array.source

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

    def _run(self, problem: Problem, data_map: Map | None, inputs: Sequence[Any], bias: Any, out: Any) -> None:
        if isinstance(out, DeviceArray):
            arrays = [*inputs, out] if bias is None else [*inputs, bias, out]
            device = _one_device(arrays)
            _check_apart(arrays)
            with device.current():
                stream = _common_stream(device, arrays)
                _compute(problem, data_map, device, stream, inputs, bias, out)
            return
        device = self._device_for_hosts()
        with device.current(), Staging(device) as staging:
            copies = [staging.upload(array) for array in inputs]
            bias_copy = None if bias is None else staging.upload(bias)
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


def _common_stream(device: Device, arrays: Sequence[DeviceArray]) -> int:
    """The result's stream, made to wait for those of the inputs."""
    stream = arrays[-1].stream or 0
    for other in {array.stream for array in arrays[:-1]} - {None, stream}:
        device.wait(stream, other or 0)
    return stream


def _cudnn_words() -> str:
    try:
        return cudnn().library.words
    except CudnnUnavailable as error:
        return str(error)


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
