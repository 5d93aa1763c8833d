"""From a map to what XLA runs: a call of the compiled handler, or of a Python function where there is no handler."""

from __future__ import annotations

from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import mlir

from ..core.problem import Problem
from .handler import TARGET, handler
from .work import ROLES, Choices, DataMap, Work, array_shape, inverse

__all__ = ["compute", "refuse"]


def compute(name: DataMap, left: Any, right: Any, problem: Problem, choices: Choices, dtype: np.dtype) -> Any:
    """Return the result of a map in `dtype`; the operands, of any float dtype, become the problem's first."""
    shape = array_shape(problem, ROLES[name][2])
    if not problem.batch:
        return jnp.zeros(shape, dtype)
    work = Work(name, problem, choices)
    *orders, order = work.orders()
    left, right = (array.transpose(axes).astype(problem.dtype) for array, axes in zip((left, right), orders, strict=True))
    outline = jax.ShapeDtypeStruct(tuple(shape[axis] for axis in order), problem.dtype)
    if handler().why_not is None:
        result = jax.ffi.ffi_call(TARGET, outline)(left, right, work=work.text())
    else:
        result = _callback.bind(left, right, work=work, shape=outline.shape)
    return result.astype(dtype).transpose(inverse(order))


def refuse() -> NoReturn:
    """Raise for a program that is compiled for another device than the processor."""
    raise TypeError(
        "x must lie in the host's memory, got an array or a program of another platform than cpu (see jax.device_put, and "
        "jax.default_device(jax.devices('cpu')[0]))"
    )


_callback = Primitive("convt_callback")


def _outline(left: Any, right: Any, *, work: Work, shape: tuple[int, ...]) -> Any:
    return jax.core.ShapedArray(shape, work.problem.dtype)


def _emit(context: Any, left: Any, right: Any, *, work: Work, shape: tuple[int, ...]) -> Any:
    """Lower to a Python callback that is given NumPy's arrays; those of `jax.pure_callback` may wait for XLA for ever."""

    def run(*operands: np.ndarray) -> tuple[np.ndarray]:
        result = np.empty(shape, work.problem.dtype)
        work.run(*(array.transpose(inverse(order)) for array, order in zip((*operands, result), work.orders(), strict=True)))
        return (result,)

    results, _token, _kept = mlir.emit_python_callback(
        context, run, None, [left, right], context.avals_in, context.avals_out, has_side_effect=False
    )
    return results


_callback.def_abstract_eval(_outline)
mlir.register_lowering(_callback, _emit, platform="cpu")
