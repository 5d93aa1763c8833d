"""The Backend protocol: what a plugin implements, and what it may rely on.

A backend is any object with the members below, registered as an entry point in the group ``convt.backends``::

    [project.entry-points."convt.backends"]
    mine = "my_package:backend"          # the object itself, or a function without arguments that makes it

A `DeviceBackend` is registered in ``convt.device_backends`` instead, so that arrays in the host's memory do not import it.

What the core promises to every call of `Backend.scatter`, `Backend.gather` and `Backend.correlate`:

- The `Problem` is valid, every size in it is at least 1, its dtype is float32 or float64.
- Arrays are (N, C, *spatial) and (coarse channels, fine channels // groups, *spatial), of exactly the problem's shapes and
  dtype, in native byte order and aligned. Their strides may be anything: permuted, negative, zero.
- Inputs may be read-only and may overlap each other. The output is writable, overlaps no input and has undefined content:
  the backend writes each of its elements.
- The bias is None or a contiguous vector of the problem's dtype.
- Calls come from several threads at once.

What callers allow, `convt.options`, is what ``settings()`` returns during a call; ``requested_threads()`` is its number of
threads alone, which is asked for in every call. A `Variable` is an environment variable that counts at every call. What a
backend imports during a call, it imports ``with loading:``, a lock that a fork waits for: a forked child could never import
what another thread has half imported.

Therefore a backend never validates. `convt.testing.check_backend` tells whether it computes what it should;
`convt/numpy_backend/maps.py` is the shortest one there is.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from .core.problem import Problem
from .environment import Variable
from .loading import loading
from .settings import Settings, requested_threads, settings

__all__ = [
    "BACKEND_MEMBERS",
    "DEVICE_MEMBERS",
    "REPEATING_MEMBERS",
    "Backend",
    "BackendUnavailable",
    "DeviceBackend",
    "DeviceSamplingBackend",
    "Problem",
    "RepeatingBackend",
    "RequiresGrad",
    "SamplingBackend",
    "Settings",
    "Stage",
    "Variable",
    "loading",
    "missing_members",
    "requested_threads",
    "settings",
]

BACKEND_MEMBERS = ("name", "priority", "why_not", "owns", "scatter", "gather", "correlate")
DEVICE_MEMBERS = ("adopt", "empty", "deliver")
REPEATING_MEMBERS = ("outline", "prepare")


class BackendUnavailable(RuntimeError):
    """A backend that was asked for is registered but cannot be used; the message says why and what helps."""


class RequiresGrad(TypeError):
    """`DeviceBackend.adopt` got an array whose package records what is computed with it; the core's error names it."""


class Stage(NamedTuple):
    """One parallel loop of a backend's plan, as the optional member ``schedule`` of a backend tells it; see `Backend`.

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


class Backend(Protocol):
    """The three maps of one trilinear form.

    ``<scatter(c, k), f> == <gather(f, k), c> == <correlate(f, c), k>``

    Attributes
    ----------
    name : str
        The entry point's name.
    priority : int
        When nobody asks for a backend, the highest priority that can do the problem is taken. NumPy has 0. For arrays
        in the host's memory, a backend of ``convt.device_backends`` is not taken.

    Notes
    -----
    Three members more are used where a backend has them: ``channel_sums(problem, array, sums)`` writes the sum of each
    channel of an (N, C, *spatial) array, which is the gradient of the bias (without it NumPy does); ``info()`` returns a
    dict that ``convt.show_config`` prints; ``schedule(data_map, problem)`` returns a list of `Stage`, what the map of that
    name ("scatter", "gather" or "correlate") would run, for ``python -m convt bench --schedule``. A backend may also have
    any of the members of `SamplingBackend`; what it lacks of them, NumPy does.
    """

    name: str
    priority: int

    def why_not(self, problem: Problem) -> str | None:
        """None if this backend can do the problem, else the reason, in words for the user."""

    def owns(self, array: Any) -> bool:
        """Whether the array already lies where this backend computes, outside the host's memory."""

    def scatter(self, problem: Problem, coarse: Any, kernel: Any, bias: Any, fine: Any) -> None:
        """Write fine: ``fine[q * stride - padding + tap * dilation] += coarse[q] * kernel[tap]``, plus the bias."""

    def gather(self, problem: Problem, fine: Any, kernel: Any, bias: Any, coarse: Any) -> None:
        """Write coarse: ``coarse[q] += fine[q * stride - padding + tap * dilation] * kernel[tap]``, plus the bias."""

    def correlate(self, problem: Problem, fine: Any, coarse: Any, kernel: Any) -> None:
        """Write kernel: ``kernel[tap] += fine[q * stride - padding + tap * dilation] * coarse[q]``."""


