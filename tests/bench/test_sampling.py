"""Upsampling and pooling in the benchmark: convt's call and torch's agree, and the story is told of them too."""

import numpy as np
import pytest

pytest.importorskip("tqdm")

from convt.__main__ import main
from convt.bench.agreement import TOLERANCE, difference
from convt.bench.machine import Machine
from convt.bench.ours import Ours
from convt.bench.peers import load
from convt.bench.sampling import SAMPLING_CASES, SamplingCase, SamplingJob, SamplingTask, sampling_jobs

TASKS = [SamplingTask(name, back) for name in ("nearest", "bilinear", "max_pool", "max_unpool") for back in (False, True)]


def job(task, dtype="float32"):
    return SamplingJob(SamplingCase(f"{task.family}-small", (2, 3, 8, 6), 2), task, dtype)


@pytest.mark.parametrize("task", TASKS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_agrees(task, dtype):
    pytest.importorskip("torch")
    (peer,) = load(["torch"], 1)
    with peer.session():
        ours = Ours(1, dtype).prepare(job(task, dtype))()
        assert difference(peer.prepare(job(task, dtype))(), ours) < TOLERANCE[dtype]


def test_bytes_are_those_of_the_arrays():
    assert job(TASKS[0]).bytes == 4 * 288 * 5
    assert job(TASKS[4]).bytes == 4 * 288 + 72 * 12
    assert job(TASKS[0]).flops == 0


def test_all_tasks_on_all_their_cases():
    assert len(sampling_jobs(None, "float32")) == 4 * len(SAMPLING_CASES)
    with pytest.raises(LookupError, match="did you mean 'upsample-14'"):
        sampling_jobs(["upsample-13"], "float32")


def test_the_command(capsys, monkeypatch):
    monkeypatch.setattr("convt.bench.machine.measure", lambda *_: Machine("abacus", 1, 1e12, {1: 1e9}))
    monkeypatch.setattr("convt.bench.run.sampling_jobs", lambda names, dtype: [job(TASKS[0]), job(TASKS[5])], raising=True)
    assert main(["bench", "--sampling", "--peers", "none", "--repeat", "1", "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert "\nnearest: milliseconds" in printed
    assert "\nmax_pool, backward: milliseconds" in printed
    assert main(["bench", "--sampling", "--conv"]) == 2
    assert "sampling must be asked for alone" in capsys.readouterr().err


def test_arrays_are_the_same_every_time():
    np.testing.assert_array_equal(job(TASKS[1]).dy, job(TASKS[1]).dy)
