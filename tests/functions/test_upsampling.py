"""upsample and its backward: the textbook's numbers, transposed convolutions, adjoints, types, layouts and bad input."""

import numpy as np
import pytest
from fakes import CallerArray, Recorder
from hypothesis import given
from hypothesis import strategies as st

import convt
from convt.filters import bilinear
from convt.numpy_backend.upsampling import weights

MODES = [("nearest", False), ("bed_of_nails", False), ("bilinear", False), ("bilinear", True)]
BACKENDS = ["numpy", "cpu"]


@pytest.fixture(params=BACKENDS, autouse=True)
def backend(request):
    with convt.use_backend(request.param):
        yield request.param


def test_the_textbook():
    x = [[10, 20], [30, 40]]
    np.testing.assert_array_equal(convt.upsample(x, 2)[:2], [[10, 10, 20, 20]] * 2)
    np.testing.assert_array_equal(convt.upsample(x, 2, mode="bilinear")[0], [10, 12.5, 17.5, 20])
    np.testing.assert_array_equal(
        convt.upsample(x, 2, mode="bed_of_nails"), [[10, 0, 20, 0], [0] * 4, [30, 0, 40, 0], [0] * 4]
    )
    aligned = convt.upsample(x, 2, mode="bilinear", align_corners=True)
    np.testing.assert_allclose(aligned[0], [10, 10 + 10 / 3, 10 + 20 / 3, 20], rtol=1e-15)
    np.testing.assert_allclose(aligned[:, 0], [10, 10 + 20 / 3, 10 + 40 / 3, 30], rtol=1e-15)


def test_linear_in_one_and_trilinear_in_three_dimensions():
    np.testing.assert_array_equal(convt.upsample([0.0, 4.0], 2, mode="linear"), [0, 1, 3, 4])
    x = np.arange(8.0).reshape(2, 2, 2)
    y = convt.upsample(x, 2, mode="trilinear")
    line = np.array([0, 0.25, 0.75, 1])
    np.testing.assert_allclose(y, 4 * line[:, None, None] + 2 * line[:, None] + line, atol=1e-15)


