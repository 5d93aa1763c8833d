"""`convt.matconvnet`: cases worked out by hand, plain loops written from MatConvNet's manual, options, errors, memory.

`test_matconvnet_golden.py` compares with what MatConvNet itself answers.
"""

import tracemalloc
from math import inf, nan

import numpy as np
import pytest
from fakes import CallerArray, FakeDevice
from hypothesis import given, settings
from hypothesis import strategies as st

from convt import BackendUnavailable
from convt.matconvnet import call, functions, vl_nnconv, vl_nnconvt
from convt.matconvnet.options import CudnnSettings
from convt.reference import NumpyBackend

FUNCTIONS = pytest.mark.parametrize("function", [vl_nnconvt, vl_nnconv])


@pytest.fixture(autouse=True)
def fresh_cudnn_settings():
    """What sticks in MatConvNet must not stick from test to test."""
    for function in (functions._TRANSPOSED, functions._PLAIN):
        vars(function.cudnn).update(vars(CudnnSettings()))
    yield
    for function in (functions._TRANSPOSED, functions._PLAIN):
        vars(function.cudnn).update(vars(CudnnSettings()))


def plane(array):
    """The first channel of the first image, as lists."""
    return array[:, :, 0, 0].tolist()


def random(shape, seed=0, dtype=np.float64):
    return np.asfortranarray(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


class Loops:
    """The manual's sums, one term at a time, in double. With v fine, f and x coarse: U = VL_NNCONV(V, F)."""

    def __init__(self, v_shape, f, u_shape, stride, pad, dilate=(1, 1)):
        self.f = f
        self.v_shape, self.u_shape = v_shape, u_shape
        self.terms = []
        channels, filters = f.shape[2], f.shape[3]
        groups = v_shape[2] // channels
        for i, j, k in np.ndindex(*u_shape[:2], filters):
            for p, q, c in np.ndindex(*f.shape[:2], channels):
                row = i * stride[0] + p * dilate[0] - pad[0]
                column = j * stride[1] + q * dilate[1] - pad[2]
                if 0 <= row < v_shape[0] and 0 <= column < v_shape[1]:
                    channel = k // (filters // groups) * channels + c
                    self.terms.append(((row, column, channel), (p, q, c, k), (i, j, k)))

    def conv(self, v):
        u = np.zeros(self.u_shape)
        for fine, tap, coarse in self.terms:
            u[coarse] += v[fine] * self.f[tap]
        return u

    def transposed(self, u):
        v = np.zeros(self.v_shape)
        for fine, tap, coarse in self.terms:
            v[fine] += u[coarse] * self.f[tap]
        return v

    def filters(self, v, u):
        f = np.zeros(self.f.shape)
        for fine, tap, coarse in self.terms:
            f[tap] += np.dot(v[fine], u[coarse])
        return f


# ---- by hand


def test_upsampling_by_two_puts_each_pixel_times_the_filter_two_apart():
    y = vl_nnconvt([[1, 2], [3, 4]], [[1, 10], [100, 1000]], [], "Upsample", 2)
    assert plane(y) == [[1, 10, 2, 20], [100, 1000, 200, 2000], [3, 30, 4, 40], [300, 3000, 400, 4000]]


def test_overlapping_filters_add():
    assert plane(vl_nnconvt([[1, 2]], [[1, 10, 100]], 5)) == [[6, 17, 125, 205]]


def test_crop_drops_top_bottom_left_right():
    x, f = [[1, 2], [3, 4]], [[1, 10], [100, 1000]]
    assert plane(vl_nnconvt(x, f, [], "Upsample", 2, "Crop", [1, 0, 0, 2])) == [[100, 1000], [3, 30], [300, 3000]]


def test_rows_come_before_columns_in_upsample():
    assert vl_nnconvt(np.ones((2, 3)), np.ones((1, 1)), [], upsample=[5, 2]).shape == (6, 5, 1, 1)


def test_output_channel_is_group_times_k_plus_filter():
    x = np.array([1.0, 10.0]).reshape(1, 1, 2)
    f = np.array([[1, 2], [3, 4], [5, 6]], float).reshape(1, 1, 3, 2)  # K = 3, D = 2
    y = vl_nnconvt(x, f, [], "NumGroups", 2)
    assert y.ravel().tolist() == [1, 3, 5, 20, 40, 60]


def test_a_filter_that_leaves_gaps_leaves_the_bias_there():
    assert plane(vl_nnconvt([[1, 2]], [[1]], [0.5], "Upsample", [1, 3])) == [[1.5, 0.5, 0.5, 2.5]]


def test_derivatives():
    x, f = np.array([[1.0, 2.0]]), np.array([[1.0, 10.0, 100.0]])
    dzdy = np.array([[1.0, 2.0, 3.0, 4.0]])
    dzdx, dzdf, dzdb = vl_nnconvt(x, f, [0.0], dzdy)
    assert plane(dzdx) == [[321, 432]]
    assert plane(dzdf) == [[5, 8, 11]]
    assert dzdb.tolist() == [10]


def test_conv():
    x = np.arange(16.0).reshape(4, 4)
    assert plane(vl_nnconv(x, [[1, 10], [100, 1000]], [], "Stride", 2)) == [[5410, 7632], [14298, 16520]]


def test_conv_pads_top_bottom_left_right():
    y = vl_nnconv([[1, 2], [3, 4]], [[1]], [], "Pad", [1, 0, 0, 2])
    assert plane(y) == [[0, 0, 0, 0], [1, 2, 0, 0], [3, 4, 0, 0]]


def test_conv_dilates_the_filter():
    assert plane(vl_nnconv([[1, 2, 3, 4, 5]], [[1, 10]], [], "Dilate", [1, 3])) == [[41, 52]]


@pytest.mark.parametrize("nothing", [[], None, np.zeros((0, 3, 2, 4))])
def test_conv_without_filters_samples_pads_and_adds_biases(nothing):
    x = np.arange(1.0, 7.0).reshape(2, 3)
    assert plane(vl_nnconv(x, nothing, [0.5], "Stride", 2, "Pad", [0, 1, 1, 0])) == [[0.5, 2.5], [0.5, 0.5]]


def test_conv_without_filters_has_derivatives_of_data_and_biases():
    x, dzdy = np.zeros((2, 3, 2, 2)), random((1, 2, 2, 2))
    dzdx, dzdf, dzdb = vl_nnconv(x, [], np.zeros(2), dzdy, stride=2)
    expected = np.zeros((2, 3, 2, 2))
    expected[::2, ::2] = dzdy
    np.testing.assert_array_equal(dzdx, expected)
    assert dzdf.shape == (0, 0)
    np.testing.assert_allclose(dzdb, dzdy.sum((0, 1, 3)))


# ---- against loops


@settings(max_examples=40)
@given(data=st.data())
def test_vl_nnconvt_is_the_manuals_sum(data):
    up = data.draw(st.tuples(*[st.integers(1, 3)] * 2))
    size = data.draw(st.tuples(*[st.integers(1, 4)] * 2))
    taps = data.draw(st.tuples(*[st.integers(1, 4)] * 2))
    groups, per_group, filters, images = data.draw(st.tuples(*[st.integers(1, 2)] * 4))
    full = [u * (s - 1) + t for u, s, t in zip(up, size, taps, strict=True)]
    top, left = (data.draw(st.integers(0, n - 1)) for n in full)
    bottom, right = (data.draw(st.integers(0, n - 1 - c)) for n, c in zip(full, (top, left), strict=True))
    depth = groups * per_group
    x, f, b = random((*size, depth, images)), random((*taps, filters, depth), 1), random((1, filters * groups), 2)
    y_shape = (full[0] - top - bottom, full[1] - left - right, filters * groups, images)
    dzdy = random(y_shape, 3)
    loops = Loops(y_shape, f, x.shape, up, (top, bottom, left, right))
    options = {"upsample": up, "crop": (top, bottom, left, right), "num_groups": groups}

    y = vl_nnconvt(x, f, b, **options)
    dzdx, dzdf, dzdb = vl_nnconvt(x, f, b, dzdy, **options)

    np.testing.assert_allclose(y, loops.transposed(x) + b.reshape(1, 1, -1, 1), atol=1e-12)
    np.testing.assert_allclose(dzdx, loops.conv(dzdy), atol=1e-12)
    np.testing.assert_allclose(dzdf, loops.filters(dzdy, x), atol=1e-12)
    np.testing.assert_allclose(dzdb, dzdy.sum((0, 1, 3))[None], atol=1e-12)


@settings(max_examples=40)
@given(data=st.data())
def test_vl_nnconv_is_the_manuals_sum(data):
    stride = data.draw(st.tuples(*[st.integers(1, 3)] * 2))
    dilate = data.draw(st.tuples(*[st.integers(1, 2)] * 2))
    taps = data.draw(st.tuples(*[st.integers(1, 3)] * 2))
    top, bottom, left, right = pad = data.draw(st.tuples(*[st.integers(0, 2)] * 4))
    reach = [d * (t - 1) + 1 for d, t in zip(dilate, taps, strict=True)]
    least = [max(1, r - p) for r, p in zip(reach, (top + bottom, left + right), strict=True)]
    size = tuple(n + data.draw(st.integers(0, 3)) for n in least)
    groups, per_group, filters, images = data.draw(st.tuples(*[st.integers(1, 2)] * 4))
    x = random((*size, groups * per_group, images))
    f, b = random((*taps, per_group, filters * groups), 1), random(filters * groups, 2)
    y_size = (
        (size[0] + top + bottom - reach[0]) // stride[0] + 1,
        (size[1] + left + right - reach[1]) // stride[1] + 1,
    )
    dzdy = random((*y_size, filters * groups, images), 3)
    loops = Loops(x.shape, f, dzdy.shape, stride, pad, dilate)
    options = {"stride": stride, "pad": pad, "dilate": dilate}

    y = vl_nnconv(x, f, b, **options)
    dzdx, dzdf, dzdb = vl_nnconv(x, f, b, dzdy, **options)

    np.testing.assert_allclose(y, loops.conv(x) + b.reshape(1, 1, -1, 1), atol=1e-12)
    np.testing.assert_allclose(dzdx, loops.transposed(dzdy), atol=1e-12)
    np.testing.assert_allclose(dzdf, loops.filters(x, dzdy), atol=1e-12)
    np.testing.assert_allclose(dzdb, dzdy.sum((0, 1, 3)), atol=1e-12)


def test_the_two_functions_are_adjoint():
    x, f = random((4, 5, 4, 2)), random((3, 4, 2, 4), 1)
    y = vl_nnconvt(x, f, [], upsample=[2, 3], crop=[1, 0, 2, 1], num_groups=2)
    v = random(y.shape, 2)
    u = vl_nnconv(v, f, [], stride=[2, 3], pad=[1, 0, 2, 1])
    np.testing.assert_allclose(np.vdot(y, v), np.vdot(x, u), rtol=1e-13)


# ---- arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@FUNCTIONS
def test_results_have_the_class_of_the_arrays(function, dtype):
    x, f, b = np.ones((3, 3, 2, 2), dtype), np.ones((2, 2, 2, 2), dtype), np.ones(2, dtype)
    y = function(x, f, b)
    assert y.dtype == dtype
    assert {derivative.dtype for derivative in function(x, f, b, y)} == {np.dtype(dtype)}
    off = function(x, f, b, y, "NoDerData", "NoDerFilters", "NoDerBiases")
    assert {derivative.dtype for derivative in off} == {np.dtype(dtype)}


def test_byte_order_is_no_class():
    x, f = random((3, 4, 2, 2)), random((3, 3, 2, 2), 1)
    y = vl_nnconvt(x.astype(">f8"), f, [])
    assert y.dtype == np.dtype(np.float64)
    np.testing.assert_array_equal(y, vl_nnconvt(x, f, []))


@pytest.mark.parametrize("empty", [None, [], np.zeros((0, 3), np.int32), np.zeros((0, 0))])
def test_empty_biases_may_have_any_numeric_class(empty):
    x, f = random((3, 4, 2, 2), dtype=np.float32), random((3, 3, 2, 2), 1, dtype=np.float32)
    y = vl_nnconvt(x, f, empty)
    assert y.dtype == np.float32
    assert vl_nnconvt(x, f, empty, y)[2].shape == (0, 0)


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (1, 1, 4), (2, 2), (1, 2, 1, 2)])
def test_biases_have_any_shape_and_their_derivative_has_it_too(shape):
    x, f = random((2, 3, 2, 2)), random((2, 2, 4, 2), 1)
    b = np.arange(4.0).reshape(shape, order="F")
    y = vl_nnconvt(x, f, b)
    np.testing.assert_allclose(y - vl_nnconvt(x, f, []), np.broadcast_to(np.arange(4.0)[:, None], y.shape), atol=1e-12)
    dzdb = vl_nnconvt(x, f, b, y)[2]
    assert dzdb.shape == shape
    np.testing.assert_allclose(dzdb.ravel(order="F"), y.sum((0, 1, 3)))


