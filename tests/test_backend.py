"""The base classes of backends: defaults, what a device refuses, and objects that have the members without the class."""

import gc
import weakref
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import CallerArray, FakeDevice, Recorder

import convt
import convt.backend
from convt.adapter import as_backend
from convt.backend import Backend, BackendUnavailable, DeviceBackend, Stage, kept
from convt.numpy_backend import backend as numpy_backend
from convt.testing import check_backend


class Least(Backend):
    """No more than a backend must have."""

    name = "least"
    scatter, gather, correlate = numpy_backend.scatter, numpy_backend.gather, numpy_backend.correlate


class Duck:
    """The members of a backend, and another class."""

    name, priority = "duck", 3
    scatter, gather, correlate = (staticmethod(getattr(numpy_backend, each)) for each in ("scatter", "gather", "correlate"))

    def __init__(self):
        self.asked = []

    def why_not(self, problem):
        self.asked.append("why_not")

    def owns(self, array):
        return False


def test_the_three_maps_are_all_that_a_backend_must_have():
    assert check_backend(Least(), quick=True).refused == {}
    assert (Least().info(), Least().schedule("scatter", None), Least().priority, kept()) == ({}, [], 0, None)
    with pytest.raises(TypeError, match="abstract"):
        type("Nothing", (Backend,), {"name": "nothing"})()


def test_what_a_backend_lacks_numpy_does():
    x = np.arange(12.0).reshape(1, 1, 3, 4)
    for function, arguments in [
        (convt.upsample, (x, 2)),
        (convt.upsample_backward, (x[:, :, :2], 2)),
        (convt.max_pool, (x, 2)),
        (convt.max_unpool, (x, np.zeros(x.shape, int), 1)),
        (convt.max_unpool_backward, (x, np.zeros((1, 1, 1, 2), int), 2)),
        (convt.max_pool_backward, (x, np.zeros(x.shape, int), 1)),
    ]:
        np.testing.assert_equal(function(*arguments, backend=Least()), function(*arguments, backend="numpy"))


def test_backends_show_what_they_are():
    assert repr(Least()) == "<convt backend 'least', priority 0>"
    assert repr(as_backend(Duck())) == "<convt backend 'duck', priority 3>"


def test_an_object_with_the_members_is_a_backend():
    duck = Duck()
    check_backend(duck, quick=True)
    with convt.use_backend(duck):
        convt.conv(np.ones((1, 1, 3)), np.ones((1, 1, 2)))
    assert duck.asked
    assert as_backend(duck) is as_backend(duck) is not as_backend(Duck())
    assert as_backend(duck).info() == {}


def test_an_object_without_them_is_none():
    class Half:
        name = "half"
        scatter = gather = staticmethod(print)

    with pytest.raises(TypeError, match=r"^backend must be a name, a sequence of names or a Backend, got .*Half object"):
        convt.conv(np.ones((1, 1, 3)), np.ones((1, 1, 2)), backend=Half())
    with pytest.raises(TypeError, match=r"^a backend must have the members of convt\.Backend, got .* without correlate$"):
        as_backend(Half())


def test_a_device_with_half_of_its_memory_is_none():
    duck = Duck()
    duck.from_caller = duck.empty = print
    with pytest.raises(
        TypeError,
        match=r"^a backend with memory must have the members of convt\.backend\.DeviceBackend, got .* without from_host, ",
    ):
        as_backend(duck)


def test_an_object_with_memory_is_a_device_backend():
    device = FakeDevice()
    duck = Duck()
    for name in ("owns", "scatter", "gather", "correlate", "from_caller", "to_caller", "empty", "from_host", "to_host"):
        setattr(duck, name, getattr(device, name))
    assert isinstance(as_backend(duck), DeviceBackend)
    assert as_backend(duck).storage == ("float32", "float64")


