"""Plans of the direct engine: planes, taps and strips of a problem, as the tables that ``kernels/direct_plan.h`` describes.

Along each axis, tap t of coarse position q meets the fine element ``q * stride + tap * dilation - padding``, which lies in
the phase ``(tap * dilation - padding) mod stride``, at position q + steps of that phase. So gather reads the fine phases at
q + steps, and scatter writes each fine phase from the coarse array at its own position - steps.

Sizes follow from the problem and the instruction set, never from the number of threads.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise, product
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .._kernels import kernels, vector_length
from ..sizes import LINE, aligned, ceil_div, int64_table, three_axes
from ._engine import DirectPlan

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "direct_plan"]

_POSITIONS = 2048  # bytes of a packed row of positions, at least: sums and strip of a few channels share the L1 cache
_PADDED = 1.03  # by how much positions may grow where strips are halved, whose sums all wait at the same time
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
_PREFETCH = 8  # taps that a kernel looks ahead
_FEW = {1: 1.8, 2: 1.3}  # outputs whose taps are computed as columns, unless halos grow a strip by more than this
_COLUMN_VECTORS = 4
_NO_COLUMNS: tuple[list[int], list[tuple[int, ...]]] = [0], []


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
    even: int
    ahead: int
    count: tuple[int, ...]
    strips: tuple[int, ...]
    rows: tuple[int, ...]
    slices: int
    sums_pitch: tuple[int, int]
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
        three_axes(shape, order, missing)
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

    per_axis = tuple(zip(kernel, dilation, padding, stride, strict=True))
    phases = [[(t * d - p) % s for t in range(k)] for k, d, p, s in per_axis]
    shifts = [[(-1 if scatters else 1) * ((t * d - p) // s) for t in range(k)] for k, d, p, s in per_axis]
    planes = tuple(ceil_div(o, s) for o, s in zip(out_size, out_stride, strict=True))
    halo = tuple(max(of_axis) - min(of_axis) for of_axis in shifts)
    copied = _copied(planes, halo, outputs)
    # Of the packed plane that a tap reads, along each axis.
    starts = [of_axis if c else [min(of_axis)] * len(of_axis) for of_axis, c in zip(shifts, copied, strict=True)]
    in_planes, in_plane = _planes([[0] * k for k in kernel] if scatters else phases, starts)
    all_taps = prod(kernel)
    out_plane = _sums(phases, (stride[1] * stride[2], stride[2], 1)) if scatters else [0] * all_taps
    taps = list(product(*map(range, kernel)))
    taps_of = Counter(out_plane)
    first_tap = list(accumulate((taps_of[plane] for plane in range(prod(out_stride))), initial=0))

    lanes = vector_length(isa, size)
    halo = tuple(0 if c else h for h, c in zip(halo, copied, strict=True))
    out_planes = prod(out_stride)
    target = _POSITIONS // size
    if halo[0] or halo[1]:
        all_positions = problem.batch * problem.groups * prod(planes)
        target = _target(target, all_positions, inputs * len(in_planes) * size, min(outputs, 14) * out_planes * size)
    widest = _widest(isa)
    most_rows = max(widest)
    unit = ceil_div(outputs, ceil_div(outputs, most_rows))
    units, tile = ceil_div(outputs, unit), widest[unit]
    weights = problem.groups * inputs * outputs * all_taps * size
    sliced = any(halo) and outputs not in _FEW
    cut = _cut(problem.batch, planes, halo, target, lanes, sliced=sliced)
    by_outputs = weights > _MOST_WEIGHTS or prod(cut.strips) * problem.groups < _TASKS < units
    if by_outputs and not (halo[0] or halo[1]):
        shorter = _cut(problem.batch, planes, halo, target // 2, lanes, sliced=sliced)
        cut = shorter if shorter.computed <= _PADDED * cut.computed else cut
    count, strips, rows, positions = cut.count, cut.strips, cut.rows, cut.positions
    few = False
    if any(halo):
        furthest = (halo[0] * rows[1] + halo[1]) * rows[2] + halo[2]
        plane_size = span = max(furthest + cut.reach, count[0] * rows[0] * rows[1] * rows[2])
        few = inputs >= 8 and plane_size < _FEW.get(outputs, 0) * positions
        if few:
            plane_size = span = ceil_div(plane_size, lanes) * lanes
        channel_size = len(in_planes) * plane_size
        # An odd number of cache lines: else some channels would meet in few sets of the L1 cache.
        channel_size = (ceil_div(channel_size * size, LINE) // 2 * 2 + 1) * LINE // size
        span_size, spans = 0, 1
    else:
        plane_size = span = tile * lanes
        channel_size = len(in_planes) * plane_size
        span_size, spans = inputs * channel_size, ceil_div(positions, span)
    inside = [[shift - start for shift, start in zip(*of_axis, strict=True)] for of_axis in zip(shifts, starts, strict=True)]
    flat = _sums(inside, (rows[1] * rows[2], rows[2], 1))
    within = [plane * plane_size + offset for plane, offset in zip(in_plane, flat, strict=True)]
    sorting = sorted(range(all_taps), key=list(zip(out_plane, within, strict=True)).__getitem__)
    offsets = [within[tap] for tap in sorting]
    even = _even_step(offsets, [taps_of[plane] for plane in range(out_planes)], channel_size)
    ahead = even * _PREFETCH or ceil_div(_PREFETCH, max(taps_of.values())) * channel_size
    first_column, column = _NO_COLUMNS
    columns_size = 0
    if few:
        rows_of = [(in_plane[tap], out_plane[tap], flat[tap]) for tap in sorting]
        first_column, column = _columns(rows_of, outputs, most_rows)
        unit, tile = outputs, _COLUMN_VECTORS
        columns_size = max(last - first for first, last in pairwise(first_column)) * plane_size
    lines = len(
        {line + vector for line in {offset // lanes for offset in within} for vector in range(tile + 1)}
    )  # of a channel, that a tile touches
    unit_sums = out_planes * unit * positions * size
    block = ceil_div(inputs, ceil_div(inputs, max(8, _BLOCK // (lines * lanes * size))))
    strip_size = inputs * channel_size * spans
    strip_bytes = strip_size * size
    by_outputs = by_outputs and not few
    of_channel = unit * all_taps * size
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
            in_phase=int64_table([plane[:3] for plane in in_planes]),
            in_shift=int64_table([plane[3:] for plane in in_planes]),
            first_tap=int64_table(first_tap),
            taps=int64_table([taps[tap] for tap in sorting]),
            offsets=int64_table(offsets),
            even=even,
            ahead=ahead,
            count=count,
            strips=strips,
            rows=rows,
            slices=cut.slices,
            sums_pitch=cut.sums_pitch,
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
            first_column=int64_table(first_column),
            column=int64_table(column).reshape(-1, 5),
            by_outputs=by_outputs,
            wave=wave,
            multiply_adds=problem.groups * prod(strips) * positions * inputs * outputs * all_taps,
            scratch=aligned(scratch),
            shared=aligned(shared),
        )
    )


@lru_cache
def _widest(isa: str) -> dict[int, int]:
    """The most vectors of a kernel of so many rows."""
    return {rows: max(vectors for of, vectors in kernels(isa) if of == rows) for rows, _ in kernels(isa)}


def _copied(planes: tuple[int, ...], halo: tuple[int, ...], outputs: int) -> tuple[bool, bool, bool]:
    """Along which axes a plane is packed once per shift: where the halo is large beside a row, and pays for many outputs."""
    across = outputs >= 16 * (halo[2] + 1) and 10 * halo[2] >= planes[2] + halo[2]
    return False, across and outputs >= 16 * (halo[1] + 1) and planes[1] <= 4, across


def _planes(phases: list[list[int]], starts: list[list[int]]) -> tuple[list[tuple[int, ...]], list[int]]:
    """The different packed planes that taps read, each as three phases and three starts, and the plane of each tap."""
    keys = [sorted(set(zip(*of_axis, strict=True))) for of_axis in zip(phases, starts, strict=True)]
    unsorted = [(*(phase for phase, _ in key), *(start for _, start in key)) for key in product(*keys)]
    rank = {plane: index for index, plane in enumerate(sorted(unsorted))}
    of_axes = [
        [key.index(tap) for tap in zip(*of_axis, strict=True)]
        for key, of_axis in zip(keys, zip(phases, starts, strict=True), strict=True)
    ]
    indices = _sums(of_axes, (len(keys[1]) * len(keys[2]), len(keys[2]), 1))
    return list(rank), [rank[unsorted[index]] for index in indices]


def _sums(of_axes: list[list[int]], factors: tuple[int, int, int]) -> list[int]:
    """For each tap, the sum over the axes of a number that its position along an axis has, times the axis' factor."""
    slices, rows, row = ([value * factor for value in values] for values, factor in zip(of_axes, factors, strict=True))
    return [z + y + x for z in slices for y in rows for x in row]


