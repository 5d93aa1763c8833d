"""ONNX Runtime: a model of the one operator, made in memory; its thread pool spins as it does by default."""

from __future__ import annotations

from typing import Any

import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from ..jobs import LayerJob
from .peer import Peer, Run, Unsupported

__all__ = ["Contender"]

_OPERATORS = {"conv_transpose": "ConvTranspose", "conv": "Conv"}
_ATTRIBUTES = {"stride": "strides", "dilation": "dilations", "output_padding": "output_padding", "groups": "group"}
_TYPES = {"float32": TensorProto.FLOAT, "float64": TensorProto.DOUBLE}
_OPERATOR_SET, _FORMAT = 13, 8  # old enough for every version that is allowed


class Contender(Peer):
    """ONNX Runtime on the CPU; every model has its own threads.

    Parameters
    ----------
    threads : int
    """

    name = "onnxruntime"
    version = str(onnxruntime.__version__)

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def layer(self, job: LayerJob) -> Run:
        """One run of a model with a constant filter."""
        if job.task.needs:
            raise Unsupported("has no gradients")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what fails is reported by whoever called
        model = _model(job).SerializeToString()
        run = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"]).run
        feed = {"x": job.x}
        return lambda: run(None, feed)[0]


def _model(job: LayerJob) -> Any:
    attributes = {_ATTRIBUTES[name]: value for name, value in job.options.items() if name in _ATTRIBUTES}
    constants = {"w": job.w} if job.bias is None else {"w": job.w, "bias": job.bias}
    node = helper.make_node(
        _OPERATORS[job.task.operator], ["x", *constants], ["y"], pads=job.options["padding"] * 2, **attributes
    )
    graph = helper.make_graph(
        [node],
        job.case.name,
        [helper.make_tensor_value_info("x", _TYPES[job.dtype], job.x.shape)],
        [helper.make_tensor_value_info("y", _TYPES[job.dtype], None)],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    opset = helper.make_opsetid("", _OPERATOR_SET)
    return helper.make_model(graph, opset_imports=[opset], ir_version=_FORMAT)
