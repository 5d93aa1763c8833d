"""The three maps as primitives of JAX. Each is linear in both operands, and its derivatives are the other two.

All three have the same parameters, so that a derivative needs no new geometry:

``problem``
    The `Problem`. Operands and results have its shapes, (N, C, *spatial) and (coarse, fine // groups, *spatial).
``choices``
    `Choices`: what the caller chose besides.
``dtype``
    The result's; the operands may have others. What is computed in is the problem's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from ..core.problem import Problem
from .batching import batching_rule
from .lowering import compute, refuse
from .work import ROLES, Choices, DataMap, array_shape

__all__ = ["correlate", "gather", "scatter"]


def _primitive(name: DataMap) -> Any:
    """A primitive with all its rules but those of derivatives."""
    result = ROLES[name][2]
    primitive = Primitive(f"convt_{name}")

    def implementation(left: Any, right: Any, *, problem: Problem, choices: Choices, dtype: np.dtype) -> Any:
        return compute(name, left, right, problem, choices, dtype)

    def refused(left: Any, right: Any, *, problem: Problem, choices: Choices, dtype: np.dtype) -> Any:
        return refuse()

    def outline(left: Any, right: Any, *, problem: Problem, choices: Choices, dtype: np.dtype) -> Any:
        return jax.core.ShapedArray(array_shape(problem, result), dtype)

    primitive.def_impl(jax.jit(implementation, static_argnames=("problem", "choices", "dtype")))
    primitive.def_abstract_eval(outline)
    mlir.register_lowering(primitive, mlir.lower_fun(implementation, multiple_results=False), platform="cpu")
    mlir.register_lowering(primitive, mlir.lower_fun(refused, multiple_results=False))
    batching.primitive_batchers[primitive] = batching_rule(name, primitive)
    return primitive


def _bound(primitive: Any) -> Callable[..., Any]:
    def bind(left: Any, right: Any, *, problem: Problem, choices: Choices, dtype: np.dtype) -> Any:
        return primitive.bind(left, right, problem=problem, choices=choices, dtype=dtype)

    return bind


_scatter, _gather, _correlate = (_primitive(name) for name in ("scatter", "gather", "correlate"))
scatter, gather, correlate = map(_bound, (_scatter, _gather, _correlate))


# A derivative in one operand is the map that takes the cotangent, which comes first here, and the other operand.
ad.defbilinear(
    _scatter,
    lambda fine, coarse, kernel, dtype, **same: gather(fine, kernel, dtype=coarse.aval.dtype, **same),
    lambda fine, coarse, kernel, dtype, **same: correlate(fine, coarse, dtype=kernel.aval.dtype, **same),
)
ad.defbilinear(
    _gather,
    lambda coarse, fine, kernel, dtype, **same: scatter(coarse, kernel, dtype=fine.aval.dtype, **same),
    lambda coarse, fine, kernel, dtype, **same: correlate(fine, coarse, dtype=kernel.aval.dtype, **same),
)
ad.defbilinear(
    _correlate,
    lambda kernel, fine, coarse, dtype, **same: scatter(coarse, kernel, dtype=fine.aval.dtype, **same),
    lambda kernel, fine, coarse, dtype, **same: gather(fine, kernel, dtype=coarse.aval.dtype, **same),
)
