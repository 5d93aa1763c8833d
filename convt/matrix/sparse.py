"""conv_matrix: the sparse matrix of a convolution, written directly in CSR order.

The positions of y are walked in the blocks of `blocks.py`. For each block's template `pattern.expand` lists columns and taps
in the order of the matrix's elements, and the taps pick the weights. Nothing is sorted and nothing is summed.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from ..core.arguments import BYTES_LIMIT
from ..core.problem import Problem
from .arguments import MatrixArguments
from .blocks import blocks
from .pattern import Indices, count_meetings, every, expand, spatial_levels

if TYPE_CHECKING:
    from ..typing import ArrayLike, LayoutName, PaddingLike, ShapeLike, SizesLike

__all__ = ["conv_matrix"]

Array = np.ndarray[Any, np.dtype[Any]]

_CHUNK = 2**17  # elements of several rows that are written by one call


def conv_matrix(
    x_shape: ShapeLike,
    w: ArrayLike,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
) -> scipy.sparse.csr_array:
    """The sparse matrix C of a convolution: ``C @ x.ravel()`` is ``conv(x, w, ...).ravel()``.

    A convolution is linear in x, so it is a matrix; each of its rows holds the filter's taps at the columns of the elements
    of x that they meet. Its transpose is the transposed convolution: ``C.T @ y.ravel()`` is `conv_transpose` of y with the
    same w and options and x's size as output_size. Complex filters are not conjugated by ``C.T``.

    Parameters
    ----------
    x_shape : sequence of int, (C, *spatial) or (*spatial)
        The shape of one x; there is no batch, as C is the same for every image. For a batch: ``C @ x.reshape(N, -1).T``.
        As many axes as w has mean that there are no channels.
    w : array_like, (K, C // groups, *kernel) or (*kernel)
        As in `conv`; 1 to 3 spatial axes.
    stride, padding, dilation, groups
        As in `conv`.
    layout : str, optional
        As in `conv`; x and y are ravelled in its order, w is expected in it.

    Returns
    -------
    scipy.sparse.csr_array, (y.size, x.size)
        Of w's floating type (float32 for float16, float64 for integers). The indices are sorted, unique, and int32 where
        that is enough. What lies in the padding is not stored; a tap of value 0 is.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it.
    MemoryError
        The matrix is too large to be allocated. Raised before anything is computed.

    See Also
    --------
    ConvOperator : the same map without the matrix.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285, section 4.1.

    Examples
    --------
    >>> import numpy as np, convt
    >>> C = convt.conv_matrix((4,), [1, 10, 100])
    >>> C.toarray()
    array([[  1.,  10., 100.,   0.],
           [  0.,   1.,  10., 100.]])
    >>> C @ [1, 2, 3, 4]
    array([321., 432.])
    >>> C.T @ [1, 2]                                 # conv_transpose
    array([  1.,  12., 120., 200.])
    >>> convt.conv_matrix((3, 64, 64), np.ones((8, 3, 4, 4)), stride=2, padding=1).shape
    (8192, 12288)
    """
    arguments = MatrixArguments.accept(
        x_shape, w, stride=stride, padding=padding, dilation=dilation, groups=groups, layout=layout
    )
    rows, columns = prod(arguments.y_shape), prod(arguments.x_shape)
    outputs, inputs = arguments.kernel.shape[:2]
    data, indices, indptr = _allocate(rows, columns, count_meetings(arguments.problem) * outputs * inputs, arguments.dtype)
    write = _write_channels_last if arguments.channels_last else _write_channels_first
    try:
        write(arguments.problem, arguments.kernel, data, indices, indptr)
    except SystemError as error:  # NumPy's ufuncs give no error of their own where they are refused memory
        raise MemoryError("cannot allocate the memory to make the matrix with") from error
    matrix = scipy.sparse.csr_array((data, indices, indptr), shape=(rows, columns))
    matrix.has_canonical_format = True
    return matrix


def _allocate(rows: int, columns: int, count: int, dtype: np.dtype[Any]) -> tuple[Any, Any, Any]:
    """Uninitialized data, indices and indptr."""
    narrow = max(rows, columns, count) <= np.iinfo(np.int32).max
    index = np.dtype(np.int32 if narrow else np.int64)
    size = count * (dtype.itemsize + index.itemsize) + (rows + 1) * index.itemsize
    try:
        if size >= BYTES_LIMIT:
            raise MemoryError
        return np.empty(count, dtype), np.empty(count, index), np.empty(rows + 1, index)
    except MemoryError:
        raise MemoryError(
            f"Unable to allocate a matrix of {rows} x {columns} with {count} elements, {size / 2**30:.3g} GiB; ConvOperator "
            "applies it without storing it"
        ) from None


def _write_channels_first(problem: Problem, w: Array, data: Array, indices: Array, indptr: Array) -> None:
    """Rows are (k, *position), columns (c, *fine). Those of every k are the same, from its group's first channel on."""
    outputs, inputs = w.shape[:2]
    weights = w.reshape(outputs, -1)
    of_group = np.arange(problem.groups).repeat(outputs // problem.groups) * inputs * prod(problem.fine_shape)
    starts = _write_starts(indptr, np.tile(_counts(problem) * inputs, outputs))
    data, indices = data.reshape(outputs, -1), indices.reshape(outputs, -1)
    for block in blocks(problem, inputs):
        columns, taps = expand([every(block.size, inputs, step=1, columns=inputs), *block.levels])
        shifts = np.arange(block.copies) * block.shift
        part = slice(starts[block.first], starts[block.first + block.copies * block.size])
        step = max(1, _CHUNK // max(1, len(taps) * block.copies))
        for k in (slice(first, first + step) for first in range(0, outputs, step)):
            _write_copies(weights[k].take(taps, axis=1), data[k, part])
            _write_shifted(columns, np.add.outer(of_group[k], shifts), indices[k, part])


def _write_channels_last(problem: Problem, w: Array, data: Array, indices: Array, indptr: Array) -> None:
    """Rows are (*position, k), columns (*fine, c). A meeting of a position and a tap makes a run over all c."""
    outputs, inputs = w.shape[:2]
    weights = np.moveaxis(w, 1, -1).reshape(-1, inputs)
    per_group = len(weights) // problem.groups
    starts = _write_starts(indptr, np.repeat(_counts(problem) * inputs, outputs))
    for block in blocks(problem, outputs):
        columns, taps = expand([every(block.size, outputs, step=0, columns=1), *block.levels])
        columns = columns * problem.fine_channels + taps // per_group * inputs
        columns = np.add.outer(columns, np.arange(inputs)).ravel()
        shifts = np.arange(block.copies) * block.shift * problem.fine_channels
        part = slice(starts[block.first * outputs], starts[(block.first + block.copies * block.size) * outputs])
        _write_copies(weights.take(taps, axis=0).reshape(1, -1), data[None, part])
        _write_shifted(columns, shifts[None], indices[None, part])


def _write_copies(templates: Array, out: Array) -> None:
    """Fill each row of out with copies of the same row of templates."""
    rows, length = templates.shape
    if length:
        out.reshape(rows, -1, length)[...] = templates[:, None]


def _write_shifted(template: Array, shifts: Array, out: Array) -> None:
    """Fill each row of out with copies of the template, each with one of the row's shifts added."""
    shifts, template = shifts.astype(out.dtype), template.astype(out.dtype)
    np.add(shifts[..., None], template, out=out.reshape(*shifts.shape, -1))


def _counts(problem: Problem) -> Indices:
    """The number of taps that meet an element of x, for each position of y."""
    counts: Indices = reduce(np.multiply.outer, [level.count for level in spatial_levels(problem)])
    return counts.ravel()


def _write_starts(indptr: Array, counts: Indices) -> Array:
    indptr[0] = 0
    np.cumsum(counts, dtype=indptr.dtype, out=indptr[1:])
    return indptr
