"""The GPU for the tests: a real one where there is one, else the emulator, else they are skipped and say why.

``CONVT_TEST_CUDA=emulated`` takes the emulator in any case. ``CONVT_EMULATOR`` names a folder in which it is kept from one
run to the next.
"""

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from halves import bits_of, values_of

HALVES = ("float16", "bfloat16")
BUILD = Path(__file__).parent / "emulator" / "build.py"


class Emulator:
    """What tests ask of the emulated driver."""

    def __init__(self, library):
        self._library = library
        library.emulator_fail.argtypes = ctypes.c_char_p, ctypes.c_int, ctypes.c_int
        library.emulator_set_memory.argtypes = (ctypes.c_size_t,)
        library.emulator_calls.argtypes = (ctypes.c_char_p,)
        library.emulator_calls.restype = library.emulator_blocks.restype = library.emulator_contexts.restype = ctypes.c_long
        library.emulator_host_waits.restype = library.emulator_stream_waits.restype = ctypes.c_long
        library.emulator_stream_waits.argtypes = ctypes.c_void_p, ctypes.c_void_p
        library.emulator_stream.restype = library.emulator_scratch_stream.restype = ctypes.c_void_p

    def fail(self, function, code, after=0):
        """One call of a function fails, after so many that go well."""
        self._library.emulator_fail(function.encode(), code, after)

    def set_memory(self, size):
        """How much a device has."""
        self._library.emulator_set_memory(size)

    def calls(self, function):
        """How often a function was called."""
        return self._library.emulator_calls(function.encode())

    @property
    def blocks(self):
        """Allocations that live."""
        return self._library.emulator_blocks()

    @property
    def contexts(self):
        """How many contexts this thread has pushed."""
        return self._library.emulator_contexts()

    @property
    def stream(self):
        """Of the last launch."""
        return self._library.emulator_stream() or 0

    @property
    def scratch_stream(self):
        """In which memory was last taken from a pool."""
        return self._library.emulator_scratch_stream() or 0

    @property
    def host_waits(self):
        """How often the host has called what waits for the GPU, or may."""
        return self._library.emulator_host_waits()

    def stream_waits(self, stream, other):
        """How often a stream was told to wait for another one."""
        return self._library.emulator_stream_waits(stream, other)


def _has_gpu():
    try:
        library = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int()
    return library.cuInit(0) == 0 and library.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value > 0


@pytest.fixture(scope="session")
def _emulator(tmp_path_factory):
    if importlib.util.find_spec("pycuda") is None:
        pytest.skip("PyCUDA is not installed (tests/backends/cuda/emulator/build_pycuda.py builds it without a GPU)")
    if os.environ.get("CONVT_TEST_CUDA") != "emulated" and _has_gpu():
        return None
    if shutil.which("c++") is None:
        pytest.skip("there is no GPU, and no C++ compiler to build the emulator with")
    kept = os.environ.get("CONVT_EMULATOR")
    folder = Path(kept) if kept else tmp_path_factory.mktemp("emulator")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}  # it has modules beside it
    command = [sys.executable, str(BUILD), str(folder)]
    built = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if "CUDA's headers" in built.stderr:
        pytest.skip(f"there is no GPU, and no emulator: {built.stderr.strip().splitlines()[-1]}")
    assert not built.returncode, built.stderr
    os.environ["EMULATOR_KERNELS"] = str(folder / "kernels.so")
    # Whoever asks for libcuda.so.1 from now on gets this one.
    library = ctypes.CDLL(str(folder / "libcuda.so.1"), mode=ctypes.RTLD_GLOBAL)
    library.folder = folder
    return library


@pytest.fixture(scope="session")
def _session_backend(_emulator, tmp_path_factory):
    import convt_cuda
    from convt_cuda import compiled

    if _emulator is not None and not compiled.FATBIN.is_file():
        # The emulator takes any code for a GPU and runs the host's build.
        compiled.FATBIN = tmp_path_factory.mktemp("kernels") / "convt.fatbin"
        compiled.FATBIN.write_bytes(bytes.fromhex("50ed55ba") + bytes(60))
    return convt_cuda.backend()


@pytest.fixture
def cuda(_session_backend, _emulator, install):
    """The backend, registered; after the test nothing is left pushed and no scratch memory is in use."""
    install(numpy="convt.numpy_backend:backend", cuda=_session_backend)
    _session_backend._devices[0]
    yield _session_backend
    for device in _session_backend._devices._devices.values():
        assert device.pool.info()[0] == 0
    if _emulator is not None:
        assert Emulator(_emulator).contexts == 0


