"""convt: transposed convolution for NumPy arrays.

`conv_transpose` and `conv` with their gradients, computed by the backend that is chosen with `use_backend`, `set_backend` or
the environment variable ``CONVT_BACKEND``; `options` says what it may do to be fast. ``convt.matconvnet`` speaks
MatConvNet's language, ``convt.testing`` checks backends; both are imported when first used.
"""

from importlib import import_module
from typing import Any

from .backend import Backend, BackendUnavailable
from .config import show_config
from .operators import (
    Gradients,
    conv,
    conv_backward,
    conv_shape,
    conv_transpose,
    conv_transpose_backward,
    conv_transpose_shape,
)
from .problem import Problem
from .selection import backends, set_backend, use_backend
from .settings import options
from .version import __version__

__all__ = [
    "Backend",
    "BackendUnavailable",
    "Gradients",
    "Problem",
    "__version__",
    "backends",
    "conv",
    "conv_backward",
    "conv_shape",
    "conv_transpose",
    "conv_transpose_backward",
    "conv_transpose_shape",
    "filters",
    "matconvnet",
    "options",
    "set_backend",
    "show_config",
    "testing",
    "use_backend",
]

_LAZY = ("filters", "matconvnet", "testing")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
