"""What counts as an array, which type results have, and where they may be written."""

import pickle

import numpy as np
import pytest
from fakes import Recorder
from numpy.testing import assert_array_equal

import convt
from convt.core.arrays import outline

INTEGERS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
FLOATS = ["float16", "float32", "float64", "complex64", "complex128"]


def ones(shape, dtype="float64"):
    return np.ones(shape, dtype)


def expected_type(*dtypes):
    promoted = np.result_type(*dtypes)
    return np.dtype("float64") if promoted.kind in "iub" else promoted


@pytest.mark.parametrize("w_type", INTEGERS + FLOATS)
@pytest.mark.parametrize("x_type", INTEGERS + FLOATS)
def test_results_have_the_type_of_numpys_promotion(x_type, w_type):
    x, w = ones((1, 2, 3), x_type), ones((2, 1, 2), w_type)
    y = convt.conv_transpose(x, w, stride=2)
    assert y.dtype == expected_type(x_type, w_type)
    assert_array_equal(y, np.full((1, 1, 6), 2))
    assert convt.conv(y, w, stride=2).dtype == expected_type(y.dtype, w_type)


@pytest.mark.parametrize("other", ["float64", "complex64"])
def test_bias_and_dy_take_part_in_the_promotion(other):
    x, w, bias = ones((1, 2, 3), "float32"), ones((2, 1, 2), "float32"), ones(1, "float32")
    assert convt.conv_transpose(x, w, bias.astype(other)).dtype == other
    dy = ones((1, 1, 4), "float32")
    for gradients in (
        convt.conv_transpose_backward(x, w, bias, dy.astype(other)),
        convt.conv_transpose_backward(x, w, bias.astype(other), dy),
    ):
        assert [gradient.dtype for gradient in gradients] == [other] * 3
        assert_array_equal(gradients.bias, [4])


@pytest.mark.parametrize(
    ("dtype", "computed"),
    [("float32", "float32"), ("float64", "float64"), ("float16", "float32"), ("int8", "float64"), ("complex64", "float32")],
)
def test_the_type_that_backends_compute_in(dtype, computed):
    recorder = Recorder()
    convt.conv_transpose(ones((1, 1, 3), dtype), ones((1, 1, 2), dtype), backend=recorder)
    assert {problem.dtype for problem in recorder.problems} == {np.dtype(computed)}
    assert {array.dtype for array in recorder.arrays[0] if array is not None} == {np.dtype(computed)}


def test_float16_is_summed_in_float32():
    total = convt.conv(ones((1, 4096, 1), "float16"), ones((1, 4096, 1), "float16"))
    assert total.dtype == "float16"
    assert total.item() == 4096  # a float16 sum of ones stops at 2048


@pytest.mark.parametrize(
    "form",
    [
        np.asfortranarray,
        lambda a: a[::-1, :, ::-1],
        lambda a: np.repeat(a, 2, axis=2)[:, :, ::2],
        lambda a: a.astype(">f8"),
        lambda a: a.astype("<f8"),
        lambda a: np.frombuffer(b"." + a.tobytes(), np.uint8)[1:].view("f8").reshape(a.shape),
        lambda a: np.ndarray(a.shape, ">f8", b"." + a.astype(">f8").tobytes(), offset=1),
        lambda a: pickle.loads(pickle.dumps(a)),
        lambda a: a.tolist(),
        lambda a: tuple(map(list, a.tolist())),
        lambda a: a.view(type("Subclass", (np.ndarray,), {})),
        lambda a: memoryview(a),
        lambda a: a.astype(np.dtype("f8", metadata={"unit": "m"})),
    ],
    ids=[
        "Fortran",
        "reversed",
        "strided",
        "big-endian",
        "little-endian",
        "unaligned",
        "swapped-unaligned",
        "unpickled",
        "list",
        "tuple",
        "subclass",
        "memoryview",
        "metadata",
    ],
)
def test_any_memory_gives_the_same_numbers(rng, form):
    x, w, bias = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 2, 5)), rng.standard_normal(2)
    reshaped = form(np.broadcast_to(bias, (1, 1, 2)).copy())
    bias_form = np.asarray(reshaped)[0, 0] if not isinstance(reshaped, list | tuple) else reshaped[0][0]
    x_form, w_form = form(x), form(w)
    before = pickle.dumps([np.asarray(x_form), np.asarray(w_form)])
    expected = convt.conv_transpose(
        np.asarray(x_form, "f8").copy(), np.asarray(w_form, "f8").copy(), bias=np.array(bias_form, "f8")
    )
    y = convt.conv_transpose(x_form, w_form, bias_form)
    assert type(y) is np.ndarray
    assert y.dtype == np.dtype("f8")
    assert y.dtype.isnative
    np.testing.assert_allclose(y, expected, rtol=1e-13)
    gradients = convt.conv_transpose_backward(x_form, w_form, bias_form, form(y))
    dy = np.asarray(form(y), "f8").copy()
    expected = convt.conv_transpose_backward(np.asarray(x_form, "f8").copy(), np.asarray(w_form, "f8").copy(), bias, dy)
    for gradient, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-12, atol=1e-14)
    assert pickle.dumps([np.asarray(x_form), np.asarray(w_form)]) == before


