"""How the maps are vmapped: as one map of a larger problem, whatever is mapped over.

The three arrays of a problem have four kinds of axes in common, beside the spatial ones::

    fine    n, g, f        n images        f fine channels of a group
    coarse  n, g, c        g groups        c coarse channels of a group
    kernel  g, c, f

An axis that is mapped over belongs to the result and to one operand or both. Of one operand and the result it is part of the
axis that these two have in common and the third array has not: of more images, or of more channels. Of all three arrays it
is part of the one axis that all have: of more groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from ..core.problem import Problem
from .work import ROLES, DataMap, Role, array_shape

__all__ = ["batching_rule"]

_AXES: dict[Role, str] = {"fine": "ngf", "coarse": "ngc", "kernel": "gcf"}


def batching_rule(name: DataMap, primitive: Any) -> Callable[..., Any]:
    """Return the rule for `jax.interpreters.batching` of the primitive of a map."""
    *roles, result = ROLES[name]

    def rule(arrays: Any, dims: Any, *, problem: Problem, dtype: Any, **parameters: Any) -> tuple[Any, int]:
        size = next(array.shape[dim] for array, dim in zip(arrays, dims, strict=True) if dim is not None)
        if not size:
            return jnp.zeros((0, *array_shape(problem, result)), dtype), 0
        axis = _common([role for role, dim in zip(roles, dims, strict=True) if dim is not None] + [result])
        larger = _enlarged(problem, axis, size)
        operands = [
            array if dim is None else _merged(jnp.moveaxis(array, dim, 0), role, axis, problem, larger)
            for array, dim, role in zip(arrays, dims, roles, strict=True)
        ]
        y = primitive.bind(*operands, problem=larger, dtype=dtype, **parameters)
        return _split(y, result, axis, problem, size), 0

    return rule


def _common(roles: list[Role]) -> str:
    """Return the axis that arrays of these roles have in common, and no other array has."""
    others = set(_AXES) - set(roles)
    (axis,) = set.intersection(*(set(_AXES[role]) for role in roles)) - {axis for role in others for axis in _AXES[role]}
    return axis


def _enlarged(problem: Problem, axis: str, times: int) -> Problem:
    """Return the problem whose `axis` is so many times longer."""
    longer = {"n": "batch", "f": "fine_channels", "c": "coarse_channels", "g": "groups fine_channels coarse_channels"}[axis]
    return replace(problem, **{name: times * getattr(problem, name) for name in longer.split()})


def _merged(array: Any, role: Role, axis: str, problem: Problem, larger: Problem) -> Any:
    """Make the first axis of an array a part of `axis`."""
    spread = array.reshape(array.shape[0], *_spread(problem, role), *array.shape[-len(problem.stride) :])
    return jnp.moveaxis(spread, 0, _AXES[role].index(axis)).reshape(array_shape(larger, role))


def _split(array: Any, role: Role, axis: str, problem: Problem, size: int) -> Any:
    """Undo `_merged`."""
    place, sizes = _AXES[role].index(axis), _spread(problem, role)
    spread = array.reshape(*sizes[:place], size, *sizes[place:], *array.shape[-len(problem.stride) :])
    return jnp.moveaxis(spread, place, 0).reshape(size, *array_shape(problem, role))


def _spread(problem: Problem, role: Role) -> list[int]:
    """Return the sizes of an array's axes but the spatial ones, with those of groups and channels apart."""
    groups = problem.groups
    sizes = {"n": problem.batch, "g": groups, "f": problem.fine_channels // groups, "c": problem.coarse_channels // groups}
    return [sizes[axis] for axis in _AXES[role]]