def _target(least: int, positions: int, of_inputs: int, of_sums: int) -> int:
    """Positions of a strip: the more, the fewer halos; but inputs and sums stay in L2, and there is work for all."""
    return max(least, min(_STRIP // of_inputs, _STRIP_SUMS // of_sums, positions // _STRIPS))


class _Cut(NamedTuple):
    """Strips, and the positions of one that are computed; see `Tables`."""

    count: tuple[int, ...]
    strips: tuple[int, ...]
    rows: tuple[int, ...]
    slices: int
    sums_pitch: tuple[int, int]
    positions: int

    @property
    def computed(self) -> int:
        """Positions of all strips."""
        return prod(self.strips) * self.positions

    @property
    def reach(self) -> int:
        """Packed positions from the first that is computed to behind the last."""
        count, rows = self.count, self.rows
        before = ((count[0] - 1) * rows[0] + count[1] - 1) * rows[1] * rows[2] if self.slices > 1 else 0
        return before + self.positions // self.slices


def _cut(
    batch: int, planes: tuple[int, ...], halo: tuple[int, ...], target: int, lanes: int, *, sliced: bool = False
) -> _Cut:
    """With `sliced`, the halos between slices are left out where that saves something."""
    count, strips = _strips(batch, planes, halo, target)
    rows = tuple(c + h for c, h in zip(count[1:], halo, strict=True))
    slices, area = count[0] * count[1], rows[1] * rows[2]
    row = (count[2] - 1) * rows[2] + count[3]
    slice_ = ceil_div(row, lanes) * lanes
    whole = ceil_div(((count[0] - 1) * rows[0] + count[1] - 1) * area + row, lanes) * lanes
    if sliced and slices * slice_ < whole:
        return _Cut(count, strips, rows, slices, (count[1] * slice_, slice_), slices * slice_)
    return _Cut(count, strips, rows, 1, (rows[0] * area, area), whole)


def _strips(
    batch: int, planes: tuple[int, ...], halo: tuple[int, ...], target: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Images and positions of a strip, and how many strips there are: the target filled from the last axis on."""
    sizes = (batch, *planes)
    halos = (0, *halo)
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
    strips = tuple(ceil_div(size, c) for size, c in zip(sizes, count, strict=True))
    return tuple(count), strips


def _columns(taps: list[tuple[int, int, int]], outputs: int, most: int) -> tuple[list[int], list[tuple[int, ...]]]:
    """Units of at most so many (tap, output) pairs, and the pairs as `convt_column` has them; `taps` has a row for each."""
    first: list[int] = [0]
    rows: list[tuple[int, ...]] = []
    for plane in sorted({in_plane for in_plane, _, _ in taps}):
        pairs = [
            (tap, output, plane, out_plane, shift)
            for tap, (in_plane, out_plane, shift) in enumerate(taps)
            for output in range(outputs)
            if in_plane == plane
        ]
        units = ceil_div(len(pairs), most)
        first += [first[-1] + len(pairs) * (unit + 1) // units for unit in range(units)]
        rows += pairs
    return first, rows


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
    return count, tuple(ceil_div(size, c) for size, c in zip(sizes, count, strict=True))


def _even(size: int, most: int) -> int:
    """The largest of equal parts of at most so many."""
    return ceil_div(size, ceil_div(size, most))


def _even_step(offsets: list[int], counts: list[int], channel_size: int) -> int:
    """How far apart the taps of every plane are, if they and the channels follow one another evenly, else 0."""
    taps = counts[0]
    step, rest = divmod(channel_size, max(taps, 1))
    uneven = rest or any(count != taps for count in counts)
    if uneven or any(offset - offsets[tap - tap % taps] != tap % taps * step for tap, offset in enumerate(offsets)):
        return 0
    return step
