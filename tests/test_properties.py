"""Properties of the public functions over drawn calls."""

import numpy as np
from fakes import Recorder
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import HUGE, SMALL, anything, plain_calls, transposed_calls

import convt

seeds = st.integers(0, 2**32 - 1)


def outcome(call):
    """What a call gives; of a clear error its text."""
    try:
        return call()
    except (ValueError, TypeError) as error:
        return f"{type(error).__name__}: {error}"


def assert_same_form(*values, magnitude):
    """The values of the trilinear form agree, up to rounding."""
    assert_allclose(values, values[0], rtol=0, atol=1e-12 * (1 + magnitude))


def check_derivatives(forward, backward, shape_of, call, seed):
    """Shapes agree, and y, dx, dw and db are the derivatives of one trilinear form."""
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal(call["x_shape"]), rng.standard_normal(call["w_shape"])
    y = forward(x, w, **call["options"])
    assert y.shape == shape_of(x.shape, w.shape, **call["options"])
    assert np.isfinite(y).all()
    dy = rng.standard_normal(y.shape)
    bias = rng.standard_normal(y.shape[-w.ndim + 1])
    gradients = backward(x, w, bias, dy, **call["options"])
    assert [gradient.shape for gradient in gradients] == [x.shape, w.shape, bias.shape]
    forms = np.vdot(y, dy), np.vdot(gradients.x, x), np.vdot(gradients.w, w)
    magnitude = np.vdot(forward(abs(x), abs(w), **call["options"]), abs(dy))
    assert_same_form(*forms, magnitude=magnitude)
    with_bias = forward(x, w, bias, **call["options"])
    assert_same_form(np.vdot(with_bias, dy), forms[0] + np.vdot(gradients.bias, bias), magnitude=magnitude + abs(dy).sum())
    return x, w, y, dy


@given(transposed_calls(), seeds)
def test_conv_transpose_and_its_gradients_are_one_form(call, seed):
    check_derivatives(convt.conv_transpose, convt.conv_transpose_backward, convt.conv_transpose_shape, call, seed)


@given(plain_calls(), seeds)
def test_conv_and_its_gradients_are_one_form(call, seed):
    check_derivatives(convt.conv, convt.conv_backward, convt.conv_shape, call, seed)


@given(transposed_calls(), seeds)
def test_conv_is_the_adjoint_of_conv_transpose_with_the_same_options(call, seed):
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal(call["x_shape"]), rng.standard_normal(call["w_shape"])
    options = {name: value for name, value in call["options"].items() if name != "output_padding"}
    y = convt.conv_transpose(x, w, **options)
    dy = rng.standard_normal(y.shape)
    back = convt.conv(dy, w, **options)
    assert back.shape == x.shape
    magnitude = np.vdot(convt.conv_transpose(abs(x), abs(w), **options), abs(dy))
    assert_same_form(np.vdot(y, dy), np.vdot(x, back), magnitude=magnitude)


@given(
    transposed_calls(),
    st.dictionaries(
        st.sampled_from(["stride", "padding", "output_padding", "output_size", "dilation", "groups", "layout"]),
        anything(),
        min_size=1,
    ),
)
@settings(max_examples=200)
def test_whatever_is_passed_shape_and_operator_agree(call, changes):
    """Both give the same shape, or both the same clear error, before any work."""
    options = {**call["options"], **changes}
    recorder = Recorder()
    x, w = np.ones(call["x_shape"]), np.ones(call["w_shape"])
    shape = outcome(lambda: convt.conv_transpose_shape(x.shape, w.shape, **options))
    assert outcome(lambda: convt.conv_transpose(x, w, backend=recorder, **options).shape) == shape
    assert not (recorder.calls and isinstance(shape, str))


@given(st.data())
@settings(max_examples=200)
def test_whatever_is_passed_as_shapes_and_options_is_a_shape_or_a_clear_error(data):
    everything = anything(SMALL | HUGE)
    shapes = st.one_of(st.lists(st.integers(0, 9) | HUGE, max_size=6), everything)
    for function in (convt.conv_shape, convt.conv_transpose_shape):
        options = data.draw(
            st.dictionaries(st.sampled_from(["stride", "padding", "dilation", "groups", "layout"]), everything)
        )
        x_shape, w_shape = data.draw(shapes), data.draw(shapes)
        found = outcome(lambda function=function, x=x_shape, w=w_shape, options=options: function(x, w, **options))
        assert " must " in found if isinstance(found, str) else all(type(size) is int for size in found)
