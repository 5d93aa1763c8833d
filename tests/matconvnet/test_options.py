"""MatConvNet's options: all their forms, which of them stick, and what Verbose prints."""

from math import inf

import numpy as np
import pytest
from matlab import FUNCTIONS, random

from convt.matconvnet import vl_nnconv, vl_nnconvt
from convt.numpy_backend import NumpyBackend


@pytest.mark.parametrize(
    "options",
    [
        ("Upsample", [2, 3], "Crop", [1, 0, 0, 2], "NumGroups", 2),
        ("UPSAMPLE", (2, 3), "crop", np.array([1, 0, 0, 2]), "numgroups", [[2]]),
        ("numGroups", 2.9, "crop", [[1, 0], [0, 2]], "upsample", [[2], [3]]),
        ("crop", 7, "crop", [1.9, -0.5, 0.0, 2], "upsample", [2.5, 3.99], "NumGroups", np.float32(2)),
        (None, "Upsample", [2, 3], "Crop", [1, 0, 0, 2], "NumGroups", 2),
        ("Upsample", [2, 3], "Crop", [1, 0, 0, 2], "NumGroups", np.int64(2), "Verbose", "NoDerData", "CuDNN"),
    ],
)
def test_matlabs_options_in_all_their_forms(options):
    x, f, b = random((3, 4, 4, 2)), random((3, 3, 2, 4), 1), random((1, 4), 2)
    expected = vl_nnconvt(x, f, b, upsample=[2, 3], crop=[1, 0, 0, 2], num_groups=2)
    np.testing.assert_array_equal(vl_nnconvt(x, f, b, *options), expected)


def test_keywords_are_read_last():
    x, f = random((3, 4, 2, 2)), random((3, 3, 2, 2), 1)
    assert vl_nnconvt(x, f, [], "Upsample", 3, upsample=2).shape == (7, 9, 2, 2)
    assert vl_nnconvt(x, f, [], np.ones((5, 6, 2, 2)), "NoDerData", no_der_data=False)[0].shape == x.shape
    assert vl_nnconv(x, f, [], "Pad", 3, pad=[1, 1, 1, 1]).shape == (3, 4, 2, 2)


@pytest.mark.parametrize("style", ["flags", "keywords"])
@pytest.mark.parametrize("off", range(8))
@FUNCTIONS
def test_each_derivative_can_be_left_out(function, off, style):
    x, f, b = random((3, 4, 2, 2)), random((3, 3, 2, 2), 1), random(2, 2)
    dzdy = random(function(x, f, b).shape, 3)
    chosen = [name for bit, name in enumerate(["NoDerData", "NoDerFilters", "NoDerBiases"]) if off >> bit & 1]
    keywords = {"NoDerData": "no_der_data", "NoDerFilters": "no_der_filters", "NoDerBiases": "no_der_biases"}
    if style == "flags":
        derivatives = function(x, f, b, dzdy, *chosen)
    else:
        derivatives = function(x, f, b, dzdy, **{keywords[name]: True for name in chosen})
    for bit, (derivative, full) in enumerate(zip(derivatives, function(x, f, b, dzdy), strict=True)):
        np.testing.assert_array_equal(derivative, np.zeros((0, 0)) if off >> bit & 1 else full)


def report_of(capsys, function, *options, **keywords):
    function(np.ones((3, 4, 2, 2)), np.ones((3, 3, 2, 2)), [], *options, verbose=True, **keywords)
    return capsys.readouterr().out


def test_verbose_prints_sizes_options_backend_and_cudnn(capsys):
    assert report_of(capsys, vl_nnconvt, "Upsample", 2, "Crop", [1, 0, 0, 2], backend="numpy") == (
        "vl_nnconvt: forward, double, backend numpy\n"
        "vl_nnconvt: cuDNN on, workspace limit 512 MB\n"
        "vl_nnconvt: upsample (2, 2), crop (1, 0, 0, 2), num_groups 1\n"
        "vl_nnconvt: x 3 x 4 x 2 x 2, f 3 x 3 x 2 x 2, b empty, y 6 x 7 x 2 x 2\n"
    )
    vl_nnconv(
        np.ones((3, 4, 2), "f4"), [], np.ones((1, 2), "f4"), np.ones((3, 4, 2), "f4"), "VERBOSE", backend=NumpyBackend()
    )
    assert capsys.readouterr().out == (
        "vl_nnconv: backward, single, backend numpy\n"
        "vl_nnconv: cuDNN on, workspace limit 512 MB\n"
        "vl_nnconv: pad (0, 0, 0, 0), stride (1, 1), dilate (1, 1)\n"
        "vl_nnconv: x 3 x 4 x 2 x 1, f empty, b 1 x 2, dzdy 3 x 4 x 2 x 1\n"
    )


def test_nothing_is_printed_unasked(capsys):
    vl_nnconvt(np.ones((3, 4)), np.ones((3, 3)), [], "CuDNN", "CudnnWorkspaceLimit", 5)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("off", "on"), [(["NoCuDNN"], ["cudnn"]), (["nocudnn"], ["CUDNN"])])
def test_cudnn_sticks_until_it_is_set_again(capsys, off, on):
    assert "cuDNN off" in report_of(capsys, vl_nnconvt, *off)
    assert "cuDNN off" in report_of(capsys, vl_nnconvt)
    assert "cuDNN on" in report_of(capsys, vl_nnconv)  # each function keeps its own
    assert "cuDNN on" in report_of(capsys, vl_nnconvt, *on)
    assert "cuDNN on" in report_of(capsys, vl_nnconvt)
    assert "cuDNN off" in report_of(capsys, vl_nnconvt, cudnn=False)
    assert "cuDNN on" in report_of(capsys, vl_nnconvt, *off, *on)


@pytest.mark.parametrize("name", ["CudnnWorkspaceLimit", "CudnnWorkSpaceLimit", "cudnnworkspacelimit"])
def test_workspace_limit(capsys, name):
    assert "limit 512 MB" in report_of(capsys, vl_nnconvt)
    assert "limit none" in report_of(capsys, vl_nnconvt, name, inf)
    assert "limit none" in report_of(capsys, vl_nnconvt)
    assert "limit 0 MB" in report_of(capsys, vl_nnconvt, name, 0)
    assert "limit 1.5 MB" in report_of(capsys, vl_nnconvt, cudnn_workspace_limit=1.5 * 2**20)


def test_a_refused_call_leaves_the_settings_alone(capsys):
    with pytest.raises(ValueError, match="option name"):
        vl_nnconvt(np.ones((3, 4)), np.ones((3, 3)), [], "NoCuDNN", "Nonsense")
    assert "cuDNN on" in report_of(capsys, vl_nnconvt)
