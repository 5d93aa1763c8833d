"""A plan: an algorithm of cuDNN for one map, with the copies of the arrays that cuDNN cannot use where they lie.

The workspace has the algorithm's part first, then the copies::

    | algorithm | copy of the first staged array | copy of the next | ...
"""

from __future__ import annotations

from collections.abc import Mapping
from ctypes import byref, c_double, c_float, c_size_t, c_void_p
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .cost import cost_of

if TYPE_CHECKING:
    from convt.backend import Problem

    from ..device import Device
    from .algorithms import Choice
    from .described import Described
    from .descriptors import TensorDescriptor
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
        self._bias: tuple[int, TensorDescriptor] | None = None  # of the last stride
        self._copies: dict[str, int] = {}  # where each begins in the workspace, in bytes
        end = aligned(choice.workspace)
        for role in described.views:
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
        handle = self._handles.take(device, stream)
        try:
            self._run(handle, pointers)
        finally:
            self._handles.give(device, handle)

    def _run(self, handle: c_void_p, pointers: Mapping[str, int]) -> None:
        used = self._staged(handle, pointers) if self._copies else pointers
        function, (first, second, output), fixed = self._arguments
        one, first_array, second_array, convolution, algorithm, size, zero, output_array = fixed
        self._library.fast(
            function,
            *(handle, one, first_array, c_void_p(used[first]), second_array, c_void_p(used[second]), convolution, algorithm),
            *(c_void_p(pointers["work"]) if self._choice.workspace else None, size),
            *(zero, output_array, c_void_p(used[output])),
        )
        if pointers.get("bias"):
            self._add_bias(handle, pointers, used[output])
        if used is not pointers:
            self._write_back(handle, used, pointers)

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

    def _staged(self, handle: c_void_p, pointers: Mapping[str, int]) -> dict[str, int]:
        """The arrays that cuDNN computes with, by our names: the caller's, or copies in the workspace, inputs filled."""
        used = {}
        for role, name in zip(self._described.cudnn_map.ours, _POINTERS, strict=True):
            used[name] = pointers["work"] + self._copies[role] if role in self._copies else pointers[name]
            if role in self._copies and name != _OUT:
                self._stage(handle, role, pointers[name], used[name])
        return used

    def _write_back(self, handle: c_void_p, used: Mapping[str, int], pointers: Mapping[str, int]) -> None:
        """From the output's copy, if it has one."""
        described, output = self._described, self._described.cudnn_map.output
        if output in self._copies:
            inner = (described.inner[output], used[_OUT] + self._inner_offset(output))
            self._copy(handle, *inner, described.views[output], pointers[_OUT])

    def _stage(self, handle: c_void_p, role: str, source: int, copy: int) -> None:
        described = self._described
        whole = described.whole.get(role)
        if whole is not None:
            # This one takes a number of the array's own type: zero has the same bits in all of them.
            self._library.call("cudnnSetTensor", handle, whole.address, copy, byref(self._zero))
        self._copy(handle, described.views[role], source, described.inner[role], copy + self._inner_offset(role))

    def _inner_offset(self, role: str) -> int:
        return self._described.operands.by_role[role].offset * self._described.itemsize

    def _copy(self, handle: c_void_p, source: Any, source_address: int, target: Any, target_address: int) -> None:
        one, zero = byref(self._one), byref(self._zero)
        addresses = (source.address, source_address, zero, target.address, target_address)
        self._library.call("cudnnTransformTensor", handle, one, *addresses)

    def _add_bias(self, handle: c_void_p, pointers: Mapping[str, int], out: int) -> None:
        described, stride = self._described, pointers.get("bias_stride", 1)
        target = described.operands.by_role[described.cudnn_map.output]
        if stride > 0:
            bias = self._bias
            if bias is None or bias[0] != stride:
                bias = self._bias = (stride, described.bias(stride))
            self._add(handle, bias[1], pointers["bias"], described.arrays[described.cudnn_map.output], out)
            return
        # cuDNN has positive strides only; a bias that lies backwards is added channel by channel.
        with described.bias(1, channels=1) as bias, described.channel() as channel:
            for c in range(target.shape[1]):
                source = pointers["bias"] + c * stride * described.itemsize
                self._add(handle, bias, source, channel, out + c * target.strides[1] * described.itemsize)

    def _add(self, handle: c_void_p, source: Any, source_address: int, target: Any, target_address: int) -> None:
        one = byref(self._one)
        source_array, target_array = c_void_p(source.address), c_void_p(target.address)
        added = (one, source_array, c_void_p(source_address), one, target_array, c_void_p(target_address))
        self._library.fast("cudnnAddTensor", handle, *added)


def staged_bytes(described: Described) -> int:
    """What the copies take of the workspace."""
    return sum(aligned(described.operands.by_role[role].elements * described.itemsize) for role in described.views)


def aligned(size: int) -> int:
    """Bytes up to where the next part of a workspace may begin."""
    return -(-size // ALIGNMENT) * ALIGNMENT