@pytest.mark.parametrize("shape", [(2, 3, 5, 6), (3, 5, 6), (2, 3, 7)])
@pytest.mark.parametrize("scale", [1, 2, 3])
def test_modes_are_transposed_convolutions(rng, shape, scale):
    x = rng.standard_normal(shape)
    axes, channels = (1, 3) if shape == (2, 3, 7) else (2, 3)
    options = {"layout": "NCW" if axes == 1 else None}
    ones = np.ones((channels, 1, *[scale] * axes))
    delta = np.zeros_like(ones)
    delta[(..., *[0] * axes)] = 1
    for mode, w in (("nearest", ones), ("bed_of_nails", delta)):
        expected = convt.conv_transpose(x, w, stride=scale, groups=channels)
        np.testing.assert_allclose(convt.upsample(x, scale, mode=mode, **options), expected, atol=1e-15)
    if axes == 2:
        expected = convt.conv_transpose(x, bilinear(scale, channels), stride=scale, padding=scale // 2, groups=channels)
        inside = (..., slice(scale, -scale), slice(scale, -scale))
        np.testing.assert_allclose(convt.upsample(x, scale, mode="bilinear")[inside], expected[inside], atol=1e-14)


@given(st.data())
def test_backward_is_the_adjoint(data):
    axes = data.draw(st.integers(1, 3))
    sizes = data.draw(st.tuples(*[st.integers(1, (0, 40, 9, 5)[axes])] * axes))
    scale = data.draw(st.tuples(*[st.integers(1, 5)] * axes))
    lead = data.draw(st.sampled_from([(), (2,), (2, 3)]))
    mode, corners = data.draw(st.sampled_from(MODES))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    x = rng.standard_normal((*lead, *sizes))
    for name in BACKENDS:
        options = {"mode": mode, "align_corners": corners, "backend": name}
        y = convt.upsample(x, scale, **options)
        dy = rng.standard_normal(y.shape)
        dx = convt.upsample_backward(dy, scale, **options)
        assert dx.shape == x.shape
        np.testing.assert_allclose(np.vdot(y, dy), np.vdot(x, dx), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
@pytest.mark.parametrize("corners", [False, True])
def test_interpolation_is_that_of_the_formula(size, scale, corners):
    x = np.random.default_rng(size).standard_normal(size)
    j = np.arange(size * scale)
    place = j * (size - 1) / max(size * scale - 1, 1) if corners else (j + 0.5) / scale - 0.5
    expected = np.interp(place, np.arange(size), x)
    np.testing.assert_allclose(convt.upsample(x, scale, mode="linear", align_corners=corners), expected, atol=1e-14)
    i, k, t = weights(size, scale, corners)
    assert ((k == i) == (t == 0)).all()


@pytest.mark.parametrize("dtype", ["?", "u1", "i2", "i4", "i8", "f2", "f4", "f8", "c8", "c16", ">f4", ">i8"])
@pytest.mark.parametrize("mode", ["nearest", "bed_of_nails"])
def test_moving_keeps_the_type_and_the_bits(rng, dtype, mode):
    x = rng.integers(0, 2, (2, 3, 4)).astype(dtype)
    y = convt.upsample(x, 2, mode=mode)
    assert y.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(y[:, ::2, ::2], x)
    if mode == "nearest":
        np.testing.assert_array_equal(y, x.repeat(2, 1).repeat(2, 2))
    else:
        assert np.count_nonzero(y) == np.count_nonzero(x)


def test_all_bits_of_integers_arrive():
    x = np.array([2**63 - 1, -(2**63), 0x7FF0000000000001, -1])
    np.testing.assert_array_equal(convt.upsample(x, 2), x.repeat(2))


@pytest.mark.parametrize(
    ("dtype", "result"), [("f2", "f2"), ("f4", "f4"), ("u1", "f8"), ("?", "f8"), ("c8", "c8"), ("c16", "c16")]
)
def test_types_of_sums(rng, dtype, result):
    x = rng.integers(0, 2, (2, 4, 6)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        x = x * (1 + 2j).__class__(1, 2)
        x = x.astype(dtype)
    wide = x.astype("c16" if x.dtype.kind == "c" else "f8")
    y = convt.upsample(x, 2, mode="bilinear")
    assert y.dtype == result
    np.testing.assert_allclose(y, convt.upsample(wide, 2, mode="bilinear"), rtol=1e-2 if dtype == "f2" else 1e-6)
    for mode, _ in MODES[:3]:
        dx = convt.upsample_backward(x, 2, mode=mode)
        assert dx.dtype == result
        np.testing.assert_allclose(dx, convt.upsample_backward(wide, 2, mode=mode), rtol=1e-2 if dtype == "f2" else 1e-6)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "HWCN"])
@pytest.mark.parametrize(("mode", "corners"), MODES)
def test_layouts_and_orders(rng, layout, mode, corners):
    x = rng.standard_normal((2, 3, 4, 5))
    options = {"mode": mode, "align_corners": corners}
    expected = convt.upsample(x, (2, 3), **options)
    turn = tuple("NCHW".index(axis) for axis in layout)
    for order in "CF":
        y = convt.upsample(x.transpose(turn).copy(order), (2, 3), layout=layout, **options)
        np.testing.assert_allclose(y, expected.transpose(turn), atol=1e-14)
        assert y.flags.f_contiguous if order == "F" else y.flags.c_contiguous
        dx = convt.upsample_backward(y, (2, 3), layout=layout, **options)
        np.testing.assert_allclose(dx, convt.upsample_backward(expected, (2, 3), **options).transpose(turn), atol=1e-13)
    one = convt.upsample(x[0].transpose([axis - 1 for axis in turn if axis]), (2, 3), layout=layout, **options)
    np.testing.assert_allclose(one, expected[0].transpose([axis - 1 for axis in turn if axis]), atol=1e-14)


@pytest.mark.parametrize(
    ("shape", "options", "fine"),
    [
        ((3,), {"scale": 2}, (6,)),
        ((3, 4), {"scale": 2}, (6, 8)),
        ((3, 4, 5), {"scale": 2}, (3, 8, 10)),
        ((3, 4, 5), {"scale": (2, 2, 2)}, (6, 8, 10)),
        ((3, 4, 5), {"scale": [2]}, (3, 4, 10)),
        ((3, 4, 5), {"scale": 2, "mode": "linear"}, (3, 4, 10)),
        ((3, 4, 5), {"scale": 2, "layout": "NWC"}, (3, 8, 5)),
        ((2, 3, 4, 5), {"scale": np.int64(2)}, (2, 3, 8, 10)),
        ((2, 3, 4, 5), {"scale": 2, "mode": "trilinear"}, (2, 6, 8, 10)),
        ((1, 2, 3, 4, 5), {"scale": 2}, (1, 2, 6, 8, 10)),
        ((0, 3, 4, 5), {"scale": 2}, (0, 3, 8, 10)),
    ],
)
def test_which_axes_are_spatial(shape, options, fine):
    y = convt.upsample(np.ones(shape), **options)
    assert y.shape == fine
    assert convt.upsample_backward(y, **options).shape == shape


def test_out_may_overlap_and_must_fit(rng):
    x = rng.standard_normal((3, 4, 5))
    expected = convt.upsample(x, 2, mode="bilinear")
    out = np.full((3, 8, 10), np.nan)
    assert convt.upsample(x, 2, mode="bilinear", out=out) is out
    np.testing.assert_array_equal(out, expected)
    shared = out[:, :4, :5]
    shared[...] = x
    np.testing.assert_array_equal(convt.upsample(shared, 2, mode="bilinear", out=out), expected)
    swapped = np.zeros((3, 8, 10), ">f8")
    np.testing.assert_array_equal(convt.upsample(x, 2, out=swapped), x.repeat(2, 1).repeat(2, 2))
    with pytest.raises(TypeError, match=r"^out\.dtype must equal the result's int64, got float64"):
        convt.upsample([1, 2], 2, out=np.zeros(4))
    with pytest.raises(ValueError, match=r"^out\.shape must equal the result's \(4,\), got \(5,\)"):
        convt.upsample([1.0, 2.0], 2, out=np.zeros(5))


def test_an_infinite_element_reaches_only_what_has_a_part_of_it():
    y = convt.upsample([1.0, np.inf, 2.0, 3.0], 3, mode="linear")
    np.testing.assert_array_equal(np.isfinite(y), [1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1])
    assert not np.isnan(y).any()
    dx = convt.upsample_backward([np.inf, *[1.0] * 11], 3, mode="linear")
    np.testing.assert_array_equal(np.isfinite(dx), [0, 1, 1, 1])


def test_a_row_longer_than_a_block(rng):
    x = rng.standard_normal((1, 2, 1, 30_000)).astype("f4")
    for mode, corners in MODES:
        options = {"mode": mode, "align_corners": corners}
        y = convt.upsample(x, (1, 3), **options)
        np.testing.assert_allclose(y, convt.upsample(x, (1, 3), backend="numpy", **options), atol=1e-5)
        dx = convt.upsample_backward(y, (1, 3), **options)
        np.testing.assert_allclose(dx, convt.upsample_backward(y, (1, 3), backend="numpy", **options), atol=1e-4)


def test_a_backend_without_upsampling_leaves_it_to_numpy(install):
    install(plain=Recorder("plain"))
    np.testing.assert_array_equal(convt.upsample([1, 2], 2, backend="plain"), [1, 1, 2, 2])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"scale": 1.5}, TypeError, "scale must be an integer or a sequence of integers, got 1.5"),
        ({"scale": (2, 2.0)}, TypeError, r"scale\[1\] must be an integer, got 2.0"),
        ({"scale": 0}, ValueError, "scale must be at least 1, got 0"),
        ({"scale": True}, TypeError, "scale must be an integer"),
        ({"scale": ()}, ValueError, "scale must be an integer or have 1 to 3 entries, one per spatial axis, got 0"),
        (
            {"scale": (2, 2), "layout": "NCW"},
            ValueError,
            r"scale must be an integer or have one per spatial axis \(1\), got 2",
        ),
        ({"scale": 2, "mode": "cubic"}, ValueError, "mode must be one of 'nearest', .*, got 'cubic'"),
        ({"scale": 2, "mode": "linear", "layout": "NHWC"}, ValueError, "layout must be one of 'NCW', .* got 'NHWC'"),
        ({"scale": 2, "mode": ["nearest"]}, ValueError, "mode must be one of"),
        ({"scale": 2, "layout": "CHW"}, ValueError, "layout must be one of 'NCW'.*, got 'CHW'"),
        ({"scale": 2, "layout": []}, ValueError, "layout must be one of"),
        ({"scale": 2, "align_corners": True}, ValueError, "align_corners must be False for mode='nearest'"),
        ({"scale": 2, "align_corners": 1, "mode": "bilinear"}, TypeError, "align_corners must be True or False, got 1"),
        (
            {"scale": 2**61},
            ValueError,
            r"scale must make a result of fewer than 2\*\*58 elements, got \(23",
        ),
        ({"scale": 2, "x": np.ones(())}, ValueError, "x must have 1 to 5 axes, got 0"),
        (
            {"scale": (2,), "x": np.ones((1, 2, 3, 4))},
            ValueError,
            "x must have from 1 to 3 axes, as scale tells that 1 .*, got 4",
        ),
        (
            {"scale": 2, "mode": "linear", "x": np.ones((2,) * 4)},
            ValueError,
            "x must have .*, as the mode tells that 1 .*, got 4",
        ),
        (
            {"scale": 2, "layout": "NCW", "x": np.ones((2,) * 4)},
            ValueError,
            "x must have .*, as layout 'NCW' tells .*, got 4",
        ),
        ({"scale": 2, "x": np.ones((2, 0, 3))}, ValueError, "x must have at least 1 channel and 1 element"),
        ({"scale": 2, "x": "abc"}, TypeError, "x.dtype must be"),
        ({"scale": 2, "x": None}, TypeError, "x must be an array of numbers, got None"),
        (
            {"scale": 2, "x": CallerArray([1.0])},
            TypeError,
            "arrays must lie in the host's memory or on a device with a back",
        ),
    ],
)
def test_bad_input(arguments, error, message):
    arguments = {"x": np.ones((2, 3, 4)), **arguments}
    with pytest.raises(error, match=f"^{message}" if not message.startswith("must") else message):
        convt.upsample(**arguments)


def test_a_gradient_of_no_possible_size():
    with pytest.raises(ValueError, match=r"^dy must have spatial sizes that are multiples of scale \(2, 2\), got \(4, 5\)$"):
        convt.upsample_backward(np.ones((3, 4, 5)), 2)