@pytest.fixture
def emulator(cuda, _emulator):
    """The emulated driver; what tests of failures need."""
    if _emulator is None:
        pytest.skip("this asks the emulated driver, or makes it fail, and there is a real GPU")
    known = Emulator(_emulator)
    yield known
    known.set_memory(1 << 31)


@pytest.fixture
def emulated_environment(_emulator):
    """Environment variables for another process, which finds the same packages as this one."""
    homes = [str(Path(importlib.util.find_spec(package).origin).parents[1]) for package in ("convt", "convt_cuda")]
    paths = [*dict.fromkeys(homes), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    if _emulator is not None:
        environment["LD_LIBRARY_PATH"] = os.pathsep.join([str(_emulator.folder), os.environ.get("LD_LIBRARY_PATH", "")])
    return environment


@pytest.fixture
def context(cuda):
    """The first GPU's context, current."""
    with cuda._devices[0].current():
        yield


@pytest.fixture
def to_gpu(cuda):
    """NumPy arrays as GPUArrays, on any device."""
    from pycuda import gpuarray

    kept = []

    def to_gpu(array, device=0):
        with cuda._devices[device].current():
            made = gpuarray.to_gpu(np.asarray(array))
        kept.append((device, made))
        return made

    yield to_gpu
    for device, made in kept:
        with cuda._devices[device].current():
            if made.gpudata:
                made.gpudata.free()


@pytest.fixture
def to_host(cuda):
    """And back."""

    def to_host(array, device=0):
        with cuda._devices[device].current():
            return array.get()

    return to_host


class Tensor:
    """Numbers in PyCUDA's memory, which say what they are as PyTorch's tensors do; of half types it has the bits."""

    is_cuda, layout, requires_grad = True, "strided", False
    negated = conjugated = False

    def __init__(self, array, storage):
        self.array = array
        self.dtype, self.device = f"torch.{storage}", "cuda:0"

    @property
    def __cuda_array_interface__(self):
        if not self.is_cuda or self.layout != "strided":
            raise AttributeError("__cuda_array_interface__")
        if self.requires_grad:
            raise RuntimeError("Can't get __cuda_array_interface__ on Variable that requires grad.")
        return {**self.array.__cuda_array_interface__, "version": 2}

    @property
    def shape(self):
        return self.array.shape

    def stride(self):
        return tuple(step // self.array.itemsize for step in self.array.strides)

    def data_ptr(self):
        return int(self.array.gpudata) if self.array.size else 0

    def get_device(self):
        return int(self.device.partition(":")[2])

    def element_size(self):
        return self.array.itemsize

    def is_neg(self):
        return self.negated

    def is_conj(self):
        return self.conjugated

    def as_strided(self, shape, strides):
        from pycuda.gpuarray import GPUArray

        array = self.array
        strides = tuple(array.itemsize * step for step in strides)
        view = GPUArray(shape, array.dtype, base=array if array.size else None, gpudata=array.gpudata, strides=strides)
        return Tensor(view, self.dtype.removeprefix("torch."))


@pytest.fixture
def torch(to_gpu, monkeypatch):
    """As much of PyTorch as the backend asks."""
    from convt_cuda.kinds import kind_of

    torch = ModuleType("torch")

    class Stream:
        cuda_stream = 0

    def empty(shape, dtype, device):
        name = dtype.removeprefix("torch.")
        made = Tensor(to_gpu(np.empty(shape, np.uint16 if name in HALVES else name), int(device[5:])), name)
        made.device = device
        return made

    for name in ("float16", "bfloat16", "float32", "float64", "int64"):
        setattr(torch, name, f"torch.{name}")
    torch.Tensor, torch.empty, torch.strided, torch.is_grad_enabled = Tensor, empty, "strided", lambda: True
    torch.cuda = ModuleType("torch.cuda")
    torch.cuda.current_stream = lambda ordinal: Stream
    monkeypatch.setitem(sys.modules, "torch", torch)
    kind_of.cache_clear()
    yield torch
    kind_of.cache_clear()


@pytest.fixture
def from_bits(torch, to_gpu):
    """A tensor of a half type from what is in its memory."""

    def from_bits(bits, storage):
        return Tensor(to_gpu(np.asarray(bits, np.uint16)), storage)

    return from_bits


@pytest.fixture
def to_tensor(from_bits):
    """Numbers of a half type as a tensor."""
    return lambda values, storage: from_bits(bits_of(values, storage), storage)


@pytest.fixture
def numbers(to_host):
    """A tensor's numbers."""
    return lambda tensor: values_of(to_host(tensor.array), tensor.dtype.removeprefix("torch."))
