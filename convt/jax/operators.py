"""The two functions of `convt.jax`: checks by convt's rules when a program is traced, then one of the maps.

Everything that is not a map is JAX's own, and so are its derivatives: the order of axes, the bias, complex numbers by their
parts, the conversion of dtypes.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..core.arguments import are_keys
from ..core.arrays import as_array, check_dtype, native
from ..core.call import CONV, CONV_TRANSPOSE, Operator, Outline
from ..core.containers import container_of
from ..core.layout import Frame
from ..core.problem import Problem
from ..selection import BackendRequest, block_request, choose, named
from ..settings import changed_settings
from . import primitives
from .work import Choices

if TYPE_CHECKING:
    from ..typing import ArrayLike, LayoutName, PaddingLike, SizesLike

__all__ = ["conv", "conv_transpose"]

_NAMES = {
    CONV_TRANSPOSE: ("layout", "stride", "padding", "output_padding", "output_size", "dilation", "groups"),
    CONV: ("layout", "stride", "padding", "dilation", "groups"),
}


class _Program(NamedTuple):
    """All that is known when a call is traced."""

    data_map: str
    problem: Problem
    frame: Frame
    shape: tuple[int, ...]
    dtype: np.dtype
    choices: Choices


def conv_transpose(
    x: ArrayLike,
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
    backend: BackendRequest = None,
) -> jax.Array:
    """Compute `convt.conv_transpose` within JAX's transformations.

    Parameters
    ----------
    x : array_like, (N, C, *spatial) or (C, *spatial)
        An array of JAX or NumPy, or a tracer in the place of one.
    w : array_like, (C, K // groups, *kernel)
    bias : array_like, (K,), optional
    stride, padding, output_padding, output_size, dilation, groups, layout
        As in `convt.conv_transpose`; none may be traced.
    backend : str or sequence of str, optional
        As in `convt.conv_transpose`.

    Returns
    -------
    jax.Array, (N, K, *size) or (K, *size)
        In the dtype that JAX promotes the arrays' to. float16 and bfloat16 are computed in float32.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable
        As in `convt.conv_transpose`, when the program is traced, and when it is compiled for a GPU.

    Notes
    -----
    A program runs in threads of XLA's, whenever XLA sees fit. What ``with convt.use_backend(...)`` and ``with
    convt.options(...)`` say therefore counts when the program is traced. `convt.set_backend` and environment variables count
    when it runs.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, convt.jax
    >>> x, w = jnp.array([[[1.0, 2.0]]]), jnp.array([[[1.0, 10.0, 100.0]]])
    >>> convt.jax.conv_transpose(x, w, stride=2)
    Array([[[  1.,  10., 102.,  20., 200.]]], dtype=float32)
    >>> jax.grad(lambda w: convt.jax.conv_transpose(x, w, stride=2).sum())(w)
    Array([[[3., 3., 3.]]], dtype=float32)
    """
    options = (layout, stride, padding, output_padding, output_size, dilation, groups)
    return _call(CONV_TRANSPOSE, options, x, w, bias, backend)


def conv(
    x: ArrayLike,
    w: ArrayLike,
    bias: ArrayLike | None = None,
    *,
    stride: SizesLike = 1,
    padding: PaddingLike = 0,
    dilation: SizesLike = 1,
    groups: int = 1,
    layout: LayoutName | None = None,
    backend: BackendRequest = None,
) -> jax.Array:
    """Compute `convt.conv` within JAX's transformations.

    Parameters
    ----------
    x : array_like, (N, C, *spatial) or (C, *spatial)
    w : array_like, (K, C // groups, *kernel)
    bias, stride, padding, dilation, groups, layout, backend
        As in `conv_transpose`.

    Returns
    -------
    jax.Array, (N, K, *size) or (K, *size)
        As in `conv_transpose`.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable
        As in `conv_transpose`.

    Examples
    --------
    >>> import jax.numpy as jnp, convt.jax
    >>> convt.jax.conv(jnp.array([[[1.0, 2.0, 3.0, 4.0, 5.0]]]), jnp.array([[[1.0, 10.0, 100.0]]]), stride=2)
    Array([[[321., 543.]]], dtype=float32)
    """
    return _call(CONV, (layout, stride, padding, dilation, groups), x, w, bias, backend)


def _call(operator: Operator, options: tuple[Any, ...], x: Any, w: Any, bias: Any, backend: BackendRequest) -> jax.Array:
    x, w, bias = _taken("x", x), _taken("w", w), None if bias is None else _taken("bias", bias)
    if not are_keys(options):
        for name, value in zip(_NAMES[operator], options, strict=True):
            _check_known(name, value)
    dtype = _promoted(x, w) if bias is None else _promoted(x, w, bias)
    outlines = (Outline(x.shape, dtype), Outline(w.shape, dtype), None if bias is None else Outline(bias.shape, dtype))
    call = operator.checked(options, *outlines)
    choices = Choices(call.frame.layout.name, _request(backend), changed_settings())
    choose(call.problem, choices.backend)
    program = _Program(operator.data_map, call.problem, call.frame, call.shape, dtype, choices)
    y: jax.Array = _run(x, w, bias, program=program)
    return y


def _taken(name: str, value: Any) -> Any:
    """Return an argument as an array of JAX of a dtype that can be computed with."""
    if not isinstance(value, jax.Array):
        if type(value) is not np.ndarray and (other := container_of(value)) is not None:
            raise TypeError(f"{name} must be an array of JAX or NumPy, got a {type(value).__name__} of {other.name}")
        array = as_array(name, value)
        value = jnp.asarray(array.astype(native(array.dtype), copy=False))
    if not isinstance(value.dtype, np.dtype):
        raise TypeError(f"{name}.dtype must be one of numbers, got {value.dtype}")
    check_dtype(name, value.dtype)
    if not all(type(size) is int for size in value.shape):
        raise TypeError(f"{name}.shape must be known when a program is traced, got {value.shape}")
    return value


def _check_known(name: str, value: Any) -> None:
    """Raise for an option that has no value while a program is traced."""
    if isinstance(value, jax.core.Tracer):
        raise TypeError(
            f"{name} must be known when a program is traced, got a {type(value).__name__} (name it in jax.jit's "
            "static_argnames)"
        )
    if isinstance(value, list | tuple):
        for entry in value:
            _check_known(name, entry)


def _promoted(*arrays: Any) -> np.dtype:
    """Return the dtype that JAX promotes to; its default float for integers and bools."""
    first: np.dtype = arrays[0].dtype
    dtype: np.dtype = first if all(array.dtype == first for array in arrays) else jnp.result_type(*arrays)
    return jnp.result_type(dtype, 0.0) if dtype.kind in "iub" else dtype


def _request(backend: BackendRequest) -> tuple[str, ...] | None:
    """Return the names of what the argument or a block requests; a program, which may be kept, cannot hold an object."""
    request = block_request() if backend is None else named(backend)
    if request is None or isinstance(request, tuple):
        return request
    raise TypeError(f"backend must be a name or a sequence of names within JAX, got {request!r}")


@partial(jax.jit, static_argnames="program", inline=True)
def _run(x: Any, w: Any, bias: Any, *, program: _Program) -> Any:
    """Return the result of a call in the caller's order of axes."""
    frame, layout = program.frame, program.frame.layout
    y = _product(frame.view(x), frame.kernel_view(w), program, keep=bias is None)
    if bias is not None:
        summed = program.dtype if program.dtype.kind == "c" else program.problem.dtype
        y = (y + bias.astype(summed).reshape(-1, *[1] * frame.axes)).astype(program.dtype)
    return y if frame.in_order else y.transpose(layout.data_back).reshape(program.shape)


def _product(x: Any, w: Any, program: _Program, *, keep: bool) -> Any:
    """Return the map of x and w by their parts, in the dtype of the result if `keep`, else in that of the computation."""
    parts = [[array.real, array.imag] if array.dtype.kind == "c" else [array] for array in (x, w)]
    products = [_map(left, right, program, keep=keep) for left in parts[0] for right in parts[1]]
    if len(products) == 1:
        return products[0]
    if len(products) == 4:
        real, first, second, minus = products
        products = [real - minus, first + second]
    return jax.lax.complex(*products)


def _map(x: Any, w: Any, program: _Program, *, keep: bool) -> Any:
    """Return the map of real x and w."""
    problem, kept = program.problem, keep and program.dtype.kind != "c"
    map_ = primitives.scatter if program.data_map == "scatter" else primitives.gather
    return map_(x, w, problem=problem, choices=program.choices, dtype=program.dtype if kept else problem.dtype)
