"""The likely fix in the messages about channels, tried: what it says to pass is accepted."""

import re

import numpy as np
import pytest

import convt

CONV, TRANSPOSED = convt.conv, convt.conv_transpose


@pytest.mark.parametrize(
    ("operator", "x", "w", "options", "fixes"),
    [
        (CONV, (1, 16, 20, 3), (5, 4, 3, 8), {}, ["(N, H, W, C) and w is (kh, kw, in // groups, out), pass layout='NHWC'"]),
        (CONV, (16, 20, 3), (5, 4, 3, 8), {}, ["if x is (H, W, C) and w is", "pass layout='NHWC'"]),
        (CONV, (1, 20, 3), (5, 3, 8), {}, ["if x is (N, W, C) and w is (kw, in // groups, out), pass layout='NWC'"]),
        (TRANSPOSED, (1, 16, 20, 3), (5, 4, 8, 3), {}, ["and w is (kh, kw, out // groups, in), pass layout='NHWC'"]),
        (CONV, (1, 3, 16, 20), (8, 3, 5, 4), {"layout": "NHWC"}, ["w is (out, in // groups, kh, kw), pass layout='NCHW'"]),
        (CONV, (1, 16, 20, 6), (8, 6, 5, 4), {}, ["if x is (N, H, W, C), pass x.transpose(0, 3, 1, 2)"]),
        (TRANSPOSED, (16, 20, 6), (6, 8, 5, 4), {}, ["if x is (H, W, C), pass x.transpose(2, 0, 1)"]),
        (CONV, (1, 6, 16, 20), (5, 4, 6, 8), {}, ["if w is (kh, kw, in // groups, out), pass w.transpose(3, 2, 0, 1)"]),
        (TRANSPOSED, (1, 6, 9, 16, 20), (5, 4, 2, 8, 6), {}, ["pass w.transpose(4, 3, 0, 1, 2)"]),
        (CONV, (1, 16, 20, 3), (8, 3, 3, 3), {}, ["pass layout='NHWC', or if", "pass x.transpose(0, 3, 1, 2)"]),
        (CONV, (1, 16, 20, 6), (5, 4, 3, 8), {"groups": 2}, ["pass layout='NHWC'"]),
        (CONV, (1, 16, 20, 6), (5, 4, 2, 9), {"groups": 3}, ["pass layout='NHWC'"]),
        (CONV, (1, 6, 16, 20), (6, 1, 3, 3), {}, ["; did you mean groups=6?"]),
        (CONV, (1, 6, 16, 20), (6, 8, 3, 3), {}, ["; did you pass conv_transpose's w?"]),
        (TRANSPOSED, (1, 6, 16, 20), (8, 6, 3, 3), {}, ["; did you pass conv's w?"]),
        (CONV, (1, 6, 16, 20), (8, 7, 3, 3), {}, ["(out, in // groups, kh, kw))"]),
    ],
)  # fmt: skip
def test_what_is_suggested_is_accepted(operator, x, w, options, fixes):
    x, w = np.ones(x), np.ones(w)
    with pytest.raises(ValueError, match=r"^(w.shape\[\d\]|groups) must .*\)$|\?\)$") as caught:
        operator(x, w, **options)
    for fix in fixes:
        assert fix in str(caught.value)
    for layout in re.findall(r"pass layout='(\w+)'", str(caught.value)):
        operator(x, w, **{**options, "layout": layout})
    for name, order in re.findall(r"pass (\w)\.transpose\(([\d, ]+)\)", str(caught.value)):
        order = tuple(map(int, order.split(",")))
        operator(*((x.transpose(order), w) if name == "x" else (x, w.transpose(order))), **options)
    for groups in re.findall(r"groups=(\d+)", str(caught.value)):
        operator(x, w, groups=int(groups))


@pytest.mark.parametrize("operator", [CONV, TRANSPOSED])
@pytest.mark.parametrize("stride", [2, (2, 2), [2, 1]])
def test_a_stride_in_the_place_of_the_bias(operator, stride):
    with pytest.raises(ValueError, match=r"^bias.shape must equal \(5,\), .* \(a stride is a keyword: stride=\.\.\.\)$"):
        operator(np.ones((1, 5, 6, 6)), np.ones((5, 5, 3, 3)), stride)


def test_where_unpooling_follows_unpooling():
    x = np.random.default_rng(0).standard_normal((7, 7))
    y, first = convt.max_pool(x, 2)
    y, second = convt.max_pool(y, 2)
    smaller = convt.max_unpool(y, second, 2)
    with pytest.raises(
        ValueError, match=r"^indices.shape must equal that of y, \(2, 2\), got \(3, 3\) .*: pass output_size"
    ):
        convt.max_unpool(smaller, first, 2)
    assert convt.max_unpool(convt.max_unpool(y, second, 2, output_size=3), first, 2, output_size=7).shape == (7, 7)
