"""The problems that are tracked: one or two of each kind of ``python -m convt bench``."""

from __future__ import annotations

from convt.bench.cases import CASES as ALL
from convt.bench.jobs import LayerJob, Task

__all__ = ["CASES", "job"]

_TRACKED = (
    "dcgan-4 dcgan-8 dcgan-16 dcgan-32 unet-28 unet-256 nnunet3d-10 fcn-32 fcn-8 fsrcnn-x3 hifigan-1024 istft-513 "
    "depthwise-bilinear grouped-4 stride1-3x3 stride1-5x5 tiny-2d"
)

CASES = {name: ALL[name] for name in _TRACKED.split()}


def job(name: str, operator: str = "conv_transpose") -> LayerJob:
    """The arrays and options of a case, for an operator and all its gradients."""
    return LayerJob(CASES[name], Task(operator, ("x", "w", "bias")), "float32")
