"""The likely name in messages about names."""

import numpy as np
import pytest

import convt
from convt import nn
from convt.hints import did_you_mean

X, W = np.ones((1, 1, 6, 6)), np.ones((1, 1, 3, 3))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("NCHV", "NCHW"),
        ("nchw", "NCHW"),
        ("Channels_Last", "NHWC"),
        ("bicubic", None),
        (3, None),
        ("", None),
        ("nchW", "NCHW"),
    ],
)
def test_the_nearest_name_whatever_its_letters_are(name, wanted):
    known = ["NCHW", "NHWC"]
    got = did_you_mean(name, known, {"channels_last": "NHWC", "bicubic": "unknown"})
    assert got == (f"; did you mean {wanted!r}?" if wanted else "")


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        (lambda: convt.conv(X, W, padding="SAME"), "same"),
        (lambda: convt.conv_transpose(X, W, padding="SAME_UPPER"), "same"),
        (lambda: convt.conv(X, W, padding="SAME_LOWER"), "same_lower"),
        (lambda: convt.max_pool(X, 2, padding="VALID"), "valid"),
        (lambda: convt.conv(X, W, layout="nchw"), "NCHW"),
        (lambda: convt.conv(X, W, layout="channels_last"), "NHWC"),
        (lambda: convt.conv(X[0], W[0], layout="channels_last"), "NWC"),
        (lambda: convt.max_pool(X, 2, layout="channels_first"), "NCHW"),
        (lambda: convt.upsample(X, 2, layout="HWC"), "NHWC"),
        (lambda: convt.upsample(X, 2, mode="Bilinear"), "bilinear"),
        (lambda: convt.max_pool(X, 2, indexing="Tensor"), "tensor"),
        (lambda: convt.conv(X, W, backend="nunpy"), "numpy"),
        (lambda: nn.Conv2D(1, 3).initialize("xaver"), "xavier"),
        (lambda: convt.matconvnet.vl_nnconvt(X, W, np.ones(0), "Upsampel", 2), "Upsample"),
        (lambda: convt.conv2d_transpose, "conv_transpose"),
        (lambda: convt.conv_transpose2d, "conv_transpose"),
        (lambda: convt.ConvTranspose2d, "conv_transpose"),
        (lambda: convt.conv2d, "conv"),
        (lambda: convt.max_pool2d, "max_pool"),
        (lambda: convt.interpolate, "upsample"),
    ],
)
def test_messages_end_with_it(call, wanted):
    with pytest.raises((ValueError, LookupError, AttributeError)) as caught:
        call()
    assert str(caught.value).endswith(f"; did you mean {wanted!r}?")


@pytest.mark.parametrize(("name", "wanted"), [("Conv2D", "Conv2d"), ("conv2D", "conv2d"), ("CONV2d", "Conv2d")])
def test_of_names_that_differ_by_capitals_the_one_that_is_written_most_alike(name, wanted):
    assert did_you_mean(name, ["Conv2d", "conv2d", "convert"]) == f"; did you mean {wanted!r}?"


@pytest.mark.parametrize("name", ["__path_of_conv__", "_conv", "quaternion"])
def test_nothing_is_suggested_for_what_is_like_nothing(name):
    with pytest.raises(AttributeError, match=f"^module 'convt' has no attribute '{name}'$"):
        getattr(convt, name)
