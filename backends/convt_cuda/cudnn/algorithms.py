"""Which algorithm: by cuDNN's heuristic, or by measuring all that cuDNN has; only what is allowed is chosen.

True float32 means that no factor is rounded to TF32 on its way; deterministic means the same bits run after run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from ctypes import byref, c_int, c_size_t
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .library import CudnnError
from .signatures import Performance

if TYPE_CHECKING:
    from ..device import Device
    from .descriptors import ConvolutionDescriptor, Descriptor
    from .library import Library
    from .maps import CudnnMap

__all__ = ["Choice", "Search", "Wishes", "math_before_search"]

DEFAULT_MATH, FMA_MATH = 0, 3
_DETERMINISTIC = 1
_MOST = 16  # algorithms; cuDNN has at most 10 for a map


class Wishes(NamedTuple):
    """What `convt.options` says, as far as it is about cuDNN.

    Attributes
    ----------
    workspace_limit : float
        Bytes; inf for none.
    allow_tf32, deterministic, autotune : bool
    """

    workspace_limit: float
    allow_tf32: bool
    deterministic: bool
    autotune: bool


class Choice(NamedTuple):
    """An algorithm's number, its math type, and the bytes that it needs."""

    algorithm: int
    math: int
    workspace: int


def math_before_search(dtype: str, wishes: Wishes) -> int:
    """The math type that keeps TF32 out of the search, or lets it in. Products of half types are exact in any of them."""
    return FMA_MATH if dtype == "float32" and not wishes.allow_tf32 else DEFAULT_MATH


@dataclass(frozen=True)
class Search:
    """The search for an algorithm of one map, whose arrays are described.

    Attributes
    ----------
    library : Library
    cudnn_map : CudnnMap
    inputs : sequence of Descriptor
        In cuDNN's order.
    convolution : ConvolutionDescriptor
    output : Descriptor
    math : int
        What the convolution has before the search.
    limit : float
        Bytes of workspace.
    wishes : Wishes
    """

    library: Library
    cudnn_map: CudnnMap
    inputs: Sequence[Descriptor]
    convolution: ConvolutionDescriptor
    output: Descriptor
    math: int
    limit: float
    wishes: Wishes

    def by_heuristic(self, handle: int) -> Choice | None:
        """The allowed algorithm that cuDNN takes to be the fastest; None if there is none."""
        return next(self._allowed(handle, self._expected(handle)), None)

    def by_measuring(self, handle: int, device: Device, sizes: Sequence[int]) -> Choice | None:
        """The allowed algorithm that is the fastest here and now; None if there is none.

        Parameters
        ----------
        handle : int
        device : Device
        sizes : sequence of int
            Bytes of the inputs and of the output. Arrays of their own are measured, as the output is written.

        Raises
        ------
        MemoryError
        """
        expected = [each.workspace for each in self._expected(handle) if each.status == 0]
        workspace = max((size for size in expected if size <= self.limit), default=0)
        first, second = self.inputs
        with ExitStack() as stack:
            blocks = []
            for size in (*sizes, workspace):
                block = device.pool.acquire(size, 0) if size else 0
                if block:
                    stack.callback(device.pool.release, block)
                blocks.append(block)
            found = (Performance * _MOST)()
            count = c_int()
            self.library.call(
                f"cudnnFind{self.cudnn_map.function}AlgorithmEx",
                *(handle, first.address, blocks[0], second.address, blocks[1], self.convolution.address),
                *(self.output.address, blocks[2], _MOST, byref(count), found, blocks[3], workspace),
            )
        measured = sorted(found[: count.value], key=lambda each: each.milliseconds)
        return next(self._allowed(handle, measured), None)

    def check(self, handle: int, choice: Choice) -> Choice | None:
        """A choice made earlier, with the workspace that it needs now; None if that is too much or cuDNN refuses."""
        self.convolution.set_math(choice.math)
        needed = c_size_t()
        descriptors = (*(each.address for each in self.inputs), self.convolution.address, self.output.address)
        try:
            name = f"cudnnGet{self.cudnn_map.function}WorkspaceSize"
            self.library.call(name, handle, *descriptors, choice.algorithm, byref(needed))
        except CudnnError as error:
            if not error.refused:
                raise
            return None
        return choice._replace(workspace=needed.value) if needed.value <= self.limit else None

    def _expected(self, handle: int) -> list[Performance]:
        """All algorithms, the fastest first as far as cuDNN can tell."""
        self.convolution.set_math(self.math)
        found = (Performance * _MOST)()
        count = c_int()
        descriptors = (*(each.address for each in self.inputs), self.convolution.address, self.output.address)
        name = f"cudnnGet{self.cudnn_map.function}Algorithm_v7"
        try:
            self.library.call(name, handle, *descriptors, _MOST, byref(count), found)
        except CudnnError as error:
            if not error.refused:
                raise
            return []
        return list(found[: count.value])

    def _allowed(self, handle: int, performances: Sequence[Performance]) -> Iterator[Choice]:
        for each in performances:
            if each.status or each.workspace > self.limit:
                continue
            if self.wishes.deterministic and each.deterministic != _DETERMINISTIC:
                continue
            if self.math == FMA_MATH and each.math not in (DEFAULT_MATH, FMA_MATH):
                continue
            math = self.math if self.math == FMA_MATH else each.math
            choice = self.check(handle, Choice(each.algorithm, math, each.workspace))
            if choice is not None:
                yield choice
