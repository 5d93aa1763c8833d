"""What is missing is said exactly, with what helps. These tests need neither PyCUDA nor a GPU."""

import os
import sys
from types import ModuleType

import numpy as np
import pytest

import convt
from convt.backend import BackendUnavailable
from convt_cuda import driver


@pytest.fixture
def no_pycuda(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pycuda"]:
        monkeypatch.delitem(sys.modules, name)

    def refuse(error):
        class Finder:
            @staticmethod
            def find_spec(name, path=None, target=None):
                if name.partition(".")[0] == "pycuda":
                    raise error

        monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])

    return refuse


def test_without_pycuda(no_pycuda):
    no_pycuda(ModuleNotFoundError("No module named 'pycuda'"))
    message = r"^PyCUDA must be installed, got No module named 'pycuda': pip install pycuda$"
    with pytest.raises(BackendUnavailable, match=message):
        driver.load_driver()


def test_without_a_driver(no_pycuda):
    no_pycuda(ImportError("libcuda.so.1: cannot open shared object file: No such file or directory"))
    with pytest.raises(BackendUnavailable, match=r"^NVIDIA's driver must be installed, got libcuda\.so\.1: .*--gpus all\)$"):
        driver.load_driver()


def test_with_a_pycuda_that_was_built_for_another_machine(no_pycuda):
    no_pycuda(ImportError("undefined symbol: cuSomething"))
    with pytest.raises(
        BackendUnavailable, match=r"^PyCUDA must be built for this machine, got undefined symbol: cuSomething: pip"
    ):
        driver.load_driver()


class Refusal(Exception):
    """pycuda.driver.Error of the pretended PyCUDA."""


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr(driver, "gpu_is_there", lambda: False)
    module = ModuleType("pycuda.driver")
    module.Error = Refusal
    module.init = lambda: None
    module.Device = ModuleType("Device")
    module.Device.count = lambda: 0
    package = ModuleType("pycuda")
    package.driver = module
    monkeypatch.setitem(sys.modules, "pycuda", package)
    monkeypatch.setitem(sys.modules, "pycuda.driver", module)
    return module


def test_without_a_gpu(pretended):
    with pytest.raises(
        BackendUnavailable, match=r"^an NVIDIA GPU must be visible, got none \(see nvidia-smi and CUDA_VISIBLE"
    ):
        driver.load_driver()


def test_with_a_driver_that_refuses(pretended):
    def init():
        raise Refusal("cuInit failed: no CUDA-capable device is detected")

    pretended.init = init
    with pytest.raises(BackendUnavailable, match=r"^an NVIDIA GPU must be visible to the driver, got cuInit failed: no C"):
        driver.load_driver()


def test_the_reason_is_remembered_and_shown(install, pretended):
    known = install(cuda="convt_cuda:backend", numpy="convt.numpy_backend:backend")
    reason = convt.backends()["cuda"].reason
    assert reason.startswith("backend 'cuda' (convt_cuda:backend) cannot be used: an NVIDIA GPU must be visible, got none")
    pretended.Device.count = lambda: 1 / 0
    with pytest.raises(BackendUnavailable, match="an NVIDIA GPU must be visible, got none"):
        known.get("cuda")
    assert convt.show_config("dicts")["backends"]["cuda"]["state"] == f"not usable: {reason}"
    x = np.ones((1, 1, 3))
    with pytest.raises(BackendUnavailable, match="an NVIDIA GPU must be visible"):
        convt.conv(x, x, backend="cuda")
    assert convt.conv(x, x) == 3


# With a driver


def test_a_function_that_the_driver_does_not_have(cuda, monkeypatch):
    monkeypatch.setitem(driver._SIGNATURES, "cuFromTheFuture", ())
    with pytest.raises(driver.CudaError, match=r"^cuFromTheFuture: this driver does not have the function; it is too old"):
        cuda._driver.call("cuFromTheFuture")


def test_a_call_that_fails_says_which_and_why(cuda, emulator, context):
    emulator.fail("cuEventRecord", 1)
    with pytest.raises(driver.CudaError, match=r"^cuEventRecord: invalid argument \(CUDA error 1\)$"):
        cuda._devices[0].wait(0, 1)
    assert emulator.calls("cuEventCreate") == emulator.calls("cuEventDestroy_v2")


def test_a_fork_cannot_go_on(cuda):
    x = np.ones((1, 1, 3))
    assert convt.conv(x, x, backend="cuda") == 3
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            convt.conv(x, x, backend="cuda")
        except BackendUnavailable as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    assert b"CUDA must be first used after a fork" in os.read(reader, 1000)
    os.close(reader)


def test_the_configuration_shows_it(cuda):
    shown = convt.show_config("dicts")["backends"]["cuda"]
    assert shown["state"] == "usable, priority 50"
    assert {"gpus", "driver", "kernels", "engines", "workspace limit"} <= set(shown)
