"""The stand-in for cuDNN, built once, and a device whose memory is the host's."""

import ctypes
import gc
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from halves import TYPES as HALVES
from halves import bits_of, rounded, values_of
from numpy.lib.stride_tricks import as_strided

from convt_cuda import choice
from convt_cuda.cudnn import Cudnn, Wishes, engine
from convt_cuda.cudnn.library import Library
from convt_cuda.cudnn.maps import MAPS

SOURCE = Path(__file__).with_name("standin.c")
GUARD = 0x5A


class HostPool:
    """Blocks of exactly the sizes asked for, with guards behind them that must stay as they are."""

    def __init__(self):
        self._blocks = {}
        self.largest = 0
        self.full_above = float("inf")

    def acquire(self, size, stream):
        if size > self.full_above:
            raise MemoryError(f"{size} bytes")
        block = np.full(size + 512, GUARD, np.uint8)
        start = -block.ctypes.data % 256
        address = block.ctypes.data + start
        block[start : start + size] = 0xFF
        self._blocks[address] = block, start + size
        self.largest = max(self.largest, size)
        return address

    def release(self, address):
        block, end = self._blocks.pop(address)
        assert (block[end:] == GUARD).all(), "written behind a block"

    @property
    def used(self):
        return len(self._blocks)


class HostDevice:
    """As much of `convt_cuda.device.Device` as cuDNN's engine needs."""

    ordinal = 0
    name = "GPU 0 (the host)"

    def __init__(self):
        self.pool = HostPool()
        self.pushed = 0
        self.launched = []  # names of kernels

    @contextmanager
    def current(self):
        self.pushed += 1
        try:
            yield
        finally:
            self.pushed -= 1

    def clear(self, address, size, stream):
        ctypes.memset(address, 0, size)

    def launch(self, launch, pointers, stream):
        """The kernels of moving.cuh, by NumPy."""
        self.launched.append(launch.kernel)
        what, storage = launch.kernel.split("_")[0], launch.kernel.rpartition("_")[2]
        steps, (sizes, views) = {"from": launch.values[1:6], "to": launch.values[7:12]}, (launch.values[12::4], {})
        for name, strides in steps.items():
            dtype = np.dtype(np.uint16 if storage in HALVES else storage)
            first = np.frombuffer((ctypes.c_char * dtype.itemsize).from_address(pointers[name]), dtype)
            views[name] = as_strided(first, sizes, [step * dtype.itemsize for step in strides])
        source, target = views["from"], views["to"]
        if what == "copy":
            target[...] = source
        elif storage in HALVES:
            target[...] = bits_of(rounded(values_of(target, storage) + values_of(source, storage), storage), storage)
        else:
            target += source


