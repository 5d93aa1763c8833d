"""The forms in which XLA can be asked for a transposed convolution and for its gradients.

A form computes the fine array from the coarse one and the kernel. Gradients are what JAX derives from that, the adjoint
forms, but for two ways that only a gradient has. With k taps and stride s along an axis:

``dilated``
    what `jax.lax.conv_transpose` does, as users write it: a convolution of x with s - 1 zeros between its places
``zeros``
    the same with the zeros in memory
``phases``
    for each remainder modulo s of the fine index, a plain convolution of x with the taps that reach it
``at once``
    all phases by one plain convolution with s times as many channels per axis; k becomes a multiple of s by zero taps
``products``
    a product of matrices, x with all taps; runs of s taps are then added where they overlap
``strided``
    the gradient of x written as the plain convolution with stride s that it is
``exchanged``
    the gradient of w as a convolution of dy with x for its kernel, images in the place of channels
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from math import gcd, prod
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from ..cases import Case
from .layouts import Layout, arrange, crop, numbered
from .results import WRITTEN

__all__ = ["Form", "forms"]

MOST_PHASES = 16  # programs with more convolutions take minutes to compile

Function = Callable[[Any, Any], Any]


class Form(NamedTuple):
    """One way to ask XLA.

    Attributes
    ----------
    name : str
        Of the way and the order of axes.
    layout : Layout
    compute : callable
        Of x and w for the forward map, of dy and w for the gradient of x, of x and dy for that of w.
    """

    name: str
    layout: Layout
    compute: Function

    @property
    def written(self) -> bool:
        """Whether that is what users write."""
        return self.name.startswith(WRITTEN)


def forms(case: Case, quantity: str) -> list[Form]:
    """All forms of a quantity that suit a case, those that users write last.

    Parameters
    ----------
    case : Case
    quantity : {"y", "x", "w"}
        The result, or of what the gradient.

    Returns
    -------
    list of Form
    """
    found = []
    for last in (False, True):
        layout = Layout(last, len(case.size))
        for name, make in _ways(case, quantity, layout):
            compute = make(case, layout)
            if make in _FORWARD:
                compute = _derived(compute, case, layout, quantity)
            found.append(Form(f"{name}, {layout.name}", layout, compute))
    return sorted(found, key=lambda form: form.written)


def _ways(case: Case, quantity: str, layout: Layout) -> list[tuple[str, Callable[[Case, Layout], Function]]]:
    ways: list[tuple[str, Callable[[Case, Layout], Function]]] = [(WRITTEN, _dilated)]
    strided, dilated = set(case.stride) != {1}, set(case.dilation) != {1}
    if strided and quantity == "y" and layout.last:  # never near the fastest else, as has been tried
        ways.append(("zeros", _zeros))
    if strided and prod(case.stride) <= MOST_PHASES:
        ways.append(("phases", _phases))
    if strided and not dilated and quantity != "w":  # XLA has no fast convolution for that
        ways.append(("at once", _at_once))
    if not (strided and dilated):
        ways.append(("products", _products))
    if quantity == "x":
        ways.append(("strided", _strided))
    if quantity == "w":
        ways.append(("exchanged", _exchanged))
    return ways


def _derived(forward: Function, case: Case, layout: Layout, quantity: str) -> Function:
    """The forward map, or its adjoint in one argument."""
    if quantity == "y":
        return forward

    def gradient(first: Any, second: Any) -> Any:
        known, cotangent = (second, first) if quantity == "x" else (first, second)
        shape = _shape(case, layout, quantity)
        partial = (lambda x: forward(x, known)) if quantity == "x" else (lambda w: forward(known, w))
        (result,) = jax.linear_transpose(partial, jax.ShapeDtypeStruct(shape, known.dtype))(cotangent)
        return result

    return gradient


def _shape(case: Case, layout: Layout, quantity: str) -> tuple[int, ...]:
    first, second, *spatial = case.x_shape if quantity == "x" else case.w_shape
    if not layout.last:
        return (first, second, *spatial)
    return (first, *spatial, second) if quantity == "x" else (*spatial, first, second)


def _dilated(case: Case, layout: Layout) -> Function:
    def forward(x: Any, w: Any) -> Any:
        options: dict[str, Any] = {
            "lhs_dilation": case.stride,
            "rhs_dilation": case.dilation,
            "feature_group_count": case.groups,
        }
        return layout.convolve(x, _turned(w, case, layout), _pads(case), **options)

    return forward


def _zeros(case: Case, layout: Layout) -> Function:
    def forward(x: Any, w: Any) -> Any:
        wide = crop(x, layout.spatial, _pads(case), [stride - 1 for stride in case.stride])
        options: dict[str, Any] = {"rhs_dilation": case.dilation, "feature_group_count": case.groups}
        return layout.convolve(wide, _turned(w, case, layout), [(0, 0)] * layout.axes, **options)

    return forward


def _phases(case: Case, layout: Layout) -> Function:
    places = [-(-fine // stride) for fine, stride in zip(case.y_shape[2:], case.stride, strict=True)]
    shape = (case.batch, *places, case.outputs) if layout.last else (case.batch, case.outputs, *places)

    def forward(x: Any, w: Any) -> Any:
        parts = []
        for phase in product(*map(range, case.stride)):
            axes = [_taps_of(case, axis, remainder, places[axis]) for axis, remainder in enumerate(phase)]
            if all(axes):
                taps, pads, dilation = zip(*filter(None, axes), strict=True)
                kernel = _turned(_sliced(w, layout, taps), case, layout)
                options = {"rhs_dilation": dilation, "feature_group_count": case.groups}
                parts.append(layout.convolve(x, kernel, pads, **options))
            else:
                parts.append(jnp.zeros(shape, x.dtype))
        places_, labels = numbered("h", layout.axes), numbered("r", layout.axes)
        all_parts = jnp.stack(parts).reshape(*case.stride, 1, *shape)
        have = [*labels, "g", *layout.data(["o"], places_)]
        y = layout.interleave(arrange(all_parts, have, layout.data(layout.phases("g"), places_)), case.stride, case.outputs)
        return crop(
            y, layout.spatial, [(0, fine - size) for fine, size in zip(case.y_shape[2:], _sizes(y, layout), strict=True)]
        )

    return forward


def _taps_of(case: Case, axis: int, remainder: int, places: int) -> tuple[slice, tuple[int, int], int] | None:
    """The taps that reach a phase of an axis, the padding of x and the dilation that they then have; None if none does."""
    size, kernel, stride = case.size[axis], case.kernel[axis], case.stride[axis]
    padding, dilation = case.padding[axis], case.dilation[axis]
    reach = [tap for tap in range(kernel) if (remainder + padding - tap * dilation) % stride == 0]
    if not reach:
        return None
    step = stride // gcd(stride, dilation)
    between = dilation * step // stride
    span = (len(reach) - 1) * between
    before = span - (remainder + padding - reach[0] * dilation) // stride
    return slice(reach[0], None, step), (before, places - size - before + span), between


def _at_once(case: Case, layout: Layout) -> Function:
    runs = _runs(case)

    def forward(x: Any, w: Any) -> Any:
        split = _in_runs(w, case, layout, ["c", "o"])
        have = layout.kernel(["c", "o"], _pairs(layout.axes))
        want = layout.kernel(["c", *layout.phases()], numbered("q", layout.axes))
        outputs = case.outputs // case.groups * prod(case.stride)
        shape = (*runs, case.channels, outputs) if layout.last else (case.channels, outputs, *runs)
        kernel = _turned(arrange(split, have, want).reshape(shape), case, layout)
        y = layout.convolve(x, kernel, [(run - 1, run - 1) for run in runs], feature_group_count=case.groups)
        each = dict(zip(numbered("r", layout.axes), case.stride, strict=True))
        sizes = {"g": case.groups, "o": case.outputs // case.groups, **each}
        places = _sizes(y, layout)
        channels = [sizes[label] for label in layout.phases("g")]
        shape = (case.batch, *places, *channels) if layout.last else (case.batch, *channels, *places)
        return _cropped(layout.interleave(y.reshape(shape), case.stride, case.outputs), case, layout)

    return forward


def _products(case: Case, layout: Layout) -> Function:
    runs, axes = _runs(case), layout.axes
    letters = {"n": "n", "g": "g", "c": "c", "o": "o"}
    letters |= dict(zip([f"{kind}{axis}" for kind in "hqr" for axis in range(axes)], "ABCDEFIJKL", strict=False))
    places, phases, turns = numbered("h", axes), layout.phases("g"), numbered("q", axes)

    def forward(x: Any, w: Any) -> Any:
        group = case.channels // case.groups
        at = layout.channel
        data = x.reshape(*x.shape[:at], case.groups, group, *x.shape[at + 1 :])
        split = _in_runs(w, case, layout, ["g", "c", "o"])
        terms = [
            layout.data(["g", "c"], places),
            layout.kernel(["g", "c", "o"], _pairs(axes)),
            [*turns, *layout.data(phases, places)],
        ]
        one, other, both = ("".join(letters[label] for label in term) for term in terms)
        blocks = jnp.einsum(f"{one},{other}->{both}", data, split)
        spatial = [layout.data(phases, places).index(place) for place in places]
        total: Any = 0
        for turn in product(*map(range, runs)):
            pads = [
                (place * step, (run - 1 - place) * step) for place, run, step in zip(turn, runs, case.dilation, strict=True)
            ]
            total = total + crop(blocks[turn], spatial, pads)
        return _cropped(layout.interleave(total, case.stride, case.outputs), case, layout)

    return forward


def _strided(case: Case, layout: Layout) -> Function:
    def gradient(dy: Any, w: Any) -> Any:
        options = {"window_strides": case.stride, "rhs_dilation": case.dilation, "feature_group_count": case.groups}
        return layout.convolve(dy, w, _margins(case), kernel="OI", **options)

    return gradient


def _exchanged(case: Case, layout: Layout) -> Function:
    letters = "DHW"[-layout.axes :]
    data, kernel, result = (
        (f"C{letters}N", f"I{letters}O", f"{letters}CN") if layout.last else (f"CN{letters}", f"IO{letters}", f"CN{letters}")
    )

    def gradient(x: Any, dy: Any) -> Any:
        return jax.lax.conv_general_dilated(
            dy, x, case.dilation, _margins(case), rhs_dilation=case.stride, dimension_numbers=(data, kernel, result)
        )

    def grouped(x: Any, dy: Any) -> Any:
        at = layout.channel
        apart = [a.reshape(*a.shape[:at], case.groups, -1, *a.shape[at + 1 :]) for a in (x, dy)]
        out = layout.axes if layout.last else 0
        dw = jax.vmap(gradient, in_axes=(at, at), out_axes=out)(*apart)
        return dw.reshape(*dw.shape[:out], -1, *dw.shape[out + 2 :])

    return gradient if case.groups == 1 else grouped


_FORWARD = (_dilated, _zeros, _phases, _at_once, _products)


def _pads(case: Case) -> list[tuple[int, int]]:
    """Of x with zeros between its places, for a convolution with the turned kernel."""
    axes = zip(case.kernel, case.dilation, case.padding, case.output_padding, strict=True)
    return [((k - 1) * d - p, (k - 1) * d - p + more) for k, d, p, more in axes]


def _margins(case: Case) -> list[tuple[int, int]]:
    """Of the fine array, for a convolution that gives the coarse one."""
    return [(p, p - more) for p, more in zip(case.padding, case.output_padding, strict=True)]


def _turned(w: Any, case: Case, layout: Layout) -> Any:
    """The kernel for XLA's convolution of x: taps from the last on, groups among the outputs."""
    w = jnp.flip(w, layout.taps)
    if case.groups == 1:
        return w
    at = layout.axes if layout.last else 0
    shape, group = w.shape, w.shape[at] // case.groups
    apart = w.reshape(*shape[:at], case.groups, group, *shape[at + 1 :])
    return jnp.moveaxis(apart, at, at + 1).reshape(*shape[:at], group, -1, *shape[at + 2 :])


