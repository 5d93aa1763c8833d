"""Who computes a call: the argument, use_backend, set_backend, CONVT_BACKEND, where the data lies, the priority."""

import asyncio
import sys
import threading
from importlib.metadata import EntryPoint
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import CallerArray, FakeDevice, Recorder

import convt
from convt.backend import BackendUnavailable
from convt.registry import DEVICE_GROUP, registry
from convt.selection import block_request, named

pytestmark = pytest.mark.filterwarnings("ignore:backend .(broken|device). .no_such:RuntimeWarning")

X, W = np.ones((1, 1, 2)), np.ones((1, 1, 2))


@pytest.fixture
def four(install):
    """Four plugins: one that is preferred, one that refuses, one that is broken, one that is last."""
    first, fussy, last = Recorder("first", 9), Recorder("fussy", 10, reason="only on Sundays"), Recorder("last", 1)
    install(first=first, fussy=fussy, last=last, broken="no_such_module:backend")
    return {"first": first, "fussy": fussy, "last": last}


def who(four, **options):
    """The name of the backend that computes a call now."""
    for backend in four.values():
        backend.calls.clear()
    convt.conv_transpose(X, W, **options)
    (name,) = [name for name, backend in four.items() if backend.calls]
    return name


def test_unasked_the_highest_priority_that_can_do_it_computes(four):
    assert who(four) == "first"
    four["fussy"].reason = None
    assert who(four) == "fussy"
    four["fussy"].reason = four["first"].reason = "no"
    assert who(four) == "last"


def test_unasked_and_nobody_can(four):
    for backend in four.values():
        backend.reason = f"{backend.name} is tired"
    with pytest.raises(
        BackendUnavailable,
        match=r"^no backend can do this call: fussy: fussy is tired; first: first is tired; last: last is tired$",
    ):
        convt.conv(X, W)


def test_with_no_backends_at_all(install):
    install()
    with pytest.raises(BackendUnavailable, match=r"^no backend can do this call: none is installed$"):
        convt.conv(X, W)


def test_the_order_of_those_who_ask(four, monkeypatch):
    monkeypatch.setenv("CONVT_BACKEND", "last")
    assert who(four) == "last"
    convt.set_backend("first")
    assert who(four) == "first"
    with convt.use_backend("last"):
        assert who(four) == "last"
        assert who(four, backend="first") == "first"
    assert who(four) == "first"
    convt.set_backend(None)
    assert who(four) == "last"
    monkeypatch.delenv("CONVT_BACKEND")
    assert who(four) == "first"


def test_all_operators_take_the_backend(four):
    backend = four["last"]
    convt.conv(X, W, backend="last")
    convt.conv_transpose(X, W, backend="last")
    convt.conv_backward(X, W, None, [[[1.0]]], needs="x", backend="last")
    convt.conv_transpose_backward(X, W, None, [[[1.0, 1, 1]]], needs="w", backend="last")
    assert backend.calls == ["gather", "scatter", "scatter", "correlate"]


@pytest.mark.parametrize("ask", ["argument", "use_backend", "set_backend", "CONVT_BACKEND"])
class TestEveryWayOfAsking:
    @pytest.fixture
    def call(self, ask, monkeypatch):
        def call(request):
            if ask == "argument":
                return convt.conv(X, W, backend=request)
            if ask == "use_backend":
                with convt.use_backend(request):
                    return convt.conv(X, W)
            if ask == "set_backend":
                convt.set_backend(request)
            else:
                monkeypatch.setenv("CONVT_BACKEND", request)
            return convt.conv(X, W)

        return call

    def test_one_that_refuses_is_an_error_and_no_other_steps_in(self, four, call):
        with pytest.raises(BackendUnavailable, match=r"^backend 'fussy' cannot do this call: only on Sundays$"):
            call("fussy")
        assert not any(backend.calls for backend in four.values())

    def test_one_that_is_broken_is_an_error_and_no_other_steps_in(self, four, call):
        with pytest.raises(
            BackendUnavailable, match=r"^backend 'broken' \(.*\) cannot be used: ModuleNotFoundError: "
        ) as error:
            call("broken")
        assert isinstance(error.value.__cause__, ModuleNotFoundError)
        assert not any(backend.calls for backend in four.values())

    def test_a_list_is_tried_in_its_order(self, four, call):
        call("broken, fussy ,last,first")
        assert [name for name, backend in four.items() if backend.calls] == ["last"]

    def test_a_list_of_which_none_can_tells_all_reasons(self, four, call):
        with pytest.raises(
            BackendUnavailable, match=r"^backend 'broken' .*; backend 'fussy' cannot do this call: only on Sundays$"
        ):
            call("broken,fussy")
        assert not any(backend.calls for backend in four.values())

    @pytest.mark.parametrize("asked", ["lost", "first,lost", "first,", ","])
    def test_an_unknown_name_is_an_error_also_behind_a_good_one(self, four, call, ask, asked):
        source = "CONVT_BACKEND" if ask == "CONVT_BACKEND" else "backend"
        with pytest.raises(
            LookupError, match=rf"^{source} must be one of \['broken', 'first', 'fussy', 'last'\], got '(lost)?'"
        ):
            call(asked)
        assert not any(backend.calls for backend in four.values())


