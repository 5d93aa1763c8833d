"""Factors that are not finite meet what lies inside of an array only, in every engine that multiplies zeros for the rest."""

import numpy as np
import pytest
from halves import values_of

import convt

VALUES = [np.inf, -np.inf, np.nan]
OPTIONS = {
    "padding": {"padding": 2},
    "stride": {"stride": 2, "padding": (1, 0)},
    "dilation": {"dilation": 2, "padding": 3},
    "cells": {"stride": 3, "output_padding": 2},
    "crop below zero": {"stride": 3, "padding": -4},
}
ENGINES = [("tile", "float32"), ("tile", "float64"), ("tensor", "float16"), ("direct", "float32")]


@pytest.fixture
def check(cuda, monkeypatch, rng, to_gpu, to_host, torch, to_tensor, numbers):
    """Compute on the GPU what NumPy computes, and compare."""

    def check(engine, storage, call, *arrays):
        monkeypatch.setenv("CONVT_CUDA_ALGORITHM", engine)
        if storage == "float16":
            there = [to_tensor(array, storage) for array in arrays]
            arrays = [numbers(array) for array in there]
        else:
            arrays = [array.astype(storage) for array in arrays]
            there = [to_gpu(array) for array in arrays]
        with np.errstate(invalid="ignore", over="ignore"):
            want = call(*(array.astype(float) for array in arrays), backend="numpy")
        got = call(*there)
        got = numbers(got) if storage == "float16" else to_host(got)
        assert np.isfinite(want).any()
        assert not np.isfinite(want).all()
        if storage == "float16":
            with np.errstate(over="ignore"):
                want = values_of(want.astype(np.float16).view(np.uint16), storage)
        np.testing.assert_allclose(got, want, rtol=2e-3 if storage == "float16" else 1e-4, atol=1e-3)

    return check


def _with(rng, shape, value, count=2):
    array = rng.standard_normal(shape)
    array.flat[rng.choice(array.size, count, replace=False)] = value
    return array


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize(("engine", "storage"), ENGINES)
@pytest.mark.parametrize("operator", [convt.conv_transpose, convt.conv])
def test_weights(check, rng, operator, engine, storage, options, value):
    if operator is convt.conv:
        options = {
            "stride": options.get("stride", 1),
            "dilation": options.get("dilation", 1),
            "padding": options.get("padding", 1),
        }
        options["padding"] = 1 if options["padding"] == -4 else options["padding"]
    x, w, bias = rng.standard_normal((2, 9, 7, 8)), _with(rng, (9, 9, 3, 3), value), rng.standard_normal(9)
    check(engine, storage, lambda *arrays, **more: operator(*arrays, **options, **more), x, w, bias)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("kernel", [2, 4])
def test_weights_whose_taps_are_taken_together(check, rng, kernel, value):
    x, w = rng.standard_normal((1, 3, 9, 12)), _with(rng, (70, 3, 3, kernel), value)
    check("tile", "float32", lambda *arrays, **more: convt.conv(*arrays, stride=2, padding=2, **more), x, w)


@pytest.mark.parametrize("where", ["corner", "anywhere", "many"])
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize(("engine", "storage"), ENGINES)
def test_gradients_in_the_gradient_of_the_filters(check, rng, engine, storage, value, where):
    x, w, dy = rng.standard_normal((2, 3, 9, 8)), rng.standard_normal((5, 3, 3, 3)), rng.standard_normal((2, 5, 9, 8))
    if where == "corner":
        dy[0, 2, 0, 0] = value
    elif where == "anywhere":
        dy = _with(rng, dy.shape, value, 1)
    else:
        dy[:, 3] = value
    check(
        engine,
        storage,
        lambda x, w, dy, **more: convt.conv_backward(x, w, None, dy, padding=1, needs=("w",), **more).w,
        *(x, w, dy),
    )


@pytest.mark.parametrize("engine", ["tile", "direct"])
@pytest.mark.parametrize("value", VALUES)
def test_a_gradient_whose_positions_are_cut_into_parts(check, rng, engine, value):
    x, w, dy = rng.standard_normal((3, 2, 60, 60)), rng.standard_normal((2, 2, 3, 3)), rng.standard_normal((3, 2, 60, 60))
    dy[1, 0, 0, :7], dy[2, 0, -1, -1] = value, value
    check(
        engine,
        "float32",
        lambda x, w, dy, **more: convt.conv_backward(x, w, None, dy, padding=1, needs=("w",), **more).w,
        *(x, w, dy),
    )
