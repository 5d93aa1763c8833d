"""Threads, and how a process ends: no leak, no context left, no complaint."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import convt


def test_threads_share_the_device(cuda, rng, to_gpu):
    calls = [(rng.standard_normal((2, 3, 9)), rng.standard_normal((3, 4, 3))) for _ in range(8)]
    arrays = [(to_gpu(x), to_gpu(w)) for x, w in calls]

    def run(index):
        from_host = convt.conv_transpose(*calls[index], stride=2, backend="cuda")
        on_gpu = convt.conv_transpose(*arrays[index], stride=2)
        with cuda._devices[0].current():
            return from_host, on_gpu.get(), on_gpu.gpudata.free()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(run, range(8)))
    for (x, w), (from_host, on_gpu, _) in zip(calls, results, strict=True):
        expected = convt.conv_transpose(x, w, stride=2, backend="numpy")
        np.testing.assert_allclose(from_host, expected, atol=1e-12)
        np.testing.assert_array_equal(on_gpu, from_host)


def test_threads_open_the_device_once(cuda):
    from convt_cuda.device import Devices

    devices = Devices(cuda._driver)
    with ThreadPoolExecutor(8) as pool:
        assert len({id(device) for device in pool.map(devices.__getitem__, [0] * 32)}) == 1


@pytest.mark.parametrize(
    "ending",
    [
        "pass",
        "raise SystemExit(0)",
        "import threading; t = threading.Thread(target=lambda: convt.conv(x, x, backend='cuda')); t.start(); t.join()",
        "y = convt.conv(ga, ga)",  # a result of the caller's that is still alive
    ],
)
def test_a_process_ends_in_silence(cuda, emulated_environment, ending):
    code = f"""
import numpy as np, convt
from pycuda import gpuarray
import pycuda.autoprimaryctx
x = np.ones((1, 1, 3))
assert convt.conv(x, x, backend="cuda") == 3
ga = gpuarray.to_gpu(x)
assert convt.conv(ga, ga).get() == 3
{ending}
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=emulated_environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_command_line_shows_the_gpu(cuda, emulated_environment):
    done = subprocess.run(
        [sys.executable, "-m", "convt"], env=emulated_environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0
    assert "usable, priority 50" in done.stdout or "the kernels must be built with convt" in done.stdout
    assert done.stderr == ""


FORK = """
import os, sys, numpy as np
from convt_cuda import compiled, driver
from pathlib import Path
driver.gpu_is_there = lambda: True
compiled.FATBIN = Path(sys.argv[1])
import convt
x = np.ones((1, 1, 3))
"""


@pytest.fixture
def fork(cuda, emulator, emulated_environment):
    """Runs code before a fork and in the child, and gives back what both print."""
    from convt_cuda import compiled

    def fork(before, child):
        code = f"{FORK}{before}\nif not os.fork():\n    {child}\n    sys.stdout.flush()\n    os._exit(0)\nos.wait()"
        command = [sys.executable, "-c", code, str(compiled.FATBIN)]
        done = subprocess.run(command, env=emulated_environment, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return fork


CALL = "print(convt.conv(x, x, backend='cuda'))"
REFUSED = "\n    ".join(["try: convt.conv(x, x, backend='cuda')", "except convt.BackendUnavailable as error: print(error)"])


def test_a_child_uses_the_gpu_that_its_parent_has_only_looked_for(fork):
    assert fork("assert convt.backends()['cuda'].usable; assert convt.conv(x, x) == 3", CALL) == "[[[3.]]]\n"


def test_a_child_of_a_process_that_has_used_the_gpu(fork):
    message = "backend 'cuda' cannot do this call: CUDA must be first used after a fork, got a fork of a process that"
    assert fork("convt.conv(x, x, backend='cuda')", REFUSED).startswith(message)


def test_a_child_of_a_process_that_has_opened_no_device_yet(fork):
    message = "backend 'cuda' cannot do this call: CUDA must be first used after a fork, got a fork of a process that"
    assert fork("convt.show_config('dicts')", REFUSED).startswith(message)
