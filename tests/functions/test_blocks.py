"""Blocks against the whole: every geometry, layouts, what they depend on, and wrong arguments."""

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from strategies import cuts, operator_calls

import convt
from convt.core.layout import LAYOUTS
from convt.functions.blocks import _OPERATORS
from convt.testing import naive
from convt.testing.bounds import bound, judge


@st.composite
def calls(draw):
    """A function's name, the arguments of `blocks`, and the shape of the result."""
    op, x_shape, w_shape, options, y_shape = draw(operator_calls())
    layout = LAYOUTS[options["layout"]]
    return op, x_shape, w_shape, draw(cuts(y_shape, layout.letters(len(y_shape)).index("C"))), options, y_shape


def integers(rng, shape):
    """Numbers whose sums are exact in any order."""
    return rng.integers(-5, 6, shape).astype("f8")


@settings(max_examples=400)
@given(calls(), st.integers(0, 2**32))
def test_blocks_are_parts_of_the_whole(call, seed):
    op, x_shape, w_shape, chunks, options, y_shape = call
    rng = np.random.default_rng(seed)
    x, w, function = integers(rng, x_shape), integers(rng, w_shape), getattr(convt, op)
    y, times = np.zeros(y_shape), np.zeros(y_shape, int)
    for block in convt.blocks(op, x_shape, w_shape, chunks, **options):
        times[block.y] += 1
        if block.options is None:
            event("nothing reaches a block")
            assert x[block.x].size == 0
        else:
            y[block.y] = function(x[block.x], w, backend="numpy", **block.options)
    assert (times == 1).all()
    assert_array_equal(y, function(x, w, backend="numpy", **options))


@settings(max_examples=200)
@given(calls())
def test_a_slab_holds_what_its_block_depends_on_and_little_else(call):
    """A block no smaller than the dilation needs the first and the last element of its slab, but at x's borders."""
    op, x_shape, w_shape, chunks, options, _ = call
    problem, layout = problem_of(op, x_shape, w_shape, options), LAYOUTS[options["layout"]]
    spatial = [axis for axis, letter in enumerate(layout.letters(len(x_shape))) if letter not in "NC"]
    for block in convt.blocks(op, x_shape, w_shape, chunks, **options):
        for axis, where in enumerate(spatial):
            needed = sorted(depended_on(problem, op, axis, range(block.y[where].start, block.y[where].stop)))
            slab = range(block.x[where].start, block.x[where].stop)
            assert not needed or (slab[0] <= needed[0] and needed[-1] <= slab[-1])
            if op == "conv_transpose" and block.y[where].stop - block.y[where].start >= problem.dilation[axis]:
                assert list(slab[:1]) == needed[:1]
                assert list(slab[-1:]) == needed[-1:]
            if op == "conv" and needed:
                spare = max(problem.stride[axis], problem.dilation[axis])
                assert needed[0] == slab[0] or (slab[0] == 0 and needed[0] < spare)
                last = problem.fine_shape[axis] - 1
                assert needed[-1] == slab[-1] or (slab[-1] == last and needed[-1] > last - spare)


def problem_of(op, x_shape, w_shape, options):
    operator = _OPERATORS[op]
    names = ("layout", "stride", "padding", "output_padding", "output_size", "dilation", "groups")
    values = {"output_padding": 0, "output_size": None} | options
    given = tuple(values[name] for name in names if op == "conv_transpose" or not name.startswith("output"))
    return operator.checked(given, np.broadcast_to(0.0, x_shape), np.broadcast_to(0.0, w_shape)).problem


def depended_on(problem, op, axis, block):
    """The elements of x along an axis that a stretch of y is computed from, by the definition."""
    pairs = [
        (q, f)
        for q in range(problem.coarse_shape[axis])
        for tap in range(problem.kernel_shape[axis])
        if 0
        <= (f := q * problem.stride[axis] - problem.padding[axis] + tap * problem.dilation[axis])
        < problem.fine_shape[axis]
    ]
    return {q for q, f in pairs if f in block} if op == "conv_transpose" else {f for q, f in pairs if q in block}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("op", ["conv_transpose", "conv"])
