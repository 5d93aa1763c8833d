"""geometry: who reaches whom is what the operators compute."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convt

pytest.importorskip("matplotlib")

from convt.draw.geometry import accept, accept_position

PLAIN = {"stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}


@st.composite
def calls(draw):
    """Spatial shapes and options that are small and mostly valid."""
    axes = draw(st.integers(1, 2))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(axes))

    transposed = draw(st.booleans())
    stride, dilation = each(1, 3), each(1, 2)
    options = {"stride": stride, "padding": each(-1, 2), "dilation": dilation}
    if transposed:
        options["output_padding"] = tuple(
            map(min, each(0, 2), (max(pair) - 1 for pair in zip(stride, dilation, strict=True)))
        )
    return each(2, 5), each(1, 4), options, transposed


@settings(max_examples=60)
@given(calls())
def test_a_view_shows_exactly_the_products_of_the_operator(call):
    x_shape, w_shape, options, transposed = call
    operator = convt.conv_transpose if transposed else convt.conv
    w = np.arange(1.0, np.prod(w_shape) + 1).reshape(1, 1, *w_shape)
    try:
        arithmetic = accept(x_shape, w_shape, **(PLAIN | options), transposed=transposed)
    except ValueError:
        with pytest.raises(ValueError, match="must"):
            operator(np.zeros((1, *x_shape)), w, **options)
        return
    joined = np.zeros((*x_shape, *arithmetic.y_shape))
    for x in arithmetic.positions("input"):
        single = np.zeros((1, *x_shape))
        single[0][x] = 1
        joined[x] = operator(single, w, **options)[0]
    letters = {arithmetic.letter(tap): w[0, 0][tap] for tap in np.ndindex(w_shape)}
    for follow in ("input", "output"):
        shown = np.zeros_like(joined)
        for place in arithmetic.positions(follow):
            view = arithmetic.view(place, follow)
            for partner, letter in view.partners.items():
                shown[(*place, *partner) if follow == "input" else (*partner, *place)] = letters[letter]
            assert len(view.taps) == len(view.partners)
            for partner in view.outside:
                assert all(index in span for index, span in zip(partner, arithmetic.reach, strict=True))
        np.testing.assert_array_equal(shown, joined)


def test_dumoulins_example_of_a_transposed_convolution():
    arithmetic = accept((3, 3), (3, 3), **(PLAIN | {"stride": 2, "padding": 1}), transposed=True)
    assert arithmetic.y_shape == (5, 5)
    assert arithmetic.reach == [range(-1, 6)] * 2
    view = arithmetic.view((1, 1), "output")
    assert view.partners == {(0, 0): "i", (0, 1): "g", (1, 0): "c", (1, 1): "a"}
    assert arithmetic.view((2, 2), "output").partners == {(1, 1): "e"}
    assert arithmetic.view((0, 0), "input").outside.keys() == {(-1, -1), (-1, 0), (-1, 1), (0, -1), (1, -1)}


def test_the_element_that_tells_most():
    assert accept((3, 3), (3, 3), **(PLAIN | {"stride": 2, "padding": 1}), transposed=True).telling("output") == (1, 1)
    assert accept((5, 5), (3, 3), **(PLAIN | {"stride": 1, "padding": 1}), transposed=False).telling("output") == (2, 2)
    assert accept(6, 3, **(PLAIN | {"stride": 1, "padding": 1}), transposed=False).telling("output") == (2,)


def test_taps_have_letters_as_long_as_there_are_any():
    assert accept((3, 3), (7, 7), **(PLAIN | {"stride": 1, "padding": 0}), transposed=True).letter((6, 6)) == "W"
    assert accept((3, 3), (8, 8), **(PLAIN | {"stride": 1, "padding": 0}), transposed=True).letter((6, 6)) == "54"


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options", "error", "message"),
    [
        ((3, 3, 3), (3, 3, 3), {}, ValueError, r"x_shape must have 1 or 2 spatial axes and no others, got \(3, 3, 3\)"),
        ((3, 3), 3, {}, ValueError, r"w_shape must have as many axes as x_shape \(2\), got \(3,\)"),
        ((41,), (1,), {}, ValueError, r"x_shape must have at most 40 elements along each axis to be drawn, got \(41,\)"),
        ((30,), (2,), {"stride": 2}, ValueError, r"y's shape must have at most 40 elements .*, got \(60,\)"),
        (
            (30,),
            (2,),
            {"stride": 2, "padding": 15},
            ValueError,
            r"what the filters touch must have at most 40 .*, got \(60,\)",
        ),
        ((3,), (2,), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ((3,), (2,), {"padding": 9}, ValueError, "padding must crop less than"),
        ((3.0,), (2,), {}, TypeError, "x_shape.* must be an integer, got 3.0"),
        (
            (3,),
            (2,),
            {"output_padding": 1, "transposed": False},
            ValueError,
            "output_padding must be 0 unless transposed",
        ),
    ],
)
def test_what_cannot_be_drawn_is_told(x_shape, w_shape, options, error, message):
    with pytest.raises(error, match=message):
        accept(x_shape, w_shape, **({"transposed": True} | PLAIN | options))


@pytest.mark.parametrize(
    ("position", "follow", "error", "message"),
    [
        ((5, 0), "output", ValueError, r"position must lie in y's shape \(5, 5\), got \(5, 0\)"),
        ((0, -1), "input", ValueError, r"position must lie in x's shape \(3, 3\), got \(0, -1\)"),
        (1, "input", ValueError, r"position must lie in x's shape \(3, 3\), got 1"),
        ("a", "input", TypeError, "position must be an integer or a sequence of integers, got 'a'"),
        (None, "y", ValueError, "follow must be 'output' or 'input', got 'y'"),
    ],
)
def test_a_wrong_position_is_told(position, follow, error, message):
    with pytest.raises(error, match=message):
        accept_position(accept((3, 3), (3, 3), **(PLAIN | {"stride": 2, "padding": 1}), transposed=True), position, follow)
