"""The cases, enlarged: on a large GPU the layers of one image are over before all of it has begun."""

from __future__ import annotations

from dataclasses import replace
from math import prod

from ..cases import Case, SamplingCase

__all__ = ["enlarged", "enlarged_sampling"]

MULTIPLY_ADDS = 2**33  # a third of a millisecond for the largest GPUs of today, in float32
ELEMENTS = 2**25  # of the larger array: more than their caches hold
_AS_THEY_ARE = ("tiny",)  # in which the way to the work is what counts


def enlarged(case: Case) -> Case:
    """A case with the batch doubled until there is enough to multiply or to move; its name stays.

    Examples
    --------
    >>> from convt.bench.cases import CASES
    >>> from convt.bench.device.sizes import enlarged
    >>> str(enlarged(CASES["dcgan-8"])), str(enlarged(CASES["tiny-1d"])) == str(CASES["tiny-1d"])
    ('128, 512>256, 8x8, 4x4 s2 p1', True)
    """
    if case.family in _AS_THEY_ARE:
        return case
    elements = max(prod(case.x_shape), prod(case.y_shape))
    return replace(case, batch=case.batch * _doublings(MULTIPLY_ADDS / case.multiply_adds, ELEMENTS / elements))


def enlarged_sampling(case: SamplingCase) -> SamplingCase:
    """The same for upsampling and pooling, which move only."""
    images, channels, height, width = case.shape
    elements = prod(case.shape) * (case.factor**2 if case.family == "upsample" else 1)
    return replace(case, shape=(images * _doublings(ELEMENTS / elements), channels, height, width))


def _doublings(*wanted: float) -> int:
    """The power of two that reaches one of several multiples."""
    times: int = 1
    while times < min(wanted):
        times *= 2
    return times
