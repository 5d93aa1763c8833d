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
