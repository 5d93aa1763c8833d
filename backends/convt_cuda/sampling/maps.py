"""The members of the backend that are upsampling's and pooling's.

Arrays on a GPU are computed where they are; NumPy arrays, which come here only where this backend is asked for, are copied
there and back. Maps that are given indices look at all of them first, and wait for the answer: nothing is written if one
lies outside, and where all lie in their windows, as those of `max_pool` do, the kernels that rely on that are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from convt.backend import settings

from .launches import THREADS, pooling, resampling

if TYPE_CHECKING:
    from convt.backend import Problem

    from ..arrays import DeviceArray
    from ..device import Device

__all__ = ["SamplingMaps"]

_POSITION = 8  # bytes


class SamplingMaps:
    """What `CudaBackend` does of upsampling and pooling."""

    def placed(
        self, inputs: Sequence[Any], outs: Sequence[Any]
    ) -> AbstractContextManager[tuple[Device, int, list[DeviceArray]]]:
        """The device, the stream, and all of the arrays on the device, which is current."""
        raise NotImplementedError

    def upsample(self, problem: Problem, mode: str, align_corners: bool, coarse: Any, fine: Any) -> None:
        with self.placed([coarse], [fine]) as (device, stream, (source, target)):
            launch = resampling(
                problem, f"upsample_{mode}", source.storage, align_corners, False, source.strides, target.strides
            )
            device.launch(launch, {"coarse": source.address, "fine": target.address}, stream)

    def upsample_backward(self, problem: Problem, mode: str, align_corners: bool, fine: Any, coarse: Any) -> None:
        with self.placed([fine], [coarse]) as (device, stream, (source, target)):
            launch = resampling(
                problem, f"collect_{mode}", source.storage, align_corners, True, target.strides, source.strides
            )
            device.launch(launch, {"coarse": target.address, "fine": source.address}, stream)

    def max_pool(self, problem: Problem, fine: Any, coarse: Any, indices: Any) -> None:
        with self.placed([fine], [coarse, indices]) as (device, stream, (source, target, places)):
            _Run(problem, device, stream, source, target, places).launch("max_pool", problem.coarse_shape)

    def max_pool_backward(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        with self.placed([coarse, indices], [fine]) as (device, stream, (source, places, target)):
            run = _Run(problem, device, stream, target, source, places)
            near = run.check()
            if near is None:
                return False
            if near:
                run.launch("max_pool_backward_near", problem.fine_shape)
            else:
                run.sums("max_pool_backward_far", target)
            return True

    def max_unpool(self, problem: Problem, coarse: Any, indices: Any, fine: Any) -> bool:
        with self.placed([coarse, indices], [fine]) as (device, stream, (source, places, target)):
            run = _Run(problem, device, stream, target, source, places)
            return run.winners("max_unpool", problem.fine_shape)

    def max_unpool_backward(self, problem: Problem, fine: Any, indices: Any, coarse: Any) -> bool:
        with self.placed([fine, indices], [coarse]) as (device, stream, (source, places, target)):
            run = _Run(problem, device, stream, source, target, places)
            return run.winners("max_unpool_backward", problem.coarse_shape)

    def move_indices(self, problem: Problem, indices: Any, sign: int, moved: Any) -> None:
        """Write moved: indices, and `sign` times the position of the first element of their image's channel."""
        with self.placed([indices], [moved]) as (device, stream, (source, target)):
            items = prod(problem.coarse_array_shape)
            launch = pooling(
                problem, "move_flat", "indices", items, coarse=source.strides, indices=target.strides, planes=(0, sign)
            )
            pointers = {"fine": 0, "coarse": source.address, "indices": target.address, "work": 0}
            device.launch(launch, pointers, stream)


class _Run:
    """One call of pooling: its kernels, and what they need."""

    def __init__(
        self, problem: Problem, device: Device, stream: int, fine: DeviceArray, coarse: DeviceArray, indices: DeviceArray
    ) -> None:
        self._problem, self._device, self._stream, self._storage = problem, device, stream, fine.storage
        self._launch = partial(pooling, fine=fine.strides, coarse=coarse.strides, indices=indices.strides)
        self._pointers = {"fine": fine.address, "coarse": coarse.address, "indices": indices.address, "work": 0}
        self._planes = problem.batch * problem.fine_channels

    def launch(
        self, kernel: str, shape: tuple[int, ...], planes: tuple[int, int] = (0, 0), storage: str | None = None
    ) -> None:
        """A kernel with a thread for each element of that shape, in all planes or in some."""
        items = (planes[1] or self._planes) * prod(shape)
        launch = self._launch(self._problem, kernel, storage or self._storage, items, planes=planes)
        self._device.launch(launch, self._pointers, self._stream)

    def check(self) -> bool | None:
        """Whether all indices lie in the windows of their coarse elements; None if one is no position at all."""
        self._acquire(2 * _POSITION)
        try:
            self._device.clear(self._pointers["work"], 2 * _POSITION, self._stream)
            self.launch("check_flat", self._problem.coarse_shape, storage="indices")
            found = self._device.receive(self._pointers["work"], 2 * _POSITION, self._stream).view(np.int64)
        finally:
            self._release()
        return None if found[0] else not found[1]

    def winners(self, kernel: str, shape: tuple[int, ...]) -> bool:
        """A map for which the last coarse element of each index counts; whether all indices are positions."""
        near = self.check()
        if near is None:
            return False
        if near:
            self.launch(f"{kernel}_near", shape)
            return True
        with self._work(_POSITION) as parts:
            for planes, size in parts:
                self._device.clear(self._pointers["work"], size, self._stream)
                self.launch("mark_flat", self._problem.coarse_shape, planes, "indices")
                self.launch(f"{kernel}_far", shape, planes)
        return True

    def sums(self, kernel: str, out: DeviceArray) -> None:
        """A kernel with a block for each plane, which adds up in the problem's dtype."""
        if out.storage == self._problem.dtype.name:
            self.launch(kernel, (THREADS,), (0, self._planes))
            return
        with self._work(self._problem.dtype.itemsize) as parts:
            for planes, _ in parts:
                self.launch(kernel, (THREADS,), planes)

    @contextmanager
    def _work(self, itemsize: int) -> Iterator[list[tuple[tuple[int, int], int]]]:
        """The first and the number of planes, as many at a time as the limit allows, and the bytes of "work" for them."""
        size = prod(self._problem.fine_shape) * itemsize
        at_once = max(1, int(min(self._planes, settings().workspace_limit / size)))
        self._acquire(at_once * size)
        try:
            counts = [(first, min(at_once, self._planes - first)) for first in range(0, self._planes, at_once)]
            yield [(planes, planes[1] * size) for planes in counts]
        finally:
            self._release()

    def _acquire(self, size: int) -> None:
        self._pointers["work"] = self._device.pool.acquire(size, self._stream)

    def _release(self) -> None:
        self._device.pool.release(self._pointers["work"])