class SamplingBackend(Backend, Protocol):
    """A backend with upsampling and pooling of its own; each member may also be missing.

    The problem is that of one filter for each channel: ``groups == fine_channels == coarse_channels``. For upsampling,
    ``stride == kernel_shape`` is the scale; for pooling, ``kernel_shape`` is the size of the windows, of which each has at
    least one fine element. Arrays are in the host's memory and as those of the other maps, outputs too; indices are int64,
    (N, C, *coarse_shape), flat positions in ``fine_shape``. Where they are inputs, the function returns whether all of them
    are such positions; if not, what it writes is of no matter, but it never reads or writes elsewhere.

    `upsampling.py` and `pooling.py` of `convt.numpy_backend` define what each writes; `check_backend` compares.
    Values are also moved for other types of 4 and 8 bytes: with "nearest" and "bed_of_nails", max_unpool and
    max_unpool_backward, all bits arrive as they are.

    Where the caller's arrays lie on a device, its backend gets arrays of its own kind: see `DeviceSamplingBackend`.
    """

    def upsample(self, problem: Problem, mode: str, align_corners: bool, coarse: Any, fine: Any) -> None:
        """Write fine; mode is "nearest", "bilinear" (linear along each axis) or "bed_of_nails"."""

    def upsample_backward(self, problem: Problem, mode: str, align_corners: bool, fine: Any, coarse: Any) -> None:
        """Write coarse: the adjoint map of fine."""

    def max_pool(self, problem: Problem, fine: Any, coarse: Any, indices: Any) -> None:
        """Write coarse and indices: the first of the largest elements of each window, in scan order; the first NaN."""

    def max_pool_backward(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        """Write fine: the sum of the coarse elements of each index, else zero."""

    def max_unpool(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        """Write fine: the last in scan order of the coarse elements of each index, else zero."""

    def max_unpool_backward(self, problem: Problem, fine: Any, indices: Any, coarse: Any) -> bool:
        """Write coarse: the fine element of each index for the last that has it, zero for the others."""


class DeviceBackend(Backend, Protocol):
    """A backend that owns data outside the host's memory.

    Its arrays have shape, dtype, ndim, size, transpose, ``[None]``, ``[..., None]``, ``[...] = number`` (of what `empty`
    made) and ``reshape(shape, order)``, which raises ValueError where it would have to copy. It owns them too, and adopts
    them as they are.

    Its own attribute ``storage`` may name the types in which its arrays may lie, where those are more than float32 and
    float64. An array's ``storage`` is then the name of its type, and ``summed()`` the same array with the dtype that it is
    summed in, the problem's; those are passed, also to upsampling and pooling. All arrays of a call have one storage, but
    for indices.
    """

    def adopt(self, array: Any) -> Any:
        """The caller's device array as this backend's kind of array, without a copy.

        Raises
        ------
        RequiresGrad
            A gradient would be lost in silence.
        """

    def empty(self, shape: tuple[int, ...], dtype: Any, like: Any) -> Any:
        """A new array of this backend's kind, C-contiguous, content undefined, on the device of the caller's `like`."""

    def deliver(self, array: Any, like: Any) -> Any:
        """What `empty` made, or a view of it, as the kind of array that the caller gave, without a copy."""


class DeviceSamplingBackend(SamplingBackend, DeviceBackend, Protocol):
    """A backend that has upsampling and pooling for data outside the host's memory too; what it lacks is refused there.

    Its arrays also have ``[None, None]``, ``view(dtype)`` for a type of the same size, and ``order``: "F" for an array
    without gaps in Fortran's order and not in C's, else "C". It looks at all indices before it writes anything.
    """

    def move_indices(self, problem: Problem, indices: Any, sign: int, moved: Any) -> None:
        """Write moved: indices plus `sign` times the position of the first fine element of their image's channel.

        For indices that count the whole tensor, in the order (N, C, *spatial).
        """

    def fetch(self, array: Any) -> Any:
        """A NumPy copy, for a message."""


class RepeatingBackend(DeviceBackend, Protocol):
    """A backend that keeps of a call with a new result what the next call like it needs."""

    def outline(self, *arrays: Any) -> Any:
        """What a call of `scatter` or `gather` on the caller's arrays depends on, but their memory; x, w and any bias.

        Hashable. None for arrays that it does not own, and where an outline does not tell all.
        """

    def prepare(self, data_map: str, problem: Problem, left: Any, right: Any, bias: Any, out: Any, result: Any) -> Any:
        """The call that has just been made, as a function of the caller's x, w and bias (None for none).

        It makes a new result like `result`, of which `out` is the view that the map wrote, and returns the caller's kind of
        array. It checks what outlines do not tell, and may return None: then the call is made as if it were new.
        """


def missing_members(candidate: Any, members: tuple[str, ...] = BACKEND_MEMBERS) -> list[str]:
    """The members that an object lacks to be a backend; all of them for a class, which is none yet."""
    return [member for member in members if isinstance(candidate, type) or not hasattr(candidate, member)]
