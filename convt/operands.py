"""The arrays of one call: accepted, typed, viewed in the standard axis order, and where the result goes.

`Operands.accept` looks at what the caller passed and copies nothing; conversions happen only after every rule has been
checked. `HostArrays` and `DeviceArrays` are the two homes that data may have: NumPy's memory, or the memory of the backend
that owns it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np

from .arrays import as_array, as_operand, check_out, compute_type, on_device, output_order, part_type, result_type
from .backend import DEVICE_MEMBERS, Backend, DeviceBackend, missing_members
from .layout import Layout, layout_for
from .options import as_shape
from .selection import owner

__all__ = ["Operands", "Shapes"]


class Shapes:
    """The shapes and the layout of one call.

    Attributes
    ----------
    x_shape, w_shape : tuple of int
        As the caller sees them.
    layout : Layout
    part : numpy.dtype
        The problem's dtype.
    """

    __slots__ = ("layout", "part", "w_shape", "x_shape")

    def __init__(self, layout: Any, x_shape: tuple[int, ...], w_shape: tuple[int, ...], part: np.dtype) -> None:
        axes = len(w_shape) - 2
        if not 1 <= axes <= 3:
            raise ValueError(f"w must have 3, 4 or 5 axes (two of channels and 1 to 3 spatial ones), got {len(w_shape)}")
        if len(x_shape) not in (axes + 1, axes + 2):
            raise ValueError(
                f"x must have {axes + 2} axes to go with w's {axes} spatial ones, or {axes + 1} without a batch, got "
                f"{len(x_shape)}"
            )
        self.x_shape = x_shape
        self.w_shape = w_shape
        self.layout: Layout = layout_for(layout, axes)
        self.part = part

    @classmethod
    def accept(cls, layout: Any, x_shape: Any, w_shape: Any) -> Shapes:
        """From two shapes alone."""
        return cls(layout, as_shape("x_shape", x_shape), as_shape("w_shape", w_shape), np.dtype(np.float64))

    def data_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """An (N, C, *spatial) shape as this caller sees it."""
        return self.layout.data_shape(shape, batched=len(self.x_shape) == self.layout.axes + 2)


class Operands(Shapes):
    """x, w and, where given, bias and dy of one call.

    Attributes
    ----------
    x, w, bias, dy : array
        As the caller passed them; bias and dy may be None.
    home : HostArrays or DeviceArrays
    result, compute : numpy.dtype
        What the call returns, and what it computes in; for complex results, `part` is the type of their parts.
    """

    __slots__ = ("bias", "compute", "dy", "home", "result", "w", "x")

    def __init__(self, layout: Any, home: HostArrays | DeviceArrays, x: Any, w: Any, bias: Any, dy: Any) -> None:
        self.home = home
        self.x, self.w, self.bias, self.dy = x, w, bias, dy
        self.result, self.compute = home.types([array.dtype for array in (x, w, bias, dy) if array is not None])
        super().__init__(layout, x.shape, w.shape, part_type(self.compute))

    @classmethod
    def accept(cls, layout: Any, x: Any, w: Any, bias: Any = None, dy: Any = None, *, with_dy: bool = False) -> Operands:
        """Arrays of numbers, not converted yet; anything else is an error."""
        home = _home(x, w, bias, dy)
        return cls(
            layout,
            home,
            home.accept("x", x),
            home.accept("w", w),
            None if bias is None else home.accept("bias", bias),
            home.accept("dy", dy) if with_dy else None,
        )

    def check_bias(self, channels: int) -> None:
        """One bias per output channel."""
        if self.bias is not None and self.bias.shape != (channels,):
            raise ValueError(f"bias.shape must equal ({channels},), one per output channel, got {self.bias.shape}")

    def check_dy(self, shape: tuple[int, ...]) -> None:
        """A gradient of the output's shape."""
        if self.dy.shape != shape:
            raise ValueError(f"dy.shape must equal the output's {shape}, got {self.dy.shape}")

    def data(self, array: Any) -> Any:
        """X or dy, converted, as (N, C, *spatial)."""
        return self.layout.data_view(self.home.convert(array, self))

    def kernel(self) -> Any:
        """w, converted, as (coarse, fine // groups, *spatial)."""
        return self.layout.kernel_view(self.home.convert(self.w, self))

    def bias_vector(self) -> Any:
        """The bias, converted and contiguous, or None."""
        return None if self.bias is None else self.home.contiguous(self.home.convert(self.bias, self))


