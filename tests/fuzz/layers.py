"""The layers of convt.nn: a filter layer, perhaps with an activation behind it, forward and backward."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convt import nn

from .gradients import first_gradients
from .operators import FORWARD, draw_arguments
from .trial import Trial

_DTYPES = (np.dtype("f2"), np.dtype("f4"), np.dtype("f8"))


def draw(rng: np.random.Generator) -> Trial:
    """A layer, called and called back, with the gradients of its parameters."""
    while True:
        given = draw_arguments(rng, ("x", "w", "bias", "dy"), real=True)
        if given.result in _DTYPES and len({each.array.dtype for each in given.placed.values()}) == 1:
            break
    plain = given.plain
    y = given.answer(FORWARD[given.transposed], plain["x"], plain["w"], plain.get("bias")).viewed(given.to_caller)
    first = first_gradients(given, ("x", "w", "bias"))
    answers = {"y": y, "dx": first["x"], "dw": first["w"], "db": first["bias"]}
    options = dict(given.options)
    options["strides"] = options.pop("stride", 1)
    size = {"output_size": options.pop("output_size")} if "output_size" in options else {}
    relu = rng.random() < 0.2 and given.values.exact and not size
    if relu:  # what it passes on of dy follows from the exact y
        answers = _behind_relu(given, answers)
    frozen = rng.random() < 0.15
    name = f"Conv{given.g.axes}D{'Transpose' if given.transposed else ''}"
    channels = given.g.fine_channels if given.transposed else given.g.coarse_channels

    def call(backend: str | None) -> dict[str, Any]:
        layer = getattr(nn, name)(
            channels,
            given.g.kernel,
            use_bias="bias" in given.placed,
            weight_initializer=given.placed["w"].array,
            bias_initializer=given.placed["bias"].array if "bias" in given.placed else "zeros",
            backend=backend,
            **options,
        )
        net = nn.Sequential(layer, nn.ReLU()) if relu else layer
        net.initialize(dtype=given.result)
        y = net(given.given("x"), **size)
        if frozen:
            y = net.freeze()(given.given("x"), **size)
        dx = net.backward(given.given("dy"))
        db = layer.bias.grad if layer.bias is not None else None
        return {"y": y, "dx": dx, "dw": layer.weight.grad, "db": db}

    words = f"nn.{name}{given}{', ReLU' * relu}{', frozen' * frozen}"
    return Trial(words, call, answers, given.placed, engines=given.engines)


def _behind_relu(given: Any, answers: dict[str, Any]) -> dict[str, Any]:
    """The answers with a ReLU behind the layer, for whole numbers."""
    plain = given.plain
    y = given.answer(FORWARD[given.transposed], plain["x"], plain["w"], plain.get("bias")).parts[0][0]
    passed = replace(given, plain={**plain, "dy": plain["dy"] * (y > 0)})
    first = first_gradients(passed, ("x", "w", "bias"))
    (want, limit), *_ = answers["y"].parts
    return {
        "y": replace(answers["y"], parts=[(np.maximum(want, 0), limit)]),
        "dx": first["x"],
        "dw": first["w"],
        "db": first["bias"],
    }
