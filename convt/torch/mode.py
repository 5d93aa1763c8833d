"""`use`: a block in which convt computes what PyTorch's functions are called for, in libraries too."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.overrides import TorchFunctionMode

from ..core.arguments import as_flag
from . import functional, sampling

__all__ = ["use"]


def use(*, conv: bool = True, sampling: bool = True) -> TorchFunctionMode:
    """Let convt compute transposed convolutions in a ``with`` block, whoever calls PyTorch's functions for them.

    Parameters
    ----------
    conv : bool
        Whether it computes ordinary convolutions too.
    sampling : bool
        Whether it computes interpolation, max pooling and its inverse.

    Returns
    -------
    context manager
        Of the calling thread; gradients may be computed after the block.

    Raises
    ------
    TypeError
        An argument is no bool; the message names it.

    Examples
    --------
    >>> import torch, convt.torch
    >>> with convt.torch.use():
    ...     y = torch.nn.functional.conv_transpose1d(torch.ones(1, 1, 2), torch.ones(1, 1, 3), stride=2)
    >>> y.tolist()
    [[[1.0, 1.0, 2.0, 1.0, 1.0]]]
    """
    return _Use(
        _TRANSPOSED | (_CONV if as_flag("conv", conv) else {}) | (_SAMPLING if as_flag("sampling", sampling) else {})
    )


class _Use(TorchFunctionMode):
    """Calls the functions of a table instead of PyTorch's."""

    def __init__(self, table: dict[Any, Any]) -> None:
        super().__init__()
        self._table = table

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        return self._table.get(function, function)(*arguments, **(options or {}))


def _with_indices(pool: Any) -> Any:
    def max_pool_with_indices(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = True,
    ) -> Any:
        return pool(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    return max_pool_with_indices


_TRANSPOSED = {getattr(torch, f"conv_transpose{n}d"): getattr(functional, f"conv_transpose{n}d") for n in (1, 2, 3)}
_CONV = {getattr(torch, f"conv{n}d"): getattr(functional, f"conv{n}d") for n in (1, 2, 3)}
_SAMPLING = {F.interpolate: sampling.interpolate}
for _axes in (1, 2, 3):
    _pool = getattr(sampling, f"max_pool{_axes}d")
    _SAMPLING[getattr(F, f"max_pool{_axes}d")] = _SAMPLING[getattr(torch, f"max_pool{_axes}d")] = _pool
    _SAMPLING[getattr(F, f"max_pool{_axes}d_with_indices")] = _with_indices(_pool)
    _SAMPLING[getattr(F, f"max_unpool{_axes}d")] = getattr(sampling, f"max_unpool{_axes}d")
