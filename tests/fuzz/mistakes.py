"""Calls with one argument that is no such thing: they must raise an error that says so, and not crash."""

from __future__ import annotations

from typing import Any

import numpy as np

import convt

from .operators import draw_arguments
from .trial import Trial

_JUNK: tuple[Any, ...] = (
    *(None, True, -1, 0, 7, 2**40, -(2**40), 2**62, 2**63, 10**40, 1.5, float("nan"), 1j, "", "same ", b"same"),
    *((), (1, 2), [[1], [2, 3]], ((1, 2), 3), {}, {1: 2}, object(), int, slice(3)),
    *(np.zeros(0), np.zeros((2, 2)), np.array("x"), np.array([None]), np.float32(2)),
)


def draw(rng: np.random.Generator) -> Trial:
    """A call of an operator or its gradients with junk for an argument or an option; it may do if that means something."""
    given = draw_arguments(rng, ("x", "w", "bias", "dy"))
    names = ["x", "w", "bias", "dy", "stride", "padding", "dilation", "groups", "layout", "needs", "out", "backend"]
    names += ["output_padding", "output_size"] * given.transposed
    spoilt = str(rng.choice(names))
    junk = _JUNK[int(rng.integers(len(_JUNK)))]
    back = spoilt in ("dy", "needs") or (spoilt != "out" and rng.random() < 0.5)

    def call(backend: str | None) -> dict[str, Any]:
        arrays = {name: given.given(name) for name in ("x", "w", "bias", *(("dy",) if back else ()))}
        options = {"backend": backend, **given.options}
        (arrays if spoilt in arrays else options)[spoilt] = junk
        getattr(convt, f"{given.name}{'_backward' * back}")(*arrays.values(), **options)
        return {}

    words = f"{given.name}{'_backward' * back} with {spoilt}={junk!r}, else {given}"
    return Trial(words, call, {}, given.placed, accepted=(ValueError, TypeError, LookupError, MemoryError))
