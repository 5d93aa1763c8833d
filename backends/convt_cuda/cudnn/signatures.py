"""What cuDNN's functions take: all that are called, and no others. Every one of them returns a status.

The three convolutions have functions of one form each: two inputs, the convolution, the output.
"""

from __future__ import annotations

import ctypes
from ctypes import POINTER, c_float, c_int, c_size_t, c_void_p
from typing import Any

__all__ = ["SIGNATURES", "Performance"]


class Performance(ctypes.Structure):
    """``cudnnConvolution...AlgoPerf_t``: what is known of an algorithm."""

    _fields_ = (
        ("algorithm", c_int),
        ("status", c_int),
        ("milliseconds", c_float),
        ("workspace", c_size_t),
        ("deterministic", c_int),
        ("math", c_int),
        ("reserved", c_int * 3),
    )


_HANDLE = _DESCRIPTOR = _DEVICE = _HOST = c_void_p
_SIZES = POINTER(c_int)
_FOUND = (c_int, POINTER(c_int), POINTER(Performance))  # wanted, returned, what they are

_RUN = (
    *(_HANDLE, _HOST),
    *(_DESCRIPTOR, _DEVICE, _DESCRIPTOR, _DEVICE, _DESCRIPTOR),
    *(c_int, _DEVICE, c_size_t),
    *(_HOST, _DESCRIPTOR, _DEVICE),
)
_HEURISTIC = (_HANDLE, *[_DESCRIPTOR] * 4, *_FOUND)
_WORKSPACE = (_HANDLE, *[_DESCRIPTOR] * 4, c_int, POINTER(c_size_t))

SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cudnnCreate": (POINTER(_HANDLE),),
    "cudnnDestroy": (_HANDLE,),
    "cudnnSetStream": (_HANDLE, c_void_p),
    "cudnnCreateTensorDescriptor": (POINTER(_DESCRIPTOR),),
    "cudnnDestroyTensorDescriptor": (_DESCRIPTOR,),
    "cudnnSetTensorNdDescriptor": (_DESCRIPTOR, c_int, c_int, _SIZES, _SIZES),
    "cudnnCreateFilterDescriptor": (POINTER(_DESCRIPTOR),),
    "cudnnDestroyFilterDescriptor": (_DESCRIPTOR,),
    "cudnnSetFilterNdDescriptor": (_DESCRIPTOR, c_int, c_int, c_int, _SIZES),
    "cudnnCreateConvolutionDescriptor": (POINTER(_DESCRIPTOR),),
    "cudnnDestroyConvolutionDescriptor": (_DESCRIPTOR,),
    "cudnnSetConvolutionNdDescriptor": (_DESCRIPTOR, c_int, _SIZES, _SIZES, _SIZES, c_int, c_int),
    "cudnnSetConvolutionGroupCount": (_DESCRIPTOR, c_int),
    "cudnnSetConvolutionMathType": (_DESCRIPTOR, c_int),
    "cudnnConvolutionForward": _RUN,
    "cudnnConvolutionBackwardData": _RUN,
    "cudnnConvolutionBackwardFilter": _RUN,
    "cudnnGetConvolutionForwardAlgorithm_v7": _HEURISTIC,
    "cudnnGetConvolutionBackwardDataAlgorithm_v7": _HEURISTIC,
    "cudnnGetConvolutionBackwardFilterAlgorithm_v7": _HEURISTIC,
    "cudnnGetConvolutionForwardWorkspaceSize": _WORKSPACE,
    "cudnnGetConvolutionBackwardDataWorkspaceSize": _WORKSPACE,
    "cudnnGetConvolutionBackwardFilterWorkspaceSize": _WORKSPACE,
}