def test_missing_dimensions_are_one():
    y = vl_nnconvt(np.ones(3), np.ones((2, 2)), 1.0, "Upsample", 2)
    assert y.shape == (6, 2, 1, 1)
    dzdx, dzdf, dzdb = vl_nnconvt(np.ones(3), np.ones((2, 2)), 1.0, np.ones((6, 2)), "Upsample", 2)
    assert (dzdx.shape, dzdf.shape, dzdb.shape) == ((3, 1, 1, 1), (2, 2, 1, 1), ())


def test_dimensions_after_the_fourth_are_folded_into_it():
    x, f = random((2, 3, 2, 2, 3)), random((2, 2, 2, 2), 1)
    folded = x.reshape(2, 3, 2, 6, order="F")
    y = vl_nnconvt(x, f, [])
    np.testing.assert_array_equal(y, vl_nnconvt(folded, f, []))
    dzdx = vl_nnconvt(x, f, [], y.reshape(3, 4, 2, 2, 3, order="F"))[0]
    np.testing.assert_array_equal(dzdx, vl_nnconvt(folded, f, [], y)[0])


@FUNCTIONS
def test_no_images(function):
    x, f, b = np.zeros((3, 4, 2, 0)), np.ones((3, 3, 2, 2)), np.ones(2)
    y = function(x, f, b)
    assert y.shape == ((5, 6, 2, 0) if function is vl_nnconvt else (1, 2, 2, 0))
    dzdx, dzdf, dzdb = function(x, f, b, y)
    assert dzdx.shape == x.shape
    np.testing.assert_array_equal(dzdf, np.zeros((3, 3, 2, 2)))
    np.testing.assert_array_equal(dzdb, np.zeros(2))


