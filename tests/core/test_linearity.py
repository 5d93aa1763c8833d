"""Complex numbers."""

import itertools

import numpy as np
import pytest
from fakes import Recorder
from numpy.testing import assert_allclose

import convt

OPTIONS = {"stride": 2, "padding": [(1, 0)], "groups": 2}
WHICH = list(itertools.product([False, True], repeat=3))
SHAPES = {"x": (2, 4, 5), "w": (4, 3, 4), "bias": (6,)}


def draw(rng, shape, is_complex):
    real = rng.standard_normal(shape)
    return real + 1j * rng.standard_normal(shape) if is_complex else real


@pytest.mark.parametrize("which", WHICH, ids=str)
def test_each_argument_may_be_complex_or_real(rng, which):
    x, w, bias = (draw(rng, shape, each) for shape, each in zip(SHAPES.values(), which, strict=True))
    y = convt.conv_transpose(x, w, bias, **OPTIONS)
    assert (y.dtype.kind == "c") == any(which)

    def real(x, w):
        return convt.conv_transpose(x, w, **OPTIONS)

    expected = real(x.real, w.real) - real(x.imag, w.imag) + 1j * (real(x.real, w.imag) + real(x.imag, w.real))
    assert_allclose(y, expected + bias[:, None], rtol=1e-12)


def test_complex_gradients_are_pytorchs():
    x, w = np.array([[[1 + 2j, 0.5 - 1j]]]), np.array([[[3 - 1j, 2j]]])
    dy = np.array([[[1, 1j, 2 - 1j, 3]]])
    gradients = convt.conv_transpose_backward(x, w, np.zeros(1), dy, stride=2)
    assert_allclose(convt.conv_transpose(x, w, stride=2), [[[5 + 5j, -4 + 2j, 0.5 - 3.5j, 2 + 1j]]])
    assert_allclose(gradients.x, [[[5 + 1j, 7 - 7j]]])
    assert_allclose(gradients.w, [[[3 - 0.5j, 3.5 + 4j]]])
    assert_allclose(gradients.bias, [6])


@pytest.mark.parametrize("which", WHICH, ids=str)
@pytest.mark.parametrize(
    ("forward", "backward", "options"),
    [(convt.conv_transpose, convt.conv_transpose_backward, OPTIONS), (convt.conv, convt.conv_backward, {"stride": 2})],
)
def test_gradients_are_adjoint_in_the_complex_inner_product(rng, forward, backward, options, which):
    x, w, dy_complex = draw(rng, (2, 4, 5), which[0]), draw(rng, (4, 4, 4)[:3], which[1]), which[2]
    w = w[:, :2] if "groups" in options else w
    dy = draw(rng, forward(x, w, **options).shape, dy_complex)
    gradients = backward(x, w, None, dy, **options)
    for direction, argument, gradient in [("x", x, gradients.x), ("w", w, gradients.w)]:
        step = draw(rng, argument.shape, True)
        y_step = forward(step, w, **options) if direction == "x" else forward(x, step, **options)
        assert_allclose(np.vdot(dy, y_step), np.vdot(gradient, step), rtol=1e-12)


def test_parts_are_views_not_copies(rng):
    x, w = draw(rng, (1, 2, 3), True).astype("c8"), draw(rng, (2, 1, 2), True).astype("c8")
    recorder = Recorder()
    convt.conv_transpose(x, w, backend=recorder)
    assert recorder.calls == ["scatter"] * 4
    for coarse, kernel, _, _ in recorder.arrays:
        assert np.shares_memory(coarse, x)
        assert np.shares_memory(kernel, w)


@pytest.mark.parametrize("which", [(True, False), (False, True)], ids=str)
def test_a_real_operand_costs_half(rng, which):
    x, w = (draw(rng, shape, each) for shape, each in zip([(1, 2, 3), (2, 1, 2)], which, strict=True))
    recorder = Recorder()
    convt.conv_transpose(x, w, backend=recorder)
    assert recorder.calls == ["scatter"] * 2


def test_an_empty_complex_batch():
    gradients = convt.conv_transpose_backward(np.zeros((0, 1, 2), "c8"), np.ones((1, 1, 2)), [1], np.zeros((0, 1, 3)))
    assert_allclose(gradients.w, np.zeros((1, 1, 2)))
    assert gradients.x.shape == (0, 1, 2)
    assert [gradient.dtype for gradient in gradients] == ["c16"] * 3
