"""The benchmark on a GPU, or on the emulated one, whose clock says little."""

import pytest

pytest.importorskip("tqdm")
pytest.importorskip("threadpoolctl")

from convt.__main__ import main


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_layers_on_the_gpu(cuda, capsys, dtype):
    arguments = ["--cases", "tiny-1d,tiny-2d", "--backward", "--conv", "--peers", "none", "--repeat", "1", "--dtype", dtype]
    assert main(["bench", "--backend", "cuda", *arguments]) == 0
    printed = capsys.readouterr().out
    assert f"(backend cuda)\n{cuda.info()['gpus']}, {dtype}; arrays on the device" in printed
    assert ("conv, TF32: milliseconds" in printed) == (dtype == "float32")
    assert printed.count("\ntiny-2d ") == 5 * (4 if dtype == "float32" else 2)


def test_upsampling_on_the_gpu(cuda, capsys, monkeypatch):
    monkeypatch.setattr("convt.bench.device.run.sampling_jobs", _small)
    monkeypatch.setattr("convt.bench.device.sizes.ELEMENTS", 1)
    assert main(["bench", "--backend", "cuda", "--sampling", "--peers", "none", "--repeat", "1"]) == 0
    printed = capsys.readouterr().out
    assert "max_unpool, backward, channels last: milliseconds" in printed
    assert "bilinear: milliseconds" in printed


def _small(names, dtype):
    from convt.bench.cases import SamplingCase
    from convt.bench.jobs import SamplingJob, SamplingTask

    tasks = [SamplingTask("bilinear"), SamplingTask("max_pool"), SamplingTask("max_unpool", backward=True)]
    return [SamplingJob(SamplingCase(f"{task.family}-small", (1, 2, 6, 8), 2), task, dtype) for task in tasks]


def test_the_clock_counts_what_the_gpu_does(cuda, emulator):
    calls = []
    assert cuda.seconds(lambda: calls.append(0), 3) >= 0
    assert calls == [0, 0, 0]
    assert emulator.contexts == 0