@pytest.mark.parametrize(("given", "expected"), [("f4", "f4"), ("f8", "f8"), ("i4", "f4")])
def test_class_of_a_call_whose_arrays_are_all_empty(given, expected):
    y = vl_nnconv(np.zeros((3, 4, 2, 0), given), [], [])
    assert (y.shape, y.dtype) == ((3, 4, 2, 0), np.dtype(expected))


# ---- options


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


# ---- errors

X, F, B, DZDY = np.ones((3, 4, 4, 2)), np.ones((3, 3, 2, 4)), np.ones((1, 2)), np.ones((5, 6, 2, 2))
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
        ((X, F, B), {"crop": 1e300}, "crop must leave at least one row"),
        ((X, F, B), {"num_groups": [1, 1]}, "num_groups must be a number, got 2 numbers: [1, 1]"),
        ((X, F, B), {"num_groups": 0}, "num_groups must be at least 1, got 0 (fractions are cut off)"),
        ((X, F, B), {"num_groups": 3}, "num_groups must divide f's depth, f.shape[3] = 4, got 3"),
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


# ---- backends and memory


class Recorder(NumpyBackend):
    """NumPy's backend, which remembers the arrays that it was given."""

    name = "recorder"

    def __init__(self):
        self.calls = {}

    def scatter(self, problem, coarse, kernel, bias, fine):
        self.calls["scatter"] = coarse, kernel, fine
        super().scatter(problem, coarse, kernel, bias, fine)

    def gather(self, problem, fine, kernel, bias, coarse):
        self.calls["gather"] = fine, kernel, coarse
        super().gather(problem, fine, kernel, bias, coarse)

    def correlate(self, problem, fine, coarse, kernel):
        self.calls["correlate"] = fine, coarse, kernel
        super().correlate(problem, fine, coarse, kernel)


