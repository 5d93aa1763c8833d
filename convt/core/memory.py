"""Where the arrays of a call lie: the host's memory or a device's, both with one interface.

`take_in` finds the memory of a call's arrays and takes them in; nothing is copied before every rule has been checked. Then
`convert` makes operands of them, `empty`, `zeros` and `target` make the arrays to compute into, and `give_back` turns what
was computed into what the caller gets.

In the host's memory any numbers are converted to what is computed in. On a device nothing is converted: its backend, the
arrays' owner, computes with what it is given, and results stay there, in the caller's kind of array;
`convt.backend.DeviceBackend` says what an owner must have.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from ..backend import Backend, DeviceBackend, RequiresGrad
from ..registry import registry
from ..selection import owner
from .arrays import COPY_DTYPES, INDEX, as_array, as_operand, as_result, check_out, on_device
from .bfloat16 import dtype_name
from .call import Call
from .constant import Kept
from .containers import Container, container_of

__all__ = [
    "ContainerMemory",
    "DeviceMemory",
    "HostMemory",
    "Memory",
    "Order",
    "host_memory_of",
    "memory_of",
    "take_in",
    "type_of",
]

Order: TypeAlias = Literal["K", "C"]

_ON_HOST = frozenset((np.ndarray, list, tuple, int, float, type(None)))
_MOST_TYPES = 64
_SHORT = ("float16", "bfloat16")  # on a device, also moved


class HostMemory:
    """NumPy arrays, and whatever NumPy makes arrays of."""

    owner: Backend | None = None
    types: tuple[str, ...] = ("float32", "float64")

    def take_in(self, name: str, value: Any) -> np.ndarray:
        """The argument `name` as an array of numbers, not converted yet; a TypeError for another library's array."""
        if type(value) is not np.ndarray and (other := container_of(value)) is not None:
            raise TypeError(
                f"{name} must be a NumPy array, as the first array is, got a {type(value).__name__} of {other.name} (all "
                "results are of the first one's kind)"
            )
        return as_array(name, value)

    def constant(self, array: np.ndarray, place: Kept) -> np.ndarray:
        """Filters that are declared constant."""
        return array

    def check_types(self, arrays: Iterable[np.ndarray]) -> None:
        """Accept any mixture of dtypes for the arrays of an operator."""

    def check_type(self, name: str, array: np.ndarray, *, moved: bool = False) -> None:
        """Accept any dtype for an array whose values are summed, or only moved."""

    def convert(self, array: np.ndarray, dtype: np.dtype) -> np.ndarray:
        """The array in a dtype, native and aligned; itself where it already is."""
        return array if array.dtype is dtype and array.flags.aligned else as_operand(array, dtype)

    def vector(self, array: np.ndarray) -> np.ndarray:
        """The bias, contiguous."""
        return array if array.flags.c_contiguous else np.ascontiguousarray(array)

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, like: np.ndarray, order: Order = "K") -> np.ndarray:
        """A new array with undefined content, in the memory order of `like` ("K") or in C order."""
        return np.empty(shape, dtype, "F" if order == "K" and like.flags.fnc else "C")

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype, like: np.ndarray, order: Order = "K") -> np.ndarray:
        """A new array of zeros, in the memory order of `like` ("K") or in C order."""
        return np.zeros(shape, dtype, "F" if order == "K" and like.flags.fnc else "C")

    def target(self, out: Any, call: Call, *inputs: np.ndarray | None) -> np.ndarray:
        """Where to compute what goes to the caller's `out`: itself, or a new array where it is no place to compute in."""
        check_out(out, call.shape, call.result)
        overlaps = any(array is not None and np.may_share_memory(out, array) for array in inputs)
        target: np.ndarray = out
        if overlaps or out.dtype != call.compute or not out.flags.aligned:
            target = np.empty(call.shape, call.compute)
        return target

    def give_back(self, computed: np.ndarray, out: Any, dtype: np.dtype) -> Any:
        """What the caller gets: `out` with the result in it, or without one the result in its dtype."""
        if out is None:
            return computed if computed.dtype is dtype else as_result(computed, dtype)
        if computed is not out:
            out[...] = as_result(computed, out.dtype)
        return out

    def as_int64(self, indices: np.ndarray) -> np.ndarray:
        """Integers that may be indices, as int64; what does not fit becomes negative."""
        if indices.dtype.itemsize == INDEX.itemsize and indices.dtype.isnative:
            indices = indices.view(INDEX)
        return as_operand(indices, INDEX)

    def to_host(self, array: np.ndarray) -> np.ndarray:
        """The array, for a message."""
        return array