def _runs(case: Case) -> list[int]:
    """How many runs of as many taps as the stride the kernel has along each axis."""
    return [-(-k // s) for k, s in zip(case.kernel, case.stride, strict=True)]


def _pairs(axes: int) -> list[str]:
    return [f"{letter}{axis}" for axis in range(axes) for letter in "qr"]


def _in_runs(w: Any, case: Case, layout: Layout, channels: Sequence[str]) -> Any:
    """The kernel with each spatial axis as runs and taps in them, and with channels of these labels."""
    runs = _runs(case)
    whole = crop(w, layout.taps, [(0, run * s - k) for run, s, k in zip(runs, case.stride, case.kernel, strict=True)])
    sizes = {"g": case.groups, "c": case.channels, "o": case.outputs // case.groups}
    if "g" in channels:
        sizes["c"] //= case.groups
    for axis, (run, stride) in enumerate(zip(runs, case.stride, strict=True)):
        sizes |= {f"q{axis}": run, f"r{axis}": stride}
    return whole.reshape([sizes[label] for label in layout.kernel(channels, _pairs(layout.axes))])


def _sliced(w: Any, layout: Layout, taps: Sequence[slice]) -> Any:
    index = [slice(None)] * w.ndim
    for axis, part in zip(layout.taps, taps, strict=True):
        index[axis] = part
    return w[tuple(index)]


def _sizes(y: Any, layout: Layout) -> list[int]:
    return [y.shape[axis] for axis in layout.spatial]


def _cropped(y: Any, case: Case, layout: Layout) -> Any:
    """The fine array of one that begins with what padding crops."""
    sizes = zip(_sizes(y, layout), case.y_shape[2:], case.padding, strict=True)
    return crop(y, layout.spatial, [(-p, fine + p - size) for size, fine, p in sizes])