@FUNCTIONS
def test_fortran_order_reaches_the_backend_and_comes_back_without_a_copy(function):
    x, f = random((6, 7, 4, 2)), random((3, 3, 4, 4), 1)
    forward, backward = ("scatter", "gather") if function is vl_nnconvt else ("gather", "scatter")
    recorder = Recorder()
    y = function(x, f, [], backend=recorder)
    data, kernel, result = recorder.calls.pop(forward)
    assert not recorder.calls
    for seen, array in ((data, x), (kernel, f), (result, y)):
        assert np.shares_memory(seen, array)
        assert seen.flags.c_contiguous
        assert array.flags.f_contiguous
    dzdy = random(y.shape, 2)
    dzdx, dzdf, _ = function(x, f, [], dzdy, backend=recorder)
    for seen, array in zip(recorder.calls[backward], (dzdy, f, dzdx), strict=True):
        assert np.shares_memory(seen, array)
        assert array.flags.f_contiguous
    fine_and_coarse = (dzdy, x) if function is vl_nnconvt else (x, dzdy)
    for seen, array in zip(recorder.calls["correlate"], (*fine_and_coarse, dzdf), strict=True):
        assert np.shares_memory(seen, array)
        assert array.flags.f_contiguous


@pytest.mark.parametrize("shape", [(64, 64, 8), (64, 64, 4, 2, 2), (64, 64, 8, 2)])
def test_no_copy_of_x_is_allocated(shape):
    class Idle(Recorder):
        def scatter(self, problem, coarse, kernel, bias, fine):
            self.calls["scatter"] = coarse

    x = random(shape)
    f = np.asfortranarray(np.ones((1, 1, 1, shape[2])))
    idle = Idle()
    tracemalloc.start()
    try:
        y = vl_nnconvt(x, f, [], backend=idle)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.shares_memory(idle.calls["scatter"], x)
    assert peak < y.nbytes + 64 * 1024