class Standin:
    """The stand-in: the engine over it, and what tests ask of it."""

    def __init__(self, path):
        self.path = path
        self._library = ctypes.CDLL(str(path))
        self._library.standin_fail.argtypes = ctypes.c_char_p, ctypes.c_int, ctypes.c_int
        self._library.standin_log.restype = ctypes.c_char_p
        self._library.standin_live.restype = ctypes.c_long
        self._library.standin_stream.restype = ctypes.c_void_p
        self.cudnn = Cudnn(Library(self._library, "the stand-in"))
        self.device = HostDevice()

    def fail(self, function, status, after=0):
        """One call of a function fails, after so many that go well."""
        self._library.standin_fail(function.encode(), status, after)

    def spoil(self, on=True):
        """All that scatter computes is not a number, as if weights that are not finite had reached all of it."""
        self._library.standin_spoil(on)

    @property
    def live(self):
        """Descriptors and handles that have not been destroyed."""
        return self._library.standin_live()

    @property
    def log(self):
        """A line for each convolution."""
        return self._library.standin_log().decode().splitlines()

    @property
    def stream(self):
        """Of the last convolution."""
        return self._library.standin_stream() or 0

    def clear(self):
        self._library.standin_clear()
        self.device.launched.clear()

    def plans(self, problem, data_map, arrays, storage=None, **wishes):
        """The plans of a map for NumPy arrays (left, right, out); those of a half type hold its bits."""
        wanted = {"workspace_limit": 2**29, "allow_tf32": False, "deterministic": True, **wishes}
        strides = tuple(tuple(step // array.itemsize for step in array.strides) for array in arrays)
        return self.cudnn.plans(problem, data_map, strides, self.device, Wishes(**wanted), storage)

    def plan(self, problem, data_map, arrays, storage=None, **wishes):
        """The first of them, if there is any."""
        return next(iter(self.plans(problem, data_map, arrays, storage, **wishes)), None)

    def run(self, plan, arrays, bias=None):
        """Run a plan on NumPy arrays, the workspace's end guarded."""
        left, right, out = (array.ctypes.data for array in arrays)
        pointers = {"left": left, "right": right, "out": out, "bias": 0, "work": 0}
        if bias is not None:
            pointers.update(bias=bias.ctypes.data, bias_stride=bias.strides[0] // bias.itemsize)
        if plan.workspace:
            pointers["work"] = self.device.pool.acquire(plan.workspace, 0)
        try:
            plan.run(self.device, 0, pointers)
        finally:
            if plan.workspace:
                self.device.pool.release(pointers["work"])

    def compute(self, problem, data_map, arrays, bias=None, storage=None, **wishes):
        """Plan and run."""
        plan = self.plan(problem, data_map, arrays, storage, **wishes)
        self.run(plan, arrays, bias)
        return plan


def _build(folder, *flags):
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler to build the stand-in for cuDNN with")
    path = folder / "libcudnn.so.9"
    command = [
        "cc",
        "-std=c11",
        "-O1",
        "-fPIC",
        "-shared",
        "-fvisibility=hidden",
        *flags,
        str(SOURCE),
        "-o",
        str(path),
        "-lm",
    ]
    subprocess.run(command, check=True)
    return path


@pytest.fixture(scope="session")
def standin_path(tmp_path_factory):
    """The stand-in as a library."""
    return _build(tmp_path_factory.mktemp("cudnn"))


@pytest.fixture(scope="session")
def standin_with_a_name(tmp_path_factory):
    """One that the loader knows as libcudnn.so.9, for other processes: in this one it would be taken for a real one."""
    return _build(tmp_path_factory.mktemp("cudnn"), "-Wl,-soname,libcudnn.so.9")


@pytest.fixture(scope="session")
def standin_without_filters(tmp_path_factory):
    """A library that lacks the functions for filters' gradients."""
    return _build(tmp_path_factory.mktemp("cudnn"), "-DWITHOUT_FILTERS")


@pytest.fixture
def standin(standin_path):
    """Fresh for each test; at its end no scratch memory is in use, nothing left pushed, nothing leaked."""
    made = Standin(standin_path)
    gc.freeze()  # what is garbage by now is not destroyed until the test is over
    before = made.live
    made.clear()
    yield made
    made.spoil(False)
    assert made.device.pool.used == 0
    made.cudnn._handles.close()
    gc.collect()
    live = made.live
    gc.unfreeze()
    assert made.device.pushed == 0
    assert live == before


@pytest.fixture
def arrays_of(rng):
    """Random (left, right, out) of a map, out not a number."""

    def arrays_of(problem, data_map):
        shapes = [getattr(problem, f"{role}_array_shape") for role in MAPS[data_map].ours]
        left, right = (rng.standard_normal(shape).astype(problem.dtype) for shape in shapes[:2])
        return [left, right, np.full(shapes[2], np.nan, problem.dtype)]

    return arrays_of


@pytest.fixture
def over_standin(emulator, standin, standin_path, monkeypatch):
    """The stand-in as the cuDNN of the cuda backend, which runs on the emulated driver."""
    monkeypatch.setenv("CONVT_CUDNN_LIBRARY", str(standin_path))
    engine._loaded.cache_clear()
    choice._choose.cache_clear()
    before = standin.live
    yield standin
    choice._choose.cache_clear()
    loaded = engine._loaded()
    engine._loaded.cache_clear()
    if isinstance(loaded, Cudnn):
        loaded._handles.close()
    del loaded
    gc.collect()
    assert standin.live == before
