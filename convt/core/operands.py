"""The arrays of one call: where they lie, how they become the ones that a backend sees, and where the result goes.

`accept` looks at what the caller passed and copies nothing; conversions happen only after every rule has been checked.
`HostArrays` and `DeviceArrays` are the two homes that data may have: NumPy's memory, or the memory of the backend that
owns it.
"""

from __future__ import annotations

from typing import Any, TypeAlias, cast

import numpy as np

from ..backend import Backend
from .arrays import as_array, as_operand, check_out, output_order
from .call import Call
from .memory import OwnedArrays, device_of, type_of

__all__ = ["accept"]


def accept(x: Any, w: Any, bias: Any, *dy: Any) -> tuple[Any, ...]:
    """The home of a call's arrays, then they themselves, not converted yet; the bias may be None.

    Raises
    ------
    TypeError
        Something is no array of numbers, or lies elsewhere than the others.
    """
    if type(x) is type(w) is np.ndarray and (bias is None or type(bias) is np.ndarray):
        if not dy:
            return _HOST, x, w, bias
        if type(dy[0]) is np.ndarray:
            return _HOST, x, w, bias, dy[0]
    home = _home(x, w, bias, *dy)
    x, w = home.accept("x", x), home.accept("w", w)
    bias = None if bias is None else home.accept("bias", bias)
    dy = tuple(home.accept("dy", array) for array in dy)
    home.check_types([array for array in (x, w, bias, *dy) if array is not None])
    return home, x, w, bias, *dy


class _Arrays:
    """What both homes share: the arrays as a backend sees them."""

    def convert(self, array: Any, call: Call) -> Any:
        """The array in the type and alignment that the call computes with."""
        raise NotImplementedError

    def data(self, array: Any, call: Call) -> Any:
        """X or dy, converted, as (N, C, *spatial)."""
        array = self.convert(array, call)
        return array if call.in_order else call.layout.data_view(array)

    def kernel(self, array: Any, call: Call) -> Any:
        """w, converted, as (coarse, fine // groups, *spatial)."""
        array = self.convert(array, call)
        return array if call.in_order else call.layout.kernel_view(array)


class HostArrays(_Arrays):
    """NumPy arrays, and whatever NumPy makes arrays of."""

    owner: Backend | None = None

    accept = staticmethod(as_array)

    def check_types(self, arrays: list[np.ndarray]) -> None:
        """Any may be mixed."""

    def convert(self, array: np.ndarray, call: Call) -> np.ndarray:
        """A real operand of a complex call stays real."""
        if array.dtype is call.compute and array.flags.aligned:
            return array
        stays_real = call.is_complex and array.dtype.kind != "c"
        return as_operand(array, call.problem.dtype if stays_real else call.compute)

    def vector(self, array: np.ndarray, call: Call) -> np.ndarray:
        """The bias, converted and contiguous."""
        array = self.convert(array, call)
        return array if array.flags.c_contiguous else np.ascontiguousarray(array)

    def empty(self, shape: tuple[int, ...], like: np.ndarray, call: Call) -> np.ndarray:
        """A new array to compute into, in the order of `like`."""
        return np.empty(shape, call.compute, output_order(like))

    def target(self, out: Any, inputs: tuple[np.ndarray | None, ...], call: Call) -> np.ndarray:
        """Where to compute what goes to `out`: itself, or a new array where that is not possible."""
        check_out(out, call.y_shape, call.result)
        if out.dtype != call.compute or not out.flags.aligned:
            return np.empty(call.y_shape, call.compute)
        for array in inputs:
            if array is not None and np.may_share_memory(out, array):
                return np.empty(call.y_shape, call.compute)
        return cast(np.ndarray, out)

    def result(self, computed: np.ndarray, out: Any, call: Call) -> Any:
        """What the caller gets: `out`, or where there is none, what was computed."""
        if out is None:
            return computed if call.result is call.compute else computed.astype(call.result)
        if computed is not out:
            out[...] = computed
        return out


class DeviceArrays(OwnedArrays, _Arrays):
    """Arrays in the memory of the backend that owns them; results stay there, in the caller's kind of array."""

    def check_types(self, arrays: list[Any]) -> None:
        """On a device nothing is converted: one type for all, that the backend reads and writes."""
        known, types = self.types, [type_of(array) for array in arrays]
        if types[0] not in known or types.count(types[0]) != len(types):
            raise TypeError(
                f"all arrays on backend {self.owner.name!r} must be of one type, {', '.join(known[:-1])} or {known[-1]}, "
                f"got {', '.join(types)}"
            )

    def convert(self, array: Any, call: Call) -> Any:
        return array

    def vector(self, array: Any, call: Call) -> Any:
        return array

    def empty(self, shape: tuple[int, ...], like: Any, call: Call) -> Any:
        return self.make(shape, call.compute)

    def target(self, out: Any, inputs: tuple[Any, ...], call: Call) -> Any:
        target = self.accept("out", out)
        self.check_target(target, call.y_shape, inputs[0])
        return target

    def result(self, computed: Any, out: Any, call: Call) -> Any:
        return self.deliver(computed) if out is None else out


Home: TypeAlias = HostArrays | DeviceArrays

_HOST = HostArrays()


def _home(*values: Any) -> HostArrays | DeviceArrays:
    found = device_of(*values)
    return _HOST if found is None else DeviceArrays(*found)
