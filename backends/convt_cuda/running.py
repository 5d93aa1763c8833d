"""Running a map whose arrays' addresses are known: an engine is chosen, and its plan is put into the stream.

`Prepared` is a call that was made before, all but its memory; `convt.core.repeats` keeps it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ReferenceType, ref

from .choice import ALIGNMENT, choose, refuse, standing_rules, words
from .cudnn import CudnnError
from .kinds import PycudaArrays, made_like

if TYPE_CHECKING:
    from convt.backend import Problem, Settings

    from .arrays import DeviceArray
    from .device import Device, Devices
    from .engine import Map, Plan, Strides
    from .kinds import Kind

__all__ = ["Prepared", "is_aligned", "run_map", "run_plan"]


def run_map(
    problem: Problem,
    data_map: Map,
    strides: Strides,
    storage: str,
    device: Device,
    stream: int,
    pointers: dict[str, int],
) -> None:
    """Put a map into a stream; the device's context is current.

    Parameters
    ----------
    problem : Problem
    data_map : {"scatter", "gather", "correlate"}
    strides : tuple
        Of the map's left input, right input and output, in elements.
    storage : str
        The arrays' type in memory.
    device : Device
    stream : int
    pointers : dict
        The addresses of "left", "right", "out" and "bias" (0 for none), and "bias_stride" in elements.
    """
    rules, aligned = standing_rules(), is_aligned(pointers)
    while True:
        name, plan = choose(problem, data_map, strides, device, storage, rules, aligned)
        if rules[0].verbose:
            unable = (
                f" ({rules[1]}, which CONVT_CUDA_ALGORITHM forces, cannot do it)" if rules[1] not in (None, name) else ""
            )
            print(f"{data_map} on {device.name}: {words(name, plan)}{unable}")
        try:
            run_plan(plan, device, stream, pointers)
        except CudnnError as error:
            if not error.refused:
                raise
            refuse(plan, problem, data_map, strides, storage)
        else:
            return


def is_aligned(pointers: dict[str, int]) -> bool:
    """Whether a map's arrays begin where cuDNN can read them."""
    return not (pointers["left"] | pointers["right"] | pointers["out"]) % ALIGNMENT


def run_plan(plan: Plan, device: Device, stream: int, pointers: dict[str, int]) -> None:
    """With a workspace where it needs one."""
    if not plan.workspace:
        pointers["work"] = 0
        plan.run(device, stream, pointers)
        return
    work = pointers["work"] = device.pool.acquire(plan.workspace, stream)
    try:
        plan.run(device, stream, pointers)
    finally:
        device.pool.release(work)


class Prepared:
    """A call of scatter or gather on arrays of one kind, all but its memory.

    Parameters
    ----------
    devices : Devices
    kind : Kind
        Of the caller's arrays and of the result.
    data_map : {"scatter", "gather"}
    problem : Problem
    left, right, bias, out : DeviceArray
        The arrays of the call that was made; the bias may be None.
    result : DeviceArray
        What the caller got, of which `out` is a view.
    """

    def __init__(
        self,
        devices: Devices,
        kind: Kind,
        data_map: Map,
        problem: Problem,
        left: DeviceArray,
        right: DeviceArray,
        bias: DeviceArray | None,
        out: DeviceArray,
        result: DeviceArray,
    ) -> None:
        assert out.device is not None
        self._devices, self._device, self._kind = devices, out.device, kind
        self._call = (problem, data_map, (left.strides, right.strides, out.strides), out.storage, out.device)
        self._bias_stride = 0 if bias is None else bias.strides[0]
        self._itemsize = out.itemsize
        self._view = None if result.whole else result.of(None, 0)  # what `made` is turned into; keeps no memory
        self._shape = tuple(result.shape[axis] for axis in result.order)
        self._last: tuple[Settings, str | None, ReferenceType[Plan]] | None = None
        self._told = not isinstance(kind, PycudaArrays)  # where they lie; and PyCUDA allocates in a context of its own only

    def __call__(self, x: Any, w: Any, bias: Any) -> Any:
        """The result as the caller's kind of array; None where the ordinary way must say what is wrong."""
        kind, device = self._kind, self._device
        left, right, third = kind.address(x), kind.address(w), 0 if bias is None else kind.address(bias)
        if (left | right | third) % self._itemsize or not (left and right and (third or bias is None)):
            return None
        if self._devices.why_not():
            return None
        pointers = {"left": left, "right": right, "bias": third, "bias_stride": self._bias_stride}
        if self._told:
            current = self._devices.driver.current_context()
            if current == device.context:
                return self._run(x, pointers)
            if current:
                return None
        with device.current():
            return self._run(x, pointers)

    def _run(self, x: Any, pointers: dict[str, int]) -> Any:
        """Into a new array; the device's context is current."""
        kind, device = self._kind, self._device
        made = made_like(kind, self._shape, None, x, device, self._itemsize)
        pointers["out"] = kind.address(made)
        stream, rules = kind.stream(made, device), standing_rules()
        if rules[0].verbose or not is_aligned(pointers):
            run_map(*self._call, stream, pointers)
        else:
            try:
                run_plan(self._plan(rules), device, stream, pointers)
            except CudnnError as error:
                if not error.refused:
                    raise
                self._last = None
                run_map(*self._call, stream, pointers)
        return made if self._view is None else kind.to_caller(self._view.of(made, pointers["out"]))

    def _plan(self, rules: tuple[Settings, str | None]) -> Plan:
        """The plan under these rules, kept by `choose` alone."""
        last = self._last
        if last is not None and last[0] is rules[0] and last[1] == rules[1]:
            plan = last[2]()
            if plan is not None:
                return plan
        problem, data_map, strides, storage, device = self._call
        _, plan = choose(problem, data_map, strides, device, storage, rules)
        self._last = (*rules, ref(plan))
        return plan
