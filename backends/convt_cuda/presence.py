"""Whether there is a GPU, told without CUDA: a process that has initialised CUDA must not fork children that use it.

NVML, the driver's library for monitoring, tells how many GPUs there are and leaves CUDA alone.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["gpu_is_there"]

_NVML = "libnvidia-ml.so.1"
_VISIBLE = "CUDA_VISIBLE_DEVICES"


def gpu_is_there() -> bool:
    """Whether CUDA will find a GPU for sure; False also where only CUDA itself can tell."""
    count = _count()
    visible = os.environ.get(_VISIBLE)
    if visible is None:
        return count > 0
    first = visible.partition(",")[0].strip()
    return first.isdecimal() and int(first) < count


def _count() -> int:
    """GPUs that NVML knows of; 0 where it cannot tell."""
    try:
        nvml = ctypes.CDLL(_NVML)
        if nvml.nvmlInit_v2():
            return 0
        try:
            count = ctypes.c_uint()
            return 0 if nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)) else count.value
        finally:
            nvml.nvmlShutdown()
    except (OSError, AttributeError):
        return 0
