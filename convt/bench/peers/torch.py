"""PyTorch: eager calls in inference mode, for gradients the operator that autograd calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from ..jobs import LayerJob, SamplingJob
from .peer import Peer, Run

__all__ = ["Contender"]


class Contender(Peer):
    """PyTorch.

    Parameters
    ----------
    threads : int
    """

    name = "torch"
    version = str(torch.__version__)

    def __init__(self, threads: int) -> None:
        self._threads = threads

    @contextmanager
    def session(self) -> Iterator[None]:
        """The number of threads, and inference mode."""
        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)
        try:
            with torch.inference_mode():
                yield
        finally:
            torch.set_num_threads(before)

    def tensor(self, array: Any) -> torch.Tensor:
        """An array of a job as a tensor."""
        return torch.from_numpy(array)

    def layer(self, job: LayerJob) -> Run:
        """One call on tensors that share the job's memory."""
        x, w = self.tensor(job.x), self.tensor(job.w)
        bias = None if job.bias is None else self.tensor(job.bias)
        options, needs = job.options, job.task.needs
        if not needs:
            operator = getattr(torch.nn.functional, f"{job.task.operator}{len(job.case.size)}d")
            return lambda: operator(x, w, bias, **options)
        backward = torch.ops.aten.convolution_backward
        dy = self.tensor(job.dy)
        zero = (0,) * len(job.case.size)
        arguments = (
            None if bias is None else bias.shape,
            options["stride"],
            options["padding"],
            options["dilation"],
            job.transposed,
            options.get("output_padding", zero),
            options["groups"],
            [name in needs for name in ("x", "w", "bias")],
        )
        return lambda: backward(dy, x, w, *arguments)

    def sampling(self, job: SamplingJob) -> Run:
        """One call; backward functions are those that autograd calls, max_unpool2d's is a gather."""
        name, aten, functional = job.task.name, torch.ops.aten, torch.nn.functional
        x, shape, factor = self.tensor(job.x), job.case.shape, job.case.factor
        dy = self.tensor(job.dy)
        if job.task.family == "upsample":
            sizes, corners = [size * factor for size in shape[2:]], [False] if name == "bilinear" else []
            backward = getattr(aten, f"upsample_{name}2d_backward")
            if job.task.backward:
                return lambda: backward(dy, sizes, list(shape), *corners, float(factor), float(factor))
            return lambda: functional.interpolate(x, scale_factor=factor, mode=name)
        y, indices = map(self.tensor, job.pooled)
        windows = [[value] * 2 for value in job.windows.values()]
        if not job.task.backward:
            if name == "max_pool":
                return lambda: functional.max_pool2d(x, *windows, return_indices=True)
            return lambda: aten.max_unpool2d(y, indices, list(shape[2:]))
        if name == "max_pool":
            return lambda: aten.max_pool2d_with_indices_backward(dy, x, *windows, [1, 1], False, indices)
        return lambda: dy.flatten(-2).gather(-1, indices.flatten(-2)).view(y.shape)
