"""Plans of the direct engine: planes, taps and strips of a problem, as the tables that ``kernels/direct_plan.h`` describes.

Along each axis, tap t of coarse position q meets the fine element ``q * stride + tap * dilation - padding``, which lies in
the phase ``(tap * dilation - padding) mod stride``, at position q + steps of that phase. So gather reads the fine phases at
q + steps, and scatter writes each fine phase from the coarse array at its own position - steps.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from .._kernels import kernels, vector_length
from ._engine import DirectPlan

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "direct_plan"]

_POSITIONS = 2048  # bytes of a packed row of positions, at least: sums and strip of a few channels share the L1 cache
_STRIP = 512 * 1024  # bytes of a strip with more positions
_STRIP_SUMS = 256 * 1024  # bytes of its sums
_STRIPS = 12  # at least, where strips have more positions
_BLOCK = 24 * 1024  # bytes that a tile touches in the channels that are summed in one go, in the L1 cache
_SUMS = 350 * 1024  # bytes of the sums of a strip that wait for further blocks
_ALL_SUMS = 1024 * 1024  # bytes of the sums of all strips of a wave
_MOST_SUMS = 1024 * 1024  # bytes of one unit's sums
_MOST_STRIP = 4 * 1024 * 1024  # bytes of all channels of a strip
_CHUNK = 256 * 1024  # bytes of the weights that a thread packs for itself at a time
_WAVE = 12 * 1024 * 1024  # bytes of all strips of a wave
_MOST = 24 * 1024 * 1024  # bytes of scratch memory with one thread
_MOST_WEIGHTS = 6 * 1024 * 1024  # bytes that are packed before the work starts
_TASKS = 8  # strips that keep some cores busy
_PREFETCH = 8
_FEW = {1: 1.8, 2: 1.3}  # outputs whose taps are computed as columns, unless halos grow a strip by more than this
_COLUMN_VECTORS = 4
_NO_COLUMNS = np.zeros(1, np.int64), np.zeros((0, 5), np.int64)
_ALIGNED = 64  # bytes


@dataclass(frozen=True, eq=False)
class Tables:
    """A plan before it goes to C; ``kernels/direct_plan.h`` says what its fields are.

    Scratch memory is counted in bytes, `scratch` of each thread and `shared` of all together.
    """

    isa: str
    order: tuple[int, ...]
    scatters: bool
    size: int
    batch: int
    groups: int
    inputs: int
    outputs: int
    in_size: tuple[int, ...]
    out_size: tuple[int, ...]
    in_stride: tuple[int, ...]
    out_stride: tuple[int, ...]
    in_phase: np.ndarray
    in_shift: np.ndarray
    first_tap: np.ndarray
    taps: np.ndarray
    offsets: np.ndarray
    offsets_at: np.ndarray
    count: tuple[int, ...]
    strips: tuple[int, ...]
    rows: tuple[int, ...]
    positions: int
    plane_size: int
    channel_size: int
    span: int
    span_size: int
    strip_size: int
    block: int
    chunk: int
    tile: int
    unit: int
    pass_: int
    first_column: np.ndarray
    column: np.ndarray
    by_outputs: bool
    wave: int
    multiply_adds: int
    scratch: int
    shared: int


@lru_cache(maxsize=1024)
def direct_plan(problem: Problem, data_map: Map, order: Order, isa: str) -> DirectPlan | None:
    """The plan of a map, its spatial axes walked in `order`; None where the engine's buffers would grow too large."""
    if data_map == "correlate":
        return None
    scatters = data_map == "scatter"
    size = problem.dtype.itemsize
    fine, coarse, kernel, stride, padding, dilation = (
        _three(shape, order, missing)
        for shape, missing in (
            (problem.fine_shape, 1),
            (problem.coarse_shape, 1),
            (problem.kernel_shape, 1),
            (problem.stride, 1),
            (problem.padding, 0),
            (problem.dilation, 1),
        )
    )
    if prod(kernel) > 4096 or prod(stride) > 64:
        return None
    channels = problem.coarse_channels // problem.groups, problem.fine_channels // problem.groups
    inputs, outputs = channels if scatters else channels[::-1]
    ones = (1, 1, 1)
    in_size, out_size = (coarse, fine) if scatters else (fine, coarse)
    in_stride, out_stride = (ones, stride) if scatters else (stride, ones)

    taps = np.indices(kernel).reshape(3, -1).T
    steps, phases = np.divmod(taps * dilation - np.array(padding), stride)
    shifts = -steps if scatters else steps
    planes = tuple(_up(o, s) for o, s in zip(out_size, out_stride, strict=True))
    halo = np.ptp(shifts, axis=0)
    copied = _copied(planes, halo, outputs)
    low = shifts.min(axis=0)
    start = np.where(copied, shifts, low)  # of the packed plane that a tap reads
    key = np.concatenate([phases if not scatters else np.zeros_like(phases), start], axis=1)
    in_planes, in_plane = np.unique(key, axis=0, return_inverse=True)
    out_plane = np.ravel_multi_index(tuple(phases.T), stride) if scatters else np.zeros(len(taps), np.int64)
    sorting = np.argsort(out_plane, kind="stable")
    first_tap = np.searchsorted(out_plane[sorting], np.arange(prod(out_stride) + 1))

    lanes = vector_length(isa, size)
    halo = np.where(copied, 0, halo)
    out_planes = prod(out_stride)
    target = _POSITIONS // size
    if halo[0] or halo[1]:
        all_positions = problem.batch * problem.groups * prod(planes)
        target = _target(target, all_positions, inputs * len(in_planes) * size, min(outputs, 14) * out_planes * size)
    count, strips = _strips(problem.batch, planes, tuple(halo), target)
    rows = tuple(int(c + h) for c, h in zip(count[1:], halo, strict=True))
    last = (((count[0] - 1) * rows[0] + count[1] - 1) * rows[1] + count[2] - 1) * rows[2] + count[3]
    positions = _up(last, lanes) * lanes
    shapes = kernels(isa)
    unit = _up(outputs, _up(outputs, max(rows for rows, _ in shapes)))
    tile = max(vectors for rows, vectors in shapes if rows == unit)
    few = False
    if halo.any():
        furthest = int((halo[0] * rows[1] + halo[1]) * rows[2] + halo[2])
        plane_size = span = max(furthest + positions, count[0] * rows[0] * rows[1] * rows[2])
        few = inputs >= 8 and plane_size < _FEW.get(outputs, 0) * positions
        if few:
            plane_size = span = _up(plane_size, lanes) * lanes
        channel_size = len(in_planes) * plane_size
        # An odd number of cache lines: else some channels would meet in few sets of the L1 cache.
        channel_size = (_up(channel_size * size, _ALIGNED) // 2 * 2 + 1) * _ALIGNED // size
        span_size, spans = 0, 1
    else:
        plane_size = span = tile * lanes
        channel_size = len(in_planes) * plane_size
        span_size, spans = inputs * channel_size, _up(positions, span)
    within = in_plane.reshape(-1) * plane_size + (shifts - start) @ (rows[1] * rows[2], rows[2], 1)
    offsets, offsets_at = _ahead(within[sorting], first_tap, channel_size)
    first_column, column = _NO_COLUMNS
    columns_size = 0
    if few:
        flat = within - in_plane.reshape(-1) * plane_size
        rows_of = np.stack([in_plane.reshape(-1)[sorting], out_plane[sorting], flat[sorting]], axis=1)
        first_column, column = _columns(rows_of, outputs, max(rows for rows, _ in shapes))
        offsets = np.arange(1 + _PREFETCH) * channel_size
        unit, tile = outputs, _COLUMN_VECTORS
        columns_size = int(np.diff(first_column).max()) * plane_size
    lines = np.unique((within // lanes)[:, None] + np.arange(tile + 1)).size  # of a channel, that a tile touches
    unit_sums = out_planes * unit * positions * size
    block = _up(inputs, _up(inputs, max(8, _BLOCK // (lines * lanes * size))))
    strip_size = inputs * channel_size * spans
    strip_bytes = strip_size * size
    weights = problem.groups * inputs * outputs * len(taps) * size
    by_outputs = (not few and weights > _MOST_WEIGHTS) or prod(strips) * problem.groups < _TASKS < _up(outputs, unit)
    units = _up(outputs, unit)
    of_channel = unit * len(taps) * size
    if by_outputs:
        wave = min(prod(strips), max(1, min(_WAVE // strip_bytes, _ALL_SUMS // unit_sums)))
        at_once = max(1, min(_ALL_SUMS // (wave * unit_sums), units // _TASKS))
        chunk = min(inputs, block * max(1, _CHUNK // (block * at_once * of_channel)))
        shared = wave * strip_bytes
        scratch = at_once * (chunk * of_channel + wave * unit_sums)
    else:
        at_once = max(1, min(_SUMS // unit_sums, units))
        wave, chunk = 1, inputs
        shared = weights
        scratch = strip_bytes + at_once * unit_sums + columns_size * size
    pass_ = at_once * unit
    if unit_sums > _MOST_SUMS or strip_bytes > (_WAVE if by_outputs else _MOST_STRIP) or scratch + shared > _MOST:
        return None
    return DirectPlan(
        Tables(
            isa=isa,
            order=order,
            scatters=scatters,
            size=size,
            batch=problem.batch,
            groups=problem.groups,
            inputs=inputs,
            outputs=outputs,
            in_size=in_size,
            out_size=out_size,
            in_stride=in_stride,
            out_stride=out_stride,
            in_phase=_table(in_planes[:, :3]),
            in_shift=_table(in_planes[:, 3:]),
            first_tap=_table(first_tap),
            taps=_table(taps[sorting]),
            offsets=_table(offsets),
            offsets_at=_table(offsets_at),
            count=count,
            strips=strips,
            rows=rows,
            positions=positions,
            plane_size=plane_size,
            channel_size=channel_size,
            span=span,
            span_size=span_size,
            strip_size=strip_size,
            block=block,
            chunk=chunk,
            tile=tile,
            unit=unit,
            pass_=pass_,
            first_column=_table(first_column),
            column=_table(column),
            by_outputs=by_outputs,
            wave=wave,
            multiply_adds=problem.groups * prod(strips) * positions * inputs * outputs * len(taps),
            scratch=_aligned(scratch),
            shared=_aligned(shared),
        )
    )


def _copied(planes: tuple[int, ...], halo: np.ndarray, outputs: int) -> np.ndarray:
    """Along which axes a plane is packed once per shift: where the halo is large beside a row, and pays for many outputs."""
    wide = outputs >= 16 * (halo + 1)
    across = wide[2] and 10 * halo[2] >= planes[2] + halo[2]
    return np.array([False, across and wide[1] and planes[1] <= 4, across])


def _target(least: int, positions: int, of_inputs: int, of_sums: int) -> int:
    """Positions of a strip: the more, the fewer halos; but inputs and sums stay in L2, and there is work for all."""
    return max(least, min(_STRIP // of_inputs, _STRIP_SUMS // of_sums, positions // _STRIPS))


def _strips(
    batch: int, planes: tuple[int, ...], halo: tuple[int, ...], target: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Images and positions of a strip, and how many strips there are: the target filled from the last axis on."""
    sizes = (batch, *planes)
    halos = (0, *(int(h) for h in halo))
    count = [1, 1, 1, 1]
    room = target
    if halos[1]:
        return _thick_strips(sizes, halos, target)
    for axis in (3, 2, 1, 0):
        if room < 1:
            break
        whole = sizes[axis] + halos[axis] if axis else sizes[0]
        if whole <= room:
            count[axis] = sizes[axis]
            room //= whole
        else:
            count[axis] = _even(sizes[axis], max(1, room))
            break
    strips = tuple(_up(size, c) for size, c in zip(sizes, count, strict=True))
    return tuple(count), strips


def _columns(taps: np.ndarray, outputs: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Units of at most so many (tap, output) pairs, and the pairs as `convt_column` has them; `taps` has a row for each."""
    first, rows = [0], []
    for plane in np.unique(taps[:, 0]):
        pairs = [
            (tap, output, plane, out_plane, shift)
            for tap, (in_plane, out_plane, shift) in enumerate(taps)
            for output in range(outputs)
            if in_plane == plane
        ]
        units = _up(len(pairs), most)
        first += [first[-1] + len(pairs) * (unit + 1) // units for unit in range(units)]
        rows += pairs
    return np.array(first), np.array(rows)


def _thick_strips(sizes: tuple[int, ...], halos: tuple[int, ...], target: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Strips of several rows of several slices of one image, so that the halos of slices do not outgrow them."""
    x = sizes[3] if sizes[3] + halos[3] <= target else _even(sizes[3], max(1, target - halos[3]))
    fitting = [(1, 1)]
    for z in range(1, sizes[1] + 1):
        y = min(sizes[2], target // ((z + halos[1]) * (x + halos[3])) - halos[2])
        if y < 1:
            break
        fitting.append((_even(sizes[1], z), _even(sizes[2], y)))
    z, y = min(fitting, key=lambda zy: (zy[0] + halos[1]) * (zy[1] + halos[2]) / (zy[0] * zy[1]))
    count = (1, z, y, x)
    return count, tuple(_up(size, c) for size, c in zip(sizes, count, strict=True))


def _even(size: int, most: int) -> int:
    """The largest of equal parts of at most so many."""
    return _up(size, _up(size, most))


def _ahead(within: np.ndarray, first_tap: np.ndarray, channel_size: int) -> tuple[np.ndarray, np.ndarray]:
    """The offsets of each plane's taps, with those of the next taps that are read, which are the next channel's."""
    pieces, starts, start = [], [], 0
    for first, last in pairwise(first_tap):
        count = last - first
        more = np.arange(count + _PREFETCH)
        own = within[first:last]
        pieces.append(own[more % count] + more // count * channel_size if count else np.zeros(_PREFETCH, np.int64))
        starts.append(start)
        start += len(pieces[-1])
    return np.concatenate(pieces), np.array(starts)


def _three(values: tuple[int, ...], order: tuple[int, ...], missing: int) -> tuple[int, ...]:
    """Values per spatial axis in the walking order, with axes of the value `missing` in front."""
    return (missing,) * (3 - len(order)) + tuple(values[axis] for axis in order)


def _table(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(values, dtype=np.int64)


def _up(a: int, b: int) -> int:
    return -(-a // b)


def _aligned(size: int) -> int:
    return _up(size, _ALIGNED) * _ALIGNED