def test_a_device_refuses_what_it_lacks_for_its_own_arrays_alone(install):
    device = FakeDevice()
    install(device=device, host=Recorder("host", 5))
    with pytest.raises(BackendUnavailable, match=r"it has no upsample for arrays on its device \(copy them to the host "):
        convt.upsample(CallerArray(np.ones((2, 2))), 2)
    np.testing.assert_equal(convt.upsample(np.eye(2), 2, backend="device"), np.kron(np.eye(2), np.ones((2, 2))))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("channel_sums", ["fine", "bias"]),
        ("upsample", ["nearest", False, "coarse", "fine"]),
        ("upsample_backward", ["nearest", False, "fine", "coarse"]),
        ("max_pool", ["fine", "coarse", "indices"]),
        ("max_pool_backward", ["coarse", "indices", "fine"]),
        ("max_unpool", ["coarse", "indices", "fine"]),
        ("max_unpool_backward", ["fine", "indices", "coarse"]),
        ("move_indices", ["indices", 1, "indices"]),
    ],
)
def test_each_default_refuses_arrays_on_a_device(name, arguments):
    class Device(Least, DeviceBackend):
        from_caller = to_caller = empty = from_host = to_host = owns = staticmethod(lambda *array: array[0] is there)

    there = object()
    with pytest.raises(BackendUnavailable, match=rf"^backend 'least' cannot do this call: it has no {name} for arrays on "):
        getattr(Device(), name)(None, *(each if each in ("nearest", False, 1) else there for each in arguments))


def test_a_device_must_have_memory():
    with pytest.raises(TypeError, match=r"abstract.*empty.*from_caller.*from_host.*to_caller.*to_host"):
        type("Forgetful", (Least, DeviceBackend), {})()


def test_a_device_keeps_nothing_of_its_calls_unless_it_says_so():
    device = FakeDevice()
    array = CallerArray(np.ones(1))
    assert device.outline(array, array) is None
    assert device.prepare("scatter", None, array, array, None, array, array) is None


def test_a_copy_of_a_host_array_comes_back(rng):
    device, host = FakeDevice(), rng.standard_normal((4, 3)).T
    there = device.from_host(host)
    assert device.owns(there)
    host_again = device.to_host(there)
    np.testing.assert_array_equal(host_again, host)
    assert not np.shares_memory(host_again, host)


def test_an_adapter_takes_over_what_there_is_and_defaults_the_rest():
    def schedule(data_map, problem):
        return [Stage(data_map, 1, 1, 1.0)]

    maps = {name: getattr(numpy_backend, name) for name in ("scatter", "gather", "correlate")}
    plain = SimpleNamespace(name="plain", schedule=schedule, **maps)  # functions, not methods; and nothing is hashable
    adapter = as_backend(plain)
    assert isinstance(adapter, Backend)
    assert not isinstance(adapter, DeviceBackend)
    assert adapter.schedule("gather", None)[0].name == "gather"
    assert (adapter.priority, adapter.info(), adapter.why_not(None), adapter.owns(None)) == (0, {}, None, False)
    np.testing.assert_equal(convt.upsample(np.eye(2), 2, backend=plain), convt.upsample(np.eye(2), 2, backend="numpy"))


def test_an_adapter_is_one_for_its_object_and_goes_with_it():
    duck = Duck()
    seen = weakref.ref(duck)
    adapter = as_backend(duck)
    for _ in range(100):  # more than are held for those that are used again
        as_backend(Duck())
    assert as_backend(duck) is adapter
    del duck, adapter
    gc.collect()
    assert seen() is None


def test_a_device_that_is_no_device_backend_computes_its_arrays(install):
    device, duck = FakeDevice("duck"), Duck()
    for name in ("owns", "scatter", "gather", "correlate", "from_caller", "to_caller", "empty", "from_host", "to_host"):
        setattr(duck, name, getattr(device, name))
    install(duck=duck, host=Recorder("host", 5))
    x, w = np.ones((1, 1, 3)), np.ones((1, 1, 2))
    for options in ({}, {"backend": "duck"}, {"backend": duck}):
        y = convt.conv(CallerArray(x), CallerArray(w), **options)
        assert type(y) is CallerArray
        np.testing.assert_array_equal(y.host, [[[2.0, 2.0]]])
