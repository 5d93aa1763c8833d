"""OpenVINO: a model of the one operator, compiled for the CPU in true float32, and one request that is used again.

The request keeps its result, so that unlike the others it allocates no memory in a call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as opset

from ..jobs import LayerJob
from .peer import Peer, Run, Unsupported

__all__ = ["Contender"]


class Contender(Peer):
    """OpenVINO on the CPU; the threads belong to its compiled models.

    Parameters
    ----------
    threads : int
    """

    name = "openvino"
    version = openvino.__version__.partition("-")[0]

    def __init__(self, threads: int) -> None:
        self._core = openvino.Core()
        self._config = {
            "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
        }

    def layer(self, job: LayerJob) -> Run:
        """One inference of a model with a constant filter."""
        if job.task.needs:
            raise Unsupported("has no gradients")
        if job.dtype != "float32":
            raise Unsupported(f"computes {job.dtype} as float32")
        request = self._core.compile_model(_model(job), "CPU", self._config).create_infer_request()
        request.set_input_tensor(openvino.Tensor(job.x, shared_memory=True))
        return lambda: request.infer(share_outputs=True)[0]


def _model(job: LayerJob) -> Any:
    x = opset.parameter(job.x.shape, np.float32)
    padding = list(job.options["padding"])
    options = {
        "strides": list(job.options["stride"]),
        "pads_begin": padding,
        "pads_end": padding,
        "dilations": list(job.options["dilation"]),
    }
    if job.transposed:
        options["output_padding"] = list(job.options["output_padding"])
    operator = {
        (True, False): opset.convolution_backprop_data,
        (True, True): opset.group_convolution_backprop_data,
        (False, False): opset.convolution,
        (False, True): opset.group_convolution,
    }[job.transposed, job.case.groups > 1]
    y = operator(x, opset.constant(_kernel(job)), **options)
    if job.bias is not None:
        y = opset.add(y, opset.constant(job.bias.reshape(1, -1, *[1] * len(job.case.size))))
    return openvino.Model([y], [x])


def _kernel(job: LayerJob) -> NDArray[Any]:
    """With an axis for the groups if there are several."""
    groups = job.case.groups
    return job.w if groups == 1 else job.w.reshape(groups, -1, *job.w.shape[1:])