def test_read_only_and_broadcast_inputs_are_welcome(rng):
    x = np.broadcast_to(rng.standard_normal((1, 1, 4)), (2, 3, 4))
    w = rng.standard_normal((3, 2, 5))
    w.flags.writeable = False
    y = convt.conv_transpose(x, w)
    assert y.flags.writeable
    np.testing.assert_allclose(y, convt.conv_transpose(x.copy(), w.copy()), rtol=1e-13)


@pytest.mark.parametrize("argument", ["x", "w", "bias", "dy"])
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", ".dtype must be a bool, integer, float16/32/64, bfloat16 or complex64/128 type, got <U4"),
        (b"text", ".dtype must be .*, got [|]S4"),
        ({"a": 1}, ".dtype must be .*, got object"),
        (object(), ".dtype must be .*, got object"),
        (np.array([1, None]), ".dtype must be .*, got object"),
        ((n for n in (1, 2)), ".dtype must be .*, got object"),
        (10**30, ".dtype must be .*, got object"),
        (np.array(["1"]), ".dtype must be .*, got <U1"),
        (np.zeros(2, "M8[s]"), r".dtype must be .*, got datetime64\[s\]"),
        (np.zeros(2, "m8[s]"), r".dtype must be .*, got timedelta64\[s\]"),
        (np.zeros(2, "V4"), r".dtype must be .*, got [|]V4"),
        (np.zeros(2, "f4,f4"), r".dtype must be .*, got \[.*"),
        ([[1, 2], [3]], r" must be an array of numbers, got list \(.*inhomogeneous.*\)"),
        (
            np.ma.masked_array([1.0, 2.0], [0, 1]),
            r" must be a plain array, got a masked array \(fill it first: .*.filled\(0\)\)",
        ),
    ],
    ids=lambda value: None if isinstance(value, str) else type(value).__name__,
)
def test_what_is_no_array_of_numbers(argument, value, message):
    arguments = {"x": ones((1, 2, 3)), "w": ones((2, 1, 3)), "bias": ones(1), "dy": ones((1, 1, 5)), argument: value}
    with pytest.raises(TypeError, match=f"^{argument}{message}$"):
        convt.conv_transpose_backward(**arguments, backend=Recorder())


@pytest.mark.skipif(np.finfo(np.longdouble).bits == 64, reason="long double is float64 here")
@pytest.mark.parametrize("dtype", [np.longdouble, np.clongdouble])
def test_long_double_is_no_type_of_ours(dtype):
    with pytest.raises(
        TypeError, match=r"^x.dtype must be a bool, integer, float16/32/64, bfloat16 or complex64/128 type, got "
    ):
        convt.conv(ones((1, 1, 3), dtype), ones((1, 1, 3)))


def test_out_may_be_any_slice_but_no_sliding_windows():
    x, taps = np.arange(6.0).reshape(2, 1, 3), ones((1, 1, 1))
    base = np.zeros((3, 2, 7))
    odd = np.lib.stride_tricks.as_strided(np.zeros(20), (2, 1, 3), (24, 8, 16))  # elements 0, 2, 4 and 3, 5, 7
    for out in (base[:2, :1, ::3], base[1:, 1:, 5:2:-1], base.T[:2, 1:, :3], odd):
        convt.conv_transpose(x, taps, out=out)
        assert_array_equal(out, x)
    windows = np.lib.stride_tricks.sliding_window_view(np.zeros(4), 3, writeable=True)[:, None]
    with pytest.raises(ValueError, match=r"^out must have memory for each element, got strides \(8, 0, 8\) for"):
        convt.conv_transpose(x, taps, out=windows)


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 1 has no StringDType")
def test_numpys_strings_are_no_numbers():
    with pytest.raises(TypeError, match=r"^x.dtype must be a bool, .*, got StringDType"):
        convt.conv(np.array([[["1"]]], np.dtypes.StringDType()), ones((1, 1, 1)))


