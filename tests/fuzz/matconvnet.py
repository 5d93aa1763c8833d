"""vl_nnconvt and vl_nnconv: forward and backward, with MATLAB's options or keywords, with and without filters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convt import matconvnet

from .answers import Answer
from .geometry import Geometry
from .gradients import first_gradients
from .operators import FORWARD, Arguments, draw_arguments
from .trial import Trial

_LAYOUT = "HWCN"


def draw(rng: np.random.Generator) -> Trial:
    """A call of either function."""
    transposed = bool(rng.random() < 0.5)

    def fit(g: Geometry) -> Geometry:
        """As these functions take it: padding of zero or more, and no dilation in vl_nnconvt."""
        if transposed:
            g = replace(g, dilation=(1, 1))
        before = tuple(min(max(b, 0), e - 1) for b, e in zip(g.before, g.full, strict=True))
        after = tuple(min(max(a, 0), e - 1 - b) for a, b, e in zip(g.after, before, g.full, strict=True))
        return g.cropped(before, after)

    names = ("x", "w", "bias", *(["dy"] if rng.random() < 0.6 else []))
    given = draw_arguments(rng, names, axes=2, transposed=transposed, layout=_LAYOUT, fit=fit, floats=True)
    given.batched = True
    plain = given.plain
    positional, keywords = _options(rng, given)
    needs = tuple(name for name in ("x", "w", "bias") if rng.random() < 0.8) if "dy" in plain else ()
    flags = [flag for name, flag in _FLAGS.items() if name not in needs] if "dy" in plain else []
    positional += flags
    answers = _answers(given, needs)
    function = getattr(matconvnet, "vl_nnconvt" if transposed else "vl_nnconv")
    x, f, b, dzdy = (_squeezed(rng, given, name) for name in ("x", "w", "bias", "dy"))

    def call(backend: str | None) -> dict[str, Any]:
        some = [] if dzdy is None else [dzdy]
        found = function(x, f, [] if b is None else b, *some, *positional, backend=backend, **keywords)
        return {"y": found} if dzdy is None else dict(zip(("dzdx", "dzdf", "dzdb"), found, strict=True))

    words = f"{function.__name__}{given} options {positional} {keywords}"
    return Trial(words, call, answers, given.placed, engines=given.engines)


_FLAGS = {"x": "NoDerData", "w": "noderfilters", "bias": "NODERBIASES"}


def _options(rng: np.random.Generator, given: Arguments) -> tuple[list[Any], dict[str, Any]]:
    """In MATLAB's way, or as keywords."""
    g = given.g
    (top, left), (bottom, right) = g.before, g.after
    if given.transposed:
        options = {"upsample": g.stride, "crop": (top, bottom, left, right), "num_groups": (g.groups,)}
    else:
        options = {"stride": g.stride, "pad": (top, bottom, left, right), "dilate": g.dilation}
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    for name, values in options.items():
        same = len(set(values)) == 1
        value = values[0] if same and (rng.random() < 0.5 or len(values) == 1) else _form(rng, values)
        if rng.random() < 0.5:
            positional += [_capital(rng, name), value]
        else:
            keywords[name] = value
    if rng.random() < 0.1:
        positional.append("CuDNN")
    return positional, keywords


def _form(rng: np.random.Generator, values: tuple[int, ...]) -> Any:
    forms = (list(values), values, np.array([values], float), np.array(values) + 0.5)
    return forms[int(rng.integers(len(forms)))]


def _capital(rng: np.random.Generator, name: str) -> str:
    name = name.replace("_", "")
    return str(rng.choice([name, name.upper(), name.capitalize()]))


def _squeezed(rng: np.random.Generator, given: Arguments, name: str) -> Any:
    """The argument, perhaps without its last axes of one element, as MATLAB has it."""
    if name not in given.placed:
        return None
    array = given.placed[name].array
    while name != "bias" and array.ndim > 2 and array.shape[-1] == 1 and rng.random() < 0.5:
        array = array[..., 0]
    return array


def _answers(given: Arguments, needs: tuple[str, ...]) -> dict[str, Answer | None]:
    plain = given.plain
    if "dy" not in plain:
        y = given.answer(FORWARD[given.transposed], plain["x"], plain["w"], plain.get("bias"))
        return {"y": _in_fortran_order(y.viewed(given.to_caller))}
    nothing = Answer([(np.zeros((0, 0)),) * 2], given.result)
    first = first_gradients(given, needs)
    found = {"dzdx": first["x"], "dzdf": first["w"], "dzdb": first["bias"]}
    return {
        name: nothing if each is None else each if name == "dzdb" else _in_fortran_order(each)
        for name, each in found.items()
    }


def _in_fortran_order(answer: Answer) -> Answer:
    answer.order = "F"
    return answer
