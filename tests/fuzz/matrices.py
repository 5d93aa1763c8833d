"""ConvOperator and conv_matrix: products with vectors and matrices, in both directions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import convt

from .answers import linear
from .families import FAMILIES, draw_geometry
from .geometry import data_order, kernel_order, layouts
from .memory import place
from .options import draw_options
from .trial import Trial
from .types import computed_in, draw_types, exact, result_of
from .values import draw_array, draw_values

_KINDS = {"small integers": 5, "normal": 5, "of many sizes": 2}


def draw(rng: np.random.Generator) -> Trial:
    """A product with the operator, its adjoint or the sparse matrix."""
    g, family = draw_geometry(rng, most=200_000)
    columns = int(rng.choice([1, 1, 2, 3]))
    g, options = draw_options(rng, replace(g, batch=columns), transposed=False)
    layout = str(rng.choice(layouts(g.axes)))
    if not layout.startswith("NC") or rng.random() < 0.2:
        options["layout"] = layout
    back = bool(rng.random() < 0.5)
    sparse = bool(rng.random() < 0.3)
    types = draw_types(rng, 1, floats=sparse) * 2
    result = result_of([_held(types[0]), types[1]])
    values = draw_values(rng, result, max(g.products // columns, 1), ["w", "vector"], _KINDS)
    role = "coarse" if back else "fine"
    w = place(rng, draw_array(rng, values, "w", g.shape("kernel"), types[0]).transpose(kernel_order(layout)))
    data = draw_array(rng, values, "vector", g.shape(role), types[1])
    order = data_order(layout)
    matrix = _columns(data, order, columns)
    vector = place(rng, matrix if columns > 1 or rng.random() < 0.5 else matrix[:, 0])
    data = _images(exact(vector.array), data.shape, order)
    kernel = exact(w.array).transpose(np.argsort(kernel_order(layout)))
    operation = "scatter" if back else "gather"
    answer = linear(operation, g, data, kernel.conj() if back else kernel, dtype=result, exact=values.exact)
    answer = answer.viewed(lambda array: _columns(array, order, columns).reshape(-1, *vector.array.shape[1:]))
    x_shape = tuple(size for size, letter in zip(_shape(g.shape("fine"), order), layout, strict=True) if letter != "N")

    def call(backend: str | None) -> dict[str, Any]:
        if sparse:
            matrix = convt.conv_matrix(x_shape, w.given, **options)
            assert matrix.has_sorted_indices, "the indices are not sorted"
            product = (matrix.conj().T if back else matrix) @ vector.array.astype(result)
        else:
            operator = convt.ConvOperator(x_shape, w.given, backend=backend, **options)
            product = (operator.H if back else operator) @ vector.array
        return {"product": np.asarray(product)}

    kind = "conv_matrix" if sparse else "ConvOperator"
    words = f"{kind}{'.H' * back} @ {vector.array.shape} of {types[0]}, {values.kind}, {options}, x_shape {x_shape}\n  {g}"
    engines = FAMILIES[family].engines
    return Trial(words, call, {"product": answer}, {"w": w, "vector": vector}, engines=engines)


def _held(dtype: np.dtype) -> np.dtype:
    """The type in which an operator keeps its filters: that in which it computes."""
    result = result_of([dtype])
    return result if result.kind == "c" else computed_in(result)


def _shape(shape: tuple[int, ...], order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(shape[axis] for axis in order)


def _columns(data: np.ndarray, order: tuple[int, ...], columns: int) -> np.ndarray:
    """Each image, raveled in the layout's order, as a column."""
    without = tuple(axis - 1 for axis in order if axis)
    return data.transpose(0, *(axis + 1 for axis in without)).reshape(columns, -1).T


def _images(matrix: np.ndarray, shape: tuple[int, ...], order: tuple[int, ...]) -> np.ndarray:
    """The inverse: data as (N, C, *spatial)."""
    without = tuple(axis for axis in order if axis)
    images = matrix.reshape(matrix.shape[0], -1).T.reshape(shape[0], *(shape[axis] for axis in without))
    return images.transpose(0, *(1 + without.index(axis) for axis in range(1, len(shape))))
