"""What an engine is: a way to compute the three maps, or some of them. `choice.py` has the list.

A plan is made once for a problem and its arrays' strides, and holds all that follows from them; to run it takes the arrays'
addresses, a workspace and a stream. An engine that calls a library instead of launching kernels has plans of its own kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

from .launch import Launch

if TYPE_CHECKING:
    from .device import Device

__all__ = ["Engine", "Launches", "Map", "Plan", "Strides"]

Map: TypeAlias = Literal["scatter", "gather", "correlate"]
Strides: TypeAlias = tuple[tuple[int, ...], ...]


class Plan(Protocol):
    """One map of one problem for arrays of given strides.

    Attributes
    ----------
    workspace : int
        Bytes of device memory that it needs while it runs.
    cost : float
        Estimated time in microseconds on an H200.
    label : str
        Tells it from all other plans of the same map.
    """

    @property
    def workspace(self) -> int: ...

    @property
    def label(self) -> str: ...

    @property
    def cost(self) -> float: ...

    def run(self, device: Device, stream: int, pointers: Mapping[str, int]) -> None:
        """Put the work into the stream; the device's context is current.

        `pointers` has the addresses of "left" and "right" (the map's inputs in their order), "bias" (0 for none), "out" and
        "work".
        """


@dataclass(frozen=True)
class Launches:
    """A plan that is a row of kernels."""

    launches: tuple[Launch, ...]
    workspace: int
    cost: float

    @cached_property
    def label(self) -> str:
        return "+".join(launch.kernel for launch in self.launches)

    def run(self, device: Device, stream: int, pointers: Mapping[str, int]) -> None:
        for launch in self.launches:
            device.launch(launch, pointers, stream)


class Engine(NamedTuple):
    """How an engine is asked.

    Attributes
    ----------
    plans : callable
        ``plans(problem, data_map, strides, storage)`` gives all plans that the engine has for this, perhaps none. `strides`
        are those of the map's left input, right input and output, in elements, axes ordered as `convt.backend` says;
        `storage` is the type that all arrays have in memory, where the problem's dtype is that of sums.
    of_device : bool
        Whether ``plans`` also takes the device and what `convt.options` allow, because its plans depend on them.
    """

    plans: Callable[..., Iterable[Plan]]
    of_device: bool = False
