"""Streams: scratch memory in their order, waits between them, none of the host's; and what CUDA graphs capture."""

import ctypes
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np
import pytest

import convt

LEGACY, PER_THREAD = 1, 2
ALLOCATE, FREE = "cuMemAllocFromPoolAsync", "cuMemFreeAsync"


class InStream:
    """PyCUDA's memory as an array whose owner computes in a stream of its own."""

    def __init__(self, array, stream):
        self.array = array
        self.__cuda_array_interface__ = {**array.__cuda_array_interface__, "version": 3, "stream": stream}


class Capture:
    """A stream whose work goes into a graph; through the driver's own library."""

    def __init__(self, driver):
        self._library = ctypes.CDLL("libcuda.so.1")
        self._driver = driver
        self.handle = ctypes.c_void_p()
        driver.call("cuStreamCreate", ctypes.byref(self.handle), 1)
        self._graph, self._executable = ctypes.c_void_p(), ctypes.c_void_p()

    @contextmanager
    def running(self):
        self._do("cuStreamBeginCapture_v2", self.handle, 0)
        try:
            yield
        finally:
            self._do("cuStreamEndCapture", self.handle, ctypes.byref(self._graph))
        flags = ctypes.c_ulonglong(0)
        self._do("cuGraphInstantiateWithFlags", ctypes.byref(self._executable), self._graph, flags)

    def replay(self):
        self._do("cuGraphLaunch", self._executable, self.handle)
        self._driver.call("cuStreamSynchronize", self.handle)

    def close(self):
        if self._executable:
            self._do("cuGraphExecDestroy", self._executable)
        if self._graph:
            self._do("cuGraphDestroy", self._graph)
        self._do("cuStreamDestroy_v2", self.handle)

    def _do(self, name, *arguments):
        code = getattr(self._library, name)(*arguments)
        assert not code, f"{name}: error {code}"


@pytest.fixture
def capture(cuda, context):
    made = Capture(cuda._driver)
    yield made
    made.close()


@pytest.fixture
def call(cuda, rng, to_gpu, to_host, monkeypatch):
    """An example that takes scratch memory, for packed weights: its arrays, and what computes it in a stream."""
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "tile")
    x, w = rng.standard_normal((2, 8, 12, 12)).astype("f4"), rng.standard_normal((8, 8, 3, 3)).astype("f4")
    want = convt.conv_transpose(x, w, stride=2, backend="numpy")

    class Call:
        arrays = to_gpu(x), to_gpu(w)

        def __init__(self):
            self.out = to_gpu(np.full_like(want, np.nan))

        def run(self, stream, *streams):
            inputs = [InStream(*each) for each in zip(self.arrays, streams or (stream, stream), strict=True)]
            convt.conv_transpose(*inputs, stride=2, out=InStream(self.out, stream))

        def check(self, factor=1):
            np.testing.assert_allclose(to_host(self.out), factor * want, rtol=1e-4, atol=1e-4)

    return Call


@pytest.mark.parametrize("stream", [0, LEGACY, PER_THREAD, 77])
def test_scratch_comes_and_goes_in_the_stream_and_nobody_waits(emulator, cuda, context, call, stream):
    example = call()
    example.run(stream)
    counts = [emulator.calls(name) for name in (ALLOCATE, FREE)]
    waits, kept = emulator.host_waits, cuda._devices[0].pool.info()[1]
    for _ in range(3):
        example.run(stream)
    assert [emulator.calls(name) for name in (ALLOCATE, FREE)] == [count + 3 for count in counts]
    assert emulator.host_waits == waits
    assert cuda._devices[0].pool.info() == (0, kept)
    assert emulator.stream == emulator.scratch_stream == stream
    example.check()


