"""Axis orders: every layout gives what channels first gives, transposed, without a copy."""

import re

import numpy as np
import pytest
from fakes import Recorder
from numpy.testing import assert_array_equal

import convt
from convt.core.layout import LAYOUTS

# The caller's axes of data and kernel, as positions in the channels-first orders.
ORDERS = {
    "NWC": ((0, 2, 1), (2, 1, 0)),
    "NHWC": ((0, 2, 3, 1), (2, 3, 1, 0)),
    "NDHWC": ((0, 2, 3, 4, 1), (2, 3, 4, 1, 0)),
    "WCN": ((2, 1, 0), (2, 1, 0)),
    "HWCN": ((2, 3, 1, 0), (2, 3, 1, 0)),
    "DHWCN": ((2, 3, 4, 1, 0), (2, 3, 4, 1, 0)),
    "NCW": ((0, 1, 2), (0, 1, 2)),
    "NCHW": ((0, 1, 2, 3), (0, 1, 2, 3)),
    "NCDHW": ((0, 1, 2, 3, 4), (0, 1, 2, 3, 4)),
}
OPTIONS = {"stride": 2, "padding": 1, "groups": 2}


def channels_first(rng, layout):
    axes = len(ORDERS[layout][0]) - 2
    return rng.standard_normal((3, 4, 5, 6, 2)[: axes + 2]), rng.standard_normal((4, 3, 3, 2, 4)[: axes + 2])


def test_the_table_holds_all_layouts():
    assert set(ORDERS) == set(LAYOUTS)


@pytest.mark.parametrize("layout", ORDERS)
def test_conv_transpose_in_any_layout_is_channels_first_transposed(rng, layout):
    data, kernel = ORDERS[layout]
    x, w = channels_first(rng, layout)
    bias = rng.standard_normal(6)
    y = convt.conv_transpose(x, w, bias, **OPTIONS)
    turned = convt.conv_transpose(x.transpose(data), w.transpose(kernel), bias, layout=layout, **OPTIONS)
    assert_array_equal(turned, y.transpose(data))
    shape = convt.conv_transpose_shape(x.transpose(data).shape, w.transpose(kernel).shape, layout=layout, **OPTIONS)
    assert shape == turned.shape

    gradients = convt.conv_transpose_backward(x, w, bias, y, **OPTIONS)
    turned = convt.conv_transpose_backward(
        x.transpose(data), w.transpose(kernel), bias, y.transpose(data), layout=layout, **OPTIONS
    )
    assert_array_equal(turned.x, gradients.x.transpose(data))
    assert_array_equal(turned.w, gradients.w.transpose(kernel))
    np.testing.assert_allclose(turned.bias, gradients.bias, rtol=1e-14)


@pytest.mark.parametrize("layout", ORDERS)
def test_conv_in_any_layout_is_channels_first_transposed(rng, layout):
    data, kernel = ORDERS[layout]
    y, w = channels_first(rng, layout)
    x = convt.conv_transpose(y, w, **OPTIONS)
    turned = convt.conv(x.transpose(data), w.transpose(kernel), layout=layout, **OPTIONS)
    assert_array_equal(turned, convt.conv(x, w, **OPTIONS).transpose(data))
    assert convt.conv_shape(x.transpose(data).shape, w.transpose(kernel).shape, layout=layout, **OPTIONS) == turned.shape

    gradients = convt.conv_backward(x, w, None, y, **OPTIONS)
    turned = convt.conv_backward(x.transpose(data), w.transpose(kernel), None, y.transpose(data), layout=layout, **OPTIONS)
    assert_array_equal(turned.x, gradients.x.transpose(data))
    assert_array_equal(turned.w, gradients.w.transpose(kernel))


@pytest.mark.parametrize("layout", ORDERS)
def test_the_batch_may_be_missing_in_any_layout(rng, layout):
    data, kernel = ORDERS[layout]
    x, w = channels_first(rng, layout)
    x, w = x[:1].transpose(data), w.transpose(kernel)
    batch = data.index(0)
    y = convt.conv_transpose(x, w, layout=layout, **OPTIONS)
    alone = convt.conv_transpose(x.squeeze(batch), w, layout=layout, **OPTIONS)
    assert_array_equal(alone, y.squeeze(batch))
    assert convt.conv_transpose_shape(x.squeeze(batch).shape, w.shape, layout=layout, **OPTIONS) == alone.shape
    assert_array_equal(
        convt.conv(alone, w, layout=layout, **OPTIONS), convt.conv(y, w, layout=layout, **OPTIONS).squeeze(batch)
    )

    gradients = convt.conv_transpose_backward(x.squeeze(batch), w, None, alone, layout=layout, **OPTIONS)
    assert gradients.x.shape == x.squeeze(batch).shape
    assert_array_equal(gradients.w, convt.conv_transpose_backward(x, w, None, y, layout=layout, **OPTIONS).w)


@pytest.mark.parametrize("layout", ORDERS)
def test_a_layout_is_a_view(rng, layout):
    data, kernel = ORDERS[layout]
    x, w = (
        np.ascontiguousarray(a.transpose(order))
        for a, order in zip(channels_first(rng, layout), (data, kernel), strict=True)
    )
    out = np.empty(convt.conv_transpose_shape(x.shape, w.shape, layout=layout, **OPTIONS))
    recorder = Recorder()
    convt.conv_transpose(x, w, layout=layout, out=out, backend=recorder, **OPTIONS)
    ((coarse, kernel_seen, _, fine),) = recorder.arrays
    assert np.shares_memory(coarse, x)
    assert np.shares_memory(kernel_seen, w)
    assert np.shares_memory(fine, out)


@pytest.mark.parametrize(
    ("layout", "allowed"),
    [
        ("NCHW", "'NCW', 'NWC', 'WCN'"),
        ("nwc", "'NCW', 'NWC', 'WCN'"),
        ("", "'NCW', .*"),
    ],
)
def test_an_unknown_layout_is_told_the_known_ones(layout, allowed):
    with pytest.raises(ValueError, match=rf"^layout must be one of {allowed} for 1 spatial axis, got "):
        convt.conv_transpose(np.ones((1, 1, 3)), np.ones((1, 1, 3)), layout=layout)


@pytest.mark.parametrize("layout", [3, ["NCW"], b"NCW"])
def test_what_is_no_name_is_told_all_layouts(layout):
    for function, w in ((convt.conv_transpose, np.ones((1, 1, 3))), (convt.upsample, 2)):
        with pytest.raises(ValueError, match=rf"^layout must be one of 'NCW', .*'DHWCN', got {re.escape(repr(layout))}$"):
            function(np.ones((1, 1, 3)), w, layout=layout)
