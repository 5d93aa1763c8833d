"""Hypothesis strategies: valid calls of the two operators, and values that are no options at all."""

from itertools import pairwise
from math import prod
from typing import Any

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

import convt
from convt.backend import Problem
from convt.core.layout import LAYOUTS

SMALL = st.integers(-3, 7)
HUGE = st.sampled_from([2**40, -(2**40), 2**59, 2**61, 2**62, 2**63, -(2**63), 10**40])


def _per_axis(draw: Any, axes: int, entries: st.SearchStrategy) -> Any:
    """One value for all axes, or one for each."""
    return draw(st.one_of(entries, st.tuples(*[entries] * axes)))


def _values(option: Any, axes: int) -> tuple[Any, ...]:
    return option if isinstance(option, tuple) else (option,) * axes


@st.composite
def transposed_calls(draw: Any) -> dict[str, Any]:
    """Shapes and options of a `conv_transpose` that is valid: x_shape, w_shape and options."""
    axes = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    sizes = [draw(st.integers(1, (0, 12, 5, 3)[axes])) for _ in range(axes)]
    kernel = [draw(st.integers(1, (0, 7, 4, 3)[axes])) for _ in range(axes)]
    stride, dilation = _per_axis(draw, axes, st.integers(1, 4)), _per_axis(draw, axes, st.integers(1, 3))
    options: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
    padding = draw(st.sampled_from(["numbers", "valid", "same", "same_lower"]))
    if padding == "numbers":
        pairs, extra = [], []
        for n, k, s, d in zip(sizes, kernel, _values(stride, axes), _values(dilation, axes), strict=True):
            full = (n - 1) * s + (k - 1) * d + 1
            before = draw(st.integers(-2, full - 1))
            pairs.append((before, draw(st.integers(-2, full - 1 - before))))
            extra.append(draw(st.integers(0, max(s, d) - 1)))
        options |= {"padding": tuple(pairs), "output_padding": tuple(extra)}
    else:
        options["padding"] = padding
    batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
    channels = groups * draw(st.integers(1, 3))
    return {
        "x_shape": (*batch, channels, *sizes),
        "w_shape": (channels, draw(st.integers(1, 3)), *kernel),
        "options": options,
    }


@st.composite
def plain_calls(draw: Any) -> dict[str, Any]:
    """Shapes and options of a `conv` that is valid: x_shape, w_shape and options."""
    axes = draw(st.integers(1, 3))
    groups = draw(st.integers(1, 3))
    kernel = [draw(st.integers(1, (0, 7, 4, 3)[axes])) for _ in range(axes)]
    stride, dilation = _per_axis(draw, axes, st.integers(1, 4)), _per_axis(draw, axes, st.integers(1, 3))
    padding: Any = draw(st.sampled_from(["numbers", "valid", "same", "same_lower"]))
    sizes, pairs = [], []
    for k, d in zip(kernel, _values(dilation, axes), strict=True):
        before, after = draw(st.integers(-2, 5)), draw(st.integers(-2, 5))
        pairs.append((before, after))
        need = (k - 1) * d + 1 - (before + after if padding == "numbers" else 0)
        least = max(1, need) if padding in ("numbers", "valid") else 1
        sizes.append(draw(st.integers(least, least + (0, 12, 5, 3)[axes])))
    batch = draw(st.sampled_from([(), (0,), (1,), (3,)]))
    fine = draw(st.integers(1, 3))
    return {
        "x_shape": (*batch, groups * fine, *sizes),
        "w_shape": (groups * draw(st.integers(1, 3)), fine, *kernel),
        "options": {
            "stride": stride,
            "dilation": dilation,
            "groups": groups,
            "padding": tuple(pairs) if padding == "numbers" else padding,
        },
    }


@st.composite
def operator_calls(draw: Any) -> tuple[str, tuple[int, ...], tuple[int, ...], dict[str, Any], tuple[int, ...]]:
    """A valid call in any layout: the function's name, the shapes of x and w, options, and the shape of the result."""
    op = draw(st.sampled_from(["conv_transpose", "conv"]))
    call = draw(transposed_calls() if op == "conv_transpose" else plain_calls())
    axes = len(call["w_shape"]) - 2
    layout = LAYOUTS[draw(st.sampled_from([name for name, each in LAYOUTS.items() if each.axes == axes]))]
    shape, batched = call["x_shape"], len(call["x_shape"]) == axes + 2
    x_shape = layout.data_shape(shape if batched else (1, *shape), batched=batched)
    w_shape = tuple(call["w_shape"][axis] for axis in layout.kernel_back)
    options = call["options"] | {"layout": layout.name}
    return op, x_shape, w_shape, options, getattr(convt, f"{op}_shape")(x_shape, w_shape, **options)


def anything(integers: st.SearchStrategy = SMALL) -> st.SearchStrategy:
    """Whatever somebody might pass as an option."""
    scalars = st.one_of(
        integers, st.none(), st.booleans(), st.floats(), st.text(max_size=4), st.complex_numbers(), st.binary()
    )
    return st.recursive(
        scalars,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.tuples(inner, inner), st.dictionaries(integers, inner, max_size=2)
        ),
        max_leaves=5,
    )


@st.composite
def vast_problems(draw: Any) -> Problem:
    """Problems of all sizes, also far beyond memory: what plans them sees no data."""
    axes = draw(st.integers(1, 3))
    sizes = st.sampled_from([1, 2, 3, 7, 16, 64, 1000, 2**20])
    groups = draw(st.sampled_from([1, 2, 64]))

    def per_axis(values: st.SearchStrategy) -> tuple[int, ...]:
        return tuple(draw(values) for _ in range(axes))

    problem = Problem(
        batch=draw(sizes),
        groups=groups,
        fine_channels=groups * draw(sizes),
        coarse_channels=groups * draw(sizes),
        fine_shape=per_axis(sizes),
        coarse_shape=per_axis(sizes),
        kernel_shape=per_axis(st.sampled_from([1, 2, 3, 16, 1024])),
        stride=per_axis(st.sampled_from([1, 2, 3, 4, 8, 40])),
        padding=per_axis(st.integers(-9, 9)),
        dilation=per_axis(st.integers(1, 5)),
        dtype=np.dtype(draw(st.sampled_from(["f4", "f8"]))),
    )
    arrays = (problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape)
    assume(max(prod(shape) for shape in arrays) * problem.dtype.itemsize < 2**63)
    return problem


@st.composite
def cuts(draw: Any, shape: tuple[int, ...], channels: int | None = None) -> tuple[Any, ...]:
    """Sizes of chunks for each axis of an array, of which the axis `channels`, if any, is not cut."""
    return tuple(_uncut(draw, size) if axis == channels else _cut(draw, size) for axis, size in enumerate(shape))


def _uncut(draw: Any, size: int) -> Any:
    return draw(st.sampled_from([size, (size,), size + 3]))


def _cut(draw: Any, size: int) -> Any:
    if draw(st.booleans()):
        return draw(st.integers(1, size + 2))
    edges = sorted({0, size, *draw(st.lists(st.integers(0, size), max_size=3))})
    return tuple(end - begin for begin, end in pairwise(edges))
