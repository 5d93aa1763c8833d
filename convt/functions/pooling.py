"""Max pooling with indices, its inverse, and the gradients of both.

`max_pool` returns the maxima and their indices; `max_unpool` puts values back to these places. Each index is the flat
position of an element in the spatial axes of its image and channel. Read `convt/numpy_backend/pooling.py` for the definition
in NumPy, `convt/core/windows.py` for the rules about arguments; backends may override it (see `convt.backend.Backend`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

import numpy as np

from ..backend import Backend
from ..core.arrays import INDEX, ArrayT
from ..core.containers import by_library
from ..core.execution import ask
from ..core.indices import outside, require_inside, to_planes, to_tensor
from ..core.memory import Memory, memory_of
from ..core.sampling import compared, copied, run_into, summed
from ..core.windows import Windows, pooled, unpooled
from ..selection import BackendRequest, choose

if TYPE_CHECKING:
    from ..typing import ArrayLike, IndexingName, LayoutName, NumPyLike, PaddingLike, SizesLike

__all__ = ["Pooled", "max_pool", "max_pool_backward", "max_unpool", "max_unpool_backward"]


class Pooled(NamedTuple, Generic[ArrayT]):
    """The maxima and their indices."""

    y: ArrayT
    indices: ArrayT


def max_pool(
    x: ArrayT | NumPyLike,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    *,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    backend: BackendRequest = None,
) -> Pooled[ArrayT]:
    """Find the largest element of each window, and its index.

    Along each spatial axis, the window of element q of y begins at ``q * stride - before``. Of equal elements, the first in
    scan order (the last axis fastest) is taken. A NaN counts as the largest; the first one is taken.

    Parameters
    ----------
    x : array_like, (N, C, H, W), (C, H, W) or (H, W); (W) and (N, C, D, H, W) too
        A size per axis or a layout gives the number r of spatial axes; then x has r axes, r + 1 (with channels) or r + 2
        (with a batch too). Real numbers. An array on a device must have a dtype that its backend computes in: float32,
        float64, on a GPU also float16 or bfloat16.
    size : int or sequence of int
        Size of the windows. Here and below, an int counts for every spatial axis.
    stride : int or sequence of int, optional
        Distance in x between neighbouring windows; by default their size.
    padding : int, sequence of int or of (before, after) pairs, "valid", "same" or "same_lower"
        Number of positions by which windows reach beyond each border of x. These are ignored; there must be fewer than the
        size of the windows, so that each window has an element. The names are those of `conv`.
    indexing : {"spatial", "tensor"}
        Whether indices are positions in the spatial axes of an image and channel, as PyTorch's are, or in all of x in the
        order (N, C, *spatial), as ONNX's are.
    layout : str, optional
        "NCHW" (the default; NCW, NCDHW), "NHWC" or "HWCN".
    backend : str, sequence of str or Backend, optional
        The backend for this call; see `use_backend`. For a backend without pooling, NumPy computes, or the call is refused
        if x lies on its device.

    Returns
    -------
    Pooled
        Named tuple (y, indices), both with spatial sizes ``(x_size + before + after - size) // stride + 1``; y has x's
        dtype, indices are int64.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it. Raised before anything is computed.
    LookupError, BackendUnavailable
        The wanted backend does not exist, or cannot be used.
    MemoryError
        The result cannot be allocated.

    See Also
    --------
    max_unpool, max_pool_backward

    References
    ----------
    .. [1] PyTorch's ``torch.nn.functional.max_pool2d`` and ONNX's operator MaxPool; of several NaNs in a window, PyTorch
           takes the last.

    Examples
    --------
    >>> import numpy as np, convt
    >>> y, indices = convt.max_pool(np.array([[1, 2, 6, 3], [3, 5, 2, 1], [1, 2, 2, 1], [7, 3, 4, 8]]), 2)
    >>> y
    array([[5, 6],
           [7, 8]])
    >>> indices
    array([[ 5,  2],
           [12, 15]])
    """
    if type(x) is not np.ndarray:
        made: Pooled[ArrayT] = by_library(
            "max_pool", x, size=size, stride=stride, padding=padding, indexing=indexing, layout=layout, backend=backend
        )
        if made is not NotImplemented:
            return made
    memory = memory_of(x)
    x = memory.take_in("x", x)
    if x.dtype.kind == "c":
        raise TypeError(f"x must hold real numbers, as complex ones have no order, got {x.dtype}")
    memory.check_type("x", x)
    call = pooled("x", x, compared, (size, stride, padding, indexing, layout, None))
    chosen = choose(call.problem, backend, memory.owner)
    computing = call.backend(chosen)
    indices = memory.empty(call.shape, INDEX, x)

    def run(fine: Any, coarse: Any) -> None:
        ask(computing, computing.max_pool, call.problem, fine, coarse, call.frame.view(indices))

    y = run_into(memory, call, x, None, (), run)
    return Pooled(y, memory.give_back(to_tensor(memory, chosen, call, indices), None, INDEX))


def max_pool_backward(
    dy: ArrayT | NumPyLike,
    indices: ArrayLike,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    *,
    output_size: SizesLike | None = None,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    out: ArrayT | None = None,
    backend: BackendRequest = None,
) -> ArrayT:
    """Compute the gradient of `max_pool` with respect to x from the gradient of y: add each element where the maximum was.

    Elements with the same index, as overlapping windows may have, are added up in scan order.

    Parameters
    ----------
    dy : array_like
        The gradient of a scalar with respect to y, in the shape of y.
    indices : array_like of integers
        The indices that `max_pool` returned, in the shape of dy; on a device they must be int64.
    size, stride, padding, indexing, layout, backend
        As in `max_pool`.
    output_size : int or sequence of int, optional
        The spatial size of x. By default the smallest for which `max_pool` gives y's size, or, with padding "same" or
        "same_lower", ``y_size * stride``.
    out : numpy.ndarray or an array of the first argument's kind, optional
        Array to write the result to, of its shape and dtype. It may overlap the inputs, but not on a device.

    Returns
    -------
    ndarray
        In the shape of x. The dtype is as in `conv_transpose`: integers and bools become float64.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `max_unpool`.

    Examples
    --------
    >>> import convt
    >>> y, indices = convt.max_pool([1.0, 5.0, 2.0, 0.0], 3, 1)
    >>> convt.max_pool_backward([10.0, 20.0], indices, 3, 1)
    array([ 0., 30.,  0.,  0.])
    """
    if type(dy) is not np.ndarray:
        made: ArrayT = by_library(
            "max_pool_backward",
            dy,
            size=size,
            stride=stride,
            padding=padding,
            indexing=indexing,
            layout=layout,
            indices=indices,
            output_size=output_size,
            out=out,
            backend=backend,
        )
        if made is not NotImplemented:
            return made
    memory = memory_of(dy, indices)
    dy = memory.take_in("dy", dy)
    memory.check_type("dy", dy)
    call = unpooled("dy", dy, summed, (size, stride, padding, indexing, layout, output_size))
    result: ArrayT = _at_indices(
        memory, call, dy, indices, ("dy", dy.shape), out, backend, lambda own: own.max_pool_backward
    )
    return result


def max_unpool(
    y: ArrayT | NumPyLike,
    indices: ArrayLike,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    output_size: SizesLike | None = None,
    *,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    out: ArrayT | None = None,
    backend: BackendRequest = None,
) -> ArrayT:
    """Put each element of y where its index says, among zeros.

    If several elements of y have the same index, the last of them in scan order is kept, for any number of threads.

    Parameters
    ----------
    y : array_like
        What `max_pool` returned, or another array of that shape.
    indices : array_like of integers
        The indices that `max_pool` returned, in the shape of y; with ``indexing`` "tensor", positions in the result. Those
        for an array of another size mean other places, and are no error if they lie in the result: if `max_pool` rounded a
        size off, pass it as ``output_size``.
    size, stride, padding, indexing, layout, backend
        As in `max_pool`.
    output_size : int or sequence of int, optional
        The spatial size of the result; must be one for which `max_pool` gives y's size. By default the smallest of these,
        or, with padding "same" or "same_lower", ``y_size * stride``.
    out : numpy.ndarray or an array of the first argument's kind, optional
        Array to write the result to, of its shape and dtype. It may overlap the inputs, but not on a device.

    Returns
    -------
    ndarray
        In y's dtype, with spatial sizes ``(y_size - 1) * stride + size - before - after``, or as ``output_size`` says.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule, or an index lies outside of the result; the message names it. Raised before anything is
        computed.
    LookupError, BackendUnavailable, MemoryError
        As in `max_pool`.

    See Also
    --------
    max_pool, max_unpool_backward

    References
    ----------
    .. [1] M. D. Zeiler, G. W. Taylor and R. Fergus, "Adaptive deconvolutional networks for mid and high level feature
           learning", ICCV 2011.
    .. [2] PyTorch's ``torch.nn.functional.max_unpool2d`` and ONNX's operator MaxUnpool.

    Examples
    --------
    >>> import convt
    >>> convt.max_unpool([[5, 6], [7, 8]], [[5, 2], [12, 15]], 2)
    array([[0, 0, 6, 0],
           [0, 5, 0, 0],
           [0, 0, 0, 0],
           [7, 0, 0, 8]])
    """
    if type(y) is not np.ndarray:
        made: ArrayT = by_library(
            "max_unpool",
            y,
            size=size,
            stride=stride,
            padding=padding,
            indexing=indexing,
            layout=layout,
            indices=indices,
            output_size=output_size,
            out=out,
            backend=backend,
        )
        if made is not NotImplemented:
            return made
    memory = memory_of(y, indices)
    y = memory.take_in("y", y)
    memory.check_type("y", y, moved=True)
    call = unpooled("y", y, copied, (size, stride, padding, indexing, layout, output_size))
    result: ArrayT = _at_indices(memory, call, y, indices, ("y", y.shape), out, backend, lambda own: own.max_unpool)
    return result


def max_unpool_backward(
    dy: ArrayT | NumPyLike,
    indices: ArrayLike,
    size: SizesLike,
    stride: SizesLike | None = None,
    padding: PaddingLike = 0,
    *,
    indexing: IndexingName = "spatial",
    layout: LayoutName | None = None,
    out: ArrayT | None = None,
    backend: BackendRequest = None,
) -> ArrayT:
    """Compute the gradient of `max_unpool` with respect to y from the gradient of its result, by the exact adjoint.

    Each element is taken from where its index says. Of several with the same index, all but the last in scan order are
    zero, as `max_unpool` has overwritten them. (PyTorch gives all of them the gradient.)

    Parameters
    ----------
    dy : array_like
        The gradient of a scalar with respect to `max_unpool`'s result, in its shape.
    indices : array_like of integers
        The indices that `max_unpool` was given.
    size, stride, padding, indexing, layout, backend
        As in `max_pool`, for which the shape of indices must follow from that of dy.
    out : numpy.ndarray or an array of the first argument's kind, optional
        Array to write the result to, of its shape and dtype. It may overlap the inputs, but not on a device.

    Returns
    -------
    ndarray
        In the shape of indices and the dtype of dy.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `max_unpool`.

    Examples
    --------
    >>> import convt
    >>> convt.max_unpool_backward([1, 2, 3, 4], [1, 2], 2)
    array([2, 3])
    """
    if type(dy) is not np.ndarray:
        made: ArrayT = by_library(
            "max_unpool_backward",
            dy,
            size=size,
            stride=stride,
            padding=padding,
            indexing=indexing,
            layout=layout,
            indices=indices,
            out=out,
            backend=backend,
        )
        if made is not NotImplemented:
            return made
    memory = memory_of(dy, indices)
    dy = memory.take_in("dy", dy)
    memory.check_type("dy", dy, moved=True)
    call = pooled("dy", dy, copied, (size, stride, padding, indexing, layout, None))
    like = ("the pooled dy", call.shape)
    result: ArrayT = _at_indices(memory, call, dy, indices, like, out, backend, lambda own: own.max_unpool_backward)
    return result


def _at_indices(
    memory: Memory,
    call: Windows,
    array: Any,
    indices: Any,
    like: tuple[str, tuple[int, ...]],
    out: Any,
    backend: BackendRequest,
    map_of: Callable[[Backend], Callable[..., bool]],
) -> Any:
    """Run a map that takes indices, which must have the shape of an array; `like` is its name and that shape.

    The map itself returns whether all indices are in range. They are read beforehand only if there is an `out` to protect.
    """
    chosen = choose(call.problem, backend, memory.owner)
    computing = call.backend(chosen)
    given = memory.take_in("indices", indices)
    places = to_planes(memory, chosen, call, *like, given)
    sized = like[0] in ("y", "dy")  # not max_unpool_backward, whose dy has the size
    if out is not None:
        require_inside(memory, call, places, given, sized=sized)

    def run(source: Any, target: Any) -> None:
        if not ask(computing, map_of(computing), call.problem, source, places, target):
            raise outside(memory, call, places, given, sized=sized)

    return run_into(memory, call, array, out, (places,), run)
