"""Arrays in every form of memory that a backend may meet, as windows of larger arrays whose surroundings are watched.

Reading outside leaves no trace there. So some arrays lie at a page that nobody may read: a backend that goes one element too
far ends the process, and Python's `faulthandler`, which pytest turns on, tells in which call.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np

from .pages import CAN_PROTECT, between_pages

__all__ = ["FORMS", "Form", "Window"]

_SENTINEL = 77.0


@dataclass(frozen=True)
class Form:
    """How an array lies in memory.

    Attributes
    ----------
    name : str
    order : {"C", "F", "channels last"}
        Which axis changes fastest.
    step : int
        Distance in memory of neighbours along every axis; negative for a reversed array.
    margin: int
        Elements of the larger array around the window, along every axis.
    page : {"", "before", "behind"}
        Where there is an unreadable page, without a margin between.
    """

    name: str
    order: str = "C"
    step: int = 1
    margin: int = 1
    page: Literal["", "before", "behind"] = ""

    def axes(self, rank: int) -> tuple[int, ...]:
        """The array's axes in the order of memory, the slowest first."""
        if self.order == "F":
            return tuple(reversed(range(rank)))
        if self.order == "channels last" and rank > 2:
            return (0, *range(2, rank), 1)
        return tuple(range(rank))


_AT_PAGES = (
    Form("C order up to an unreadable page", margin=0, page="behind"),
    Form("C order from an unreadable page on", margin=0, page="before"),
    Form("channels last up to an unreadable page", "channels last", margin=0, page="behind"),
) if CAN_PROTECT else ()  # fmt: skip

FORMS = (
    Form("Fortran order", "F", margin=0),
    Form("channels last", "channels last", margin=0),
    Form("C order inside a larger array"),
    Form("Fortran order inside a larger array", "F"),
    Form("channels last inside a larger array", "channels last"),
    Form("every second element", step=2),
    Form("reversed along all axes", step=-1),
    Form("channels last, reversed, every second element", "channels last", -2),
    *_AT_PAGES,
)


class Window:
    """An array of some form inside a larger one.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    form : Form

    Attributes
    ----------
    array : ndarray
        The window, filled with NaN.
    """

    def __init__(self, shape: tuple[int, ...], dtype: Any, form: Form) -> None:
        axes = form.axes(len(shape))
        reach = abs(form.step)
        self._whole = _memory([shape[axis] * reach + 2 * form.margin for axis in axes], np.dtype(dtype), form)
        inside = tuple(slice(form.margin, form.margin + shape[axis] * reach, reach) for axis in axes)
        turned = tuple(slice(None, None, -1 if form.step < 0 else 1) for _ in axes)
        self.array: np.ndarray[Any, Any] = self._whole[inside][turned].transpose(np.argsort(axes))
        self.array[...] = np.nan

    def surroundings_untouched(self) -> bool:
        """Whether everything outside the window is as it was."""
        content = self.array.copy()
        self.array[...] = _SENTINEL
        untouched = bool((self._whole == _SENTINEL).all())
        self.array[...] = content
        return untouched


def _memory(shape: list[int], dtype: np.dtype[Any], form: Form) -> np.ndarray[Any, Any]:
    """Where the form wants it, filled with the sentinel."""
    if not form.page:
        return np.full(shape, _SENTINEL, dtype)
    whole = between_pages(prod(shape) * dtype.itemsize, at_end=form.page == "behind").view(dtype).reshape(shape)
    whole[...] = _SENTINEL
    return whole
