"""How a backend is asked about arrays on its device: `DeviceExaminer` copies them there before each call, and results back.

So every question that a backend is asked about NumPy arrays can be asked about its own. `device_memory.py` has the questions
about the device's memory itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..backend import BackendUnavailable, Problem
from .checks import Examiner
from .naive import INPUTS

__all__ = ["DeviceExaminer"]

Array = np.ndarray[Any, np.dtype[Any]]


class DeviceExaminer(Examiner):
    """Asks about arrays on the backend's device.

    Attributes
    ----------
    samples : bool
        Whether the backend has answered a question about upsampling or pooling there.
    """

    on_device = True
    samples = False
    _held: list[Any] | None = None

    @contextmanager
    def about(self, subject: str, problem: Problem | None) -> Iterator[None]:
        """The same; what an array of the device raises is a failure too."""
        with super().about(subject, problem):
            try:
                yield
            except (AssertionError, BackendUnavailable):
                raise
            except Exception as error:
                self.fail(f"an array of the device raised {type(error).__name__}: {error}", error)

    def call(self, member: str, *arguments: Any) -> Any:
        """Call a member with arrays on the device in the memory order of those given; copy the results back."""
        count = {"max_pool": 2}.get(member, 1)
        inputs = [self.there(each) if isinstance(each, np.ndarray) else each for each in arguments[:-count]]
        like = next(each for each, given in zip(inputs, arguments, strict=False) if isinstance(given, np.ndarray))
        outs = [self._room(each, like) for each in arguments[-count:]]
        if self._held is not None:
            self._held.append((inputs, outs))
        before = [self.back(each).tobytes() for each in inputs if self._is_array(each)]
        told = super().call(member, *inputs, *outs)
        if before != [self.back(each).tobytes() for each in inputs if self._is_array(each)]:
            self.fail(f"{member} changes its input")
        for out, made in zip(arguments[-count:], outs, strict=True):
            out[...] = self.back(made)
        self.samples = self.samples or member not in (*INPUTS, "channel_sums")
        return told

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Arrays that other threads make are freed by this one: a thread may have no right to free a device's memory."""
        self._held = []
        try:
            yield
        finally:
            self._held = None

    def ask_device(self, member: str, *arguments: Any) -> Any:
        """Call a member with what is on the device already."""
        return super().call(member, *arguments)

    def there(self, array: Array) -> Any:
        """A copy on the device, with the axes in the same order of memory."""
        axes = _order_of_memory(array)
        copy = self.ask_device("from_host", np.ascontiguousarray(array.transpose(axes)))
        return copy if axes == tuple(range(array.ndim)) else copy.transpose(_inverse(axes))

    def back(self, array: Any) -> Array:
        """A copy in the host's memory."""
        copy = self.ask_device("to_host", array)
        if not isinstance(copy, np.ndarray):
            self.fail(f"to_host must return a NumPy array, got {type(copy).__name__}")
        return np.ascontiguousarray(copy)

    def _room(self, out: Array, like: Any) -> Any:
        """A new array on the device, in the same order of memory, filled with the first element of the one given."""
        axes = _order_of_memory(out)
        made = self.ask_device("empty", tuple(out.shape[axis] for axis in axes), out.dtype, like)
        made[...] = out.flat[0].item()
        return made if axes == tuple(range(out.ndim)) else made.transpose(_inverse(axes))

    @staticmethod
    def _is_array(value: Any) -> bool:
        return value is not None and not isinstance(value, str | bool | Problem)

    def require_equal(self, what: str, got: Any, want: Array) -> None:
        """What the device has, as the copy in the host's memory has it, bit for bit."""
        found = self.back(got)
        if found.shape != want.shape or found.dtype != want.dtype:
            self.fail(f"{what} must have {want.shape} of {want.dtype}, got {found.shape} of {found.dtype}")
        if found.tobytes() != np.ascontiguousarray(want).tobytes():
            self.fail(f"{what} has not the right content")


def _order_of_memory(array: Array) -> tuple[int, ...]:
    """The axes from the slowest to the fastest; as they are for arrays that take no memory along an axis."""
    if 0 in array.shape or 0 in array.strides:
        return tuple(range(array.ndim))
    return tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(axis) for axis in np.argsort(axes))
