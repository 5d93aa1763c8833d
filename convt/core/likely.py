"""The likely fix in a message about channels of x and w that do not match."""

from __future__ import annotations

from collections.abc import Callable

from .layout import LAYOUTS, Layout

__all__ = ["likely_fix"]


def likely_fix(
    layout: Layout,
    x_shape: tuple[int, ...],
    w_shape: tuple[int, ...],
    agree: Callable[[int, int, int], bool],
    words: tuple[str, str],
) -> str:
    """Return which other axis orders of x, w or both would make the channels match, and the fix for each; "" for none.

    Parameters
    ----------
    layout : Layout
        The layout of the call.
    x_shape, w_shape : tuple of int
        In the caller's axis order.
    agree : callable
        ``agree(channels, w_coarse, w_fine)`` returns whether x's channels match those of w.
    words : tuple of str
        The names of w's coarse and fine channels, for the message.
    """

    def fits(of_x: Layout, of_w: Layout) -> bool:
        return agree(of_x.split(of_x.data, x_shape)[1], *of_w.split(of_w.kernel, w_shape)[:2])

    fixes = []
    for other in LAYOUTS.values():
        if other.axes != layout.axes or other is layout:
            continue
        x_words, w_words = f"x is ({', '.join(_axes(other, x_shape))})", f"w is {other.kernel_words(*words)}"
        if fits(other, other):
            fixes.append(f"if {x_words} and {w_words}, pass layout={other.name!r}")
        if fits(other, layout):
            order = tuple(_axes(other, x_shape).index(axis) for axis in _axes(layout, x_shape))
            fixes.append(f"if {x_words}, pass x.transpose{order}")
        if fits(layout, other) and other.kernel != layout.kernel:
            order = tuple(other.kernel[axis] for axis in layout.kernel_back)
            fixes.append(f"if {w_words}, pass w.transpose{order}")
        if fixes:
            break
    return ", or ".join(fixes)


def _axes(layout: Layout, shape: tuple[int, ...]) -> str:
    """Return the letters of an array's axes."""
    return layout.name if len(shape) == len(layout.name) else layout.name.replace("N", "")