@pytest.mark.parametrize("argument", ["x", "w", "dy"])
def test_none_is_no_array(argument):
    arguments = {"x": ones((1, 2, 3)), "w": ones((2, 1, 3)), "bias": None, "dy": ones((1, 1, 5)), argument: None}
    with pytest.raises(TypeError, match=f"^{argument} must be an array of numbers, got None$"):
        convt.conv_transpose_backward(**arguments)


class Exporter:
    """An array library's object: says by DLPack where its data lies, and may let NumPy read it."""

    def __init__(self, device):
        self.device = device

    def __dlpack_device__(self):
        if isinstance(self.device, Exception):
            raise self.device
        return self.device

    def __array__(self, dtype=None, copy=None):
        return np.ones((1, 1, 3), dtype)


@pytest.mark.parametrize(
    "device", [(1, 0), (3, 0), ValueError("no DLPack here"), RuntimeError(), BufferError(), TypeError()]
)
def test_other_libraries_arrays_in_the_hosts_memory_are_read(device):
    assert_array_equal(convt.conv(Exporter(device), ones((1, 1, 3))), [[[3.0]]])


# out


def test_out_is_filled_and_returned(rng):
    x, w, bias = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 2, 5)), rng.standard_normal(2)
    y = convt.conv_transpose(x, w, bias)
    out = np.full_like(y, np.nan)
    assert convt.conv_transpose(x, w, bias, out=out) is out
    assert_array_equal(out, y)
    back = np.full((2, 3, 4), np.nan)
    assert convt.conv(y, w, out=back) is back
    assert_array_equal(back, convt.conv(y, w))


@pytest.mark.parametrize(
    "empty",
    [
        lambda shape: np.empty(shape, order="F"),
        lambda shape: np.empty((*shape[:2], 2 * shape[2]))[:, :, ::2],
        lambda shape: np.empty(shape)[:, :, ::-1],
        lambda shape: np.empty(shape, ">f8"),
        lambda shape: np.ndarray(shape, "f8", bytearray(8 * np.prod(shape) + 1), offset=1),
        lambda shape: np.empty(shape).view(type("Subclass", (np.ndarray,), {})),
        lambda shape: pickle.loads(pickle.dumps(np.empty(shape))),
    ],
    ids=["Fortran", "strided", "reversed", "big-endian", "unaligned", "subclass", "unpickled"],
)
def test_out_may_lie_in_any_memory(rng, empty):
    x, w = rng.standard_normal((2, 3, 4)), rng.standard_normal((3, 2, 5))
    out = empty((2, 2, 8))
    out[...] = np.nan
    assert convt.conv_transpose(x, w, out=out) is out
    assert_array_equal(out, convt.conv_transpose(x, w))


@pytest.mark.parametrize("dtype", ["float16", "complex64"])
def test_out_of_converted_types(rng, dtype):
    x, w = rng.standard_normal((2, 3, 4)).astype(dtype), rng.standard_normal((3, 2, 5)).astype(dtype)
    out = np.empty((2, 2, 8), dtype)
    assert convt.conv_transpose(x, w, out=out) is out
    assert_array_equal(out, convt.conv_transpose(x, w))


def test_nothing_around_out_is_written(rng):
    x, w = rng.standard_normal((1, 2, 4)), rng.standard_normal((2, 2, 5))
    whole = np.full((3, 4, 12), 7.0)
    convt.conv_transpose(x, w, out=whole[1:2, 1:3, 2:10])
    whole[1:2, 1:3, 2:10] = 7
    assert (whole == 7).all()


@pytest.mark.parametrize("argument", ["x", "w", "bias"])
def test_out_may_overlap_an_input(rng, argument):
    arguments = {"x": rng.standard_normal((2, 3, 8)), "w": rng.standard_normal((3, 3, 1)), "bias": rng.standard_normal(3)}
    expected = convt.conv_transpose(**arguments)
    memory = np.zeros(80)
    inside = memory[3 : 3 + arguments[argument].size].reshape(arguments[argument].shape)
    inside[...] = arguments[argument]
    out = memory[:48].reshape(2, 3, 8)
    convt.conv_transpose(**{**arguments, argument: inside}, out=out)
    assert_array_equal(out, expected)


