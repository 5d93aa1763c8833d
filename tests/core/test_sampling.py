"""Upsampling and pooling of data on a device: its owner computes, nothing is converted, results stay there."""

import numpy as np
import pytest
from fakes import CallerArray, CudaCallerArray, FakeDevice, Recorder, SamplingDevice
from numpy.testing import assert_array_equal

import convt


@pytest.fixture
def device(install):
    backend = SamplingDevice()
    install(device=backend, host=Recorder("host", 5))
    return backend


@pytest.fixture
def x(rng):
    return rng.standard_normal((2, 3, 4, 6))


@pytest.mark.parametrize("kind", [CallerArray, CudaCallerArray])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("mode", ["nearest", "bed_of_nails", "bilinear"])
def test_upsampling(device, x, kind, order, mode):
    x = np.asarray(x, order=order)
    for name in ("upsample", "upsample_backward"):
        want = getattr(convt, name)(x, 2, mode=mode, backend="host")
        got = getattr(convt, name)(kind(x), 2, mode=mode)
        assert type(got) is kind
        assert_array_equal(got.host, want)
        assert got.host.flags.fnc == want.flags.fnc
    assert device.calls == ["upsample", "upsample_backward"]


@pytest.mark.parametrize("layout", [None, "NHWC", "HWCN"])
@pytest.mark.parametrize("indexing", ["spatial", "tensor"])
def test_pooling(device, x, layout, indexing):
    x = x.transpose({None: (0, 1, 2, 3), "NHWC": (0, 2, 3, 1), "HWCN": (2, 3, 1, 0)}[layout]).copy()
    options = {"size": 2, "indexing": indexing, "layout": layout}
    want = convt.max_pool(x, backend="host", **options)
    got = convt.max_pool(CallerArray(x), **options)
    assert type(got.y) is type(got.indices) is CallerArray
    assert_array_equal(got.y.host, want.y)
    assert_array_equal(got.indices.host, want.indices)
    for name in ("max_unpool", "max_pool_backward"):
        back = getattr(convt, name)(got.y, got.indices, **options)
        assert_array_equal(back.host, getattr(convt, name)(*want, backend="host", **options))
    back = convt.max_unpool_backward(CallerArray(x), got.indices, **options)
    assert_array_equal(back.host, convt.max_unpool_backward(x, want.indices, backend="host", **options))
    assert device.calls.count("move_indices") == (4 if indexing == "tensor" else 0)


def test_values_are_moved_as_they_are(device, x):
    for dtype in ("i4", "u8", "c8"):
        values = x.view(dtype)
        assert_array_equal(convt.upsample(CallerArray(values), 2).host, convt.upsample(values, 2, backend="host"))


@pytest.mark.parametrize("dtype", ["i4", "u8"])
def test_values_that_are_compared_or_summed_are_of_a_type_that_the_device_computes_with(device, x, dtype):
    values = CallerArray(abs(x).astype(dtype))
    places = CallerArray(np.zeros(x.shape, np.int64))
    for call in (
        lambda: convt.max_pool(values, 2),
        lambda: convt.max_pool_backward(values, places, 1),
        lambda: convt.upsample(values, 2, mode="bilinear"),
        lambda: convt.upsample_backward(values, 2),
    ):
        with pytest.raises(TypeError, match=r"^(x|dy)\.dtype must be float32 or float64 on backend 'device', got u?int"):
            call()
    assert device.calls == []


def test_out_is_filled_and_returned(device, x):
    out = CallerArray(np.empty((2, 3, 8, 12)))
    assert convt.upsample(CallerArray(x), 2, out=out) is out
    assert_array_equal(out.host, convt.upsample(x, 2, backend="host"))


def test_an_empty_batch(device):
    x = CallerArray(np.empty((0, 3, 4, 4)))
    y, indices = convt.max_pool(x, 2, indexing="tensor")
    assert convt.max_unpool(y, indices, 2, indexing="tensor").host.shape == (0, 3, 4, 4)
    assert device.calls == []


@pytest.mark.parametrize("indexing", ["spatial", "tensor"])
def test_an_index_outside(device, indexing):
    indices = np.array([[[[0]], [[9]], [[2]]]]) + (np.arange(3).reshape(1, 3, 1, 1) * 4 if indexing == "tensor" else 0)
    first, last, got = (4, 7, 13) if indexing == "tensor" else (0, 3, 9)
    with pytest.raises(ValueError, match=rf"^indices must be from {first} to {last} \(positions in \(2, 2\).*got {got}$"):
        convt.max_unpool(CallerArray(np.ones((1, 3, 1, 1))), CallerArray(indices), 2, indexing=indexing)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: convt.upsample(CallerArray(np.ones(3, "f2")), 2),
            r"x\.dtype must be of 4 or 8 bytes, in native order, on ",
        ),
        (
            lambda: convt.upsample(CallerArray(np.ones(3, "f2")), 2, mode="linear"),
            r"x\.dtype must be float32 or float64 on ",
        ),
        (
            lambda: convt.max_pool(CallerArray(np.ones(3, "i8")), 2),
            r"x\.dtype must be float32 or float64 on backend 'device'",
        ),
        (
            lambda: convt.max_unpool(CallerArray([1.0]), [0], 1),
            r"indices must lie where the other arrays do, on backend 'dev",
        ),
        (
            lambda: convt.max_unpool([1.0], CallerArray([0]), 1),
            r"y must lie where the other arrays do, on backend 'device', ",
        ),
        (lambda: convt.max_unpool(CallerArray([1.0]), CallerArray(np.array([0], "i4")), 1), r"indices must be of int64 on "),
        (lambda: convt.upsample(CallerArray([1.0]), 1, out=np.ones(1)), r"out must lie where the other arrays do, on back"),
    ],
)
def test_what_is_refused(device, call, message):
    with pytest.raises(TypeError, match=f"^{message}"):
        call()
    assert device.calls == []


def test_a_wrong_out(device, x):
    with pytest.raises(ValueError, match=r"^out must be the result's \(2, 3, 8, 12\) of float64, got \(1,\) of float64$"):
        convt.upsample(CallerArray(x), 2, out=CallerArray(np.ones(1)))


def test_another_backend_does_not_get_it(device, x):
    with pytest.raises(convt.BackendUnavailable, match="its arrays lie on backend 'device'"):
        convt.upsample(CallerArray(x), 2, backend="host")


def test_a_device_without_sampling(install, x):
    backend = FakeDevice()
    install(device=backend, host=Recorder("host", 5))
    for call, missing in [
        (lambda: convt.upsample(CallerArray(x), 2), "upsample"),
        (lambda: convt.upsample_backward(CallerArray(x), 2), "upsample_backward"),
        (lambda: convt.max_pool(CallerArray(x), 2, indexing="tensor"), "max_pool"),
        (lambda: convt.max_unpool(CallerArray(x), CallerArray(np.zeros(x.shape, int)), 1), "max_unpool"),
    ]:
        with pytest.raises(
            convt.BackendUnavailable,
            match=rf"^backend 'device' cannot do this call: it has no {missing} for arrays on its device \(copy them to the",
        ):
            call()
