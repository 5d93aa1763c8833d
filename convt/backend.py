"""What a backend is: `Backend` for arrays in the host's memory, `DeviceBackend` for one that has memory of its own.

A plugin derives from one of them, and imports this module and `convt.testing`, nothing else of convt. It is registered as an
entry point in the group ``convt.backends``::

    [project.entry-points."convt.backends"]
    mine = "my_package:backend"          # the backend, or a class or function without arguments that makes it

A `DeviceBackend` is registered in ``convt.device_backends`` instead, so that arrays in the host's memory do not import it.
An object that is of neither class, but has their members, is accepted too: what it lacks, it gets from the class.

What the core promises to every call of `Backend.scatter`, `Backend.gather` and `Backend.correlate`:

- The `convt.Problem` is valid, every size in it is at least 1, its dtype is float32 or float64.
- Arrays are (N, C, *spatial) and (coarse channels, fine channels // groups, *spatial), of exactly the problem's shapes and
  dtype, in native byte order and aligned. Their strides may be anything: permuted, negative, zero.
- Inputs may be read-only and may overlap each other. The output is writable, overlaps no input and has undefined content:
  the backend writes each of its elements.
- The bias is None or a contiguous vector of the problem's dtype.
- Calls come from several threads at once.

Therefore a backend never validates. `convt.testing.check_backend` tells whether it computes what it should;
`convt/numpy_backend/maps.py` is the shortest one there is.

During a call, `settings` returns what the caller allows by `convt.options`, `requested_threads` and ``is_verbose`` one of
them alone, at less cost, `most_threads` what no number of threads may exceed, `lent_threads` with whose threads to compute,
and `kept` the place for what may be kept for filters that are declared constant. A ``Variable`` is an environment variable
that counts at every call. What a backend imports during a call, it imports ``with loading:``, a lock that a fork waits for:
a forked child could never import what another thread has half imported. What it keeps in a file, it writes
``with replacing(path) as file:``, so that all of it is there or what was there before.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from .core.constant import kept
from .core.problem import Problem
from .environment import Variable
from .loading import loading
from .replacing import replacing
from .settings import Settings, is_verbose, lent_threads, most_threads, requested_threads, settings

__all__ = [
    "Backend",
    "BackendUnavailable",
    "DeviceBackend",
    "Problem",
    "RequiresGrad",
    "Settings",
    "Stage",
    "Variable",
    "is_verbose",
    "kept",
    "lent_threads",
    "loading",
    "most_threads",
    "replacing",
    "requested_threads",
    "settings",
]


class BackendUnavailable(RuntimeError):
    """A backend that was asked for is registered but cannot be used; the message says why and what helps."""


class RequiresGrad(TypeError):
    """`DeviceBackend.from_caller` got an array that requires grad; the core's error names the argument."""


class Stage(NamedTuple):
    """One parallel loop of what a backend runs, as `Backend.schedule` lists it.

    Attributes
    ----------
    name : str
        For people.
    tasks : int
        Of one round, all alike, at least 1. Any number of them may run at once.
    rounds : int
        At least 1. A round begins when the one before has ended, a stage when the stage before has.
    cycles : float
        Estimated, of all tasks of all rounds together, in any unit that the stages of one plan share; above 0.
    """

    name: str
    tasks: int
    rounds: int
    cycles: float