@pytest.mark.parametrize(
    ("out", "error", "message"),
    [
        ([0.0] * 5, TypeError, "out must be a NumPy array, got list"),
        (np.ma.zeros((1, 1, 5)), TypeError, "out must be a NumPy array, got MaskedArray"),
        (np.zeros((1, 1, 6)), ValueError, r"out.shape must equal the result's \(1, 1, 5\), got \(1, 1, 6\)"),
        (np.zeros((1, 5)), ValueError, r"out.shape must equal the result's \(1, 1, 5\), got \(1, 5\)"),
        (np.zeros((1, 1, 5), "f4"), TypeError, "out.dtype must equal the result's float64, got float32"),
        (np.zeros((1, 1, 5), int), TypeError, "out.dtype must equal the result's float64, got int64"),
        (np.zeros((1, 1, 5), object), TypeError, "out.dtype must equal the result's float64, got object"),
        (np.zeros((1, 1, 5), "U1"), TypeError, "out.dtype must equal the result's float64, got <U1"),
        (np.broadcast_to(0.0, (1, 1, 5)), ValueError, "out must be writable, got a read-only array"),
        (
            np.lib.stride_tricks.as_strided(np.zeros(1), (1, 1, 5), (0, 0, 0)),
            ValueError,
            r"out must have memory for each element, got strides \(0, 0, 0\)",
        ),
        (
            np.lib.stride_tricks.as_strided(np.zeros(9), (1, 1, 5), (8, 8, 4)),
            ValueError,
            r"out must have memory for each element, got strides \(8, 8, 4\) for the shape \(1, 1, 5\)",
        ),
    ],
)
def test_a_wrong_out_is_an_error_before_any_work(out, error, message):
    recorder = Recorder()
    with pytest.raises(error, match=f"^{message}$"):
        convt.conv_transpose(ones((1, 1, 3)), ones((1, 1, 3)), out=out, backend=recorder)
    assert recorder.calls == []


@pytest.mark.skipif(not hasattr(np.dtypes, "StringDType"), reason="NumPy 1 has no StringDType")
def test_out_of_strings_is_an_error():
    with pytest.raises(TypeError, match=r"^out.dtype must equal the result's float64, got StringDType"):
        convt.conv(ones((1, 1, 3)), ones((1, 1, 3)), out=np.empty((1, 1, 1), np.dtypes.StringDType()))


@pytest.mark.parametrize("strides", [(0, 0, 0), (64, 0, 4)])
def test_an_out_without_elements_may_have_any_strides(strides):
    out = np.lib.stride_tricks.as_strided(np.empty(9, np.float32), (0, 2, 3), strides)
    assert convt.conv(np.ones((0, 1, 5), "f4"), np.ones((2, 1, 3), "f4"), out=out) is out


@pytest.mark.parametrize("order", ["C", "F"])
def test_results_lie_in_memory_as_x_does(rng, order):
    x, w = np.asarray(rng.standard_normal((2, 3, 4)), order=order), rng.standard_normal((3, 2, 5))
    y = convt.conv_transpose(x, w)
    assert y.flags.fnc == (order == "F")
    assert convt.conv_transpose_backward(x, w, None, y).x.flags.fnc == (order == "F")


def test_an_array_of_a_device_that_cannot_tell_its_type():
    class Old:
        @property
        def __cuda_array_interface__(self):
            raise KeyError("torch.bfloat16")

    with pytest.raises(
        TypeError, match=r"^arrays on a GPU must tell their type, got a Old without a name for 'torch\.bfloat16'$"
    ):
        convt.conv(Old(), np.ones((1, 1, 3)))


@pytest.mark.parametrize("shape", [(), (3,), (2, 0, 4), (2**20, 2**20, 2**10)])
@pytest.mark.parametrize("dtype", ["f4", "c16", "U3", "U0"])
def test_an_outline_has_a_shape_and_no_memory(shape, dtype):
    made = outline(shape, np.dtype(dtype))
    assert (made.shape, made.dtype, made.strides) == (shape, np.dtype(dtype), (0,) * len(shape))
    assert made.base == bytes(made.itemsize)
    assert not made.flags.writeable