class HostArrays:
    """NumPy arrays, and whatever NumPy makes arrays of."""

    owner: Backend | None = None

    accept = staticmethod(as_array)
    contiguous = staticmethod(np.ascontiguousarray)

    def types(self, dtypes: list[np.dtype]) -> tuple[np.dtype, np.dtype]:
        """The result's type and the type to compute in."""
        result = result_type(dtypes)
        return result, compute_type(result)

    def convert(self, array: np.ndarray, call: Operands) -> np.ndarray:
        dtype = call.part if call.compute.kind == "c" and array.dtype.kind != "c" else call.compute
        return as_operand(array, dtype)

    def compute(self, shape: tuple[int, ...], like: np.ndarray, call: Operands, out: Any, run: Callable[[Any], None]) -> Any:
        """Run into `out` where it can be written directly, else into a new array in the order of `like`."""
        if out is None:
            target = np.empty(shape, call.compute, output_order(like))
            run(target)
            return target.astype(call.result, copy=False)
        check_out(out, shape, call.result)
        inputs = (call.x, call.w, call.bias)
        overlaps = any(array is not None and np.may_share_memory(out, array) for array in inputs)
        if out.dtype == call.compute and out.flags.aligned and not overlaps:
            run(out)
        else:
            target = np.empty(shape, call.compute)
            run(target)
            out[...] = target
        return out


class DeviceArrays:
    """Arrays in the memory of the backend that owns them; results stay there, in the caller's kind of array."""

    def __init__(self, owner: DeviceBackend, like: Any) -> None:
        self.owner = owner
        self._like = like

    def accept(self, name: str, value: Any) -> Any:
        if not self.owner.owns(value):
            raise TypeError(
                f"{name} must lie where the other arrays do, on backend {self.owner.name!r}, got {type(value).__name__}"
            )
        return self.owner.adopt(value)

    def types(self, dtypes: list[np.dtype]) -> tuple[np.dtype, np.dtype]:
        """On a device nothing is converted: one type for all, that a backend computes in."""
        first = dtypes[0]
        if first not in _DEVICE_TYPES or any(dtype != first for dtype in dtypes):
            raise TypeError(
                f"all arrays on backend {self.owner.name!r} must be float32, or all float64, got "
                f"{', '.join(map(str, dtypes))}"
            )
        return first, first

    def contiguous(self, array: Any) -> Any:
        return array

    def convert(self, array: Any, call: Operands) -> Any:
        return array

    def compute(self, shape: tuple[int, ...], like: Any, call: Operands, out: Any, run: Callable[[Any], None]) -> Any:
        if out is None:
            target = self.owner.empty(shape, call.compute, self._like)
            run(target)
            return self.owner.deliver(target, self._like)
        target = self.accept("out", out)
        if target.shape != shape or target.dtype != call.result:
            raise ValueError(f"out must be the result's {shape} of {call.result}, got {target.shape} of {target.dtype}")
        run(target)
        return out


_HOST = HostArrays()
_DEVICE_TYPES = (np.dtype(np.float32), np.dtype(np.float64))


def _home(*values: Any) -> HostArrays | DeviceArrays:
    for value in values:
        if type(value) is not np.ndarray and value is not None and on_device(value):
            backend = owner(value)
            if backend is None or missing_members(backend, DEVICE_MEMBERS):
                raise TypeError(
                    f"arrays must lie in the host's memory or on a device with a backend, got {type(value).__name__} "
                    "(no usable backend owns it; see python -m convt)"
                )
            return DeviceArrays(cast(DeviceBackend, backend), value)
    return _HOST
