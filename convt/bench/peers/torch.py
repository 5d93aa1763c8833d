"""PyTorch: eager calls in inference mode, for gradients the operator that autograd calls."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..jobs import Job
from .peer import Run

__all__ = ["Contender"]


class Contender:
    """PyTorch; a `Peer`.

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

    def prepare(self, job: Job) -> Run:
        """One call on tensors that share the job's memory."""
        x, w = torch.from_numpy(job.x), torch.from_numpy(job.w)
        bias = None if job.bias is None else torch.from_numpy(job.bias)
        options, needs = job.options, job.task.needs
        if not needs:
            operator = getattr(torch.nn.functional, f"{job.task.operator}{len(job.case.size)}d")
            return lambda: operator(x, w, bias, **options)
        backward = torch.ops.aten.convolution_backward
        dy = torch.from_numpy(job.dy)
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
