"""The operators and their gradients for dask arrays. Read `maps.py` for what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import numpy as np

from ..core.arguments import as_names
from ..core.call import CONV, CONV_TRANSPOSE, Operator
from ..core.execution import Gradients
from ..selection import BackendRequest
from .arguments import Array, as_chunked, as_constant, as_lazy, asked_backend
from .chunking import chosen
from .maps import OperatorMaps

if TYPE_CHECKING:
    from ..typing import ArrayLike, ChunksLike, GradientNames, LayoutName, PaddingLike, SizesLike

__all__ = ["conv", "conv_backward", "conv_transpose", "conv_transpose_backward"]

_GRADIENTS = ("x", "w", "bias")


def conv_transpose(
    x: Array,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    output_padding: SizesLike = 0,
    output_size: SizesLike | None = None,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Array:
    """Compute `convt.conv_transpose` lazily.

    Parameters
    ----------
    x : dask.array.Array
        Of NumPy arrays, with known chunk sizes. Chunks along the channels are joined.
    w, bias : array_like
        NumPy's, which are copied, or dask arrays of one chunk. w as `convt.Filters` is prepared once in each process.
    stride, padding, output_padding, output_size, dilation, groups, layout
        As in `convt.conv_transpose`.
    chunks : sequence with one entry for each axis of y, optional
        As in `convt.blocks`. By default those of x, with spatial sizes times the stride; a chunk that is not larger than
        the halo is merged with its neighbours.
    backend : str, sequence of str or Backend, optional
        As in `convt.conv_transpose`. What `convt.use_backend` and the like ask for is what they ask for now; `convt.options`
        are those of the workers.

    Returns
    -------
    dask.array.Array
        Equal to what `convt.conv_transpose` gives within its accuracy, not bit for bit: the order of sums depends on where
        chunks begin.

    Raises
    ------
    ValueError, TypeError, LookupError
        An argument breaks a rule; the message names it. What only data or a worker's memory tells is raised by compute().

    Examples
    --------
    >>> import dask.array as da, numpy as np, convt
    >>> x = da.ones((1, 3, 4000, 4000), chunks=(1, 3, 1000, 1000), dtype="float32")
    >>> y = convt.conv_transpose(x, np.ones((3, 2, 4, 4), "float32"), stride=2, padding=1)
    >>> y.shape, y.chunksize
    ((1, 2, 8000, 8000), (1, 2, 2000, 2000))
    >>> float(y[0, 0, 4000, 4000].compute())
    12.0
    """
    options = (layout, stride, padding, output_padding, output_size, dilation, groups)
    return _forward(CONV_TRANSPOSE, options, x, w, bias, chunks, backend)


def conv(
    x: Array,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    chunks: ChunksLike | None = None,
    backend: BackendRequest = None,
) -> Array:
    """Compute `convt.conv` lazily; all is as in `conv_transpose`, but that x's chunks are divided by the stride.

    Examples
    --------
    >>> import dask.array as da, numpy as np, convt
    >>> x = da.ones((1, 1, 1000), chunks=(1, 1, 300))
    >>> convt.conv(x, np.ones((1, 1, 3)), stride=2, padding=1).chunks
    ((1,), (1,), (150, 150, 150, 50))
    """
    return _forward(CONV, (layout, stride, padding, dilation, groups), x, w, bias, chunks, backend)


def conv_transpose_backward(
    x: Array,
    w: ArrayLike,
    bias: ArrayLike | None,
    dy: ArrayLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    output_padding: SizesLike = 0,
    output_size: SizesLike | None = None,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    needs: GradientNames = ("x", "w", "bias"),
    backend: BackendRequest = None,
) -> Gradients[Array]:
    """Compute `convt.conv_transpose_backward` lazily.

    Parameters
    ----------
    x, w, bias, stride, padding, output_padding, output_size, dilation, groups, layout, backend
        As in `conv_transpose`; bias may be None.
    dy : dask.array.Array or array_like
        The gradient of a scalar with respect to y, in the shape of y.
    needs : collection of {"x", "w", "bias"}
        The gradients to compute.

    Returns
    -------
    Gradients
        Named tuple (x, w, bias) of dask arrays: x's in the chunks of x, of which small ones are merged, the others in one
        chunk, as sums over all of x's; None if not needed, or if there is no bias.

    Raises
    ------
    ValueError, TypeError, LookupError
        As in `conv_transpose`.
    """
    options = (layout, stride, padding, output_padding, output_size, dilation, groups)
    return _backward(CONV_TRANSPOSE, options, x, w, bias, dy, needs, backend)


def conv_backward(
    x: Array,
    w: ArrayLike,
    bias: ArrayLike | None,
    dy: ArrayLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    needs: GradientNames = ("x", "w", "bias"),
    backend: BackendRequest = None,
) -> Gradients[Array]:
    """Compute `convt.conv_backward` lazily; all is as in `conv_transpose_backward`."""
    return _backward(CONV, (layout, stride, padding, dilation, groups), x, w, bias, dy, needs, backend)


def _forward(
    operator: Operator, options: tuple[Any, ...], x: Any, w: Any, bias: Any, chunks: Any, backend: BackendRequest
) -> Array:
    lazy, filters = as_lazy("x", x), as_constant("w", w)
    offset = None if bias is None else as_constant("bias", bias)
    call = operator.checked(options, lazy, filters, offset)
    maps = OperatorMaps(operator, call, options[0], asked_backend(backend))
    wanted = maps.carried_chunks(lazy) if chunks is None else chosen(chunks, call.shape, call.frame)
    return maps.data_map(operator.data_map, lazy, filters.node, None if offset is None else offset.node, wanted)


def _backward(
    operator: Operator,
    options: tuple[Any, ...],
    x: Any,
    w: Any,
    bias: Any,
    dy: Any,
    needs: Any,
    backend: BackendRequest,
) -> Gradients[Array]:
    wanted = as_names("needs", needs, _GRADIENTS)
    lazy, filters, dy = as_lazy("x", x), as_constant("w", w), as_chunked("dy", dy)
    offset = None if bias is None else as_constant("bias", bias)
    call = operator.checked(options, lazy, filters, offset, dy)
    maps = OperatorMaps(operator, call, options[0], asked_backend(backend))
    scatters = operator.data_map == "scatter"
    of_x = of_w = of_bias = None
    if "x" in wanted:
        node = filters.node if filters.dtype.kind != "c" else dask.delayed(np.conj, pure=True)(filters.node)
        chunks = maps.merged_chunks(lazy, scatters=not scatters)
        of_x = maps.data_map("gather" if scatters else "scatter", dy, node, None, chunks)
    if "w" in wanted:
        coarse, fine = (lazy, dy) if scatters else (dy, lazy)
        of_w = maps.correlate(coarse, fine, filters.shape)
    if "bias" in wanted and offset is not None:
        others = tuple(axis for axis in range(dy.ndim) if axis != maps.channels)
        of_bias = dy.astype(call.compute).sum(axis=others, dtype=call.compute).astype(call.result)
    return Gradients(of_x, of_w, of_bias)
