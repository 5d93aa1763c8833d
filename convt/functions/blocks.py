"""Blocks: a call of an operator cut into calls that fit into memory.

Read `convt/core/slabs.py` for the geometry; `convt/dask/` makes lazy arrays of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arguments import as_shape, as_sizes
from ..core.call import CONV, CONV_TRANSPOSE, Outline
from ..core.slabs import Block, as_chunks, blocks_of
from ..hints import did_you_mean

if TYPE_CHECKING:
    from ..typing import ChunksLike, LayoutName, OperatorName, PaddingLike, ShapeLike, SizesLike

__all__ = ["Block", "blocks"]

_OPERATORS = {operator.name: operator for operator in (CONV_TRANSPOSE, CONV)}
_DOUBLE = np.dtype(np.float64)


def blocks(
    op: OperatorName,
    x_shape: ShapeLike,
    w_shape: ShapeLike,
    chunks: ChunksLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    output_padding: SizesLike = 0,
    output_size: SizesLike | None = None,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
) -> Iterator[Block]:
    """Cut a call of `conv_transpose` or `conv` into calls that make a block of y each, from a slab of x.

    Each block is made from all that it depends on and from nothing else, so blocks may be computed in any order, on any
    machine, and written to where no other block lies. They equal the whole call within its accuracy, not bit for bit: the
    order of sums depends on where a block begins.

    Parameters
    ----------
    op : {"conv_transpose", "conv"}
        Which function.
    x_shape, w_shape : sequence of int
        The shapes of x and w.
    chunks : sequence with one entry for each axis of y
        Sizes of the blocks: an int, of which the last block may get less, or a size for each block, which add up to y's.
        Channels must not be cut.
    stride, padding, output_padding, output_size, dilation, groups, layout
        As in `conv_transpose`; output_padding and output_size are for that alone.

    Returns
    -------
    iterator of Block
        Named tuples (y, x, options), the last axis fastest: slices of y and of x in the call's layout, and the keyword
        arguments with which the function makes that block from that slab. `options` is None where nothing of x reaches the
        block: it is bias or zero alone.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule, also one of the function's; the message names it.

    See Also
    --------
    convt.dask : the same for dask arrays, lazily
    conv_transpose_shape, conv_shape : the shape of y

    Notes
    -----
    A slab is as small as possible, but for a few elements at its ends where a block is smaller than the dilation, or where
    x begins or ends in a gap between windows or taps.

    The gradient of x is the other function of dy. That of w is a sum over the blocks of the function whose y is the coarse
    side: for ``b in blocks("conv", y.shape, ...)``, that of conv_transpose adds
    ``conv_transpose_backward(x[b.y], w, None, dy[b.x], needs=["w"], **b.options).w``.

    Examples
    --------
    >>> import numpy as np, convt
    >>> x, w = np.arange(6.0).reshape(1, 6), np.array([[[1.0, 10.0, 100.0]]])
    >>> y = np.empty(convt.conv_transpose_shape(x.shape, w.shape, stride=2))
    >>> for b in convt.blocks("conv_transpose", x.shape, w.shape, (1, 7), stride=2):
    ...     print(b.y[1], b.x[1], b.options["padding"])
    ...     y[b.y] = convt.conv_transpose(x[b.x], w, **b.options)
    slice(0, 7, None) slice(0, 4, None) ((0, 2),)
    slice(7, 13, None) slice(3, 6, None) ((1, 0),)
    >>> bool((y == convt.conv_transpose(x, w, stride=2)).all())
    True
    """
    if not isinstance(op, str) or op not in _OPERATORS:
        raise ValueError(f"op must be 'conv_transpose' or 'conv', got {op!r}{did_you_mean(op, _OPERATORS)}")
    operator = _OPERATORS[op]
    options: tuple[Any, ...] = (layout, stride, padding, dilation, groups)
    if operator is CONV_TRANSPOSE:
        options = (layout, stride, padding, output_padding, output_size, dilation, groups)
    elif output_size is not None or as_sizes("output_padding", output_padding) != 0:
        raise TypeError(
            f"output_padding and output_size must be left out for 'conv', got {output_padding} and {output_size}"
        )
    x, w = (Outline(as_shape(name, shape), _DOUBLE) for name, shape in (("x_shape", x_shape), ("w_shape", w_shape)))
    call = operator.checked(options, x, w)
    frame, problem = call.frame, call.problem
    order = frame.shape(tuple(range(frame.axes + 2)))
    sizes = as_chunks(chunks, call.shape, frame.layout.letters(frame.rank))
    kept = {"stride": problem.stride, "dilation": problem.dilation, "groups": problem.groups, "layout": layout}
    return blocks_of(problem, operator.data_map, order, sizes, kept)
