"""cuDNN's entry in the list of engines: the plans that it has for a map, none where it cannot or may not do it."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING

from .algorithms import Wishes
from .described import Described
from .geometry import fit
from .handles import Handles
from .library import CudnnError, CudnnUnavailable, Library, load_library
from .maps import MAPS
from .operands import arrangements
from .plan import CudnnPlan, staged_bytes

if TYPE_CHECKING:
    from convt.backend import Problem

    from ..device import Device
    from ..engine import Map, Strides

__all__ = ["Cudnn", "cudnn"]


class Cudnn:
    """One library, and its handles.

    Parameters
    ----------
    library : Library

    Attributes
    ----------
    library : Library
    """

    def __init__(self, library: Library) -> None:
        self.library = library
        self._handles = Handles(library)

    def plans(
        self,
        problem: Problem,
        data_map: Map,
        strides: Strides,
        device: Device,
        wishes: Wishes,
        storage: str | None = None,
    ) -> list[CudnnPlan]:
        """The plans of a map, the fastest first as far as cuDNN can tell; the device's context is current.

        Parameters
        ----------
        problem : Problem
        data_map : {"scatter", "gather", "correlate"}
        strides : tuple
            Of the map's left input, right input and output, in elements.
        device : Device
        wishes : Wishes
            What it may do. No plan's workspace is above the limit.
        storage : str, optional
            The arrays' type in memory; the problem's dtype, that of sums, unless given.
        """
        storage = storage or problem.dtype.name
        fitted = fit(problem)
        if fitted is None:
            return []
        for operands in arrangements(problem, fitted, MAPS[data_map], strides):
            try:
                described = Described(self.library, problem, storage, fitted, data_map, operands, wishes)
            except CudnnError as error:  # sizes or strides that cuDNN does not take
                if not error.refused:
                    raise
                continue
            limit = wishes.workspace_limit - staged_bytes(described)
            if limit < 0:
                continue
            with self._handles.borrow(device, 0) as handle:
                choices = described.search(limit).allowed(handle)
            if choices:
                return [CudnnPlan(self.library, self._handles, problem, described, choice) for choice in choices]
        return []


_lock = threading.Lock()


@cache
def _loaded() -> Cudnn | CudnnUnavailable:
    try:
        return Cudnn(load_library())
    except CudnnUnavailable as error:
        return error


def cudnn() -> Cudnn:
    """The cuDNN of this process, looked for once.

    Raises
    ------
    CudnnUnavailable
        With the places where it was looked for.
    """
    with _lock:  # threads that come first together must not each open one
        loaded = _loaded()
    if isinstance(loaded, CudnnUnavailable):
        raise CudnnUnavailable(*loaded.args)
    return loaded
