"""Calls on a device that are like an earlier one are made again by their backend, and only those."""

import numpy as np
import pytest
from fakes import CallerArray, FakeDevice, Recorder
from numpy.testing import assert_array_equal

import convt
from convt.core import repeats


class RepeatingDevice(FakeDevice):
    """Makes a call again by the map that made it; `again` has what was repeated."""

    def __init__(self):
        super().__init__()
        self.again = []
        self.tells, self.does = True, True

    def outline(self, *arrays):
        if not self.tells or not all(isinstance(array, CallerArray) for array in arrays):
            return None
        return tuple((array.host.shape, array.host.strides, array.host.dtype) for array in arrays)

    def prepare(self, data_map, problem, left, right, bias, out, result):
        def call(x, w, b):
            if not self.does:
                return None
            self.again.append(data_map)
            made = np.empty_like(result.host)
            arrays = [_as(left, x.host), _as(right, w.host), None if b is None else b.host, _as(out, made)]
            getattr(super(FakeDevice, self), data_map)(problem, *arrays)
            return CallerArray(made)

        return call


def _as(view, whole):
    """The array with the axes of a view of one like it."""
    return np.lib.stride_tricks.as_strided(whole, view.host.shape, view.host.strides)


@pytest.fixture
def device(install):
    backend = RepeatingDevice()
    install(device=backend, host=Recorder("host", 5))
    return backend


@pytest.fixture
def arrays(rng):
    return rng.standard_normal((2, 4, 5, 3)), rng.standard_normal((4, 6, 3, 2)), rng.standard_normal(6)


def test_the_third_call_is_made_again(device, arrays):
    for again in (0, 0, 1, 2):
        new = [array + again for array in arrays]
        y = convt.conv_transpose(*map(CallerArray, new), stride=2)
        assert type(y) is CallerArray
        assert_array_equal(y.host, convt.conv_transpose(*new, stride=2))
        assert device.again == ["scatter"] * again


def test_calls_that_differ_are_not_taken_for_each_other(device, arrays):
    x, w, bias = arrays
    calls = [
        (convt.conv_transpose, (x, w), {}),
        (convt.conv_transpose, (x, w, bias), {}),
        (convt.conv_transpose, (x[:1], w), {}),
        (convt.conv_transpose, (np.asfortranarray(x), w), {}),
        (convt.conv_transpose, (x, w[..., :1]), {}),
        (convt.conv_transpose, (x.astype("f4"), w.astype("f4")), {}),
        (convt.conv_transpose, (x, w), {"stride": 2}),
        (convt.conv_transpose, (x, w), {"stride": (2, 1)}),
        (convt.conv_transpose, (x, w), {"padding": 1}),
        (convt.conv_transpose, (x, w), {"dilation": 2}),
        (convt.conv_transpose, (x, w), {"groups": 2}),
        (convt.conv_transpose, (np.moveaxis(x, 1, -1), w.transpose(2, 3, 1, 0)), {"layout": "NHWC"}),
        (convt.conv, (x, w.transpose(1, 0, 2, 3)), {}),
    ]
    for _ in range(4):
        for operator, given, options in calls:
            y = operator(*map(CallerArray, given), **options)
            assert_array_equal(y.host, operator(*given, **options), err_msg=str(options))
    assert len(device.again) > len(calls)


def test_no_outline_and_a_call_that_cannot_be_made_again(device, arrays):
    expected = convt.conv_transpose(*arrays)
    device.tells = False
    for _ in range(4):
        assert_array_equal(convt.conv_transpose(*map(CallerArray, arrays)).host, expected)
    device.tells, device.does = True, False
    for _ in range(4):
        assert_array_equal(convt.conv_transpose(*map(CallerArray, arrays)).host, expected)
    assert device.again == []


def test_what_a_call_asks_for_itself_is_made_as_if_new(device, arrays):
    ours = [CallerArray(array) for array in arrays]
    out = CallerArray(np.empty((2, 6, 7, 4)))
    for _ in range(4):
        assert convt.conv_transpose(*ours, out=out) is out
        convt.conv_transpose(*ours, backend="device")
        convt.conv_transpose(*ours, stride=np.array([1, 1]))
    assert device.again == []


def test_errors_stay(device, arrays):
    ours = [CallerArray(array) for array in arrays]
    for _ in range(4):
        convt.conv_transpose(*ours, groups=1)
        with pytest.raises(TypeError, match=r"^groups must be an integer, got True$"):
            convt.conv_transpose(*ours, groups=True)
        with pytest.raises(ValueError, match=r"^bias\.shape must equal"):
            convt.conv_transpose(ours[0], ours[1], CallerArray(np.ones(5)))
        with (
            convt.use_backend("host"),
            pytest.raises(convt.BackendUnavailable, match="its arrays lie on backend 'device'"),
        ):
            convt.conv_transpose(*ours)
        with pytest.raises(TypeError, match=r"^w must lie where the other arrays do"):
            convt.conv_transpose(ours[0], arrays[1])
    with convt.use_backend("device"):
        for _ in range(3):
            convt.conv_transpose(*ours)
    assert len(device.again) > 2


def test_a_backend_object_that_is_asked_for(device, arrays):
    with convt.use_backend(device):
        for _ in range(4):
            convt.conv_transpose(*map(CallerArray, arrays))
    assert device.again == []


def test_what_is_kept_is_bounded(device, monkeypatch):
    from convt.registry import registry

    monkeypatch.setattr(repeats, "_MOST", 3)
    w = CallerArray(np.ones((1, 1, 1)))
    for size in range(1, 9):
        for _ in range(3):
            assert_array_equal(convt.conv(CallerArray(np.ones((1, 1, size))), w).host, np.ones((1, 1, size)))
        assert len(registry().repeats) <= 3


def test_an_empty_batch_is_not_kept(device):
    from convt.registry import registry

    for _ in range(3):
        assert convt.conv(CallerArray(np.ones((0, 1, 3))), CallerArray(np.ones((1, 1, 1)))).host.shape == (0, 1, 3)
    assert registry().repeats == {}
