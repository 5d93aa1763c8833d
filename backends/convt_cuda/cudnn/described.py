"""One map of one problem in cuDNN's words: the descriptors of its arrays and of the convolution."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from .algorithms import Search, Wishes, math_of
from .descriptors import ConvolutionDescriptor, Descriptor, FilterDescriptor, TensorDescriptor
from .maps import MAPS

if TYPE_CHECKING:
    from convt.backend import Problem

    from ..engine import Map
    from .geometry import Fit
    from .library import Library
    from .operands import Operand, Operands

__all__ = ["Described"]

_DATA_TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 9}
_HALF_BYTES = 2


class Described:
    """The descriptors of one map. They destroy themselves when this is forgotten.

    Parameters
    ----------
    library : Library
    problem : Problem
    storage : str
        The arrays' type in memory; sums have the problem's.
    fitted : Fit
    data_map : {"scatter", "gather", "correlate"}
    operands : Operands
    wishes : Wishes

    Attributes
    ----------
    arrays : dict of str to Descriptor
        What cuDNN computes with, by role.
    staged : dict of str to Operand
        Those that have a copy in the workspace.
    convolution : ConvolutionDescriptor
    tensor_cores : bool
        Whether factors are short enough for them, or may be rounded to be.

    Raises
    ------
    CudnnError
        cuDNN refuses one of them.
    """

    def __init__(
        self,
        library: Library,
        problem: Problem,
        storage: str,
        fitted: Fit,
        data_map: Map,
        operands: Operands,
        wishes: Wishes,
    ) -> None:
        self.cudnn_map = MAPS[data_map]
        self.operands, self.storage = operands, storage
        self.staged = {role: operand for role, operand in operands.by_role.items() if operand.staged}
        self.itemsize = problem.dtype.itemsize if storage == problem.dtype.name else _HALF_BYTES
        self._library = library
        self._data_type = _DATA_TYPES[storage]
        self._math = math_of(storage, wishes)
        self._wishes = wishes
        self.tensor_cores = self.itemsize == _HALF_BYTES or (storage == "float32" and wishes.allow_tf32)
        with ExitStack() as made:  # so that none is left if cuDNN refuses the next
            keep = made.enter_context
            self.arrays = {role: keep(self._array(role, operand)) for role, operand in operands.by_role.items()}
            self.convolution = keep(self._convolution(problem, fitted))
            made.pop_all()

    def search(self, limit: float) -> Search:
        """The search for algorithms that need no more than `limit` bytes."""
        inputs = [self.arrays[role] for role in self.cudnn_map.inputs]
        output, exact = self.arrays[self.cudnn_map.output], self._wishes.deterministic
        return Search(self._library, self.cudnn_map, inputs, self.convolution, output, self._math, limit, exact)

    def _array(self, role: str, operand: Operand) -> Descriptor:
        if role == "kernel":
            return FilterDescriptor(self._library, self._data_type, self.operands.order, operand.shape)
        return TensorDescriptor(self._library, self._data_type, operand.shape, operand.strides)

    def _convolution(self, problem: Problem, fitted: Fit) -> ConvolutionDescriptor:
        # Along the axis that makes one axis two, nothing happens.
        missing = len(self.operands.by_role["kernel"].shape) - 2 - len(problem.stride)
        padding = (0,) * missing + fitted.padding
        stride, dilation = (1,) * missing + problem.stride, (1,) * missing + problem.dilation
        sums, groups = _DATA_TYPES[problem.dtype.name], problem.groups
        return ConvolutionDescriptor(self._library, sums, padding, stride, dilation, groups, self._math)
