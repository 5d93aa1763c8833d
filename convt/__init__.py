"""convt: transposed convolution for NumPy arrays.

`conv_transpose`, `conv`, `upsample`, `max_pool` and `max_unpool`, each with its gradients, are computed by a backend: select
one with `use_backend`, `set_backend` or the environment variable ``CONVT_BACKEND``, and adjust it with `options`.

Submodules are imported when first used: ``convt.nn`` has layers, ``convt.filters`` filter banks, ``convt.draw`` pictures
that explain, ``convt.matconvnet`` MatConvNet's functions, ``convt.testing`` checks for backends, and ``convt.typing`` types
for annotations.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .backend import Backend, BackendUnavailable
from .config import show_config
from .core.constant import Filters
from .core.problem import Problem
from .functions.blocks import Block, blocks
from .functions.double_backward import DoubleGradients, conv_double_backward, conv_transpose_double_backward
from .functions.operators import (
    Gradients,
    conv,
    conv_backward,
    conv_shape,
    conv_transpose,
    conv_transpose_backward,
    conv_transpose_shape,
)
from .functions.pooling import Pooled, max_pool, max_pool_backward, max_unpool, max_unpool_backward
from .functions.upsampling import upsample, upsample_backward
from .hints import no_attribute
from .selection import backends, set_backend, use_backend
from .settings import options
from .version import __version__

__all__ = [
    "Backend",
    "BackendUnavailable",
    "Block",
    "ConvOperator",
    "DoubleGradients",
    "Filters",
    "Gradients",
    "Pooled",
    "Problem",
    "__version__",
    "backends",
    "blocks",
    "checkerboard",
    "conv",
    "conv_backward",
    "conv_double_backward",
    "conv_matrix",
    "conv_shape",
    "conv_transpose",
    "conv_transpose_backward",
    "conv_transpose_double_backward",
    "conv_transpose_shape",
    "draw",
    "filters",
    "matconvnet",
    "max_pool",
    "max_pool_backward",
    "max_unpool",
    "max_unpool_backward",
    "nn",
    "options",
    "set_backend",
    "show_config",
    "testing",
    "typing",
    "upsample",
    "upsample_backward",
    "use_backend",
]

if TYPE_CHECKING:  # with a __getattr__, a type checker would accept every misspelt name
    from . import draw, filters, matconvnet, nn, testing, typing
    from .functions.overlap import checkerboard
    from .matrix import ConvOperator, conv_matrix
else:
    _LAZY = ("draw", "filters", "matconvnet", "nn", "testing", "typing")
    _LAZY_NAMES = {"ConvOperator": "matrix", "checkerboard": "functions.overlap", "conv_matrix": "matrix"}

    _SYNONYMS = {"interpolate": "upsample", "resize": "upsample", "unpool": "max_unpool", "deconv": "conv_transpose"}

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return import_module(f"{__name__}.{name}")
        if name in _LAZY_NAMES:
            return getattr(import_module(f"{__name__}.{_LAZY_NAMES[name]}"), name)
        raise no_attribute(__name__, name, __all__, _SYNONYMS)


def __dir__() -> list[str]:
    return sorted(__all__)
