"""Upsampling by whole numbers: nearest neighbours, (bi, tri)linear interpolation, and the bed of nails.

All three are linear maps from a coarse to a fine array of ``scale`` times its size, channel by channel; `upsample` applies
one, `upsample_backward` its exact adjoint. Read `convt/numpy_backend/upsampling.py` for the definition,
`spatial.py` for the arrays that are accepted; backends may bring faster ones (see `convt.backend.Backend`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..core.arguments import are_keys, as_flag, as_sizes, per_axis
from ..core.arrays import compute_type, part_type, result_type
from ..core.homes import home_of
from ..core.problem import Problem, conv_transpose_problem
from ..core.spatial import (
    CARRIERS,
    CHANNELS_FIRST,
    Frame,
    as_layout_name,
    as_view,
    check_elements,
    frame_of,
    nothing,
    parts,
)
from ..selection import BackendRequest

__all__ = ["upsample", "upsample_backward"]

_MODES: dict[str, tuple[str, int | None]] = {  # what backends call it, and the spatial axes that the word tells
    "nearest": ("nearest", None),
    "bilinear": ("bilinear", None),
    "linear": ("bilinear", 1),
    "trilinear": ("bilinear", 3),
    "bed_of_nails": ("bed_of_nails", None),
}


def upsample(
    x: Any,
    scale: Any,
    *,
    mode: str = "nearest",
    align_corners: bool = False,
    layout: str | None = None,
    out: Any = None,
    backend: BackendRequest = None,
) -> Any:
    """Enlarge an array by a whole number along each spatial axis.

    Per spatial axis, y's element j is made of x's elements by

    ================  ==============================================================================================
    nearest           ``x[j // scale]``: every element is repeated
    bed_of_nails      ``x[j // scale]`` if scale divides j, else 0: every element in the first corner of its block
    bilinear          ``(1 - t) * x[i] + t * x[i + 1]`` where ``i + t`` is the place of j among x's elements, with
                      half-pixel centres ``(j + 0.5) / scale - 0.5``, but not outside of x, and with aligned corners
                      ``j * (n - 1) / (n * scale - 1)`` for n elements
    ================  ==============================================================================================

    Parameters
    ----------
    x : array_like, (N, C, H, W), (C, H, W) or (H, W); (W) and (N, C, D, H, W) too
        With a scale per axis, with a layout, or with the modes "linear" and "trilinear", these tell the number r of
        spatial axes, and x has r axes, r + 1 (channels) or r + 2 (a batch too). Never changed. An array on a device is
        computed by the backend that owns it and must be of a type that this one computes with (float32, float64, on a GPU
        also float16 or bfloat16), or of any type of 4 or 8 bytes where values are only moved.
    scale : int or sequence of int
        Fine elements per coarse element, at least 1.
    mode : {"nearest", "bilinear", "bed_of_nails", "linear", "trilinear"}
        "bilinear" interpolates linearly along all spatial axes, however many; "linear" and "trilinear" are the same for 1
        and 3, as PyTorch calls them.
    align_corners : bool
        For interpolation: whether x's and y's outermost elements lie upon each other (their centres), instead of their
        outer edges.
    layout : str, optional
        "NCHW" (the default; NCW, NCDHW), "NHWC" or "HWCN".
    out : numpy.ndarray, optional
        Where to write y; of y's shape and type. It may overlap x. On a device, it lies there and must not.
    backend : str, sequence of str or Backend, optional
        Who computes this call; see `use_backend`. Backends that have no upsampling leave it to NumPy, except for data on
        their devices.

    Returns
    -------
    ndarray
        x's shape, each spatial size times its scale; in Fortran order if x is, else in C order. "nearest" and
        "bed_of_nails" keep x's type, whatever numbers it holds; interpolation computes float32 and float64 in their own
        type, float16 through float32, integers and bools as float64, complex numbers as pairs.

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
    upsample_backward
    filters.bilinear : the filter with which `conv_transpose` does the same in the interior

    Notes
    -----
    Each mode is a transposed convolution with one filter for every channel and ``stride=scale``: "nearest" has the filter
    of scale x scale ones, "bed_of_nails" that of a single 1 in its corner, "bilinear", away from the border, the product
    of two triangles. An element that is NaN or infinite reaches only those outputs that have a part of it.

    References
    ----------
    .. [1] V. Dumoulin and F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    .. [2] PyTorch's ``torch.nn.functional.interpolate``, whose numbers these are.

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
    home = home_of(x)
    x = home.accept("x", x)
    call = _accepted(False, x, scale, mode, align_corners, layout)
    home.check_type("x", x, moved=call.mode != "bilinear")
    chosen = home.choose(call.problem, backend, "upsample")

    def write(y: Any) -> None:
        source = as_view(home.convert(x, call.compute), call.carrier)
        for part, fine in zip(parts(source), parts(as_view(y, call.carrier)), strict=True):
            run = home.member(chosen, "upsample", "upsampling", fits=part.dtype == call.problem.dtype)
            run(call.problem, call.mode, call.align_corners, call.frame.view(part), call.frame.view(fine))

    return home.run_into(call.shape, call.result, call.compute, x, out, (x,), write if call.problem.batch else nothing)


def upsample_backward(
    dy: Any,
    scale: Any,
    *,
    mode: str = "nearest",
    align_corners: bool = False,
    layout: str | None = None,
    out: Any = None,
    backend: BackendRequest = None,
) -> Any:
    """The gradient of `upsample`'s argument from that of its result: the exact adjoint of the map.

    Parameters
    ----------
    dy : array_like
        The gradient of a number with regard to y, of y's shape: each spatial size a multiple of its scale. Never changed.
    scale, mode, align_corners, layout, backend
        As in `upsample`.
    out : numpy.ndarray, optional
        Where to write the result; of its shape and type. It may overlap dy, but not on a device.

    Returns
    -------
    ndarray
        dy's shape, each spatial size divided by its scale. Sums are made as by the operators: float32 and float64 in their
        own type, float16 through float32, integers and bools as float64, complex numbers as pairs.

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
    home = home_of(dy)
    dy = home.accept("dy", dy)
    call = _accepted(True, dy, scale, mode, align_corners, layout)
    home.check_type("dy", dy)
    chosen = home.choose(call.problem, backend, "upsample_backward")

    def write(dx: Any) -> None:
        run = home.member(chosen, "upsample_backward", "upsampling")
        for part, gradient in zip(parts(home.convert(dy, call.compute)), parts(dx), strict=True):
            run(call.problem, call.mode, call.align_corners, call.frame.view(part), call.frame.view(gradient))

    return home.run_into(call.shape, call.result, call.compute, dy, out, (dy,), write if call.problem.batch else nothing)


class _Call(NamedTuple):
    """All that is decided before data is seen.

    The problem has the same sizes as a transposed convolution: windows of ``scale``, side by side, each channel on its own.
    """

    frame: Frame
    problem: Problem
    mode: str
    align_corners: bool
    shape: tuple[int, ...]
    result: np.dtype
    compute: np.dtype
    carrier: np.dtype


def _accepted(backward: bool, array: Any, scale: Any, mode: Any, align_corners: Any, layout: Any) -> _Call:
    options = (scale, mode, align_corners, layout)
    if type(align_corners) is not bool or not are_keys((scale, mode, layout)):
        options = _frozen(*options)
    return _checked(backward, array.shape, array.dtype, *options)


def _frozen(scale: Any, mode: Any, align_corners: Any, layout: Any) -> tuple[Any, ...]:
    if not isinstance(mode, str) or mode not in _MODES:
        raise ValueError(f"mode must be one of {', '.join(map(repr, _MODES))}, got {mode!r}")
    return as_sizes("scale", scale), mode, as_flag("align_corners", align_corners), as_layout_name(layout)


@lru_cache(maxsize=4096)
def _checked(backward: bool, shape: tuple[int, ...], dtype: np.dtype, *options: Any) -> _Call:
    sizes, mode, align_corners, layout = _frozen(*options)
    general, axes = _MODES[mode]
    if align_corners and general != "bilinear":
        raise ValueError(f"align_corners must be False for mode={mode!r}, which does not interpolate, got True")
    name = "dy" if backward else "x"
    frame = frame_of(name, len(shape), layout, "scale", sizes, axes)
    scale = per_axis("scale", sizes, frame.axes, least=1)
    images, channels, spatial = frame.split(name, shape)
    if backward:
        if any(size % step for size, step in zip(spatial, scale, strict=True)):
            raise ValueError(f"dy must have spatial sizes that are multiples of scale {scale}, got {spatial}")
        spatial = tuple(size // step for size, step in zip(spatial, scale, strict=True))
    else:
        check_elements(images, channels, (size * step for size, step in zip(spatial, scale, strict=True)), scale=scale)
    moved = general != "bilinear" and not backward
    result = dtype if moved else result_type([dtype])
    compute = dtype if moved else compute_type(result)
    carrier = CARRIERS.get(dtype.itemsize, dtype) if moved else compute
    part = part_type(carrier)
    problem = conv_transpose_problem(
        (images, channels, *spatial),
        (channels, 1, *scale),
        CHANNELS_FIRST[frame.axes],
        scale,
        0,
        0,
        None,
        1,
        channels,
        part if part in CARRIERS.values() else CARRIERS[8],
    )
    seen = frame.shape(images, channels, spatial if backward else problem.fine_shape)
    return _Call(frame, problem, general, align_corners, seen, result, compute, carrier)