class ContainerMemory(HostMemory):
    """The host's memory for a call whose first array is another library's: so are its results.

    Parameters
    ----------
    container : Container
    like : array
        The call's first.
    """

    def __init__(self, container: Container, like: Any) -> None:
        self._container = container
        self._like = like
        self._place: np.ndarray | None = None  # of the caller's `out`

    def take_in(self, name: str, value: Any) -> np.ndarray:
        """The argument `name`, of the call's kind or NumPy's, as an array of numbers, not converted yet."""
        return self._container.take(name, value) if self._is_ours(name, value) else as_array(name, value)

    def target(self, out: Any, call: Call, *inputs: np.ndarray | None) -> np.ndarray:
        """Where to compute what goes to the caller's `out`, of the call's kind or NumPy's."""
        if not self._is_ours("out", out):
            return super().target(out, call, *inputs)
        self._place = self._container.place(out)
        return super().target(self._place, call, *inputs)

    def give_back(self, computed: np.ndarray, out: Any, dtype: np.dtype) -> Any:
        """What the caller gets: `out`, or without one the result as an array of the call's kind."""
        if out is None:
            return self._container.give(super().give_back(computed, None, dtype), self._like)
        if self._place is None:
            return super().give_back(computed, out, dtype)
        self._container.put(super().give_back(computed, self._place, dtype), out)
        return out

    def _is_ours(self, name: str, value: Any) -> bool:
        other = container_of(value)
        if other is None or other.is_kind_of(self._container):
            return other is not None
        raise TypeError(
            f"{name} must be a {type(self._like).__name__} of {self._container.name}, as the first array is, or a NumPy "
            f"array, got a {type(value).__name__} of {other.name}"
        )


class _Copy(NamedTuple):
    array: Any
    nbytes: int


class DeviceMemory:
    """The memory of a device. float16 and bfloat16 arrays report the dtype they accumulate in.

    Parameters
    ----------
    owner : DeviceBackend
    like : array
        One of the caller's: results become its kind of array.
    """

    def __init__(self, owner: DeviceBackend, like: Any) -> None:
        self.owner: DeviceBackend = owner
        self._like = like

    @property
    def types(self) -> tuple[str, ...]:
        """The types that the owner computes with, by their names in memory."""
        return self.owner.storage

    def take_in(self, name: str, value: Any) -> Any:
        """The argument `name` as the owner's kind of array; a TypeError if it lies elsewhere."""
        if value is not self._like and not self.owner.owns(value):
            raise TypeError(
                f"{name} must lie where the other arrays do, on backend {self.owner.name!r}, got {type(value).__name__}"
            )
        try:
            return _summed(self.owner.from_caller(value))
        except RequiresGrad:
            raise TypeError(
                f"{name} must not require grad, got a {type(value).__name__} that does (use {name}.detach(); what computes "
                "gradients ends in _backward)"
            ) from None

    def constant(self, array: np.ndarray, place: Kept) -> Any:
        """Filters that are declared constant: a copy on the device, made once."""
        key = "convt", "copy", self.owner.name
        copy = place.get(key)
        if copy is None:
            place[key] = copy = _Copy(_summed(self.owner.from_host(array)), array.nbytes)
        return copy.array

    def check_types(self, arrays: Iterable[Any]) -> None:
        """Accept only arrays of one type, which the owner computes with."""
        types = [type_of(array) for array in arrays]
        if types[0] not in self.types or types.count(types[0]) != len(types):
            raise TypeError(
                f"all arrays on backend {self.owner.name!r} must be of one type, {_listed(self.types)}, got "
                f"{', '.join(types)}"
            )

    def check_type(self, name: str, array: Any, *, moved: bool = False) -> None:
        """Accept only types that the owner computes with, or any of 4 or 8 bytes if values are only moved."""
        if type_of(array) in self.types or (moved and array.dtype.itemsize in COPY_DTYPES and array.dtype.isnative):
            return
        rule = _listed(self.types)
        if moved:
            rule = "of 4 or 8 bytes, in native order," + "".join(f" or {each}," for each in self.types if each in _SHORT)
        raise TypeError(f"{name}.dtype must be {rule} on backend {self.owner.name!r}, got {type_of(array)}")

    def convert(self, array: Any, dtype: np.dtype) -> Any:
        """The array itself."""
        return array

    def vector(self, array: Any) -> Any:
        """The bias itself."""
        return array

    def empty(self, shape: tuple[int, ...], dtype: np.dtype, like: Any, order: Order = "K") -> Any:
        """A new array with undefined content, ordered as on the host, of the type of `like` if that is summed in `dtype`."""
        if order == "C" or like.order == "C":
            return _summed(self.owner.empty(shape, dtype, like))
        return _summed(self.owner.empty(shape[::-1], dtype, like)).transpose(tuple(reversed(range(len(shape)))))

    def zeros(self, shape: tuple[int, ...], dtype: np.dtype, like: Any, order: Order = "K") -> Any:
        """A new array of zeros, else as by `empty`."""
        array = self.empty(shape, dtype, like, order)
        array[...] = 0
        return array

    def target(self, out: Any, call: Call, *inputs: Any) -> Any:
        """The caller's `out` as the owner's kind of array; its type must be that of the first input."""
        target, wanted = self.take_in("out", out), type_of(inputs[0])
        if target.shape != call.shape or type_of(target) != wanted:
            raise ValueError(f"out must be the result's {call.shape} of {wanted}, got {target.shape} of {type_of(target)}")
        return target

    def give_back(self, computed: Any, out: Any, dtype: np.dtype) -> Any:
        """What the caller gets: `out`, or without one the result as the caller's kind of array."""
        return self.owner.to_caller(computed, self._like) if out is None else out

    def as_int64(self, indices: Any) -> Any:
        """Integers of 8 bytes as int64; others are a TypeError."""
        if indices.dtype.itemsize != INDEX.itemsize or not indices.dtype.isnative:
            raise TypeError(f"indices must be of int64 on backend {self.owner.name!r}, got {indices.dtype}")
        return indices if indices.dtype == INDEX else indices.view(INDEX)

    def to_host(self, array: Any) -> np.ndarray:
        """A copy in the host's memory, for a message."""
        return self.owner.to_host(self.owner.from_caller(array))


