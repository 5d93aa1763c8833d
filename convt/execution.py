"""Running a checked call: the last checks that need the output's shape, then the backend's maps on converted views."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Literal, NamedTuple, TypeAlias

from .backend import Backend
from .linearity import ComplexMaps
from .operands import Operands
from .problem import Problem
from .selection import BackendRequest, choose

__all__ = ["Gradients", "backward", "forward"]

DataMap: TypeAlias = Literal["scatter", "gather"]

_ARGUMENTS = ("x", "w", "bias")


class Gradients(NamedTuple):
    """The gradients of a call in the shapes of its arguments; None where not needed, or where there is no bias."""

    x: Any
    w: Any
    bias: Any


def forward(call: Operands, problem: Problem, data_map: DataMap, out: Any, backend: BackendRequest) -> Any:
    """Y = data_map(x, w) + bias."""
    shape = _shape_after(data_map, problem)
    call.check_bias(shape[1])
    maps = _maps(choose(problem, backend, call.home.owner), call)

    def run(y: Any) -> None:
        getattr(maps, data_map)(problem, call.data(call.x), call.kernel(), call.bias_vector(), call.layout.data_view(y))

    return call.home.compute(call.data_shape(shape), call.x, call, out, run if problem.batch else _nothing)


def backward(
    call: Operands, problem: Problem, data_map: DataMap, needs: Collection[str], backend: BackendRequest
) -> Gradients:
    """The gradients of a call whose data gradient is `data_map` of dy."""
    wanted = _as_needs(needs)
    y_shape = problem.fine_array_shape if data_map == "gather" else problem.coarse_array_shape
    call.check_bias(y_shape[1])
    call.check_dy(call.data_shape(y_shape))
    chosen = choose(problem, backend, call.home.owner)
    maps = _maps(chosen, call)
    dy = call.data(call.dy)

    def run_x(dx: Any) -> None:
        getattr(maps, data_map)(problem, dy, _conjugate(call.kernel()), None, call.layout.data_view(dx))

    def run_w(dw: Any) -> None:
        x = _conjugate(call.data(call.x))
        fine, coarse = (dy, x) if data_map == "gather" else (x, dy)
        maps.correlate(problem, fine, coarse, call.layout.kernel_view(dw))

    def run_bias(db: Any) -> None:
        channel_sums = getattr(chosen, "channel_sums", _channel_sums)
        if call.compute.kind == "c":
            channel_sums = _channel_sums
        channel_sums(problem, dy, db)

    def gradient(argument: str, like: Any, run: Callable[[Any], None]) -> Any:
        if argument not in wanted or like is None:
            return None
        return call.home.compute(like.shape, like, call, None, run if problem.batch else _zeros)

    return Gradients(gradient("x", call.x, run_x), gradient("w", call.w, run_w), gradient("bias", call.bias, run_bias))


def _shape_after(data_map: DataMap, problem: Problem) -> tuple[int, ...]:
    return problem.fine_array_shape if data_map == "scatter" else problem.coarse_array_shape


def _maps(backend: Backend, call: Operands) -> Any:
    return ComplexMaps(backend) if call.compute.kind == "c" else backend


def _as_needs(needs: Any) -> frozenset[str]:
    names = (needs,) if isinstance(needs, str) else needs
    if not isinstance(names, Collection):
        raise TypeError(f"needs must be a collection of names from {_ARGUMENTS}, got {needs!r}")
    if not all(name in _ARGUMENTS for name in names):
        raise ValueError(f"needs must hold names from {_ARGUMENTS}, got {needs!r}")
    return frozenset(names)


def _conjugate(array: Any) -> Any:
    return array.conj() if array.dtype.kind == "c" else array


def _channel_sums(problem: Problem, array: Any, sums: Any) -> None:
    array.sum(axis=(0, *range(2, array.ndim)), out=sums)


def _nothing(result: Any) -> None:
    """An empty batch leaves nothing to compute."""


def _zeros(result: Any) -> None:
    result[...] = 0
