"""Plans of the correlate engine, and what they cost. ``kernels/correlate_plan.h`` says what packed positions and runs are.

`shape.py` cuts outer products into kernels, `layout.py` knows the sizes of the buffers, `schedule.py` cuts the positions
into strips and the kernel into blocks; here they become a plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from .._kernels import vector_length
from ..sizes import ceil_div, three_axes
from ._plan import CorrelatePlan
from .layout import Layout, axis_of
from .schedule import Schedule, schedule
from .shape import CHUNK, best_shape

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map, Order

__all__ = ["Tables", "correlate_plan"]

_NEAR = 16 * 1024  # bytes of the vectors that several kernels read, in the L1 cache
_FEWEST = 64  # positions of a chunk
_MOST = 24 * 1024 * 1024  # bytes of scratch memory with one thread

_SUMMED = 1.8  # time of a kernel, relative to what it would take with all operands in the L1 cache
_COARSE = 0.8  # cycles for a packed element
_FINE = 2.0
_WRITTEN = 3.2  # cycles for an element of the kernel, each time it is written


@dataclass(frozen=True, eq=False)
class Tables:
    """A plan before it goes to C; ``kernels/correlate_plan.h`` says what most fields are.

    Attributes
    ----------
    together : bool
        The schedule: whether all threads pack a strip together, or each its own.
    splits : int
        Tasks that share the positions of a group, each with sums of its own.
    wave : int
        Blocks of fine channels that are packed together.
    coarse_bytes, fine_bytes, sums_bytes : int
        Of one block of coarse and of fine channels of a packed strip, and of a block of sums.
    scratch, shared : int
        Bytes of scratch memory, of each thread and of all together.
    cycles : float
        Estimated, of one core.
    """

    isa: str
    order: tuple[int, ...]
    size: int
    batch: int
    groups: int
    coarse: int
    fine: int
    coarse_size: tuple[int, ...]
    fine_size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    step: tuple[int, ...]
    padding: tuple[int, ...]
    count: tuple[int, ...]
    strips: tuple[int, ...]
    run: int
    runs: int
    fine_block: int
    coarse_pitch: int
    fine_lanes: bool
    unit: int
    tile: int
    chunk: int
    block_coarse: int
    block_runs: int
    together: bool
    splits: int
    wave: int
    coarse_bytes: int
    fine_bytes: int
    sums_bytes: int
    scratch: int
    shared: int
    multiply_adds: int
    cycles: float


@lru_cache(maxsize=1024)
def correlate_plan(problem: Problem, data_map: Map, order: Order, isa: str) -> CorrelatePlan | None:
    """The plan, the spatial axes walked in `order`; None for another map or where buffers would grow too large."""
    if data_map != "correlate" or problem.batch == 0:
        return None
    groups, size = problem.groups, problem.dtype.itemsize
    coarse, fine = problem.coarse_channels // groups, problem.fine_channels // groups
    axes = tuple(
        map(
            axis_of,
            three_axes(problem.coarse_shape, order, 1),
            three_axes(problem.kernel_shape, order, 1),
            three_axes(problem.stride, order, 1),
            three_axes(problem.dilation, order, 1),
        )
    )
    taps = prod(problem.kernel_shape)
    run = axes[2].kernel if axes[2].dilation == 1 else 1
    lanes = vector_length(isa, size)
    shape = best_shape(coarse, fine, run, isa, lanes)
    layout = Layout(problem.batch, coarse, axes, run, taps // run, ceil_div(fine, shape.fine_block), shape, lanes, size)
    multiply_adds = groups * prod(layout.positions) * coarse * fine * taps
    cut = schedule(layout, groups, multiply_adds)
    if cut.scratch + cut.shared > _MOST:
        return None
    strips = tuple(ceil_div(n, count) for n, count in zip(layout.positions, cut.count, strict=True))
    rows = coarse if shape.fine_lanes else run * shape.fine_block
    near = max(_FEWEST, _NEAR // (shape.tile * lanes * size))
    return CorrelatePlan(
        Tables(
            isa=isa,
            order=order,
            size=size,
            batch=problem.batch,
            groups=groups,
            coarse=coarse,
            fine=fine,
            coarse_size=layout.positions[1:],
            fine_size=three_axes(problem.fine_shape, order, 1),
            kernel=tuple(axis.kernel for axis in axes),
            stride=tuple(axis.stride for axis in axes),
            dilation=tuple(axis.dilation for axis in axes),
            step=tuple(axis.step for axis in axes),
            padding=three_axes(problem.padding, order, 0),
            count=cut.count,
            strips=strips,
            run=run,
            runs=layout.runs,
            fine_block=shape.fine_block,
            coarse_pitch=layout.coarse_pitch(cut.block_coarse),
            fine_lanes=shape.fine_lanes,
            unit=shape.unit,
            tile=shape.tile,
            chunk=min(CHUNK, near) if rows > shape.unit else CHUNK,
            block_coarse=cut.block_coarse,
            block_runs=cut.block_runs,
            together=cut.together,
            splits=cut.splits,
            wave=cut.wave,
            coarse_bytes=layout.packed_coarse(cut.count, cut.block_coarse),
            fine_bytes=layout.packed_fine(cut.count),
            sums_bytes=layout.sums(cut.block_coarse, cut.block_runs),
            scratch=cut.scratch,
            shared=cut.shared,
            multiply_adds=multiply_adds,
            cycles=groups * _cycles(layout, cut, prod(strips), coarse * fine * taps),
        )
    )


def _cycles(layout: Layout, cut: Schedule, strips: int, weights: int) -> float:
    """Estimated, of one group and one core; what is moved by its bytes, as in ``cost.py``."""
    positions = prod(layout.positions)
    packed_coarse = positions * layout.coarse * ceil_div(layout.blocks, cut.wave)
    packed_fine = strips * layout.blocks * layout.packed_fine(cut.count) // layout.size
    written = weights * (strips if cut.together else 1)
    summed = positions * layout.runs * layout.shape.cycles
    moved = packed_coarse * _COARSE + packed_fine * _FINE + written * _WRITTEN
    return summed * _SUMMED + moved * layout.size / 4
