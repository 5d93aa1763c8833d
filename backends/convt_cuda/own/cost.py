"""What a launch of our own kernels takes: the cost model, in microseconds on an H200, from measurements there.

Tiles were measured on 28 layers of known networks, on 42 maps, with a root mean square error of 7 to 13 % (17 % for the
filter gradient); float64 was not, and is taken to do half as many steps. Kernels without tiles have fewer instructions now
than when they were measured, and are taken to be faster by as much. Other GPUs are slower or faster all in all, which
changes no choice; `convt.options(autotune=True)` measures instead.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["COPIED_BYTE", "START", "correlate_tile", "direct", "direct_correlation", "tile"]

START = 3.0  # a launch
COPIED_BYTE = 2.5e-7  # moved once from memory and back to it
_MULTIPROCESSORS = 132

Size = tuple[int, int]


class _Block(NamedTuple):
    """What a block takes on a multiprocessor: to begin and to end, and for each step along the depth of its product."""

    start: float
    step: float


_TILES: dict[str, dict[Size, _Block]] = {
    "tile": {(64, 64): _Block(3.5, 0.047), (32, 128): _Block(3.8, 0.050), (128, 128): _Block(11.0, 0.128)},
    "cells": {(64, 64): _Block(1.8, 0.044), (32, 128): _Block(2.9, 0.047), (128, 128): _Block(7.9, 0.128)},
    "tensor tile": {(64, 64): _Block(4.5, 0.033), (128, 128): _Block(13.0, 0.083)},
    "tensor cells": {(64, 64): _Block(2.2, 0.030), (128, 128): _Block(6.8, 0.068)},
    "correlate": {(64, 64): _Block(20.0, 0.065)},
    "tensor correlate": {(64, 64): _Block(20.0, 0.056), (128, 128): _Block(60.0, 0.150)},
}
_DOUBLE = 2.0
_PACKED = 2.5e-5  # an element of the weights
_MOVED_AGAIN = 1e-7  # a byte, most of which the caches hold

_DIRECT_OUTPUT = 1.3e-5 * 226 / 324  # with its share of what is done once for a row of outputs
_DIRECT_TAP, _DIRECT_STEP = 1.25e-6, 5e-7  # a tap of an output, a channel of that
_DIRECT_WAIT = 0.4  # of a thread for memory, at each of its steps
_CORRELATE_STEP = 8.3e-6 * 83 / 190  # a multiply-add


def tile(form: str, size: Size, storage: str, blocks: int, depth: float, packed: int = 0, moved_again: int = 0) -> float:
    """A product in tiles: `depth` steps a block; `packed` elements of weights, bytes that move more often than once."""
    launches = 2 if packed else 1
    return (
        START * launches
        + _on_multiprocessors(form, size, storage, blocks, depth)
        + packed * _PACKED
        + moved_again * _MOVED_AGAIN
    )


def correlate_tile(size: Size, tensor: bool, storage: str, blocks: int, positions: int, parts_bytes: int) -> float:
    """A filter gradient in tiles: so many positions in each block, whose parts go through memory."""
    form = "tensor correlate" if tensor else "correlate"
    return 2 * START + _on_multiprocessors(form, size, storage, blocks, positions) + parts_bytes * COPIED_BYTE


def direct(outputs: int, multiply_adds: int, channels: int) -> float:
    """Without tiles. A thread does its output step by step, and waits for memory where no other thread has work."""
    throughput = outputs * _DIRECT_OUTPUT + multiply_adds / channels * _DIRECT_TAP + multiply_adds * _DIRECT_STEP
    return START + max(throughput, multiply_adds / max(outputs, 1) * _DIRECT_WAIT)


def direct_correlation(multiply_adds: int) -> float:
    """A filter gradient weight by weight."""
    return 2 * START + multiply_adds * _CORRELATE_STEP


def _on_multiprocessors(form: str, size: Size, storage: str, blocks: int, depth: float) -> float:
    block = _TILES[form][size]
    step = block.step * (_DOUBLE if storage == "float64" else 1.0)
    return max(blocks / _MULTIPROCESSORS, 1.0) * (block.start + depth * step)
