"""What `convt.matconvnet` refuses, and the words that it finds."""

from math import inf, nan

import numpy as np
import pytest
from matlab import DZDY, FUNCTIONS, B, F, X

from convt.matconvnet import vl_nnconv, vl_nnconvt

NAMES = "Upsample, Crop, NumGroups, CudnnWorkspaceLimit, NoDerData, NoDerFilters, NoDerBiases, CuDNN, NoCuDNN, Verbose"


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((X, F, B, "pad", 1), {}, f"an option name must be one of {NAMES}, got 'pad'"),
        ((X, F, B, "up", 1), {}, f"an option name must be one of {NAMES}, got 'up'"),
        ((X, F, B, ""), {}, f"an option name must be one of {NAMES}, got ''"),
        ((X, F, B, "crop"), {}, "Crop must be followed by its value, got nothing"),
        ((X, F, B, "crop", 1, 2), {}, "an option name must be a string, got 2 (flags such as 'Verbose' take no value)"),
        (
            (X, F, B, "Verbose", True),
            {},
            "an option name must be a string, got True (flags such as 'Verbose' take no value)",
        ),
        ((X, F, B, "Upsample", "a"), {}, "upsample must be a number or [Y, X], got 'a'"),
        ((X, F, B, "Upsample", None), {}, "upsample must be a number or [Y, X], got None"),
        ((X, F, B), {"upsample": True}, "upsample must be a number or [Y, X], got True"),
        ((X, F, B), {"upsample": 2j}, "upsample must be a number or [Y, X], got 2j"),
        ((X, F, B), {"upsample": [[1, 2], [3]]}, "upsample must be a number or [Y, X], got [[1, 2], [3]]"),
        ((X, F, B), {"upsample": [1, 2, 3]}, "upsample must be a number or [Y, X], got 3 numbers: [1, 2, 3]"),
        ((X, F, B), {"upsample": []}, "upsample must be a number or [Y, X], got 0 numbers: []"),
        ((X, F, B), {"upsample": 0.5}, "upsample must be at least 1, got 0.5 (fractions are cut off)"),
        ((X, F, B), {"upsample": inf}, "upsample must be finite, got inf"),
        ((X, F, B), {"upsample": 1e300}, "stride[0] must fit into 64 bits, got an integer of 997 bits"),
        ((X, F, B), {"crop": nan}, "crop must be finite, got nan"),
        ((X, F, B), {"crop": [1, 1]}, "crop must be a number or [TOP, BOTTOM, LEFT, RIGHT], got 2 numbers: [1, 1]"),
        ((X, F, B), {"crop": -1}, "crop must be at least 0, got -1 (fractions are cut off)"),
        ((X, F, B), {"crop": 3}, "crop must leave at least one row and one column of the 5 x 6 output, got (3, 3, 3, 3)"),
        (
            (X, F, B),
            {"crop": [3, 2, 0, 0]},
            "crop must leave at least one row and one column of the 5 x 6 output, got (3, 2, 0, 0)",
        ),
        (
            (X, F, B),
            {"crop": [0, 0, 2, 4]},
            "crop must leave at least one row and one column of the 5 x 6 output, got (0, 0, 2, 4)",
        ),
        ((X, F, B), {"crop": 1e300}, "crop must leave at least one row"),
        ((X, F, B), {"num_groups": [1, 1]}, "num_groups must be a number, got 2 numbers: [1, 1]"),
        ((X, F, B), {"num_groups": 0}, "num_groups must be at least 1, got 0 (fractions are cut off)"),
        ((X, F, B), {"num_groups": 3}, "num_groups must divide f's depth, f.shape[3] = 4, got 3"),
        (
            (X, np.ones((3, 3, X.shape[2])), B),
            {"num_groups": X.shape[2]},
            f"num_groups must divide f's depth, f.shape[3] = 1, got {X.shape[2]}; if f has been squeezed, pass "
            f"f.reshape(3, 3, 1, {X.shape[2]})",
        ),
        ((X, F, B), {"no_der_data": 1}, "no_der_data must be True or False, got 1"),
        ((X, F, B), {"cudnn": "on"}, "cudnn must be True or False, got 'on'"),
        ((X, F, B, "CudnnWorkspaceLimit", -1), {}, "cudnn_workspace_limit must be at least 0, got -1"),
        ((X, F, B), {"cudnn_workspace_limit": nan}, "cudnn_workspace_limit must be at least 0, got nan"),
        ((X, F, B), {"cudnn_workspace_limit": "1"}, "cudnn_workspace_limit must be a number of bytes, inf for no limit"),
        ((X, F, "Upsample", 2), {}, "b must be an array of real numbers, single or double, got str"),
        ((None, F, B), {}, "x must be an array of real numbers, single or double, got NoneType"),
        (({}, F, B), {}, "x must be an array of real numbers, single or double, got dict"),
        ((np.full((3, 4), "a"), F, B), {}, "x must be an array of real numbers, single or double, got <U1"),
        ((X + 0j, F, B), {}, "x must be an array of real numbers, single or double, got complex128"),
        ((X, F, B > 0), {}, "b must be an array of real numbers, single or double, got bool"),
        ((np.ma.array(X), F, B), {}, "x must be an array of real numbers, single or double, got MaskedArray"),
        ((X, F.astype(int), B), {}, "f must be single or double, got int64 (convert it: f.astype(np.float32))"),
        ((X.astype("f2"), F, B), {}, "x must be single or double, got float16 (convert it: x.astype(np.float32))"),
        ((X, F.astype("f4"), B), {}, "f must have the class of x, double, got single (convert it: f.astype(x.dtype))"),
        ((X, F, B, DZDY.astype("f4")), {}, "dzdy must have the class of x, double, got single"),
        ((X, F, B.reshape([1] * 7 + [2])), {}, "b must have at most 7 dimensions, got 8"),
        (
            (X[:0], F, B),
            {},
            "x must have a row, a column and a channel at least (only the batch may be empty), got (0, 4, 4, 2)",
        ),
        ((X, [], B), {}, "f must not be empty (only vl_nnconv does without filters), got shape (0, 1, 1, 1)"),
        ((X, F[..., :2], B), {"num_groups": 2}, "f.shape[3] must equal x's 4 channels, got 2 (f is FH x FW x K x D"),
        ((X, F, np.ones(3)), {}, "b must have an element for each of the 2 output channels, or none, got 3"),
        ((X, F, B, DZDY[1:]), {}, "dzdy.shape must equal y's (5, 6, 2, 2), got (4, 6, 2, 2)"),
        ((X, F, B, []), {}, "dzdy.shape must equal y's (5, 6, 2, 2), got (0, 1, 1, 1) (leave it out for the forward pass)"),
        ((X, F, B, DZDY, {}), {}, "an option name must be a string, got {}"),
    ],
)
def test_errors_of_vl_nnconvt(arguments, keywords, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        vl_nnconvt(*arguments, **keywords)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("arguments", "keywords", "message"),
    [
        ((X, F, B, "NumGroups", 2), {}, "an option name must be one of Pad, Stride, Dilate, CudnnWorkspaceLimit, NoDerData"),
        ((X, F, B), {"stride": 0}, "stride must be at least 1, got 0 (fractions are cut off)"),
        ((X, F, B), {"dilate": [1, 0]}, "dilate must be at least 1, got [1, 0] (fractions are cut off)"),
        ((X, F, B), {"pad": [1, 1]}, "pad must be a number or [TOP, BOTTOM, LEFT, RIGHT], got 2 numbers: [1, 1]"),
        ((X, F, []), {"pad": 1e300}, "padding[0][0] must fit into 64 bits, got an integer of 997 bits"),
        (
            (X, np.ones((3, 3, 3, 4)), B),
            {},
            "f.shape[2] must divide x's 4 channels, got 3 (f is FH x FW x FC x K; is it vl_nn",
        ),
        (
            (X, np.ones((3, 3, 2, 3)), B),
            {},
            "f.shape[3] must be a multiple of the 2 groups (x's 4 channels over f.shape[2] = 2)",
        ),
        ((X, np.ones((4, 3, 2, 4)), B), {}, "f must fit into the padded x, 3 x 4, got 4 x 3 with dilation (enlarge pad?)"),
        ((X, F, B), {"dilate": 2}, "f must fit into the padded x, 3 x 4, got 5 x 5 with dilation (enlarge pad?)"),
        ((X, F, B), {}, "b must have an element for each of the 4 output channels, or none, got 2"),
        ((X, [], B), {}, "b must have an element for each of the 4 output channels, or none, got 2"),
        ((X, [], [], "Dilate", 2), {}, "dilate must be 1 without filters, got (2, 2)"),
        ((X, None, [], X), {"dilate": [1, 2]}, "dilate must be 1 without filters, got (1, 2)"),
        ((X[:, :, :0], [], []), {}, "x must have a row, a column and a channel at least (only the batch may be empty)"),
        ((X, F, [], np.ones((1, 2, 4))), {}, "dzdy.shape must equal y's (1, 2, 4, 2), got (1, 2, 4, 1)"),
    ],
)
def test_errors_of_vl_nnconv(arguments, keywords, message):
    with pytest.raises((TypeError, ValueError)) as caught:
        vl_nnconv(*arguments, **keywords)
    assert str(caught.value).startswith(message)


def test_what_cannot_be_allocated_is_a_memory_error():
    with pytest.raises(MemoryError):
        vl_nnconvt(X, F, B, upsample=1e7)


@FUNCTIONS
def test_three_arrays_are_required(function):
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        function(X, F)
