"""Layers: convolutions that keep their filters, and what is needed to train them.

`Conv1D`, `Conv2D`, `Conv3D` and their transposes take the arguments of Gluon's layers and compute with `convt.conv` and
`convt.conv_transpose`. Nothing is recorded for the gradients: every layer has `Layer.forward` and `Layer.backward`, and so
has a `Sequential` of layers::

    net = nn.Sequential(nn.Conv2D(16, 3, padding=1), nn.ReLU(), nn.Conv2DTranspose(3, 4, strides=2, padding=1))
    net.initialize("he", rng=0)                   # returns net
    adam = nn.Adam(net.parameters(), learning_rate=1e-2)
    for x, wanted in data:
        error = net(x) - wanted
        net.zero_grad()
        net.backward(2 / error.size * error)      # the gradient of the mean squared error
        adam.step()
    net.save("net.npz")

Read `layer.py` for what a layer is, `convolution.py` and `filterlayer.py` for convolutions, `initializers.py` for the
first values of their filters. Gluon is part of MXNet (T. Chen et al., "MXNet: a flexible and efficient machine learning
library for heterogeneous distributed systems", arXiv:1512.01274).
"""

from .activations import LeakyReLU, ReLU, Sigmoid, Tanh
from .convolution import Conv1D, Conv1DTranspose, Conv2D, Conv2DTranspose, Conv3D, Conv3DTranspose
from .layer import Layer
from .optimizers import SGD, Adam, Optimizer
from .parameter import Parameter
from .sequential import Sequential

__all__ = [
    "SGD",
    "Adam",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Layer",
    "LeakyReLU",
    "Optimizer",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
]