def test_memory_above_what_is_kept_is_given_back_and_nobody_waits_in_a_call(emulator, cuda, context, call, monkeypatch):
    from convt_cuda.device import Device
    from convt_cuda.memory import Pool

    monkeypatch.setattr(Pool, "most_kept", 0)
    device = Device(cuda._driver, 0)
    monkeypatch.setitem(cuda._devices._devices, 0, device)
    example = call()
    example.run(77)
    assert device.pool.info()[1] > 0
    device.finish(77)
    assert device.pool.info()[1] == 0
    waits = emulator.host_waits
    example.run(77)
    assert emulator.host_waits == waits
    example.check()


def test_streams_that_come_and_go_leave_nothing(cuda, context, call):
    example, pool = call(), cuda._devices[0].pool
    kept = []
    for _ in range(20):
        stream = cuda._driver.pycuda.Stream()
        example.run(stream.handle)
        stream.synchronize()
        kept.append(pool.info()[1])
    assert pool.info()[0] == 0
    assert kept[-1] <= max(kept[:5])
    example.check()


def test_the_default_stream_of_each_thread(cuda, context, call):
    examples = [call() for _ in range(8)]

    def run(example):
        with cuda._devices[0].current():
            for _ in range(3):
                example.run(PER_THREAD)
            cuda._driver.call("cuStreamSynchronize", PER_THREAD)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, examples))
    for example in examples:
        example.check()


def test_inputs_of_other_streams_are_waited_for_and_wait(emulator, context, call):
    pairs = [(77, 5), (77, 6), (5, 77), (6, 77)]
    before = [emulator.stream_waits(*pair) for pair in pairs]
    call().run(77, 5, 6)
    assert [emulator.stream_waits(*pair) for pair in pairs] == [count + 1 for count in before]
    assert emulator.stream == 77
    call().run(77, 77, None)
    assert [emulator.stream_waits(*pair) for pair in pairs] == [count + 1 for count in before]
    assert emulator.calls("cuEventDestroy_v2") == emulator.calls("cuEventCreate")


@pytest.mark.parametrize("waits", [True, False])
def test_what_another_stream_still_computes_is_right_because_it_is_waited_for(
    emulator, context, call, to_gpu, monkeypatch, waits
):
    """On the emulator, which does work as late as it may, so that it shows a wait that is missing."""
    from convt_cuda.device import Device

    if not waits:
        monkeypatch.setattr(Device, "wait", lambda *_: None)
    example = call()
    x, w = example.arrays
    example.arrays = to_gpu(np.full(x.shape, np.nan, x.dtype)), w
    copy = ctypes.CDLL("libcuda.so.1").cuMemcpyDtoDAsync_v2
    copy.argtypes = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
    assert not copy(int(example.arrays[0].gpudata), int(x.gpudata), x.nbytes, 5)
    example.run(77, 5, None)
    if waits:
        example.check()
    else:
        with pytest.raises(AssertionError):
            example.check()


def test_a_graph_has_scratch_of_its_own(cuda, capture, call):
    example = call()
    example.run(capture.handle.value)
    with capture.running():
        example.run(capture.handle.value)
    example.out.set(np.full_like(example.out.get(), np.nan))
    capture.replay()
    example.check()
    cuda._devices[0].pool.trim()
    other = call()
    for stream in (0, capture.handle.value):
        other.run(stream)
    example.arrays[0].set(2 * example.arrays[0].get())
    capture.replay()
    example.check(2)


def test_a_capture_in_a_stream_that_has_not_computed_yet(capture, call):
    example = call()
    example.run(0)
    with capture.running():
        example.run(capture.handle.value)
    capture.replay()
    example.check()


def test_what_the_driver_lacks_is_said(emulator, cuda):
    from convt_cuda.device import Device

    emulator.fail("cuMemPoolCreate", 801)
    with pytest.raises(
        RuntimeError,
        match=r"^GPU 0 \(emulated\) must have memory pools, got cuMemPoolCreate: operation not supported \(CUDA error 801\) "
        r"\(they need a driver for CUDA 11\.2 or later",
    ):
        Device(cuda._driver, 0)
