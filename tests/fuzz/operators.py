"""conv_transpose and conv, and the arguments that all functions of theirs share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import convt

from . import definition
from .answers import Answer, linear
from .families import FAMILIES, draw_geometry
from .geometry import Geometry, data_order, kernel_order, layouts
from .memory import Placed, place, place_out
from .options import draw_options
from .trial import Trial
from .types import draw_types, exact, result_of
from .values import Values, draw_array, draw_values

INPUT = {True: "coarse", False: "fine"}  # of conv_transpose, and of conv
OUTPUT = {True: "fine", False: "coarse"}
FORWARD = {True: "scatter", False: "gather"}
BACKWARD = {True: "gather", False: "scatter"}


@dataclass
class Arguments:
    """Those of a call of an operator, or of its gradients.

    Attributes
    ----------
    transposed : bool
    g : Geometry
    family : str
    options : dict
        As the caller writes them.
    layout : str
    batched : bool
        Whether the caller's data has a batch axis.
    values : Values
    placed : dict of str to Placed
        The arrays in the caller's axes.
    plain : dict of str to ndarray
        The same numbers in float64 or complex128, in the axes of the definition; without a bias there is none.
    result : dtype
        Promoted from all of them.
    """

    transposed: bool
    g: Geometry
    family: str
    options: dict[str, Any]
    layout: str
    batched: bool
    values: Values
    placed: dict[str, Placed]
    plain: dict[str, np.ndarray]
    result: np.dtype

    @property
    def name(self) -> str:
        return "conv_transpose" if self.transposed else "conv"

    def to_caller(self, array: np.ndarray) -> np.ndarray:
        """Data in the caller's axes."""
        return _to_caller(array, self.layout, self.batched)

    def kernel_to_caller(self, array: np.ndarray) -> np.ndarray:
        return array.transpose(kernel_order(self.layout))

    def given(self, name: str) -> Any:
        """An argument as it is passed; None for a bias that is not there."""
        return self.placed[name].given if name in self.placed else None

    def answer(self, operation: str, left: np.ndarray, right: np.ndarray, bias: np.ndarray | None = None) -> Answer:
        """Of a map, in the definition's axes."""
        return linear(
            operation,
            self.g,
            left,
            right,
            bias,
            dtype=self.result,
            exact=self.values.exact,
            overflows=self.values.overflows,
        )

    def fine_and_coarse(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (y, x) if self.transposed else (x, y)

    @property
    def engines(self) -> tuple[str, ...]:
        return FAMILIES[self.family].engines

    def __str__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        types = ", ".join(f"{name} {each.array.dtype} {each.array.shape}" for name, each in self.placed.items())
        return f"({types}; {options})\n  {self.values.kind} in {self.values.chosen}; family {self.family!r}: {self.g}"


def draw_arguments(
    rng: np.random.Generator,
    names: tuple[str, ...] = ("x", "w", "bias"),
    *,
    axes: int | None = None,
    transposed: bool | None = None,
    layout: str | None = None,
    fit: Callable[[Geometry], Geometry] | None = None,
    **types: bool,
) -> Arguments:
    """Arguments of these names, among which "bias", "ddbias" and, with ddbias, "bias" may be left out.

    `fit` changes the geometry to what a function takes, which then has no options but its own.
    """
    transposed = bool(rng.random() < 0.5) if transposed is None else transposed
    g, family = draw_geometry(rng, axes=axes, gradients="dy" in names)
    options: dict[str, Any] = {}
    if fit is not None:
        g = fit(g)
    else:
        g, options = draw_options(rng, g, transposed=transposed)
    if rng.random() < 0.4:
        names = tuple(name for name in names if "bias" not in name)
    if layout is None:
        layout = str(rng.choice(layouts(g.axes), p=[0.6, 0.25, 0.15]))
        if not layout.startswith("NC") or rng.random() < 0.2:
            options["layout"] = layout
    batched = g.batch != 1 or rng.random() < 0.7
    if family in ("few taps", "filter gradients") and rng.random() < 0.8:
        types["floats"] = True
    dtypes = draw_types(rng, len(names), **types)
    result = result_of(dtypes)
    most = max(definition.terms(operation, g) for operation in definition.OUTPUT)
    values = draw_values(rng, result, most + 1, list(names))
    shapes = {"x": g.shape(INPUT[transposed]), "w": g.shape("kernel"), "dy": g.shape(OUTPUT[transposed])}
    shapes["bias"] = shapes["dy"][1:2]
    shapes |= {f"dd{name}": shape for name, shape in shapes.items()}
    placed, plain = {}, {}
    for name, dtype in zip(names, dtypes, strict=True):
        array = draw_array(rng, values, name, shapes[name], dtype)
        role = name.removeprefix("dd")
        if role == "w":
            order = kernel_order(layout)
            placed[name] = place(rng, array.transpose(order), plain=rng.random() < 0.3)
            plain[name] = exact(placed[name].array).transpose(np.argsort(order))
            if name == "w" and rng.random() < 0.15:
                placed[name].given = convt.Filters(placed[name].array)
                placed[name].words += ", as Filters"
        elif role == "bias":
            placed[name] = place(rng, array)
            plain[name] = exact(placed[name].array)
        else:
            placed[name] = place(rng, _to_caller(array, layout, batched), plain=rng.random() < 0.3)
            plain[name] = _from_caller(exact(placed[name].array), layout, batched)
    return Arguments(transposed, g, family, options, layout, batched, values, placed, plain, result)


def draw(rng: np.random.Generator) -> Trial:
    """A call of conv_transpose or conv, with any out, or with one that must be refused."""
    given = draw_arguments(rng)
    plain = given.plain
    answer = given.answer(FORWARD[given.transposed], plain["x"], plain["w"], plain.get("bias")).viewed(given.to_caller)
    out, refused = draw_out(rng, answer, given.placed)
    if out is None:
        answer.order = result_order(given.placed["x"])
    function = getattr(convt, given.name)
    shape = getattr(convt, f"{given.name}_shape")

    def call(backend: str | None) -> dict[str, Any]:
        x, w, bias = (given.given(name) for name in ("x", "w", "bias"))
        options = {**given.options, **({} if out is None else {"out": out.array})}
        y = getattr(convt, given.name)(x, w, bias, backend=backend, **options)
        told = shape(given.placed["x"].array.shape, given.placed["w"].array.shape, **given.options)
        return {"y": y, "shape": np.array(told)}

    answers = {"y": answer, "shape": Answer([(np.array(answer.shape), np.zeros(len(answer.shape)))], np.dtype(int))}
    return Trial(f"{function.__name__}{given}", call, answers, given.placed, out, refused, engines=given.engines)


def draw_out(
    rng: np.random.Generator, answer: Answer, inputs: dict[str, Placed], chance: float = 0.35
) -> tuple[Placed | None, tuple[type[Exception], ...]]:
    """No array for the result, one anywhere, also over an input, or one that must be refused with which errors."""
    draw = rng.random()
    if draw > chance:
        return None, ()
    if draw > 0.04:
        over = inputs[str(rng.choice(list(inputs)))] if rng.random() < 0.3 else None
        return place_out(rng, answer.shape, answer.dtype, over), ()
    shape, dtype = answer.shape, answer.dtype
    wrong = str(rng.choice(["shape", "dtype", "read-only", "twice the same memory"]))
    if wrong == "shape":
        shape = (*shape, 1)
    elif wrong == "dtype":
        dtype = np.dtype("f8" if dtype != np.dtype("f8") else "f4")
    out = place_out(rng, shape, dtype, None)
    if wrong == "read-only":
        out.array.flags.writeable = False
    elif wrong == "twice the same memory":
        long = [axis for axis, size in enumerate(shape) if size > 1]
        if not long or 0 in shape:
            return None, ()
        strides = tuple(0 if axis == long[0] else step for axis, step in enumerate(out.array.strides))
        out.array = np.lib.stride_tricks.as_strided(out.array, shape, strides)
    out.words += f", of a wrong {wrong}" if wrong in ("shape", "dtype") else f", {wrong}"
    return out, (ValueError, TypeError)


def result_order(x: Placed) -> str:
    """How a new result must lie in memory."""
    return "F" if x.given is x.array and x.array.flags.fnc else "C"


def _to_caller(array: np.ndarray, layout: str, batched: bool) -> np.ndarray:
    turned = array.transpose(data_order(layout))
    return turned if batched else turned.take(0, axis=layout.index("N"))


def _from_caller(array: np.ndarray, layout: str, batched: bool) -> np.ndarray:
    if not batched:
        array = np.expand_dims(array, layout.index("N"))
    return array.transpose(np.argsort(data_order(layout)))