@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_variable_asks_for_nothing(four, monkeypatch, value):
    monkeypatch.setenv("CONVT_BACKEND", value)
    assert who(four) == "first"


@pytest.mark.parametrize("asked", [["broken", "last"], ("last",), ["last", "first"]])
def test_a_sequence_is_a_list_of_names(four, asked):
    assert who(four, backend=asked) == "last"
    with convt.use_backend(asked):
        assert who(four) == "last"


def test_a_backend_object_needs_no_registration(four):
    mine = Recorder("mine")
    convt.conv(X, W, backend=mine)
    with convt.use_backend(mine):
        convt.conv(X, W)
    convt.set_backend(mine)
    convt.conv(X, W)
    assert mine.calls == ["gather"] * 3
    mine.reason = "busy"
    with pytest.raises(BackendUnavailable, match=r"^backend 'mine' cannot do this call: busy$"):
        convt.conv(X, W)


@pytest.mark.parametrize(
    "function",
    [convt.set_backend, lambda asked: convt.use_backend(asked).__enter__(), lambda asked: convt.conv(X, W, backend=asked)],
)
@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        (3, TypeError, "backend must be a name, a sequence of names or a Backend, got 3"),
        (Recorder, TypeError, r"backend must be .* or a Backend, got <class .* \(a class: pass Recorder\(\)\)"),
        (np, TypeError, "backend must be a name, a sequence of names or a Backend, got <module .*"),
        ([], TypeError, r"backend must be a name or a sequence of names, got \[\]"),
        (["last", 3], TypeError, r"backend must be a name or a sequence of names, got \['last', 3\]"),
        (["last", ["first"]], TypeError, "backend must be a name or a sequence of names, got .*"),
        (b"last", TypeError, "backend must be a name or a sequence of names, got .*"),
        ("Last", LookupError, r"backend must be one of \[.*\], got 'Last'; did you mean 'last'\?"),
    ],
)
def test_what_asks_for_no_backend(four, function, asked, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        function(asked)
    assert who(four) == "first"


def test_blocks_nest_and_end_also_by_an_error(four):
    with convt.use_backend("last"):
        with convt.use_backend(None):
            assert who(four) == "first"
        with pytest.raises(KeyError), convt.use_backend("first"):
            raise KeyError
        assert who(four) == "last"
    assert who(four) == "first"


def test_threads_do_not_see_each_others_block(four):
    seen = []
    with convt.use_backend("last"):
        thread = threading.Thread(target=lambda: seen.append(who(four)))
        thread.start()
        thread.join()
        assert who(four) == "last"
    assert seen == ["first"]


def test_tasks_do_not_see_each_others_block(four):
    async def task(name):
        with convt.use_backend(name):
            await asyncio.sleep(0)
            return who(four)

    async def both():
        return await asyncio.gather(task("first"), task("last"))

    assert asyncio.run(both()) == ["first", "last"]


def test_set_backend_holds_for_all_threads(four):
    convt.set_backend("last")
    seen = []
    thread = threading.Thread(target=lambda: seen.append(who(four)))
    thread.start()
    thread.join()
    assert seen == ["last"]


# Data on a device


@pytest.fixture
def device(install):
    backends = {"device": FakeDevice(), "host": Recorder("host", 5)}
    install(**backends)
    return backends


def test_data_on_a_device_goes_to_its_backend_whatever_its_priority(device):
    convt.conv(CallerArray(X), CallerArray(W))
    assert (device["device"].calls, device["host"].calls) == (["gather"], [])
    convt.conv(X, W)
    assert (device["device"].calls, device["host"].calls) == (["gather"], ["gather"])


class InHost:
    """An array of another package that tells that it lies in the host's memory."""

    def __init__(self, array):
        self._array = array

    def __array__(self, dtype=None, copy=None):
        return self._array

    def __dlpack__(self, **options):
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


@pytest.mark.parametrize("kind", [np.asarray, np.ndarray.tolist, InHost], ids=["array", "list", "foreign"])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, w: convt.conv(x, w),
        lambda x, w: convt.conv_transpose_backward(x, w, None, [[[1.0, 1, 1]]]),
        lambda x, w: convt.conv_double_backward(x, w, None, [[[1.0]]], x, w),
        lambda x, w: convt.upsample(x, 2),
        lambda x, w: convt.max_pool(x, (2,)),
        lambda x, w: convt.max_unpool(x, np.zeros((1, 1, 2), int), (2,)),
        lambda x, w: convt.matconvnet.vl_nnconvt(x, [[[[1.0, 1.0]]]], []),
        lambda x, w: convt.ConvOperator(X.shape, w) @ np.ones(2),
    ],
    ids=["forward", "backward", "double_backward", "upsample", "max_pool", "max_unpool", "vl_nnconvt", "ConvOperator"],
)
def test_host_data_does_not_import_what_is_registered_for_a_device(install, call, kind):
    install(EntryPoint("device", "no_such_device:backend", DEVICE_GROUP), host=Recorder("host"))
    call(kind(X), kind(W))
    assert registry()._failures == {}
    with pytest.raises(BackendUnavailable, match="No module named 'no_such_device'"):
        convt.conv(X, W, backend="device")


