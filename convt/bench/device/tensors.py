"""PyTorch on a GPU: tensors for everybody, and the peer.

cuDNN's own search for the fastest algorithm (``torch.backends.cudnn.benchmark``) is on, as `convt.options(autotune=True)` is
for convt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from numpy.typing import NDArray

from ..peers.torch import Contender
from .settings import Setting

__all__ = ["Peer", "Tensors", "sees_gpu"]

_FORMATS = {4: torch.channels_last, 5: torch.channels_last_3d}


def sees_gpu() -> bool:
    """Whether this PyTorch can compute on one."""
    return bool(torch.cuda.is_available())


class Tensors:
    """Tensors on the device.

    Parameters
    ----------
    dtype : str
    device : str
    """

    def __init__(self, dtype: str, device: str = "cuda") -> None:
        self._dtype, self._device = getattr(torch, dtype), device

    def put(self, array: NDArray[Any], channels_last: bool) -> torch.Tensor:
        """A copy on the device, in the dtype that is timed."""
        tensor = torch.from_numpy(array).to(self._device, self._dtype, copy=True)
        if channels_last and tensor.ndim in _FORMATS:
            tensor = tensor.contiguous(memory_format=_FORMATS[tensor.ndim])
        return tensor

    def get(self, array: torch.Tensor) -> NDArray[Any]:
        """A copy in the host's memory; of half types, as float32."""
        array = array.detach().cpu()
        kept = array.float() if array.dtype in (torch.float16, torch.bfloat16) else array
        result: NDArray[Any] = kept.numpy()
        return result


class Peer(Contender):
    """PyTorch on tensors that lie where it computes."""

    def __init__(self) -> None:
        super().__init__(torch.get_num_threads())
        cudnn = torch.backends.cudnn.version() if torch.backends.cudnn.is_available() else None
        self.version = f"{torch.__version__}, CUDA {torch.version.cuda}, cuDNN {cudnn}"

    def tensor(self, array: Any) -> torch.Tensor:
        """The tensor itself."""
        tensor: torch.Tensor = array
        return tensor

    @contextmanager
    def under(self, setting: Setting) -> Iterator[None]:
        """The setting, in PyTorch's words."""
        cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
        before = (cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32)
        cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = True, setting.tf32, setting.tf32
        try:
            yield
        finally:
            cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = before
