"""What cuDNN takes for a map: microseconds on an H200 with cuDNN 9.19, roughly.

cuDNN has many kernels, and which one runs shows in times only: of 25 layers of known networks most are within a factor
of 1.5, some within 3. `convt.options(autotune=True)` measures instead.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from convt.backend import Problem

    from .described import Described

__all__ = ["cost_of"]

_START = 8.0  # a call, of several kernels
_BYTE = 1.5e-7  # each array's, once
_TURNED = 5  # times as often where tensor cores want channels last, and they are not
_COPY = 4.0  # an array that is staged

# Million multiply-adds in a microsecond, by function.
_DENSE = {"ConvolutionForward": 16.0, "ConvolutionBackwardData": 11.0, "ConvolutionBackwardFilter": 13.0}
_DEPTHWISE = {"ConvolutionForward": 0.95, "ConvolutionBackwardData": 0.2, "ConvolutionBackwardFilter": 0.35}
_TENSOR_CORES = 130.0
_DOUBLE = 0.5
_DEPTH, _OUTPUTS = 8, 32  # multiples that channels are filled up to

# Times slower without tensor cores: by large kernels; where zeros are put between the elements, as algorithm 1 does; by
# kernels of three axes; in gradients of few weights.
_MANY_TAPS, _BY_MANY_TAPS, _BY_ZEROS = 2048, 50.0, 6.0
_LARGE_BLOCK, _BY_BLOCK = 27, 2.5
_FEW_WEIGHTS, _BY_FEW_WEIGHTS = 2**18, 2.4


def cost_of(problem: Problem, described: Described, algorithm: int) -> float:
    """The time of an algorithm, copies of arrays included."""
    function, groups = described.cudnn_map.function, problem.groups
    fine, coarse = problem.fine_channels // groups, problem.coarse_channels // groups
    taps = prod(problem.kernel_shape)
    pairs = problem.batch * prod(problem.coarse_shape) * groups * taps
    if fine == coarse == 1 and groups > 1:
        work = pairs / _DEPTHWISE[function]
    else:
        depth, outputs = (coarse, fine) if function == "ConvolutionBackwardData" else (fine, coarse)
        pairs *= _filled(depth, _DEPTH) * _filled(outputs, _OUTPUTS)
        if described.tensor_cores:
            work = pairs / _TENSOR_CORES
        else:
            work = pairs / _DENSE[function] * _slower(problem, function, algorithm, taps)
    if problem.dtype.itemsize == 8:
        work /= _DOUBLE
    operands = described.operands
    moved = sum(operand.elements for operand in operands.by_role.values()) * described.itemsize
    turned = _TURNED if described.tensor_cores and operands.order == 0 else 1
    copied = 2 * operands.staged * described.itemsize
    return _START + work * 1e-6 + (moved * turned + copied) * _BYTE + len(described.staged) * _COPY


def _slower(problem: Problem, function: str, algorithm: int, taps: int) -> float:
    times = _BY_MANY_TAPS if taps >= _MANY_TAPS else 1.0
    if function == "ConvolutionBackwardData" and algorithm == 1 and max(problem.stride) > 1:
        times *= _BY_ZEROS
    if function == "ConvolutionForward" and len(problem.stride) == 3 and taps > _LARGE_BLOCK:
        times *= _BY_BLOCK
    if function == "ConvolutionBackwardFilter" and prod(problem.kernel_array_shape) < _FEW_WEIGHTS:
        times *= _BY_FEW_WEIGHTS
    return times


def _filled(channels: int, multiple: int) -> int:
    return -(-channels // multiple) * multiple
