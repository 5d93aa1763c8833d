"""convt's functions for dask arrays, lazy arrays in and out: needs dask, which the extra ``dask`` brings.

Each chunk of a result is one call of the function of the same name, on the part of its operands that the chunk depends on:
results of any size are made chunk by chunk, in threads, processes or on a cluster. `convt.conv_transpose` and the others
come here when x is a dask array; here, ``chunks`` chooses the chunks of the result.

`operators.py` has the operators and their gradients, `double_backward.py` the gradients of these, `upsampling.py` and
`pooling.py` the rest. Read `arguments.py` for what
is accepted, `chunking.py` for the chunks of results, `graph.py` for how tasks come about, `convt/core/slabs.py` for the
geometry.
"""

from typing import TYPE_CHECKING, Any

from ..hints import no_attribute
from ..optional import require, require_version

require("convt.dask", "dask.array", extra="dask")
require_version("convt.dask", "dask", "2025.1", extra="dask")

from .double_backward import conv_double_backward, conv_transpose_double_backward  # noqa: E402 - only with dask
from .operators import conv, conv_backward, conv_transpose, conv_transpose_backward  # noqa: E402
from .pooling import max_pool, max_pool_backward, max_unpool, max_unpool_backward  # noqa: E402
from .upsampling import upsample, upsample_backward  # noqa: E402

__all__ = [
    "conv",
    "conv_backward",
    "conv_double_backward",
    "conv_transpose",
    "conv_transpose_backward",
    "conv_transpose_double_backward",
    "max_pool",
    "max_pool_backward",
    "max_unpool",
    "max_unpool_backward",
    "upsample",
    "upsample_backward",
]


if not TYPE_CHECKING:  # with a __getattr__, a type checker would accept every misspelt name

    def __getattr__(name: str) -> Any:
        raise no_attribute(__name__, name, __all__)
