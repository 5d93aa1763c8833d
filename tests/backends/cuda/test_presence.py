"""Whether there is a GPU is told without CUDA where that is possible; nothing here needs one."""

import ctypes
import os
import sys
from types import ModuleType

import pytest

from convt.backend import BackendUnavailable
from convt_cuda import driver, presence
from convt_cuda.driver import Driver


class Nvml:
    """As much of NVML as is asked."""

    def __init__(self, count=2, init=0, counting=0):
        self.open = 0

        def begin():
            self.open += not init
            return init

        def tell(answer):
            answer._obj.value = count
            return counting

        def end():
            self.open -= 1

        self.nvmlInit_v2, self.nvmlDeviceGetCount_v2, self.nvmlShutdown = begin, tell, end


@pytest.fixture
def nvml(monkeypatch):
    def nvml(*arguments, **options):
        made = Nvml(*arguments, **options)
        monkeypatch.setattr(ctypes, "CDLL", lambda name: made)
        return made

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return nvml


@pytest.mark.parametrize(
    ("options", "found"), [({}, True), ({"count": 0}, False), ({"init": 18}, False), ({"counting": 999}, False)]
)
def test_what_nvml_tells(nvml, options, found):
    made = nvml(**options)
    assert presence.gpu_is_there() is found
    assert made.open == 0


@pytest.mark.parametrize(
    ("visible", "found"),
    [("0", True), ("1,0", True), ("2", False), ("", False), ("-1", False), ("GPU-8932f937", False), ("NoDevFiles", False)],
)
def test_only_what_cuda_will_see_counts(nvml, monkeypatch, visible, found):
    nvml(count=2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert presence.gpu_is_there() is found


def test_without_nvml(nvml, monkeypatch):
    def refuse(name):
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    assert not presence.gpu_is_there()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    assert not presence.gpu_is_there()


class Refusal(Exception):
    """pycuda.driver.Error."""


class Pycuda:
    """As much of pycuda.driver as is asked."""

    Error = Refusal

    def __init__(self, reason=None, count=1):
        self.reason, self.started = reason, 0
        self.Device = type("Device", (), {"count": staticmethod(lambda: count)})

    def init(self):
        self.started += 1
        if self.reason:
            raise Refusal(self.reason)


def test_cuda_is_initialised_once_and_late():
    pycuda = Pycuda()
    made = Driver(pycuda)
    assert (made.process, pycuda.started) == (None, 0)
    assert made.count == 1
    made.start()
    assert (made.process, pycuda.started) == (os.getpid(), 1)


def test_a_driver_that_refuses_late():
    made = Driver(Pycuda("cuInit failed: initialization error"))
    for _ in range(2):
        with pytest.raises(BackendUnavailable, match=r"^an NVIDIA GPU must be visible to the driver, got .*'spawn'\)$"):
            made.start()


def test_looking_for_backends_leaves_cuda_alone(monkeypatch):
    pycuda, package = Pycuda(), ModuleType("pycuda")
    package.driver = pycuda
    monkeypatch.setitem(sys.modules, "pycuda", package)
    monkeypatch.setitem(sys.modules, "pycuda.driver", pycuda)
    monkeypatch.setattr(driver, "gpu_is_there", lambda: True)
    assert driver.load_driver().process is None
    assert pycuda.started == 0
    monkeypatch.setattr(driver, "gpu_is_there", lambda: False)
    assert driver.load_driver().process == os.getpid()
    assert pycuda.started == 1
