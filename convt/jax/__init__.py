"""convt in JAX: `conv_transpose` and `conv` for programs that JAX transforms and compiles.

They take part in `jax.jit`, `jax.grad`, `jax.jvp`, `jax.vmap` and the rest, in any order, and are computed by convt's
backends in the host's memory. `operators.py` has the two functions. They become the three maps of `primitives.py`, whose
derivatives are one another; `batching.py` says how the maps are vmapped, `lowering.py` how XLA calls them, through the C++
of `handler.cc` where there is a compiler, and `work.py` what is then computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..hints import no_attribute
from ..optional import require

require("convt.jax", "jax", extra="jax")

from .versions import check_version  # noqa: E402

check_version()

from .operators import conv, conv_transpose  # noqa: E402

__all__ = ["conv", "conv_transpose"]


if not TYPE_CHECKING:  # with a __getattr__, a type checker would accept every misspelt name

    def __getattr__(name: str) -> Any:
        raise no_attribute(__name__, name, __all__)
