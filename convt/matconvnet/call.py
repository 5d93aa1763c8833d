"""One call of either function: read the options, accept the arrays, check the sizes, run the core on transposed views.

What differs between the two functions stands in a `Function` each, in `functions.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any

from ..core.problem import Problem
from ..functions.operators import Gradients
from ..selection import BackendRequest, choose
from ..settings import settings
from .geometry import Geometry
from .options import CudnnSettings, Options, read_options
from .tensors import Tensors, as_tensors

__all__ = ["Function", "run"]


@dataclass(frozen=True)
class Function:
    """What makes one of the two functions.

    Attributes
    ----------
    name : str
    options : type
    geometry : callable
        Checks the sizes.
    forward, backward : callable
        The core's operators.
    problem : callable
        The `Problem` that these operators meet, from the shapes, the dtype and the operators' options.
    without_filters : callable or None
        Puts the filters in the place of empty ones that change nothing; None where filters must not be empty.
    cudnn : CudnnSettings
        What a call leaves set for the next one; MatConvNet keeps it for each function separately.
    """

    name: str
    options: type[Options]
    geometry: Callable[[Tensors, Any], Geometry]
    forward: Callable[..., Any]
    backward: Callable[..., Gradients]
    problem: Callable[..., Problem]
    without_filters: Callable[[Tensors, Any], Tensors] | None
    cudnn: CudnnSettings = field(default_factory=CudnnSettings)


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
    """Compute y, or (dzdx, dzdf, dzdb) if dzdy is given; a string in dzdy's place is the first option."""
    if isinstance(dzdy, str):
        positional, dzdy = (dzdy, *positional), None
    options = read_options(function.options, positional, keywords)
    function.cudnn.update(options)
    with function.cudnn.applied(options.verbose):
        return _compute(function, options, as_tensors(x, f, b, dzdy), backend)


def _compute(function: Function, options: Options, given: Tensors, backend: BackendRequest) -> Any:
    """Compute y or the derivatives, once the options have been read."""
    arrays = given if given.f.size or function.without_filters is None else function.without_filters(given, options)
    geometry = function.geometry(arrays, options)
    if options.verbose:
        _report(function, options, given, geometry, _backend_name(function, arrays, geometry, backend))
    memory = arrays.memory
    bias = memory.reshape("b", arrays.b, (arrays.b.size,)) if arrays.b.size else None
    x, f = memory.turn(arrays.x), memory.turn(arrays.f)
    if arrays.dzdy is None:
        y = function.forward(x, f, bias, **geometry.operator_options, backend=backend)
        return memory.result(memory.turn(y))
    gradients = function.backward(
        x,
        f,
        bias,
        memory.turn(arrays.dzdy),
        **geometry.operator_options,
        needs=_needs(options, given),
        backend=backend,
    )
    return _derivatives(gradients, given)


def _needs(options: Options, given: Tensors) -> list[str]:
    wanted = {
        "x": not options.no_der_data,
        "w": not options.no_der_filters and given.f.size > 0,
        "bias": not options.no_der_biases,
    }
    return [argument for argument, needed in wanted.items() if needed]


def _derivatives(gradients: Gradients, given: Tensors) -> tuple[Any, Any, Any]:
    """The core's gradients in MATLAB's shapes."""
    memory = given.memory
    turned = (None if each is None else memory.turn(each) for each in (gradients.x, gradients.w))
    dzdx, dzdf = (given.empty() if each is None else memory.result(each) for each in turned)
    if gradients.bias is None:
        return dzdx, dzdf, given.empty()
    return dzdx, dzdf, memory.result(memory.reshape("dzdb", gradients.bias, given.b.shape))


def _backend_name(function: Function, arrays: Tensors, geometry: Geometry, backend: BackendRequest) -> str:
    """The name of the backend that the core will select."""
    x_shape, f_shape = arrays.x.shape[::-1], arrays.f.shape[::-1]
    problem = function.problem(x_shape, f_shape, arrays.dtype, **geometry.operator_options)
    return choose(problem, backend, arrays.memory.owner).name


def _report(function: Function, options: Options, given: Tensors, geometry: Geometry, backend: str) -> None:
    common = {each.name for each in fields(Options)}
    specific = [f"{each.name} {getattr(options, each.name)}" for each in fields(options) if each.name not in common]
    direction, result = ("forward", "y") if given.dzdy is None else ("backward", "dzdy")
    for line in (
        f"{direction}, {given.class_name}, backend {backend}",
        _cudnn_words(),
        ", ".join(specific),
        f"x {_size(given.x)}, f {_size(given.f)}, b {_size(given.b)}, {result} {_shape_words(geometry.y_shape)}",
    ):
        print(f"{function.name}: {line}")


def _cudnn_words() -> str:
    now = settings()
    limit = "none" if now.workspace_limit == inf else f"{now.workspace_limit / 2**20:g} MB"
    return f"cuDNN {'on' if now.cudnn else 'off'}, workspace limit {limit}"


def _size(array: Any) -> str:
    return _shape_words(array.shape) if array.size else "empty"


def _shape_words(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "1"