class Backend(ABC):
    """The base class of all backends: three maps to write, and defaults for everything else.

    The maps come from one trilinear form: ``<scatter(c, k), f> == <gather(f, k), c> == <correlate(f, c), k>``.

    Attributes
    ----------
    name : str
        The entry point's name.
    priority : int, default 0
        If nobody asks for a backend, the highest priority that can do the problem is taken. NumPy has 0. A backend of
        ``convt.device_backends`` is not taken for arrays in the host's memory.

    Notes
    -----
    Upsampling and pooling, which NumPy does unless a backend overrides them, are given a problem with one filter for each
    channel: ``groups == fine_channels == coarse_channels``. For upsampling, ``stride == kernel_shape`` is the scale; for
    pooling, ``kernel_shape`` is the size of the windows, of which each has at least one fine element. Their arrays are like
    those of the three maps. Indices are int64, (N, C, *coarse_shape), flat positions in ``fine_shape``; as inputs they may
    hold any integers, and nothing may be read or written outside the arrays whatever they are.

    max_unpool, max_unpool_backward and the modes "nearest" and "bed_of_nails" only move values: they are also given other
    types of 4 and 8 bytes as float32 and float64, and all bits must arrive as they are.

    `convt/numpy_backend` defines what each function writes.
    """

    name: str = ""
    priority: int = 0

    def __repr__(self) -> str:
        return f"<convt backend {self.name!r}, priority {self.priority}>"

    def why_not(self, problem: Problem) -> str | None:
        """Return None if this backend can do the problem, else the reason, in words for the user."""
        return None

    def owns(self, array: Any) -> bool:
        """Return whether the array already lies where this backend computes, outside the host's memory."""
        return False

    @abstractmethod
    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        """Write fine: ``fine[q * stride - padding + tap * dilation] += coarse[q] * kernel[tap]``, plus the bias."""

    @abstractmethod
    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        """Write coarse: ``coarse[q] += fine[q * stride - padding + tap * dilation] * kernel[tap]``, plus the bias."""

    @abstractmethod
    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        """Write kernel: ``kernel[tap] += fine[q * stride - padding + tap * dilation] * coarse[q]``."""

    def channel_sums(self, problem: Problem, array: Any, sums: Any) -> None:
        """Write the sum of each channel of an (N, C, *spatial) array: the gradient of the bias."""
        self._leave_to_numpy("channel_sums", array)
        array.sum(axis=(0, *range(2, array.ndim)), out=sums)

    def upsample(self, problem: Problem, mode: str, align_corners: bool, coarse: Any, fine: Any) -> None:
        """Write fine; mode is "nearest", "bilinear" (linear along each axis) or "bed_of_nails"."""
        self._leave_to_numpy("upsample", fine)
        with loading:
            from .numpy_backend import upsampling
        upsampling.upsample(problem, mode, align_corners, coarse, fine)

    def upsample_backward(self, problem: Problem, mode: str, align_corners: bool, fine: Any, coarse: Any) -> None:
        """Write coarse, by the adjoint of `upsample`."""
        self._leave_to_numpy("upsample_backward", coarse)
        with loading:
            from .numpy_backend import upsampling
        upsampling.upsample_backward(problem, mode, align_corners, fine, coarse)

    def max_pool(self, problem: Problem, fine: Any, coarse: Any, indices: Any) -> None:
        """Write coarse and indices: the first of the largest elements of each window, in scan order; the first NaN."""
        self._leave_to_numpy("max_pool", coarse)
        with loading:
            from .numpy_backend import pooling
        pooling.max_pool(problem, fine, coarse, indices)

    def max_pool_backward(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        """Write fine: the sum of the coarse elements of each index, else zero.

        Returns
        -------
        bool
            Whether all indices are positions in the fine array. If not, what is written does not matter; a `DeviceBackend`
            writes nothing. The same is true of the other two functions that are given indices.
        """
        self._leave_to_numpy("max_pool_backward", fine)
        with loading:
            from .numpy_backend import pooling
        return pooling.max_pool_backward(problem, coarse, indices, fine)

    def max_unpool(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        """Write fine: the last in scan order of the coarse elements of each index, else zero."""
        self._leave_to_numpy("max_unpool", fine)
        with loading:
            from .numpy_backend import pooling
        return pooling.max_unpool(problem, coarse, indices, fine)

    def max_unpool_backward(self, problem: Problem, fine: Any, indices: Any, coarse: Any) -> bool:
        """Write coarse: the fine element of each index for the last that has it, zero for the others."""
        self._leave_to_numpy("max_unpool_backward", coarse)
        with loading:
            from .numpy_backend import pooling
        return pooling.max_unpool_backward(problem, fine, indices, coarse)

    def move_indices(self, problem: Problem, indices: Any, sign: int, moved: Any) -> None:
        """Write moved: indices plus sign times the position of the first fine element of their image's channel.

        It turns indices that count within a channel into ones that count the whole tensor, in the order (N, C, *spatial),
        and back.
        """
        self._leave_to_numpy("move_indices", moved)
        with loading:
            from .numpy_backend import pooling
        pooling.move_indices(problem, indices, sign, moved)

    def info(self) -> dict[str, Any]:
        """Return what `convt.show_config` prints about this backend: what it runs on, and with what."""
        return {}

    def schedule(self, data_map: str, problem: Problem) -> list[Stage]:
        """Return what "scatter", "gather" or "correlate" would run, for ``python -m convt bench --schedule``."""
        return []

    def _leave_to_numpy(self, member: str, array: Any) -> None:
        """Refuse arrays on this backend's device: NumPy can compute only what lies in the host's memory."""
        if self.owns(array):
            raise _lacks(self, member)


class DeviceBackend(Backend):
    """A backend with memory of its own, outside the host's: it owns the arrays that lie there and computes with them there.

    It has an array class of its own. Arrays of that class have shape, dtype, ndim, size, transpose, ``[None]``,
    ``[..., None]``, ``[...] = number`` (for what `empty` made), ``reshape(shape, order)``, which raises ValueError if it
    would have to copy, and ``order``: the axes from the slowest to the fastest, by which results are made in the same order.
    It is (0, 1, ...) for arrays in C's order or with gaps, and reversed for others in Fortran's order. ``owns`` is true for
    them too, and `from_caller` returns them as they are. If the backend does upsampling or pooling, they also have
    ``[None, None]`` and ``view(dtype)`` for a type of the same size.

    What a subclass does not override of the sums, upsampling and pooling, NumPy does for arrays in the host's memory; for
    arrays on the device it is refused.

    Attributes
    ----------
    storage : tuple of str
        The names of the types in which arrays may lie; float32 and float64 unless there are more. An array of another type
        has a ``storage`` too, the name of its type, and ``summed()`` returns the same array with the dtype that it is
        summed in, which is the problem's. Such arrays are then what the backend is given. All arrays of a call have one
        storage, except indices.
    """

    storage: ClassVar[tuple[str, ...]] = ("float32", "float64")

    @abstractmethod
    def from_caller(self, array: Any) -> Any:
        """Return the caller's array on the device as this backend's kind of array, without a copy.

        Raises
        ------
        RequiresGrad
            A gradient would be lost in silence.
        """

    @abstractmethod
    def to_caller(self, array: Any, like: Any) -> Any:
        """Return what `empty` made, or a view of it, as the kind of array that the caller's ``like`` is, without a copy."""

    @abstractmethod
    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """Return a new array of this backend's kind, C-contiguous, content undefined, on the device of ``like``."""

    @abstractmethod
    def from_host(self, array: np.ndarray) -> Any:
        """Return a C-contiguous copy of a NumPy array as this backend's kind of array, where it computes NumPy arrays."""

    @abstractmethod
    def to_host(self, array: Any) -> np.ndarray:
        """Return a NumPy copy of an array of this backend's kind."""

    def outline(self, *arrays: Any) -> Hashable:
        """Return what a call of ``scatter`` or ``gather`` on the caller's x, w and bias depends on, except their memory.

        The core keeps what `prepare` made for calls with equal outlines. None where an outline cannot tell all, and for
        arrays that this backend does not own: then nothing is kept.
        """
        return None

    def prepare(
        self, data_map: str, problem: Problem, left: Any, right: Any, bias: Any, out: Any, result: Any
    ) -> Callable[[Any, Any, Any], Any] | None:
        """Return the call that has just been made as a function of the caller's x, w and bias (None for none).

        It makes a new result like ``result``, in the same order of memory, of which ``out`` is the view that the map wrote,
        and returns the caller's kind of array. It checks what outlines do not tell, and may return None: then the call is
        made as if it were new.
        """
        return None

    def seconds(self, run: Callable[[], object], count: int = 1) -> float:
        """Return how long the device takes, by its own clock, for so many calls of ``run``; it waits for that.

        ``python -m convt bench`` asks for it, nothing else does.
        """
        raise BackendUnavailable(f"backend {self.name!r} cannot be timed: it has no clock")


def _lacks(backend: Backend, member: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"backend {backend.name!r} cannot do this call: it has no {member} for arrays on its device (copy them to the host "
        "first)"
    )