@pytest.mark.parametrize(
    ("channels", "kernel", "stride", "size"),
    [
        ((16, 16), (3, 3), 1, (40, 37)),
        ((8, 4), (4, 4), 2, (33, 30)),
        ((3, 2), (16,), 8, (200,)),
        ((4, 4), (2, 2, 2), 2, (9, 8, 7)),
    ],
)
def test_blocks_are_as_accurate_as_the_whole(rng, op, channels, kernel, stride, size, dtype):
    """Not the same bits: each is judged by what its elements reach."""
    w = rng.standard_normal((*channels, *kernel)).astype(dtype)
    x = rng.standard_normal((2, channels[op == "conv"], *size)).astype(dtype)
    x[(1, 0, *(each // 2 for each in size))] = 1e12
    options = {"stride": stride, "padding": 1}
    whole = getattr(convt, op)(x, w, **options)
    problem = problem_of(op, x.shape, w.shape, options | {"dilation": 1, "groups": 1, "layout": None})
    y = np.full_like(whole, np.nan)
    for block in convt.blocks(op, x.shape, w.shape, (1, 16, *(each // 2 + 3 for each in size)), **options):
        y[block.y] = getattr(convt, op)(x[block.x], w, **block.options)
    name = "scatter" if op == "conv_transpose" else "gather"
    exact = naive.apply(name, problem, x.astype("f8"), w.astype("f8"))
    verdict = judge(y, exact, bound(name, problem, x, w))
    assert not verdict.wrong, verdict.words


def test_output_that_is_padding_alone():
    x, w = np.ones((1, 2)), np.ones((1, 1, 3))
    found = list(convt.blocks("conv_transpose", x.shape, w.shape, (1, 5), padding=[(-9, -12)]))
    assert [block.options is None for block in found] == [True, False, False, True, True]
    assert convt.conv_transpose_shape(x.shape, w.shape, padding=[(-9, -12)]) == (1, 25)
    found = list(convt.blocks("conv", x.shape, w.shape, (1, 4), padding=[(12, 8)]))
    assert [block.options is None for block in found] == [True, True, False, False, True]


def test_a_batch_without_images_has_no_blocks():
    assert list(convt.blocks("conv", (0, 1, 5), (1, 1, 3), (1, 1, 3))) == []
    assert list(convt.blocks("conv", (0, 1, 5), (1, 1, 3), ((), 1, 3))) == []


def test_blocks_of_more_than_memory_holds_begin_at_once():
    first = next(convt.blocks("conv_transpose", (1, 1, 2**54), (1, 1, 4), (1, 1, 1), stride=2, padding=1))
    assert first.x == (slice(0, 1), slice(0, 1), slice(0, 1))


def test_gradients_of_filters_are_sums_over_blocks(rng):
    x, w, dy = (integers(rng, shape) for shape in ((2, 3, 9, 8), (3, 2, 3, 4), (2, 2, 17, 16)))
    options = {"stride": 2, "padding": 1, "output_padding": (0, 0)}
    dw = np.zeros_like(w)
    for b in convt.blocks("conv", dy.shape, w.shape, (1, 3, 4, 3), stride=2, padding=1):
        dw += convt.conv_transpose_backward(x[b.y], w, None, dy[b.x], needs=["w"], backend="numpy", **b.options).w
    assert_array_equal(dw, convt.conv_transpose_backward(x, w, None, dy, needs=["w"], backend="numpy", **options).w)


X, W = (2, 3, 9, 8), (3, 4, 3, 3)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (
            ("convtranspose", X, W, (1, 4, 5, 5)),
            {},
            ValueError,
            r"op must be 'conv_transpose' or 'conv', got .*did you mean 'conv_tr",
        ),
        ((1, X, W, (1, 4, 5, 5)), {}, ValueError, r"op must be 'conv_transpose' or 'conv', got 1$"),
        (
            ("conv_transpose", X, W, 5),
            {},
            TypeError,
            r"chunks must have one entry for each of y's axes \(N, C, H, W\), got 5",
        ),
        (("conv_transpose", X, W, "5555"), {}, TypeError, r"chunks must have one entry for each of y's axes"),
        (
            ("conv_transpose", X, W, (5, 5)),
            {},
            ValueError,
            r"chunks must have one entry for each of y's 4 axes \(N, C, H, W\)",
        ),
        (("conv_transpose", X, W, (1, 2, 5, 5)), {}, ValueError, r"chunks\[1\] must be all of y's 4 channels, .*got 2$"),
        (("conv_transpose", X, W, (1, (2, 2), 5, 5)), {}, ValueError, r"chunks\[1\] must be all of y's 4 channels"),
        (("conv_transpose", X, W, (1, 4, 0, 5)), {}, ValueError, r"chunks\[2\] must be at least 1, got 0"),
        (("conv_transpose", X, W, (1, 4, 5, (5, 6))), {}, ValueError, r"chunks\[3\] must hold sizes that add up to y's 10 "),
        (
            ("conv_transpose", X, W, (1, 4, 5, (11, -1))),
            {},
            ValueError,
            r"chunks\[3\] must hold sizes that add up to y's 10 ",
        ),
        (
            ("conv_transpose", X, W, (1, 4, 5, 5.0)),
            {},
            TypeError,
            r"chunks\[3\] must be an integer or a sequence of integers",
        ),
        (("conv_transpose", X, W, (1, 4, 5, 5)), {"layout": "NHWC"}, ValueError, r"w\.shape\[3\] must equal"),
        (
            ("conv_transpose", X, (2, 4, 3, 3), (1, 4, 5, 5)),
            {},
            ValueError,
            r"w\.shape\[0\] must equal x's 3 channels, got 2",
        ),
        (
            ("conv", X, (4, 3, 3, 3), (1, 4, 5, 5)),
            {"output_size": 9},
            TypeError,
            r"output_padding and output_size must be left out",
        ),
        (
            ("conv", X, (4, 3, 3, 3), (1, 4, 5, 5)),
            {"output_padding": 1},
            TypeError,
            r"output_padding and output_size must be left",
        ),
        (("conv", X, (4, 3, 3, 3), (1, 4, 5, 5)), {"stride": 0}, ValueError, r"stride must be at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_told_before_the_first_block(arguments, options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        convt.blocks(*arguments, **options)
