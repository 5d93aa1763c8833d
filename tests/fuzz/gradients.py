"""The gradients of conv_transpose and conv, and the gradients of these."""

from __future__ import annotations

from typing import Any

import numpy as np

import convt

from .answers import Answer, channel_sums
from .operators import BACKWARD, FORWARD, Arguments, draw_arguments
from .trial import Trial


def draw(rng: np.random.Generator) -> Trial:
    """A call of conv_transpose_backward or conv_backward."""
    given = draw_arguments(rng, ("x", "w", "bias", "dy"))
    needs = _some(rng, ("x", "w", "bias"))
    answers = first_gradients(given, needs)

    def call(backend: str | None) -> dict[str, Any]:
        x, w, bias, dy = (given.given(name) for name in ("x", "w", "bias", "dy"))
        options = given.options if len(needs) == 3 else {**given.options, "needs": needs}
        found = getattr(convt, f"{given.name}_backward")(x, w, bias, dy, backend=backend, **options)
        return found._asdict()

    return Trial(f"{given.name}_backward{given} needs {needs}", call, answers, given.placed, engines=given.engines)


def first_gradients(given: Arguments, needs: tuple[str, ...]) -> dict[str, Answer | None]:
    """The gradients of x, w and the bias, in the caller's axes; None for those not needed."""
    plain = given.plain
    answers: dict[str, Answer | None] = {"x": None, "w": None, "bias": None}
    if "x" in needs:
        answers["x"] = given.answer(BACKWARD[given.transposed], plain["dy"], plain["w"].conj()).viewed(given.to_caller)
    if "w" in needs:
        fine, coarse = given.fine_and_coarse(plain["x"].conj(), plain["dy"])
        answers["w"] = given.answer("correlate", fine, coarse).viewed(given.kernel_to_caller)
    if "bias" in needs and "bias" in plain:
        kinds = {"exact": given.values.exact, "overflows": given.values.overflows}
        answers["bias"] = channel_sums(given.g, plain["dy"], dtype=given.result, **kinds)
    return answers


def draw_second(rng: np.random.Generator) -> Trial:
    """A call of conv_transpose_double_backward or conv_double_backward, with float32 or float64."""
    given = draw_arguments(rng, ("x", "w", "bias", "dy", "ddx", "ddw", "ddbias"), floats=True)
    if rng.random() < 0.3:
        missing = str(rng.choice(["ddx", "ddw", "ddbias"]))
        given.placed.pop(missing, None)
        given.plain.pop(missing, None)
    needs = _some(rng, ("x", "w", "dy"))
    plain = given.plain
    answers: dict[str, Answer | None] = {"x": None, "w": None, "dy": None}
    if "x" in needs and "ddw" in plain:
        answers["x"] = given.answer(BACKWARD[given.transposed], plain["dy"], plain["ddw"]).viewed(given.to_caller)
    if "w" in needs and "ddx" in plain:
        fine, coarse = given.fine_and_coarse(plain["ddx"], plain["dy"])
        answers["w"] = given.answer("correlate", fine, coarse).viewed(given.kernel_to_caller)
    if "dy" in needs:
        answers["dy"] = _of_dy(given)

    def call(backend: str | None) -> dict[str, Any]:
        names = ("x", "w", "bias", "dy", "ddx", "ddw", "ddbias")
        options = given.options if len(needs) == 3 else {**given.options, "needs": needs}
        function = getattr(convt, f"{given.name}_double_backward")
        return function(*map(given.given, names), backend=backend, **options)._asdict()

    return Trial(f"{given.name}_double_backward{given} needs {needs}", call, answers, given.placed, engines=given.engines)


def _of_dy(given: Arguments) -> Answer | None:
    """The output for ddx, plus that for ddw, plus ddbias; None where there is none of these."""
    plain, operation = given.plain, FORWARD[given.transposed]
    pairs = [(left, right) for left, right in (("ddx", "w"), ("x", "ddw")) if left in plain and right in plain]
    bias = plain.get("ddbias")
    if not pairs and bias is None:
        return None
    zero = np.zeros_like(plain["x"]), np.zeros_like(plain["w"])
    found = [given.answer(operation, plain[left], plain[right]) for left, right in pairs]
    found.append(given.answer(operation, *zero, bias))
    sums = [sum(each.parts[0][part] for each in found) for part in range(2)]
    whole = Answer([(sums[0], sums[1])], given.result, sum(each.terms for each in found), given.values.overflows)
    return whole.viewed(given.to_caller)


def _some(rng: np.random.Generator, names: tuple[str, ...]) -> tuple[str, ...]:
    """Mostly all of them."""
    if rng.random() < 0.7:
        return names
    return tuple(name for name in names if rng.random() < 0.6)
