"""Which algorithms: those that keep what convt promises, the fastest first as far as cuDNN can tell.

True float32 means that no factor is rounded to TF32 on its way; deterministic means the same bits run after run.
Algorithms by Fourier transform and Winograd's are left out: they mix elements that do not belong together, which
spreads what is not finite over whole images, and loses small numbers beside large ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from ctypes import byref, c_int, c_size_t
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .library import CudnnError
from .signatures import Performance

if TYPE_CHECKING:
    from .descriptors import ConvolutionDescriptor, Descriptor
    from .library import Library
    from .maps import CudnnMap

__all__ = ["Choice", "Search", "Wishes", "math_of"]

DEFAULT_MATH, TENSOR_MATH, FMA_MATH = 0, 1, 3
_DETERMINISTIC = 1
_MOST = 16  # algorithms; cuDNN has at most 10 for a map


class Wishes(NamedTuple):
    """What `convt.options` says, as far as it is about cuDNN.

    Attributes
    ----------
    workspace_limit : float
        Bytes; inf for none.
    allow_tf32, deterministic : bool
    """

    workspace_limit: float
    allow_tf32: bool
    deterministic: bool


class Choice(NamedTuple):
    """An algorithm's number, and the bytes that it needs."""

    algorithm: int
    workspace: int


def math_of(dtype: str, wishes: Wishes) -> int:
    """The math type: keeps TF32 out, or lets it in. Tensor cores round no product of half types, and are asked for."""
    if dtype == "float32":
        return DEFAULT_MATH if wishes.allow_tf32 else FMA_MATH
    return DEFAULT_MATH if dtype == "float64" else TENSOR_MATH


@dataclass(frozen=True)
class Search:
    """The search for algorithms of one map, whose arrays are described.

    Attributes
    ----------
    library : Library
    cudnn_map : CudnnMap
    inputs : sequence of Descriptor
        In cuDNN's order.
    convolution : ConvolutionDescriptor
    output : Descriptor
    math : int
        What the convolution has.
    limit : float
        Bytes of workspace.
    deterministic : bool
    """

    library: Library
    cudnn_map: CudnnMap
    inputs: Sequence[Descriptor]
    convolution: ConvolutionDescriptor
    output: Descriptor
    math: int
    limit: float
    deterministic: bool

    def allowed(self, handle: int) -> list[Choice]:
        """The algorithms that may be used, the fastest first as far as cuDNN can tell."""
        choices = [
            Choice(each.algorithm, self._workspace(handle, each.algorithm))
            for each in self._expected(handle)
            if not each.status
            and each.algorithm in self.cudnn_map.sums
            and (each.deterministic == _DETERMINISTIC or not self.deterministic)
            and (self.math != FMA_MATH or each.math in (DEFAULT_MATH, FMA_MATH))
        ]
        return [choice for choice in choices if 0 <= choice.workspace <= self.limit]

    def _workspace(self, handle: int, algorithm: int) -> int:
        """The bytes that an algorithm needs; -1 if cuDNN refuses it after all."""
        needed = c_size_t()
        descriptors = (*(each.address for each in self.inputs), self.convolution.address, self.output.address)
        try:
            name = f"cudnnGet{self.cudnn_map.function}WorkspaceSize"
            self.library.call(name, handle, *descriptors, algorithm, byref(needed))
        except CudnnError as error:
            if not error.refused:
                raise
            return -1
        return needed.value

    def _expected(self, handle: int) -> list[Performance]:
        """All algorithms, the fastest first as far as cuDNN can tell."""
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
