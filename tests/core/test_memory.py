"""Data on a device: it stays there, and comes back as the caller's kind of array."""

import numpy as np
import pytest
from fakes import CallerArray, CudaCallerArray, FakeDevice, Recorder
from numpy.testing import assert_array_equal

import convt
from convt.core import memory

OPTIONS = {"stride": 2, "padding": 1, "groups": 2}


@pytest.fixture
def device(install):
    backend = FakeDevice()
    install(device=backend, host=Recorder("host", 5))
    return backend


@pytest.fixture
def arrays(rng):
    return {"x": rng.standard_normal((2, 4, 5, 3)), "w": rng.standard_normal((4, 2, 3, 3)), "bias": rng.standard_normal(4)}


@pytest.mark.parametrize("kind", [CallerArray, CudaCallerArray])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_results_are_the_same_as_on_the_host_in_the_callers_kind_of_array(device, arrays, kind, dtype):
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    expected = convt.conv_transpose(**arrays, **OPTIONS)
    y = convt.conv_transpose(**{name: kind(array) for name, array in arrays.items()}, **OPTIONS)
    assert type(y) is kind
    assert_array_equal(y.host, expected)

    expected = convt.conv_transpose_backward(**arrays, dy=expected, **OPTIONS)
    gradients = convt.conv_transpose_backward(**{name: kind(array) for name, array in arrays.items()}, dy=y, **OPTIONS)
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert type(gradient) is kind
        assert_array_equal(gradient.host, wanted)


def test_layouts_and_missing_batches_work_on_a_device(device, arrays):
    x, w = arrays["x"][0].transpose(1, 2, 0), arrays["w"].transpose(2, 3, 1, 0)
    y = convt.conv_transpose(CallerArray(x), CallerArray(w), layout="NHWC", **OPTIONS)
    assert_array_equal(y.host, convt.conv_transpose(x, w, layout="NHWC", **OPTIONS))


def test_out_on_a_device_is_filled_and_returned(device, arrays):
    x, w = CallerArray(arrays["x"]), CallerArray(arrays["w"])
    out = CallerArray(np.full((2, 4, 9, 5), np.nan))
    assert convt.conv_transpose(x, w, out=out, **OPTIONS) is out
    assert_array_equal(out.host, convt.conv_transpose(x.host, w.host, **OPTIONS))


@pytest.mark.parametrize("argument", ["x", "w", "bias", "dy"])
def test_host_and_device_arrays_do_not_mix(device, arrays, argument):
    arrays["dy"] = convt.conv_transpose(**arrays, **OPTIONS)
    mixed = {name: array if name == argument else CallerArray(array) for name, array in arrays.items()}
    with pytest.raises(
        TypeError, match=rf"^{argument} must lie where the other arrays do, on backend 'device', got ndarray$"
    ):
        convt.conv_transpose_backward(**mixed, **OPTIONS)
    assert device.calls == []


@pytest.mark.parametrize("on_device", [False, True])
def test_out_lies_where_the_inputs_do(device, arrays, on_device):
    kind, other = (CallerArray, np.asarray) if on_device else (np.asarray, CallerArray)
    message = (
        "out must lie where the other arrays do, .*, got ndarray"
        if on_device
        else "out must be a NumPy array, got CallerArray"
    )
    with pytest.raises(TypeError, match=f"^{message}$"):
        convt.conv_transpose(kind(arrays["x"]), kind(arrays["w"]), out=other(np.zeros((2, 4, 9, 5))), **OPTIONS)
    assert device.calls == []


def test_a_wrong_out_on_a_device(device, arrays):
    with pytest.raises(
        ValueError, match=r"^out must be the result's \(2, 4, 9, 5\) of float64, got \(2, 4, 9, 5\) of float32$"
    ):
        convt.conv_transpose(
            CallerArray(arrays["x"]), CallerArray(arrays["w"]), out=CallerArray(np.zeros((2, 4, 9, 5), "f4")), **OPTIONS
        )
    assert device.calls == []


@pytest.mark.parametrize(("x_type", "w_type"), [("f4", "f8"), ("i4", "i4"), ("f8", "i8"), ("c8", "c8"), ("f2", "f2")])
def test_on_a_device_nothing_is_converted(device, x_type, w_type):
    with pytest.raises(TypeError, match=r"^all arrays on backend 'device' must be of one type, float32 or float64, got "):
        convt.conv(CallerArray(np.ones((1, 1, 3), x_type)), CallerArray(np.ones((1, 1, 3), w_type)))
    assert device.calls == []


class HalfDevice(FakeDevice):
    """A device whose arrays may also lie in float16; it computes with them in float32."""

    storage = ("float16", "float32", "float64")

    def adopt(self, array):
        made = super().adopt(array)
        made.storage = str(made.dtype)
        made.summed = lambda: self._summed(made)
        return made

    def _summed(self, array):
        if array.storage != "float16":
            return array
        summed = super().adopt(CallerArray(array.host.astype(np.float32)))
        summed.storage = array.storage
        return summed


def test_a_device_may_store_numbers_in_fewer_bits_than_it_sums_in(install):
    device = HalfDevice()
    install(device=device)
    half, wide = (CallerArray(np.ones((1, 1, 3), dtype)) for dtype in (np.float16, np.float32))
    y = convt.conv(half, half)
    assert y.host == 3
    assert y.host.dtype == np.float32
    message = r"^all arrays on backend 'device' must be of one type, float16, float32 or float64, got float16, float32$"
    with pytest.raises(TypeError, match=message):
        convt.conv(half, wide)
    one = CallerArray(np.ones((1, 1, 1), np.float32))
    with pytest.raises(ValueError, match=r"^out must be the result's \(1, 1, 1\) of float16, got \(1, 1, 1\) of float32$"):
        convt.conv(half, half, out=one)
    assert len(device.calls) == 1


@pytest.mark.parametrize("kind", [CallerArray, CudaCallerArray])
def test_data_on_a_device_that_nobody_owns(install, kind):
    install(host=Recorder("host"))
    with pytest.raises(
        TypeError, match=rf"^arrays must lie in the host's memory or on a device with a backend, got {kind.__name__} "
    ):
        convt.conv(kind(np.ones((1, 1, 3))), kind(np.ones((1, 1, 3))))


def test_a_backend_that_owns_data_but_cannot_hand_it_back_is_no_device_backend(install):
    half = Recorder("half")
    half.owns = lambda array: True
    install(half=half)
    with pytest.raises(TypeError, match=r"^arrays must lie in the host's memory or on a device with a backend"):
        convt.conv(CallerArray(np.ones((1, 1, 3))), CallerArray(np.ones((1, 1, 3))))


def test_an_array_is_asked_where_it_lies_once_for_its_type_and_the_backends_only_if_on_a_device(device, monkeypatch):
    asked, owners = [], []
    where, owner = memory.on_device, memory.owner
    monkeypatch.setattr(memory, "on_device", lambda value: asked.append(type(value)) or where(value))
    monkeypatch.setattr(memory, "owner", lambda value: owners.append(type(value)) or owner(value))
    on_host = type("OnHost", (), {"__array__": lambda self, *args, **kwargs: np.ones(3)})()
    for _ in range(2):
        memory.memory_of(on_host)
    assert (asked, owners) == ([type(on_host)] * 2, [])
    for _ in range(2):
        memory.memory_of(CallerArray(np.ones(3)))
    assert (asked[2:], owners) == ([CallerArray], [CallerArray] * 2)
