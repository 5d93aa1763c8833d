"""The steps of an operator's call: take in the arrays, check, select a backend, run it, return the result.

`forward` computes the output of an operator, `backward` its gradients; `sampling.py` has the same steps for upsampling and
pooling.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Generic, NamedTuple

import numpy as np

from ..backend import Backend, BackendUnavailable
from ..selection import BackendRequest, choose
from .arguments import as_names
from .arrays import ArrayT
from .call import Operator, OperatorCall
from .constant import Kept, unwrapped, with_place, wrapped
from .containers import caller_of
from .linearity import ComplexMaps
from .memory import Memory, Order, take_in
from .problem import Problem
from .repeats import again, keep, key_of

__all__ = ["Gradients", "ask", "backward", "forward"]

_ARGUMENTS = ("x", "w", "bias")


class Gradients(NamedTuple, Generic[ArrayT]):
    """The gradients of a call, in the shapes of its arguments; None if not needed, or if there is no bias."""

    x: ArrayT | Any  # Any instead of None: a user who asked for a gradient need not rule out None for the type checker
    w: ArrayT | Any
    bias: ArrayT | Any


def forward(
    operator: Operator,
    options: tuple[Any, ...],
    x: Any,
    w: Any,
    bias: Any,
    out: Any,
    backend: BackendRequest,
    order: Order = "K",
) -> Any:
    """Compute the output of an operator, in the memory order of x ("K") or in C order."""
    w, place = (w, None) if type(w) is np.ndarray else unwrapped(w)
    plain = type(x) is np.ndarray or out is not None or backend is not None
    key = None if plain else key_of(operator, (*options, order), x, w, bias)
    if key is not None:
        y = again(key, x, w, bias)
        if y is not None:
            return y
    if type(x) is not np.ndarray and order == "K" and (caller := caller_of(x)) is not None:
        arguments = {"w": wrapped(w, place), "bias": bias, "out": out, "backend": backend}
        y = caller(operator.name, x, arguments | operator.named(options))
        if y is not NotImplemented:
            return y
    memory, x, w, bias = take_in(x, w, bias) if place is None else take_in(x, w, bias, place=place)
    call = operator.checked(options, x, w, bias)
    problem = call.problem
    chosen = choose(problem, backend, memory.owner)
    y = memory.empty(call.shape, call.compute, x, order) if out is None else memory.target(out, call, x, w, bias)
    if problem.batch:
        compute = operator.data_map_of(ComplexMaps(chosen) if call.is_complex else chosen)
        data, kernel, vector = _operands(memory, call, x, w, bias, place)
        if place is not None:
            compute = _with_place(place, kernel, compute)
        result = call.frame.view(y)
        try:
            compute(problem, data, kernel, vector, result)
        except Exception as error:
            note(error, chosen, problem)
            raise
        if key is not None:
            keep(key, chosen, operator.data_map, problem, (data, kernel, vector, result), y)
    return memory.give_back(y, out, call.result)


def backward(
    operator: Operator,
    options: tuple[Any, ...],
    x: Any,
    w: Any,
    bias: Any,
    dy: Any,
    needs: Collection[str],
    backend: BackendRequest,
    order: Order = "K",
) -> Gradients[Any]:
    """Compute the gradients of an operator, each in the memory order of its argument ("K") or in C order."""
    wanted = as_names("needs", needs, _ARGUMENTS)
    if type(x) is not np.ndarray and order == "K" and (caller := caller_of(x)) is not None:
        arguments = {"w": w, "bias": bias, "dy": dy, "needs": wanted, "backend": backend}
        gradients: Gradients[Any] = caller(f"{operator.name}_backward", x, arguments | operator.named(options))
        if gradients is not NotImplemented:
            return gradients
    w, place = unwrapped(w)
    memory, x, w, bias, dy = take_in(x, w, bias, dy, place=place)
    call = operator.checked(options, x, w, bias, dy)
    problem = call.problem
    chosen = choose(problem, backend, memory.owner)
    maps = ComplexMaps(chosen) if call.is_complex else chosen
    dy = _data(memory, dy, call)

    def run_x(dx: Any) -> None:
        kernel = _conjugate(call.frame.kernel_view(_converted(memory, w, _dtype(w, call), place)))
        gradient_map = _with_place(place, kernel, operator.gradient_map_of(maps))
        gradient_map(problem, dy, kernel, None, call.frame.view(dx))

    def run_w(dw: Any) -> None:
        fine, coarse = operator.fine_and_coarse(_conjugate(_data(memory, x, call)), dy)
        maps.correlate(problem, fine, coarse, call.frame.kernel_view(dw))

    def run_bias(db: Any) -> None:
        maps.channel_sums(problem, dy, db)

    def gradient(name: str, like: Any, run: Callable[[Any], None]) -> Any:
        if name not in wanted or like is None:
            return None
        make = memory.empty if problem.batch else memory.zeros
        computed = make(like.shape, call.compute, like, order)
        if problem.batch:
            try:
                run(computed)
            except Exception as error:
                note(error, chosen, problem)
                raise
        return memory.give_back(computed, None, call.result)

    return Gradients(gradient("x", x, run_x), gradient("w", w, run_w), gradient("bias", bias, run_bias))


def ask(backend: Backend, function: Callable[..., Any], problem: Problem, *arguments: Any) -> Any:
    """Call a function of a backend, and note the backend's name and the problem on whatever it raises."""
    try:
        return function(problem, *arguments)
    except Exception as error:
        note(error, backend, problem)
        raise


def note(error: Exception, backend: Backend, problem: Problem) -> None:
    """Add a note with the backend's name and the problem to an exception that the backend raised."""
    if not isinstance(error, BackendUnavailable):  # its message names the backend
        error.add_note(f"raised by backend {backend.name!r} for {problem}")


def _operands(memory: Memory, call: OperatorCall, x: Any, w: Any, bias: Any, place: Kept | None) -> tuple[Any, Any, Any]:
    """Convert x, w and bias; return x as (N, C, *spatial) and w as (coarse, fine // groups, *spatial)."""
    convert, frame = memory.convert, call.frame
    if bias is not None:
        bias = memory.vector(convert(bias, _dtype(bias, call)))
    if place is None and not call.is_complex and frame.in_order:
        return convert(x, call.compute), convert(w, call.compute), bias
    kernel = frame.kernel_view(_converted(memory, w, _dtype(w, call), place))
    return frame.view(convert(x, _dtype(x, call))), kernel, bias


def _converted(memory: Memory, w: Any, dtype: np.dtype, place: Kept | None) -> Any:
    """Convert w, or find it converted."""
    if place is None or w.dtype is dtype:
        return memory.convert(w, dtype)
    key = "convt", "converted", dtype
    found = place.get(key)
    if found is None:
        place[key] = found = memory.convert(w, dtype)
    return found


def _with_place(place: Kept | None, kernel: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """Give a map the place, but not for a complex kernel, of whose parts no backend could tell which it gets."""
    return run if place is None or kernel.dtype.kind == "c" else with_place(place, run)


def _data(memory: Memory, array: Any, call: OperatorCall) -> Any:
    """Convert x or dy, and return it as (N, C, *spatial)."""
    return call.frame.view(memory.convert(array, _dtype(array, call)))


def _dtype(array: Any, call: OperatorCall) -> np.dtype:
    """Return the dtype to convert an argument to; in a complex call, a real one stays real."""
    return call.problem.dtype if call.is_complex and array.dtype.kind != "c" else call.compute


def _conjugate(array: Any) -> Any:
    return array.conj() if array.dtype.kind == "c" else array