def test_data_on_a_device_finds_what_is_registered_for_it(install, monkeypatch):
    device = FakeDevice()
    monkeypatch.setitem(sys.modules, "plugin_device", SimpleNamespace(backend=device))
    install(EntryPoint("device", "plugin_device:backend", DEVICE_GROUP), host=Recorder("host"))
    convt.conv(X, W)
    assert device.calls == []
    convt.conv(CallerArray(X), CallerArray(W))
    assert device.calls == ["gather"]


def test_data_on_a_device_whose_backend_refuses_is_an_error(device):
    device["device"].reason = "too small a device"
    with pytest.raises(BackendUnavailable, match=r"^no backend can do this call: device: too small a device$"):
        convt.conv(CallerArray(X), CallerArray(W))
    assert device["host"].calls == []


def test_host_data_goes_to_a_device_backend_that_is_asked_for(device):
    convt.conv(X, W, backend="device")
    assert device["device"].calls == ["gather"]


@pytest.mark.parametrize(
    "ask", [lambda: {"backend": "host"}, lambda: {"backend": ["host"]}, lambda: {"backend": Recorder()}]
)
def test_a_backend_never_gets_arrays_of_another_ones_device(device, ask):
    with pytest.raises(
        BackendUnavailable,
        match=r"^backend '.*' cannot do this call: its arrays lie on backend 'device' \(copy them to the host first\)$",
    ):
        convt.conv(CallerArray(X), CallerArray(W), **ask())
    assert not any(backend.calls for backend in device.values())


def test_a_list_passes_over_backends_on_which_the_data_does_not_lie(device):
    convt.conv(CallerArray(X), CallerArray(W), backend="host,device")
    assert (device["device"].calls, device["host"].calls) == (["gather"], [])


def test_what_a_block_and_an_argument_name(four):
    assert block_request() is None
    convt.set_backend("last")
    assert block_request() is None
    with convt.use_backend("first, last"):
        assert block_request() == ("first", "last")
    assert named("last") == ("last",)
    assert named(four["last"]) is four["last"]
