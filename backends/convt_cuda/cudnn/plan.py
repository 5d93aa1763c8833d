"""A plan: an algorithm of cuDNN for one map, with the copies of the arrays that cuDNN cannot use where they lie.

The workspace has the algorithm's part first, then the copies::

    | algorithm | copy of the first staged array | copy of the next | ...

Copies are made, and a bias is added, by kernels of our own (``../own/moves.py``): cuDNN's functions for that refuse some
types and strides.
"""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_double, c_float, c_size_t, c_void_p
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..own import moves
from .cost import cost_of

if TYPE_CHECKING:
    from convt.backend import Problem

    from ..device import Device
    from ..launch import Launch
    from .algorithms import Choice
    from .described import Described
    from .handles import Handles
    from .library import Library

__all__ = ["ALIGNMENT", "CudnnPlan", "aligned", "staged_bytes"]

_SCALARS = {2: c_float, 4: c_float, 8: c_double}
ALIGNMENT = 256
_OUT = "out"
_POINTERS = ("left", "right", _OUT)  # in the order of `CudnnMap.ours`


class CudnnPlan:
    """One map of one problem for arrays of given strides, by cuDNN.

    Parameters
    ----------
    library : Library
    handles : Handles
    problem : Problem
    described : Described
    choice : Choice

    Attributes
    ----------
    workspace : int
    cost : float
    algorithm : int
    label, words : str
        The algorithm; for the user, with its workspace.
    """

    def __init__(self, library: Library, handles: Handles, problem: Problem, described: Described, choice: Choice) -> None:
        self._library = library
        self._handles = handles
        self._described = described
        self._choice = choice
        scalar = _SCALARS[described.itemsize]
        self._one, self._zero = scalar(1), scalar(0)
        self._bias: tuple[int, Launch] | None = None  # of the last stride
        self._copies: dict[str, int] = {}  # where each begins in the workspace, in bytes
        end = aligned(choice.workspace)
        for role in described.staged:
            self._copies[role] = end
            end += aligned(described.operands.by_role[role].elements * described.itemsize)
        self.workspace = end if self._copies else choice.workspace
        self.cost = cost_of(problem, described, choice.algorithm)
        self.algorithm = choice.algorithm
        self.label = f"cudnn {choice.algorithm}"
        names = described.cudnn_map.algorithms
        name = names[choice.algorithm] if choice.algorithm < len(names) else "?"
        copied = f", copies of {', '.join(self._copies)}" if self._copies else ""
        self.words = (
            f"cuDNN {library.words}, {described.cudnn_map.function}, algorithm {choice.algorithm} ({name}), "
            f"workspace {self.workspace} bytes{copied}"
        )

    def run(self, device: Device, stream: int, pointers: Mapping[str, int]) -> None:
        """Put the work into the stream; the device's context is current."""
        used = self._staged(device, stream, pointers) if self._copies else pointers
        handle = self._handles.take(device, stream)
        try:
            self._convolve(handle, used, pointers["work"])
        finally:
            self._handles.give(device, handle)
        if self._described.cudnn_map.output in self._copies:
            self._write_back(device, stream, used[_OUT], pointers[_OUT])
        if pointers.get("bias"):
            self._add_bias(device, stream, pointers)

    def _convolve(self, handle: c_void_p, used: Mapping[str, int], work: int) -> None:
        function, (first, second, output), fixed = self._arguments
        one, first_array, second_array, convolution, algorithm, size, zero, output_array = fixed
        self._library.fast(
            function,
            *(handle, one, first_array, c_void_p(used[first]), second_array, c_void_p(used[second]), convolution, algorithm),
            *(c_void_p(work) if self._choice.workspace else None, size),
            *(zero, output_array, c_void_p(used[output])),
        )

    @cached_property
    def _arguments(self) -> tuple[str, list[str], tuple[Any, ...]]:
        """The function, our names of the two inputs and the output in cuDNN's order, and what is the same at every call."""
        described, cudnn_map, choice = self._described, self._described.cudnn_map, self._choice
        roles = (*cudnn_map.inputs, cudnn_map.output)
        first, second, output = (c_void_p(described.arrays[role].address) for role in roles)
        convolution, size = c_void_p(described.convolution.address), c_size_t(choice.workspace)
        one, zero = byref(self._one), byref(self._zero)
        names = [_POINTERS[cudnn_map.ours.index(role)] for role in roles]
        return f"cudnn{cudnn_map.function}", names, (one, first, second, convolution, choice.algorithm, size, zero, output)

    @cached_property
    def _moves(self) -> dict[str, Launch]:
        """By role, what copies an input to where cuDNN reads it, or the output back."""
        described, launches = self._described, {}
        for role, operand in described.staged.items():
            ways = operand.view_strides, operand.strides
            source, target = reversed(ways) if role == described.cudnn_map.output else ways
            launches[role] = moves.copy(operand.view_shape, source, target, described.storage)
        return launches

    def _staged(self, device: Device, stream: int, pointers: Mapping[str, int]) -> dict[str, int]:
        """The arrays that cuDNN computes with, by our names: the caller's, or copies in the workspace, inputs filled."""
        used = {}
        for role, name in zip(self._described.cudnn_map.ours, _POINTERS, strict=True):
            used[name] = pointers["work"] + self._copies[role] if role in self._copies else pointers[name]
            if role in self._copies and name != _OUT:
                self._stage(device, stream, role, pointers[name], used[name])
        return used

    def _stage(self, device: Device, stream: int, role: str, source: int, copy: int) -> None:
        operand, itemsize = self._described.staged[role], self._described.itemsize
        if operand.larger:
            device.clear(copy, operand.elements * itemsize, stream)
        device.launch(self._moves[role], {"from": source, "to": copy + operand.offset * itemsize}, stream)

    def _write_back(self, device: Device, stream: int, copy: int, out: int) -> None:
        role = self._described.cudnn_map.output
        inner = copy + self._described.staged[role].offset * self._described.itemsize
        device.launch(self._moves[role], {"from": inner, "to": out}, stream)

    def _add_bias(self, device: Device, stream: int, pointers: Mapping[str, int]) -> None:
        stride, known = pointers.get("bias_stride", 1), self._bias
        if known is None or known[0] != stride:
            out = self._described.operands.by_role[self._described.cudnn_map.output]
            launch = moves.add_bias(out.view_shape, stride, out.view_strides, self._described.storage)
            known = self._bias = (stride, launch)
        device.launch(known[1], {"from": pointers["bias"], "to": pointers[_OUT]}, stream)


def staged_bytes(described: Described) -> int:
    """What the copies take of the workspace."""
    return sum(aligned(operand.elements * described.itemsize) for operand in described.staged.values())


def aligned(size: int) -> int:
    """Bytes up to where the next part of a workspace may begin."""
    return -(-size // ALIGNMENT) * ALIGNMENT