Memory: TypeAlias = HostMemory | DeviceMemory

_HOST = HostMemory()


def take_in(x: Any, w: Any, bias: Any, *dy: Any, place: Kept | None = None) -> tuple[Any, ...]:
    """The memory of the arrays of an operator's call, then they themselves, not converted yet; the bias may be None.

    With a place, w is the array of filters that are declared constant; a device's memory keeps its copy there.

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
    memory = memory_of(x, w, bias, *dy)
    x = memory.take_in("x", x)
    w = memory.take_in("w", w) if place is None else memory.constant(w, place)
    bias = None if bias is None else memory.take_in("bias", bias)
    dy = tuple(memory.take_in("dy", array) for array in dy)
    memory.check_types([array for array in (x, w, bias, *dy) if array is not None])
    return memory, x, w, bias, *dy


def memory_of(*values: Any) -> Memory:
    """The memory of a call's arrays: a device's if any of them lies on one; the first array's kind is that of the results.

    Raises
    ------
    TypeError
        An array lies on a device that no backend owns.
    """
    for value in values:
        kind = type(value)
        if kind in _ON_HOST:
            continue
        # To ask an array itself where it lies takes longer than to ask the backends, and may load them.
        known = registry().owners.get(kind)
        backend = None if known is None else owner(value)
        if backend is None:
            if not on_device(value):
                continue
            backend = owner(value)
        if not isinstance(backend, DeviceBackend):
            raise TypeError(
                f"arrays must lie in the host's memory or on a device with a backend, got {kind.__name__} "
                "(no usable backend owns it; see python -m convt)"
            )
        if backend is not known:
            _remember(kind, backend)
        return DeviceMemory(backend, value)
    return _HOST if type(values[0]) in _ON_HOST else host_memory_of(values[0])


def host_memory_of(first: Any) -> HostMemory:
    """The host's memory, for results of the kind of a call's first array."""
    container = container_of(first)
    return _HOST if container is None else ContainerMemory(container, first)


def type_of(array: Any) -> str:
    """The type that an array's elements have in memory, which may be none of NumPy's."""
    storage = getattr(array, "storage", None)
    return dtype_name(array.dtype) if storage is None else str(storage)


def _remember(kind: type, backend: DeviceBackend) -> None:
    """Arrays of this type were on a device, whose backend is loaded."""
    owners = registry().owners
    if len(owners) >= _MOST_TYPES:
        owners.clear()
    owners[kind] = backend


def _summed(array: Any) -> Any:
    summed = getattr(array, "summed", None)
    return array if summed is None else summed()


def _listed(types: tuple[str, ...]) -> str:
    return f"{', '.join(types[:-1])} or {types[-1]}"
