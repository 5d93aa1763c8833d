"""Running a checked call: the last checks that need the output's shape, then the backend's maps on converted views."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import numpy as np

from ..selection import BackendRequest, choose
from .arguments import as_names
from .call import Operator, checked
from .linearity import ComplexMaps
from .operands import accept
from .problem import Problem
from .repeats import again, keep, key_of

__all__ = ["Gradients", "backward", "forward"]

_ARGUMENTS = ("x", "w", "bias")


class Gradients(NamedTuple):
    """The gradients of a call in the shapes of its arguments; None where not needed, or where there is no bias."""

    x: Any
    w: Any
    bias: Any


def forward(
    operator: Operator, options: tuple[Any, ...], x: Any, w: Any, bias: Any, out: Any, backend: BackendRequest
) -> Any:
    """Y = operator(x, w) + bias."""
    key = None if type(x) is np.ndarray or out is not None or backend is not None else key_of(operator, options, x, w, bias)
    if key is not None:
        y = again(key, x, w, bias)
        if y is not None:
            return y
    home, x, w, bias = accept(x, w, bias)
    call = checked(operator, options, x, w, bias)
    problem = call.problem
    chosen = choose(problem, backend, home.owner)
    maps = ComplexMaps(chosen) if call.is_complex else chosen
    y = home.empty(call.y_shape, x, call) if out is None else home.target(out, (x, w, bias), call)
    if problem.batch:
        vector = None if bias is None else home.vector(bias, call)
        compute = getattr(maps, operator.data_map)
        arrays = (home.data(x, call), home.kernel(w, call), vector, call.data_view(y))
        compute(problem, *arrays)
        if key is not None:
            keep(key, chosen, operator.data_map, problem, arrays, y)
    return home.result(y, out, call)


def backward(
    operator: Operator,
    options: tuple[Any, ...],
    x: Any,
    w: Any,
    bias: Any,
    dy: Any,
    needs: Collection[str],
    backend: BackendRequest,
) -> Gradients:
    """The gradients of an operator from that of its output."""
    wanted = as_names("needs", needs, _ARGUMENTS)
    home, x, w, bias, dy = accept(x, w, bias, dy)
    call = checked(operator, options, x, w, bias, dy)
    chosen = choose(call.problem, backend, home.owner)
    maps = ComplexMaps(chosen) if call.is_complex else chosen
    dy = home.data(dy, call)

    def run_x(dx: Any) -> None:
        compute = getattr(maps, operator.gradient)
        compute(call.problem, dy, _conjugate(home.kernel(w, call)), None, call.data_view(dx))

    def run_w(dw: Any) -> None:
        other = _conjugate(home.data(x, call))
        fine, coarse = (dy, other) if operator.data_map == "scatter" else (other, dy)
        maps.correlate(call.problem, fine, coarse, call.kernel_view(dw))

    def run_bias(db: Any) -> None:
        channel_sums = getattr(chosen, "channel_sums", _channel_sums)
        if call.is_complex:
            channel_sums = _channel_sums
        channel_sums(call.problem, dy, db)

    def gradient(argument: str, like: Any, run: Callable[[Any], None]) -> Any:
        if argument not in wanted or like is None:
            return None
        result = home.empty(like.shape, like, call)
        if call.problem.batch:
            run(result)
        else:
            result[...] = 0
        return home.result(result, None, call)

    return Gradients(gradient("x", x, run_x), gradient("w", w, run_w), gradient("bias", bias, run_bias))


def _conjugate(array: Any) -> Any:
    return array.conj() if array.dtype.kind == "c" else array


def _channel_sums(problem: Problem, array: Any, sums: Any) -> None:
    array.sum(axis=(0, *range(2, array.ndim)), out=sums)
