"""Max pooling with indices, its inverse, and the gradients of both.

`max_pool` tells where each maximum was; `max_unpool` puts values back to such places. Each index is the flat position of an
element among the spatial axes of its image and channel. Read `convt/numpy_backend/pooling.py` for the definition in NumPy,
`convt/core/windows.py` for the rules about arguments; backends may bring faster ones (see `convt.backend.Backend`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, NamedTuple

from ..backend import Backend
from ..core.arrays import INDEX, ArrayT
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
    """The maxima, and where they were."""

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
    """The largest element of each window, and where it is.

    The window of y's element q begins at ``q * stride - before``, per spatial axis. Of equal elements, the first in scan
    order (the last axis fastest) counts; a NaN is larger than everything, and the first one counts.

    Parameters
    ----------
    x : array_like, (N, C, H, W), (C, H, W) or (H, W); (W) and (N, C, D, H, W) too
        With a size per axis or a layout, these tell the number r of spatial axes, and x has r axes, r + 1 (channels) or
        r + 2 (a batch too). Real numbers, never changed. An array on a device is computed by the backend that owns it and
        must be of a type that this one computes with: float32, float64, on a GPU also float16 or bfloat16.
    size : int or sequence of int
        Of the windows, per spatial axis.
    stride : int or sequence of int, optional
        Distance of neighbouring windows in x; by default their size.
    padding : int, sequence of int or of (before, after) pairs, "valid", "same" or "same_lower"
        How far windows reach beyond x's borders, where nothing is; less than their size, so that each has an element. The
        names are those of `conv`.
    indexing : {"spatial", "tensor"}
        Whether indices count the elements of each image's channel, as PyTorch's do, or all of x's, in the order (N, C,
        *spatial), as ONNX's.
    layout : str, optional
        "NCHW" (the default; NCW, NCDHW), "NHWC" or "HWCN".
    backend : str, sequence of str or Backend, optional
        Who computes this call; see `use_backend`. Backends that have no pooling leave it to NumPy, except for data on
        their devices.

    Returns
    -------
    Pooled
        Named tuple (y, indices), both with spatial sizes ``(x_size + before + after - size) // stride + 1``; y of x's
        type, indices of int64.

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
    .. [1] PyTorch's ``torch.nn.functional.max_pool2d`` and ONNX's operator MaxPool; where several elements of a window are
           NaN, PyTorch tells the last.

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
    """The gradient of `max_pool`'s argument from that of its y: each element is added where the maximum was.

    Elements with the same index, as windows that overlap have, are added up in scan order.

    Parameters
    ----------
    dy : array_like
        The gradient of a number with regard to y, of y's shape. Never changed.
    indices : array_like of integers
        Those that `max_pool` returned, of dy's shape; on a device of int64, as all indices there.
    size, stride, padding, indexing, layout, backend
        As in `max_pool`.
    output_size : int or sequence of int, optional
        The spatial size of x. By default the smallest that gives y's; with padding by name ``y_size * stride``.
    out : numpy.ndarray or an array of the first argument's kind, optional
        Where to write the result; of its shape and type. It may overlap the inputs, but not on a device.

    Returns
    -------
    ndarray
        Of x's shape. Sums are made as by the operators: float32 and float64 in their own type, float16 through float32,
        integers and bools as float64, complex numbers as pairs.

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

    Where several elements of y have the same index, the last of them in scan order stays, for any number of threads.

    Parameters
    ----------
    y : array_like
        What `max_pool` returned, or anything of that shape. Never changed.
    indices : array_like of integers
        Those that `max_pool` returned, of y's shape; with `indexing` "tensor" they count the elements of the result.
        Any positions in the result are accepted, so those of an array of another size mean other places without an error:
        where `max_pool` rounded a size off, pass it as `output_size`.
    size, stride, padding, indexing, layout, backend
        As in `max_pool`.
    output_size : int or sequence of int, optional
        The spatial size of the result, instead of the smallest that `max_pool` takes to y's; must be one of those. With
        padding by name, ``y_size * stride`` by default.
    out : numpy.ndarray or an array of the first argument's kind, optional
        Where to write the result; of its shape and type. It may overlap the inputs, but not on a device.

    Returns
    -------
    ndarray
        Of y's type, with spatial sizes ``(y_size - 1) * stride + size - before - after`` or `output_size`.

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
    """The gradient of `max_unpool`'s y from that of its result: the exact adjoint of the map.

    Each element is taken from where its index says; where several have the same index, all but the last in scan order are
    zero, as `max_unpool` has overwritten them. (PyTorch gives all of them the gradient.)

    Parameters
    ----------
    dy : array_like
        The gradient of a number with regard to `max_unpool`'s result, of its shape. Never changed.
    indices : array_like of integers
        Those that `max_unpool` was given.
    size, stride, padding, indexing, layout, backend
        As in `max_pool`, which must take dy's shape to that of indices.
    out : numpy.ndarray or an array of the first argument's kind, optional
        Where to write the result; of its shape and type. It may overlap the inputs, but not on a device.

    Returns
    -------
    ndarray
        Of the shape of indices and the type of dy.

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
    """Run a map that reads or writes where indices say; `like` names the array that they go with, and its shape.

    What the map returns tells whether an index lies outside; only for the caller's `out`, they are read beforehand.
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
