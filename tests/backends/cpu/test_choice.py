"""choice.py: the cheaper engine, or the one that was asked for."""

import numpy as np
import pytest

import convt
from convt.problem import Problem
from convt_cpu.choice import choose
from convt_cpu.isa import available

SINGLE = np.dtype("f4")
ORDINARY = Problem(8, 1, 64, 64, (56, 56), (56, 56), (3, 3), (1, 1), (1, 1), (1, 1), SINGLE)
ONE_PIXEL = Problem(4, 1, 512, 100, (4, 4), (1, 1), (4, 4), (1, 1), (0, 0), (1, 1), SINGLE)


def test_ordinary_layers_are_computed_directly():
    assert choose(ORDINARY, "scatter", (0, 1), available()[0]) is not None
    assert choose(ORDINARY, "gather", (0, 1), available()[0]) is not None


def test_an_image_of_one_pixel_goes_to_im2col():
    assert choose(ONE_PIXEL, "scatter", (0, 1), available()[0]) is None


@pytest.mark.parametrize(("name", "direct"), [("direct", True), ("im2col", False)])
def test_an_engine_can_be_forced(monkeypatch, name, direct):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", name)
    for problem in (ORDINARY, ONE_PIXEL):
        assert (choose(problem, "scatter", (0, 1), available()[0]) is not None) == direct


def test_both_engines_agree(monkeypatch):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 9, 30, 31)), rng.standard_normal((9, 5, 4, 3))
    results = []
    for name in ("direct", "im2col"):
        monkeypatch.setenv("CONVT_CPU_ALGORITHM", name)
        results.append(convt.conv_transpose(x, w, stride=2, padding=1, backend="cpu"))
    np.testing.assert_allclose(*results, rtol=0, atol=1e-12)


def test_weights_that_are_not_finite_change_only_what_they_reach():
    x, w = np.ones((1, 1, 6, 6), "f4"), np.ones((1, 1, 3, 3), "f4")
    w[0, 0, 0, 0] = np.inf
    y = convt.conv_transpose(x, w, backend="cpu")
    assert np.isinf(y[0, 0, :6, :6]).all()
    assert np.isfinite(y[0, 0, 6:]).all()
    assert np.isfinite(y[0, 0, :, 6:]).all()


def test_an_unknown_engine_is_an_error(monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "fft")
    with pytest.raises(ValueError, match="CONVT_CPU_ALGORITHM must be one of direct, im2col, got 'fft'"):
        convt.conv_transpose(np.ones((1, 1, 2)), np.ones((1, 1, 2)), backend="cpu")


def test_an_engine_that_cannot_is_an_error_when_forced(monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "direct")
    with pytest.raises(ValueError, match="CONVT_CPU_ALGORITHM must be im2col for this call"):
        convt.conv_transpose(np.ones((1, 1, 2)), np.ones((1, 1, 5000)), backend="cpu")
