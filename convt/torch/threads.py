"""Within PyTorch, convt computes with PyTorch's own threads, and no more of them than PyTorch would use."""

from __future__ import annotations

import ctypes
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from ..settings import bridge_threads

__all__ = ["with_pytorchs_threads"]


def with_pytorchs_threads(function: Any, *arguments: Any, **options: Any) -> Any:
    """Call a function of convt with PyTorch's threads, as many as it uses here: in a worker of a DataLoader, one."""
    token = bridge_threads.set((torch.get_num_threads(), _gomp_parallel()))
    try:
        return function(*arguments, **options)
    finally:
        bridge_threads.reset(token)


@lru_cache(maxsize=1)
def _gomp_parallel() -> int | None:
    """The address of that function in the OpenMP library that PyTorch has loaded; None where it has another or none."""
    library = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
    try:
        found = ctypes.CDLL(str(library), mode=os.RTLD_NOLOAD | os.RTLD_LAZY).GOMP_parallel  # in what that links to
    except (OSError, AttributeError):
        return None
    return ctypes.cast(found, ctypes.c_void_p).value
