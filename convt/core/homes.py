"""Where the arrays of upsampling and pooling lie: NumPy's memory, or that of the backend that owns them.

As `operands.py` is for the operators: `home_of` tells which, and each of the two homes takes arrays in, makes results, and
says who computes. On a device nothing is converted, what computes is its owner's own, and results stay there, in the
caller's kind of array.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import numpy as np

from ..backend import Backend, BackendUnavailable, DeviceSamplingBackend, loading
from ..selection import BackendRequest, choose
from .arrays import as_array, as_operand, check_out, output_order
from .memory import OwnedArrays, device_of, type_of
from .problem import Problem
from .spatial import CARRIERS, INDEX, first_elements

if TYPE_CHECKING:
    from .windows import Windows

__all__ = ["DeviceHome", "Home", "HostHome", "home_of"]

_SHORT = ("float16", "bfloat16")  # on a device, also moved


class HostHome:
    """NumPy arrays, and whatever NumPy makes arrays of."""

    def accept(self, name: str, value: Any) -> np.ndarray:
        """An array of numbers, in native byte order and aligned; not copied if it is one."""
        array = as_array(name, value)
        if array.dtype.isnative and array.flags.aligned:
            return array
        return np.require(array, array.dtype.newbyteorder("="), "A")

    def check_type(self, name: str, array: np.ndarray, *, moved: bool = False) -> None:
        """All numbers are converted to what is computed in."""

    def choose(self, problem: Problem, request: BackendRequest, *members: str) -> Backend:
        """Who computes; what it lacks of the members, NumPy does."""
        return choose(problem, request)

    def member(self, backend: Backend, name: str, module: str, *, fits: bool = True) -> Callable[..., Any]:
        """The backend's function of that name if it has one and the arrays fit, else the definition's."""
        function: Callable[..., Any] | None = getattr(backend, name, None) if fits else None
        if function is None:
            with loading:
                function = getattr(import_module(f"convt.numpy_backend.{module}"), name)
        return function

    def convert(self, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
        return as_operand(array, dtype)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, like: np.ndarray) -> np.ndarray:
        """A new array, in the memory order of `like`."""
        return np.empty(shape, dtype, output_order(like))

    def deliver(self, array: np.ndarray) -> np.ndarray:
        return array

    def run_into(
        self,
        shape: tuple[int, ...],
        result: np.dtype,
        compute: np.dtype,
        like: np.ndarray,
        out: Any,
        inputs: tuple[np.ndarray, ...],
        run: Callable[[np.ndarray], None],
    ) -> np.ndarray:
        """Run into `out` where it can be written directly, else into a new array in the order of `like`."""
        if out is None:
            target = self.empty(shape, compute, like)
            run(target)
            return target.astype(result, copy=False)
        check_out(out, shape, result)
        if out.dtype == compute and out.flags.aligned and not any(np.may_share_memory(out, array) for array in inputs):
            run(out)
        else:
            target = np.empty(shape, compute)
            run(target)
            out[...] = target
        written: np.ndarray = out
        return written

    def as_int64(self, indices: np.ndarray) -> np.ndarray:
        """Integers that may be indices; what does not fit becomes negative."""
        if indices.dtype == INDEX:
            return indices
        return indices.view(INDEX) if indices.dtype.itemsize == 8 else indices.astype(INDEX)

    def of_planes(self, backend: Backend, problem: Problem, indices: np.ndarray) -> np.ndarray:
        """(N, C, *spatial) indices of the whole tensor as those of each image's channel."""
        places: np.ndarray = indices - first_elements(problem)
        return places

    def of_tensor(self, backend: Backend, call: Windows, indices: np.ndarray) -> np.ndarray:
        """And back, in the caller's axes; the array may be written."""
        call.frame.view(indices)[...] += first_elements(call.problem)
        return indices

    def require_inside(self, call: Windows, places: np.ndarray, indices: Any) -> None:
        """Before something of the caller's is written."""
        call.require_inside(places, indices)

    def to_host(self, array: Any) -> np.ndarray:
        return np.asarray(array)


class DeviceHome(OwnedArrays):
    """Arrays in the memory of the backend that owns them."""

    def check_type(self, name: str, array: Any, *, moved: bool = False) -> None:
        """Nothing is converted: what the owner computes with, or of a size that it moves."""
        if type_of(array) in self.types or (moved and array.dtype.itemsize in CARRIERS and array.dtype.isnative):
            return
        *others, last = self.types
        rule = f"{', '.join(others)} or {last}"
        if moved:
            rule = "of 4 or 8 bytes, in native order," + "".join(f" or {each}," for each in self.types if each in _SHORT)
        raise TypeError(f"{name}.dtype must be {rule} on backend {self.owner.name!r}, got {type_of(array)}")

    def choose(self, problem: Problem, request: BackendRequest, *members: str) -> Backend:
        """The owner, if it has them."""
        backend = choose(problem, request, self.owner)
        missing = [name for name in members if not hasattr(backend, name)]
        if missing:
            raise BackendUnavailable(
                f"backend {backend.name!r} cannot do this call: it has no {' and no '.join(missing)} for arrays on "
                "its device (copy them to the host first)"
            )
        return backend

    def member(self, backend: Backend, name: str, module: str, *, fits: bool = True) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(backend, name)
        return function

    def convert(self, array: Any, dtype: np.dtype) -> Any:
        return array

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, like: Any) -> Any:
        if like.order == "C":
            return self.make(shape, dtype)
        return self.make(shape[::-1], dtype).transpose(tuple(reversed(range(len(shape)))))

    def run_into(
        self,
        shape: tuple[int, ...],
        result: np.dtype,
        compute: np.dtype,
        like: Any,
        out: Any,
        inputs: tuple[Any, ...],
        run: Callable[[Any], None],
    ) -> Any:
        if out is None:
            target = self.empty(shape, result, like)
            run(target)
            return self.deliver(target)
        target = self.accept("out", out)
        self.check_target(target, shape, like)
        run(target)
        return out

    def as_int64(self, indices: Any) -> Any:
        if indices.dtype.itemsize != INDEX.itemsize or not indices.dtype.isnative:
            raise TypeError(f"indices must be of int64 on backend {self.owner.name!r}, got {indices.dtype}")
        return indices if indices.dtype == INDEX else indices.view(INDEX)

    def of_planes(self, backend: Any, problem: Problem, indices: Any) -> Any:
        places = self.make(problem.coarse_array_shape, INDEX)
        if problem.batch:
            backend.move_indices(problem, indices, -1, places)
        return places

    def of_tensor(self, backend: Any, call: Windows, indices: Any) -> Any:
        moved = self.empty(call.shape, INDEX, indices)
        if call.problem.batch:
            backend.move_indices(call.problem, call.frame.view(indices), 1, call.frame.view(moved))
        return moved

    def require_inside(self, call: Windows, places: Any, indices: Any) -> None:
        """The backend looks at them before it writes."""

    def to_host(self, array: Any) -> np.ndarray:
        """A copy, for messages."""
        owner = cast(DeviceSamplingBackend, self.owner)
        return cast(np.ndarray, owner.fetch(owner.adopt(array)))


Home: TypeAlias = HostHome | DeviceHome

_HOST = HostHome()


def home_of(*values: Any) -> Home:
    """The home of a call's arrays: a device if any of them lies on it."""
    found = device_of(*values)
    return _HOST if found is None else DeviceHome(*found)
