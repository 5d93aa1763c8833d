"""What part of the time PyTorch alone spends in convolutions, by its profiler."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch.profiler import ProfilerActivity, profile

__all__ = ["Shares", "shares"]

_CALLS = {"aten::convolution": 6, "aten::convolution_backward": 7}  # and which argument tells that it is transposed


class Shares(NamedTuple):
    """Parts of the whole, from 0 to 1."""

    transposed: float
    straight: float


def shares(run: Callable[[], Any]) -> Shares:
    """Run once, and tell what part of the time transposed and ordinary convolutions took."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiled:
        run()
    times = {True: 0.0, False: 0.0}
    events = profiled.events()
    for event in events:
        if event.name in _CALLS:
            times[bool(event.concrete_inputs[_CALLS[event.name]])] += event.cpu_time_total
    begin, end = min(event.time_range.start for event in events), max(event.time_range.end for event in events)
    return Shares(times[True] / (end - begin), times[False] / (end - begin))
