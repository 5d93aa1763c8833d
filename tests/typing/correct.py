"""A program that uses everything as it should: it runs, and `mypy --strict` has nothing to say.

``uses_a_tensor`` is for the type checker alone.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import convt
from convt import nn
from convt.matconvnet import vl_nnconv, vl_nnconvt
from convt.numpy_backend import backend as numpy_backend
from convt.testing import GradientReport, gradcheck, make_problem
from convt.typing import ArrayLike, LayoutName, NumPyArray, PaddingLike

rng = np.random.default_rng(0)
x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
w = rng.standard_normal((3, 4, 3, 3)).astype(np.float32)
bias = [0.0, 1.0, 2.0, 3.0]

# Operators: arrays, lists, numbers of any kind.
y = convt.conv_transpose(x, w, bias, stride=2, padding=1, output_padding=(1, 1))
assert_type(y, NumPyArray)
mean: float = y.mean().item()
line = convt.conv([[1, 2, 3.0]], [[[1, 10]]], padding="same", dilation=np.int64(1), layout="NCW")
assert_type(line, NumPyArray)
convt.conv(np.ones((1, 6)), [np.ones((1, 2))], None, stride=[2], padding=[(1, 0)])
convt.conv(((True, False),), (((2j,),),), padding=((1, 1),), stride=np.array([1]))
narrow: NDArray[np.float32] = convt.conv_transpose(x, w, stride=2)
written = convt.conv_transpose(x, w, out=np.empty((2, 4, 10, 10), np.float32))
size: tuple[int, ...] = convt.conv_transpose_shape(x.shape, w.shape, stride=(2, 2), output_size=[17, 18])
convt.conv_shape([8, 3, 32, 32], (16, 3, 3, 3), padding="same_lower")

# Blocks: slices, and the options of a call.
for block in convt.blocks("conv_transpose", x.shape, w.shape, (1, 4, 8, (8, 2)), stride=1):
    if block.options is not None:
        part: NumPyArray = convt.conv_transpose(x[block.x], w, **block.options)

# Gradients: named, and to be unpacked.
gradients = convt.conv_transpose_backward(x, w, bias, np.ones_like(y), stride=2, padding=1, output_padding=1)
assert_type(gradients, convt.Gradients[NumPyArray])
step: NDArray[np.float32] = w - 0.1 * gradients.w
dx, dw, db = convt.conv_backward(x, w.swapaxes(0, 1), None, np.ones((2, 4, 6, 6)), needs=("x",))
convt.conv_backward(x, w.swapaxes(0, 1), None, np.ones((2, 4, 6, 6)), needs=["x", "w"])
seconds = convt.conv_double_backward(x, w.swapaxes(0, 1), None, np.ones((2, 4, 6, 6)), x, None, needs={"w", "dy"})
assert_type(seconds, convt.DoubleGradients[NumPyArray])
convt.conv_transpose_double_backward(x, w, bias, np.ones((2, 4, 10, 10)), None, w, bias).x.sum()

# Upsampling and pooling.
assert_type(convt.upsample([[1, 2], [3, 4]], 2), NumPyArray)
large = convt.upsample(x, (2, 3), mode="bilinear", align_corners=True, layout="NCHW")
convt.upsample_backward(large, (2, 3), mode="bilinear", align_corners=True)
pooled = convt.max_pool(x, 2, indexing="tensor")
assert_type(pooled, convt.Pooled[NumPyArray])
maxima, indices = pooled
convt.max_unpool(pooled.y, indices, 2, indexing="tensor").reshape(-1)
convt.max_pool_backward(maxima, indices, 2, None, "valid", output_size=(8, 8), indexing="tensor")
convt.max_unpool_backward(x, indices, size=[2, 2], indexing="tensor")

# Backends and settings.
with convt.use_backend(numpy_backend), convt.options(threads=2, workspace_limit=2**20):
    convt.conv(x, w.swapaxes(0, 1), backend=("cpu", "numpy"))
convt.set_backend("numpy")
convt.set_backend(None)
usable: bool = convt.backends()["numpy"].usable
version: str = convt.show_config("dicts")["versions"]["convt"]

# Layers; one of the user's own.


class Square(nn.Layer):
    def forward(self, x: ArrayLike) -> NDArray[np.floating[Any]]:
        self.x = np.asarray(x, float)
        y: NDArray[np.float64] = self.x**2
        return y

    def backward(self, dy: ArrayLike) -> NDArray[np.floating[Any]]:
        dx: NDArray[np.float64] = 2 * self.x * np.asarray(dy, float)
        return dx


first = nn.Conv2D(4, (3, 3), padding="same", layout="NCHW", weight_initializer="he", bias_initializer=0.5)
net = nn.Sequential(first, nn.LeakyReLU(0.1), Square(), nn.Conv2DTranspose(3, 4, strides=2, padding=1, backend="numpy"))
net.initialize(lambda shape, rng: rng.standard_normal(shape), rng=0, dtype=np.float32)
adam = nn.Adam(net.parameters(), learning_rate=1e-3, betas=(0.9, 0.99))
error = net(x) - np.ones((2, 3, 16, 16), np.float32)
net.zero_grad()
net.backward(error).sum()
adam.step()
nn.SGD([first.weight], momentum=0.5).step()
first.weight.data *= 0.5
first.weight.grad = np.zeros(first.weight.shape)
net.load_state_dict(net.state_dict())
with tempfile.TemporaryDirectory() as folder:
    net.save(os.path.join(folder, "net.npz"))
    net.load(os.path.join(folder, "net.npz"))
small = nn.Conv1D(1, 2, weight_initializer=[[[1.0, 10.0]]])
small.initialize(dtype="float64")
small([[1.0, 2.0, 3.0]])
up = assert_type(nn.Conv1DTranspose(1, 3, 2, 1).initialize(rng=0), nn.Conv1DTranspose)
up([[1.0, 2.0, 3.0]], output_size=6).sum()
up.forward([[1.0, 2.0, 3.0]], output_size=(1, np.int64(5)))

# Filters, matrices, evenness.
convt.conv_transpose(x, convt.filters.bilinear(2, channels=3), stride=2, groups=3)
assert_type(convt.filters.icnr([[[1.0, 10.0]]], [2]), NDArray[Any])
blur = convt.ConvOperator((8, 8), [[1, 2, 1]], padding=[0, 1], backend="numpy")
rows: int = blur.shape[0]
blurred: NDArray[np.float64] = blur @ np.ones(64)
convt.conv_matrix((5,), [1.0, 2.0], padding="same").toarray()
advice: str = convt.checkerboard(4, (2, 2)).advice

# MatConvNet's calls: results without dzdy, derivatives with it.
image, filters = np.ones((4, 4, 2, 1)), np.ones((3, 3, 5, 2))
z = vl_nnconvt(image, filters, [], "Upsample", [2, 2], "Crop", 1, "Verbose") if rows < 0 else vl_nnconvt(image, filters, [])
assert_type(z, NumPyArray)
dzdx, dzdf, dzdb = vl_nnconvt(image, filters, [], np.ones_like(z), no_der_biases=True)
assert_type(dzdx, NumPyArray)
convt.matconvnet.vl_nnconv(image, None, [], stride=[2, 1], pad=np.array([1, 1, 0, 0]))
vl_nnconv(image, [], None, "Stride", 2)

# Checks for others.
report: GradientReport = gradcheck(lambda x: 2 * x, {"x": [1.0, 2.0]}, lambda x, dy: 2 * dy)
make_problem((5, 5), 4, stride=2, crop=((1, 1), (0, 1)), dtype=np.float32)


# A wrapper that is as particular.
def blurred_by(x: ArrayLike, w: ArrayLike, padding: PaddingLike = "same", layout: LayoutName | None = None) -> NumPyArray:
    return convt.conv(np.asarray(x), w, padding=padding, layout=layout)


class Tensor:
    """An array of another library."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        raise NotImplementedError

    def __dlpack__(self, *, stream: int | None = None) -> object:
        raise NotImplementedError

    def norm(self) -> float:
        raise NotImplementedError


def uses_a_tensor(x: Tensor, w: Tensor) -> float:
    assert_type(convt.conv_transpose(x, w, bias, out=x), Tensor)
    assert_type(convt.conv(x, np.ones((1, 1, 1))), Tensor)
    assert_type(convt.upsample(x, 2), Tensor)
    assert_type(convt.max_pool(x, 2).indices, Tensor)
    assert_type(vl_nnconvt(x, w, None, x), tuple[Tensor, Tensor, Tensor])
    convt.ConvOperator((3, 3), w)
    convt.filters.icnr(w, 2)
    return convt.conv_backward(x, w, None, x).w.norm() + convt.max_unpool(x, w, 2).norm()