@pytest.mark.parametrize("order", ["C", "F"])
def test_results_are_in_fortran_order_whatever_the_arguments_are(order):
    x, f = np.array(random((3, 4, 2, 2)), order=order), np.array(random((3, 3, 2, 2), 1), order=order)
    y = vl_nnconvt(x, f, [])
    dzdx, dzdf, _ = vl_nnconvt(x, f, [], np.array(y, order=order))
    assert all(array.flags.f_contiguous for array in (y, dzdx, dzdf))


def test_arguments_are_left_alone():
    x, f, b = random((3, 4, 2, 2)), random((3, 3, 2, 2), 1), random(2, 2)
    dzdy = vl_nnconvt(x, f, b)
    for array in (x, f, b, dzdy):
        array.flags.writeable = False
    vl_nnconvt(x, f, b, dzdy)
    vl_nnconv(dzdy, f, b)


def test_the_backend_is_handed_through():
    with pytest.raises(LookupError, match="nonsense"):
        vl_nnconvt(X, F, B, backend="nonsense")
    recorder = Recorder()
    recorder.why_not = lambda problem: "it is Sunday"
    with pytest.raises(BackendUnavailable, match="it is Sunday"):
        vl_nnconv(X, F, [], np.ones((1, 2, 4, 2)), backend=recorder)


@FUNCTIONS
def test_the_reported_backend_is_the_one_that_computes(function, capsys, monkeypatch):
    seen = []
    choose = call.choose
    monkeypatch.setattr("convt.execution.choose", lambda *arguments: seen.append(arguments) or choose(*arguments))
    monkeypatch.setattr(call, "choose", lambda *arguments: seen.append(arguments) or choose(*arguments))
    function(X, F, [], np.ones((5, 6, 2, 2) if function is vl_nnconvt else (1, 2, 4, 2)), "Verbose")
    reported, computed = seen
    assert reported == computed


@FUNCTIONS
def test_data_on_a_device_stays_there(function, install):
    install(device=FakeDevice(), numpy="convt.reference:backend")
    b = random((1, 4 if function is vl_nnconv else 2))
    y = function(X, F, b, backend="numpy")
    gradients = function(X, F, b, y, backend="numpy")
    arrays = [CallerArray(array) for array in (X, F, b, y)]
    for got, want in zip((function(*arrays[:3]), *function(*arrays)), (y, *gradients), strict=True):
        assert type(got) is CallerArray
        assert got.host.flags.f_contiguous
        np.testing.assert_array_equal(got.host, want)
    dzdx, dzdf, dzdb = function(CallerArray(X), CallerArray(F), [], CallerArray(y), "NoDerFilters")
    assert dzdx.host.shape == X.shape
    assert dzdf.host.shape == dzdb.host.shape == (0, 0)
    with pytest.raises(TypeError, match=r"^f must lie where the other arrays do, on backend 'device', got ndarray$"):
        function(CallerArray(X), F, [])


def test_no_filters_on_a_device(install):
    install(device=FakeDevice(), numpy="convt.reference:backend")
    got = vl_nnconv(CallerArray(X), [], [], "Stride", 2)
    np.testing.assert_array_equal(got.host, vl_nnconv(X, [], [], "Stride", 2, backend="numpy"))


def test_what_would_have_to_be_copied_on_a_device(install):
    install(device=FakeDevice(), numpy="convt.reference:backend")
    x = np.ones((3, 3, 4, 2, 3))
    with pytest.raises(
        ValueError, match=r"^x must lie in Fortran order to become 3 x 3 x 4 x 6 on backend 'device', got 3 x "
    ):
        vl_nnconv(CallerArray(x), CallerArray(F), [])
    assert vl_nnconv(CallerArray(np.asfortranarray(x)), CallerArray(F), []).host.shape[3] == 6
