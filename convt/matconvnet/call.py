"""A call of either function: read the options, take in the arrays, check the sizes, run the core on transposed views.

A `Function` each, in `functions.py`, describes how the two differ. What does not depend on the arrays' data is kept for the
next call like it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from math import inf, prod
from typing import Any, NamedTuple

import numpy as np

from ..core.call import Operator
from ..core.call import Outline as ArrayOutline
from ..core.constant import Kept, unwrapped, wrapped
from ..core.execution import Gradients, backward, forward
from ..core.memory import Memory
from ..selection import BackendRequest, choose
from ..settings import settings
from .geometry import Geometry
from .options import CudnnSettings, Options, read_options
from .tensors import CLASSES, Outline, Tensors, described, outlines_of, reshape, take_in

__all__ = ["Function", "run"]


@dataclass(frozen=True, eq=False)
class Function:
    """How one of the two functions differs from the other.

    Attributes
    ----------
    name : str
    options : type
    geometry : callable
        Checks the sizes.
    operator : Operator
        The core's operator.
    without_filters : callable or None
        Replaces empty filters by ones that change nothing; None if filters must not be empty.
    cudnn : CudnnSettings
        The settings that last from call to call, for each function separately.
    """

    name: str
    options: type[Options]
    geometry: Callable[[Tensors, Any], Geometry]
    operator: Operator
    without_filters: Callable[[Tensors, Any], Tensors] | None
    cudnn: CudnnSettings = field(default_factory=CudnnSettings)


class _Checked(NamedTuple):
    """A call that has been checked.

    Attributes
    ----------
    given : Tensors
        The arrays that the caller passed.
    f : tuple of int
        The shape of the filters, or of those that replace empty ones.
    geometry : Geometry
    needs : tuple of str
        The gradients to compute.
    """

    given: Tensors
    f: tuple[int, ...]
    geometry: Geometry
    needs: tuple[str, ...]


def run(
    function: Function,
    x: Any,
    f: Any,
    b: Any,
    dzdy: Any,
    positional: Sequence[Any],
    keywords: Mapping[str, Any],
    backend: BackendRequest,
) -> Any:
    """Return the output, or (dzdx, dzdf, dzdb) if dzdy is given; a string as dzdy is the first of the options."""
    if isinstance(dzdy, str):
        positional, dzdy = (dzdy, *positional), None
    options = read_options(function.options, positional, keywords)
    function.cudnn.update(options)
    f, place = unwrapped(f)
    with function.cudnn.applied(options.verbose):
        memory, arrays = take_in(x, f, b, dzdy, place)
        call = _checked(function, options, memory.types, outlines_of(memory, arrays))
        return _compute(function, options, call, memory, arrays, place, backend)


@lru_cache(maxsize=4096)
def _checked(function: Function, options: Options, types: tuple[str, ...], outlines: tuple[Outline, ...]) -> _Checked:
    given = tensors = described(types, outlines)
    if function.without_filters is not None and not prod(given.f):
        tensors = function.without_filters(given, options)
    wanted = {
        "x": not options.no_der_data,
        "w": not options.no_der_filters and prod(given.f) > 0,
        "bias": not options.no_der_biases,
    }
    needs = tuple(argument for argument, needed in wanted.items() if needed)
    return _Checked(given, tensors.f, function.geometry(tensors, options), needs)


def _compute(
    function: Function,
    options: Options,
    call: _Checked,
    memory: Memory,
    arrays: list[Any],
    place: Kept | None,
    backend: BackendRequest,
) -> Any:
    """Compute the output or the derivatives."""
    given, geometry = call.given, call.geometry
    model = arrays[given.model]
    dtype = model.dtype
    if given.mixed:
        dtype = np.dtype(given.type_name) if memory.owner is None else dtype
        arrays = [_converted(memory, array, dtype, model) for array in arrays]
    x, f, b, *rest = arrays
    if given.f != call.f:
        f, place = memory.empty(call.f, dtype, model), None
        f[...] = 1
    if options.verbose:
        _report(function, options, call, memory, dtype, backend)
    x, f = _turned(reshape(memory, "x", x, given.x)), _turned(reshape(memory, "f", f, call.f))
    if memory.owner is None:
        f = wrapped(f, place)
    bias = reshape(memory, "b", b, (b.size,)) if b.size else None
    if not rest:
        y = forward(function.operator, geometry.operator_options, x, f, bias, None, backend, order="C")
        return memory.give_back(_turned(y), None, y.dtype)
    dzdy = _turned(reshape(memory, "dzdy", rest[0], geometry.y_shape))
    gradients = backward(function.operator, geometry.operator_options, x, f, bias, dzdy, call.needs, backend, order="C")
    return _derivatives(gradients, memory, given.b, dtype, model)


def _derivatives(
    gradients: Gradients, memory: Memory, b_shape: tuple[int, ...], dtype: np.dtype, model: Any
) -> tuple[Any, Any, Any]:
    """Return the core's gradients in MATLAB's shapes, and an empty 0 x 0 array for each that is left out."""
    dzdx, dzdf = (None if each is None else _turned(each) for each in (gradients.x, gradients.w))
    dzdb = None if gradients.bias is None else reshape(memory, "dzdb", gradients.bias, b_shape)
    results = (memory.empty((0, 0), dtype, model) if each is None else each for each in (dzdx, dzdf, dzdb))
    first, second, third = (memory.give_back(each, None, dtype) for each in results)
    return first, second, third


def _converted(memory: Memory, array: Any, dtype: np.dtype, model: Any) -> Any:
    """Return the array in the dtype of the call; on a device, only an empty one may have another."""
    if memory.owner is None or isinstance(array, np.ndarray):
        return array if array.dtype is dtype else array.astype(dtype, copy=False)
    return array if array.size else memory.empty(array.shape, dtype, model)


def _turned(array: Any) -> Any:
    """Reverse the four axes."""
    return array.transpose((3, 2, 1, 0))


def _report(
    function: Function, options: Options, call: _Checked, memory: Memory, dtype: np.dtype, backend: BackendRequest
) -> None:
    given, y_shape = call.given, call.geometry.y_shape
    common = {each.name for each in fields(Options)}
    specific = [f"{each.name} {getattr(options, each.name)}" for each in fields(options) if each.name not in common]
    direction, result = ("forward", "y") if given.dzdy is None else ("backward", "dzdy")
    x, f = ArrayOutline(given.x[::-1], dtype), ArrayOutline(call.f[::-1], dtype)
    problem = function.operator.checked(call.geometry.operator_options, x, f).problem
    for line in (
        f"{direction}, {CLASSES[given.type_name]}, backend {choose(problem, backend, memory.owner).name}",
        _cudnn_words(),
        ", ".join(specific),
        f"x {_size(given.x)}, f {_size(given.f)}, b {_size(given.b)}, {result} {_size(y_shape)}",
    ):
        print(f"{function.name}: {line}")


def _cudnn_words() -> str:
    now = settings()
    limit = "none" if now.workspace_limit == inf else f"{now.workspace_limit / 2**20:g} MB"
    return f"cuDNN {'on' if now.cudnn else 'off'}, workspace limit {limit}"


def _size(shape: tuple[int, ...]) -> str:
    return (" x ".join(map(str, shape)) or "1") if prod(shape) else "empty"
