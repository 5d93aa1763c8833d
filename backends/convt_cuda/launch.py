"""A launch of one kernel: what `Device.launch` puts into a stream, and what plans are made of."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Launch"]

_BUFFER, _SIZE, _END = 1, 2, 0  # of cuLaunchKernel's `extra`
_EXTRA, _SLOT = 6, 8  # slots in front of a launch's parameters, and bytes of a slot
_PARAMETERS, _PARAMETERS_SIZE = _EXTRA * _SLOT, (_EXTRA - 1) * _SLOT


@dataclass(frozen=True)
class Launch:
    """One kernel, its grid, and its parameters without the addresses.

    Attributes
    ----------
    kernel : str
    blocks : int
    values : tuple of int
        The parameter struct of kernels/geometry.cuh, member by member.
    pointers : tuple
        (position in `values`, name) of each address. Names are those of the arrays that `block` is given.
    threads : int
        In a block.
    """

    kernel: str
    blocks: int
    values: tuple[int, ...]
    pointers: tuple[tuple[int, str], ...]
    threads: int = 256

    @cached_property
    def _template(self) -> ctypes.Array[ctypes.c_longlong]:
        size = len(self.values) * _SLOT
        return (ctypes.c_longlong * (_EXTRA + len(self.values)))(_BUFFER, 0, _SIZE, 0, _END, size, *self.values)

    @cached_property
    def _slots(self) -> tuple[tuple[int, str], ...]:
        return tuple((_EXTRA + slot, name) for slot, name in self.pointers)

    def block(self, pointers: Mapping[str, int]) -> ctypes.Array[ctypes.c_longlong]:
        """What cuLaunchKernel takes as `extra`, for one launch alone: ``| its five words | size | parameters |``."""
        template = self._template
        block = type(template).from_buffer_copy(template)
        start = ctypes.addressof(block)
        block[1], block[3] = start + _PARAMETERS, start + _PARAMETERS_SIZE
        for slot, name in self._slots:
            block[slot] = pointers[name]
        return block
