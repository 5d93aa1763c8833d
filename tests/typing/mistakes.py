"""Mistakes that a type checker finds: one in each line that ends with an error code of mypy, and words of its message.

This is never run.
"""

from __future__ import annotations

# ruff: noqa: B018, F841, RUF059
import numpy as np
from numpy.typing import NDArray

import convt
from convt import nn
from convt.matconvnet import vl_nnconv, vl_nnconvt


def options(x: NDArray[np.float32], w: NDArray[np.float32]) -> None:
    convt.conv_transpose(x, w, stride="2")  # arg-type: "stride"
    convt.conv_transpose(x, w, padding="sam")  # arg-type: "padding"
    convt.conv_transpose(x, w, layout="NHCW")  # arg-type: "layout"
    convt.conv_transpose("x", w)  # arg-type: "conv_transpose"
    convt.conv_transpose(x="x", w=w)  # arg-type: "x"
    convt.upsample(x, 2, mode="bicubic")  # arg-type: "mode"
    convt.conv_tranpose(x, w)  # attr-defined: "conv_tranpose"
    text: str = convt.conv_transpose(x, w)  # assignment

    convt.conv(x, w, stride=2.0)  # arg-type: "stride"
    convt.conv(x, w, stride=(1, None))  # arg-type: "stride"
    convt.conv(x, w, padding=["same"])  # list-item: "str"
    convt.conv(x, w, groups=None)  # arg-type: "groups"
    convt.conv(x, w, stirde=2)  # call-arg: "stirde"
    convt.conv(x, w, backend=2)  # arg-type: "backend"
    convt.conv_transpose(x, w, output_size="same")  # arg-type: "output_size"
    convt.conv_transpose_shape(x, "w")  # arg-type: "conv_transpose_shape"
    convt.blocks("convolve", x.shape, w.shape, (1, 1, 8, 8))  # arg-type: "blocks"
    convt.blocks("conv", x.shape, w.shape, 8)  # arg-type: "blocks"
    convt.max_pool(x, 2, indexing="flat")  # arg-type: "indexing"
    convt.max_pool(x, size=None)  # arg-type: "size"
    convt.upsample(x, scale=1.5)  # arg-type: "scale"


def arrays(x: NDArray[np.float32], w: NDArray[np.float32]) -> None:
    convt.conv(b"x", w)  # arg-type: "conv"
    convt.conv(None, w)  # arg-type: "conv"
    convt.conv(["x"], w)  # list-item: "str"
    convt.conv([[1.0, "2"]], w)  # list-item: "str"
    convt.conv({0: 1.0}, w)  # arg-type: "conv"
    convt.conv({1.0}, w)  # arg-type: "conv"
    convt.conv(x, "w")  # arg-type: "conv"
    convt.conv(x, w, "bias")  # arg-type: "conv"
    convt.conv(x, w, out=[0.0])  # arg-type: "out"
    convt.conv(object(), w)  # arg-type: "conv"
    convt.filters.icnr("w", 2)  # arg-type: "icnr"
    convt.ConvOperator((5,), "w")  # arg-type: "ConvOperator"
    convt.conv_matrix(5, w)  # arg-type: "conv_matrix"
    convt.checkerboard("4", 2)  # arg-type: "checkerboard"
    vl_nnconvt(x, w)  # call-overload: "vl_nnconvt"
    vl_nnconv("x", w, [])  # call-overload: "vl_nnconv"
    vl_nnconvt(x, w, [], upsample="2")  # arg-type: "upsample"


def results(x: NDArray[np.float32], w: NDArray[np.float32], tensor: Tensor) -> None:
    convt.max_pool(x, 2).shape  # attr-defined: "shape"
    convt.max_pool(x, 2) + 1  # operator
    y, indices, more = convt.max_pool(x, 2)  # misc
    convt.conv(x, w).shap  # attr-defined: "shap"
    convt.conv_backward(x, w, None, x).dx  # attr-defined: "dx"
    convt.conv_backward(x, w, None, x).w.shap  # union-attr: "shap"
    convt.conv_backward(x, w, None, x, needs=["y"])  # list-item
    convt.conv_backward(x, w, None, x, needs=("x", "dy"))  # arg-type: "needs"
    convt.conv_double_backward(x, w, None, x, x, w).bias  # attr-defined: "bias"
    dzdx, dzdf = vl_nnconvt(x, w, [], x)  # misc
    vl_nnconvt(x, w, []).shap  # attr-defined: "shap"
    number: float = convt.conv(tensor, w)  # assignment
    other: Tensor = convt.conv(x, w)  # assignment
    convt.show_config("dicts").versions  # attr-defined: "versions"
    convt.show_config("dict")  # call-overload: "show_config"
    convt.filters.bilinaer(2)  # attr-defined: "bilinaer"
    convt.functoins  # attr-defined: "functoins"


def layers(x: NDArray[np.float32]) -> None:
    layer = nn.Conv2D(8, 3, padding="sam")  # arg-type: "padding"
    nn.Conv2D(8, "3")  # arg-type
    nn.Conv2D(8, 3, weight_initializer="hee")  # arg-type: "weight_initializer"
    nn.Conv2D(8, 3, bias_initializer="he")  # arg-type: "bias_initializer"
    nn.Conv2D(8, 3).initialize(dtype=np.int64)  # arg-type: "dtype"
    layer("x")  # arg-type: "str"
    layer(x).shap  # attr-defined: "shap"
    layer(x, output_size=8)  # call-arg: "output_size"
    nn.Conv2DTranspose(8, 3)(x, output_size="8")  # arg-type: "output_size"
    nn.Conv2D(8, 3).initialize().weigth  # attr-defined: "weigth"
    layer.weigth  # attr-defined: "weigth"
    nn.Sequential(layer, np.tanh)  # arg-type: "Sequential"
    nn.Adam(layer)  # arg-type: "Adam"
    nn.Adam(layer.parameters(), betas=0.9)  # arg-type: "betas"
    layer.weight.data = "w"  # assignment


class Tensor:
    """An array of another library."""

    def __dlpack__(self) -> object:
        raise NotImplementedError
