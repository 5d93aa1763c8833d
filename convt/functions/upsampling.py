"""Upsampling by whole numbers: nearest neighbours, (bi, tri)linear interpolation, and the bed of nails.

All three are linear maps from a coarse to a fine array of ``scale`` times its size, channel by channel; `upsample` applies
one, `upsample_backward` its exact adjoint. Read `convt/numpy_backend/upsampling.py` for the definition,
`convt/core/layout.py` for which axes are spatial; backends may override it (see `convt.backend.Backend`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.arguments import as_flag, as_sizes, per_axis
from ..core.call import Remembered
from ..core.containers import by_library
from ..core.execution import ask
from ..core.layout import Frame, as_layout_name, frame_of
from ..core.memory import memory_of
from ..core.problem import Problem, check_elements, conv_transpose_problem
from ..core.sampling import Dtypes, SamplingCall, copied, run_into, summed
from ..hints import did_you_mean
from ..selection import BackendRequest, choose

if TYPE_CHECKING:
    from ..typing import ArrayT, LayoutName, ModeName, NumPyLike, SizesLike

__all__ = ["UPSAMPLE", "UPSAMPLE_BACKWARD", "upsample", "upsample_backward"]

_MODES: dict[str, tuple[str, int | None]] = {  # the backends' name for it, and the number of spatial axes if it implies one
    "nearest": ("nearest", None),
    "bilinear": ("bilinear", None),
    "linear": ("bilinear", 1),
    "trilinear": ("bilinear", 3),
    "bed_of_nails": ("bed_of_nails", None),
}


def upsample(
    x: ArrayT | NumPyLike,
    scale: SizesLike,
    *,
    mode: ModeName = "nearest",
    align_corners: bool = False,
    layout: LayoutName | None = None,
    out: ArrayT | None = None,
    backend: BackendRequest = None,
) -> ArrayT:
    """Enlarge an array by a whole number along each spatial axis.

    Along each spatial axis, element j of y is

    ================  ==============================================================================================
    nearest           ``x[j // scale]``: every element is repeated
    bed_of_nails      ``x[j // scale]`` if scale divides j, else 0: every element in the first corner of its block
    bilinear          ``(1 - t) * x[i] + t * x[i + 1]``, where ``i + t`` is the position in x that j has with half-pixel
                      centres, ``(j + 0.5) / scale - 0.5`` clipped to x's range, or with aligned corners,
                      ``j * (n - 1) / (n * scale - 1)`` for n elements
    ================  ==============================================================================================

    Parameters
    ----------
    x : array_like, (N, C, H, W), (C, H, W) or (H, W); (W) and (N, C, D, H, W) too
        A scale per axis, a layout, or the mode "linear" or "trilinear" gives the number r of spatial axes; then x has r
        axes, r + 1 (with channels) or r + 2 (with a batch too). An array on a device must have a dtype that its backend
        computes in (float32, float64, on a GPU also float16 or bfloat16), or, for "nearest" and "bed_of_nails", any of 4 or
        8 bytes.
    scale : int or sequence of int
        Number of elements of y per element of x, at least 1.
    mode : {"nearest", "bilinear", "bed_of_nails", "linear", "trilinear"}
        "bilinear" interpolates linearly along all spatial axes, however many; "linear" and "trilinear" are the same for 1
        and 3, as PyTorch calls them.
    align_corners : bool
        For interpolation: whether to align the centres of the outermost elements of x and y, instead of their outer edges.
    layout : str, optional
        "NCHW" (the default; NCW, NCDHW), "NHWC" or "HWCN".
    out : numpy.ndarray or an array of the first argument's kind, optional
        Array to write y to, of y's shape and dtype, on a device if x is. It may overlap x, but not on a device.
    backend : str, sequence of str or Backend, optional
        The backend for this call; see `use_backend`. For a backend without upsampling, NumPy computes, or the call is
        refused if x lies on its device.

    Returns
    -------
    ndarray
        In x's shape, each spatial size times its scale; in Fortran order if x is, else in C order. "nearest" and
        "bed_of_nails" keep x's dtype; "bilinear" gives a dtype as `conv_transpose` does: integers and bools become float64.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it. Raised before anything is computed.
    LookupError, BackendUnavailable
        The requested backend does not exist, or cannot be used.
    MemoryError
        The result cannot be allocated.

    See Also
    --------
    upsample_backward
    filters.bilinear : the filter with which `conv_transpose` does the same in the interior

    Notes
    -----
    Each mode is a transposed convolution with one filter for every channel and ``stride=scale``: "nearest" has the filter
    of scale x scale ones, "bed_of_nails" that of a single 1 in its corner, "bilinear", away from the border, the product
    of two triangles. A NaN or infinite element reaches only those outputs in which it has a weight other than 0.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    .. [2] PyTorch's ``torch.nn.functional.interpolate``, which gives the same values.

    Examples
    --------
    >>> import convt
    >>> convt.upsample([[1, 2], [3, 4]], 2)
    array([[1, 1, 2, 2],
           [1, 1, 2, 2],
           [3, 3, 4, 4],
           [3, 3, 4, 4]])
    >>> convt.upsample([[10, 20], [30, 40]], 2, mode="bilinear")
    array([[10. , 12.5, 17.5, 20. ],
           [15. , 17.5, 22.5, 25. ],
           [25. , 27.5, 32.5, 35. ],
           [30. , 32.5, 37.5, 40. ]])
    >>> convt.upsample([1, 2, 3], 3, mode="bed_of_nails")
    array([1, 0, 0, 2, 0, 0, 3, 0, 0])
    """
    if type(x) is not np.ndarray:
        made: ArrayT = by_library(
            "upsample", x, scale=scale, mode=mode, align_corners=align_corners, layout=layout, out=out, backend=backend
        )
        if made is not NotImplemented:
            return made
    memory = memory_of(x)
    x = memory.take_in("x", x)
    options = scale, mode, layout
    call = UPSAMPLE.find(options)(options, x.shape, x.dtype, as_flag("align_corners", align_corners))
    memory.check_type("x", x, moved=call.mode != "bilinear")
    computing = call.backend(choose(call.problem, backend, memory.owner))

    def run(coarse: Any, fine: Any) -> None:
        ask(computing, computing.upsample, call.problem, call.mode, call.align_corners, coarse, fine)

    y: ArrayT = run_into(memory, call, x, out, (), run)
    return y


def upsample_backward(
    dy: ArrayT | NumPyLike,
    scale: SizesLike,
    *,
    mode: ModeName = "nearest",
    align_corners: bool = False,
    layout: LayoutName | None = None,
    out: ArrayT | None = None,
    backend: BackendRequest = None,
) -> ArrayT:
    """Compute the gradient of `upsample` with respect to x from the gradient of its result, by the exact adjoint.

    Parameters
    ----------
    dy : array_like
        The gradient of a scalar with respect to y, in the shape of y: each spatial size is a multiple of its scale.
    scale, mode, align_corners, layout, backend
        As in `upsample`.
    out : numpy.ndarray or an array of the first argument's kind, optional
        Array to write the result to, of its shape and dtype. It may overlap dy, but not on a device.

    Returns
    -------
    ndarray
        In dy's shape, each spatial size divided by its scale. The dtype is as in `conv_transpose`: integers and bools become
        float64.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `upsample`.

    Examples
    --------
    >>> import numpy as np, convt
    >>> convt.upsample_backward(np.arange(16).reshape(4, 4), 2)
    array([[10., 18.],
           [42., 50.]])
    >>> convt.upsample_backward([0, 1, 0, 0], 2, mode="linear")
    array([0.75, 0.25])
    """
    if type(dy) is not np.ndarray:
        made: ArrayT = by_library(
            "upsample_backward",
            dy,
            scale=scale,
            mode=mode,
            align_corners=align_corners,
            layout=layout,
            out=out,
            backend=backend,
        )
        if made is not NotImplemented:
            return made
    memory = memory_of(dy)
    dy = memory.take_in("dy", dy)
    options = scale, mode, layout
    call = UPSAMPLE_BACKWARD.find(options)(options, dy.shape, dy.dtype, as_flag("align_corners", align_corners))
    memory.check_type("dy", dy)
    computing = call.backend(choose(call.problem, backend, memory.owner))

    def run(fine: Any, coarse: Any) -> None:
        ask(computing, computing.upsample_backward, call.problem, call.mode, call.align_corners, fine, coarse)

    dx: ArrayT = run_into(memory, call, dy, out, (), run)
    return dx


@dataclass(eq=False, slots=True)
class _Upsampling(SamplingCall):
    """A call of either function; its problem is a transposed convolution with kernel and stride of ``scale``."""

    mode: str
    align_corners: bool


def _frozen(scale: Any, mode: Any, layout: Any) -> tuple[Any, ...]:
    if not isinstance(mode, str) or mode not in _MODES:
        names = ", ".join(map(repr, _MODES))
        raise ValueError(f"mode must be one of {names}, got {mode!r}{did_you_mean(mode, _MODES)}")
    return as_sizes("scale", scale), mode, as_layout_name(layout)


def _upsampling(options: tuple[Any, ...], shape: tuple[int, ...], dtype: np.dtype, align_corners: bool) -> _Upsampling:
    frame, scale, mode = _spread("x", len(shape), options, align_corners)
    images, channels, coarse = frame.split("x", shape)
    check_elements(images, channels, (size * step for size, step in zip(coarse, scale, strict=True)), scale=scale)
    dtypes = summed(dtype) if mode == "bilinear" else copied(dtype)
    problem = _problem(images, channels, coarse, scale, dtypes)
    return _Upsampling(problem, frame, frame.shape(problem.fine_array_shape), *dtypes, mode, align_corners)


def _downsampling(options: tuple[Any, ...], shape: tuple[int, ...], dtype: np.dtype, align_corners: bool) -> _Upsampling:
    frame, scale, mode = _spread("dy", len(shape), options, align_corners)
    images, channels, fine = frame.split("dy", shape)
    if any(size % step for size, step in zip(fine, scale, strict=True)):
        raise ValueError(f"dy must have spatial sizes that are multiples of scale {scale}, got {fine}")
    coarse = tuple(size // step for size, step in zip(fine, scale, strict=True))
    dtypes = summed(dtype)
    problem = _problem(images, channels, coarse, scale, dtypes)
    return _Upsampling(problem, frame, frame.shape(problem.coarse_array_shape), *dtypes, mode, align_corners)


def _spread(name: str, rank: int, options: tuple[Any, ...], align_corners: bool) -> tuple[Frame, tuple[int, ...], str]:
    """Return the frame of an array, the scale per spatial axis, and the backends' name of the mode."""
    sizes, mode, layout = options
    general, axes = _MODES[mode]
    if align_corners and general != "bilinear":
        raise ValueError(f"align_corners must be False for mode={mode!r}, which does not interpolate, got True")
    frame = frame_of(name, rank, layout, "scale", sizes, axes)
    return frame, per_axis("scale", sizes, frame.axes, least=1), general


def _problem(images: int, channels: int, coarse: tuple[int, ...], scale: tuple[int, ...], dtypes: Dtypes) -> Problem:
    shapes = (images, channels, *coarse), (channels, 1, *scale)
    return conv_transpose_problem(*shapes, stride=scale, groups=channels, dtype=dtypes.problem)


UPSAMPLE = Remembered(_frozen, _upsampling)
UPSAMPLE_BACKWARD = Remembered(_frozen, _downsampling)
