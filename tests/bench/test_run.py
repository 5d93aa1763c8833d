"""run and the command: end to end on tiny cases without peers, wrong peers, and what is checked before the work."""

import json
import os
import sys
from contextlib import nullcontext

import numpy as np
import pytest

pytest.importorskip("tqdm")

from convt.__main__ import main
from convt.bench import run as story
from convt.bench.cases import CASES, SamplingCase
from convt.bench.jobs import BACKWARD, CONV, FORWARD, LayerJob, SamplingJob, SamplingTask
from convt.bench.machine import Machine
from convt.bench.ours import Kept, Ours
from convt.bench.peers import Unsupported
from convt.bench.results import difference

MACHINE = Machine("abacus", 1, 1e12, {1: 1e9})


class Peer:
    """Computes convt's answer with a factor, or refuses."""

    version = "1.0"

    def __init__(self, name, factor=1.0, error=None):
        self.name, self.factor, self.error = name, factor, error

    def session(self):
        return nullcontext()

    def prepare(self, job):
        if self.error:
            raise self.error
        run = Ours(1, job.dtype).prepare(job)
        return lambda: np.multiply(run(), self.factor)


@pytest.fixture
def quick(monkeypatch):
    """The machine is not measured."""
    monkeypatch.setattr("convt.bench.machine.measure", lambda *_: MACHINE)


def failure(capsys, *arguments):
    """The exit status and the one line on standard error."""
    status = main(["bench", *map(str, arguments)])
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors.count("\n") == 1
    return status, errors.strip()


def test_end_to_end_without_peers(tmp_path, capsys):
    arguments = ["--cases", "tiny-1d", "--peers", "none", "--repeat", "2", "--threads", "1", "--backend", "numpy", "--json"]
    assert main(["bench", *arguments, str(tmp_path / "results.json")]) == 0
    printed, bar = capsys.readouterr()
    assert "(backend numpy)" in printed
    assert "1 thread, float32, 2 samples (6 of short calls)" in printed
    assert "\nconv_transpose: milliseconds" in printed
    assert "\ntiny-1d  " in printed
    assert "1/1" in bar
    assert json.loads((tmp_path / "results.json").read_text())["machine"]["flops"] > 1e8


def test_every_task_has_a_table(capsys, quick):
    results = story.run(["tiny-1d"], ["none"], backward=True, conv=True, threads=1, dtype="float64", repeat=1)
    printed = capsys.readouterr().out
    assert len(results) == 5
    assert printed.count("tiny-1d") == 5
    assert "\nconv, gradients of x, w and bias: " in printed


def test_upsampling_and_pooling(capsys, monkeypatch, quick):
    jobs = [
        SamplingJob(SamplingCase(f"{task.family}-small", (2, 3, 8, 6), 2), task, "float32")
        for task in (SamplingTask("nearest"), SamplingTask("max_pool", backward=True))
    ]
    monkeypatch.setattr("convt.bench.run.sampling_jobs", lambda names, dtype: jobs)
    assert main(["bench", "--sampling", "--peers", "none", "--repeat", "1", "--threads", "1"]) == 0
    printed = capsys.readouterr().out
    assert "\nnearest: milliseconds" in printed
    assert "\nmax_pool, backward: milliseconds" in printed
    assert main(["bench", "--sampling", "--conv"]) == 2
    assert "sampling must be asked for alone" in capsys.readouterr().err


def test_threads_are_set_for_convt_and_restored(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "7")
    with Ours(1, "float32").session():
        assert os.environ["CONVT_NUM_THREADS"] == "1"
    assert os.environ["CONVT_NUM_THREADS"] == "7"
    monkeypatch.delenv("CONVT_NUM_THREADS")
    with Ours(1, "float32").session():
        pass
    assert "CONVT_NUM_THREADS" not in os.environ


def test_constant_filters_are_a_contender_where_filters_are_not_trained():
    kept, others = Kept(1, "float32"), [Kept(1, "float32")]
    for task in (*FORWARD, *CONV[:1], BACKWARD[1]):
        job = LayerJob(CASES["tiny-2d"], task, "float32")
        assert difference(kept.prepare(job)(), Ours(1, "float32").prepare(job)()) == 0
        result = story.measure(job, Ours(1, "float32"), others, MACHINE, 1)
        assert list(result.times) == ["convt", "Filters"]
        assert result.ratios == {}
        assert result.kept_ratio is None
    for task in (BACKWARD[0], BACKWARD[2]):
        job = LayerJob(CASES["tiny-2d"], task, "float32")
        result = story.measure(job, Ours(1, "float32"), others, MACHINE, 1)
        assert result.reasons == {"Filters": "are no constants where they are trained"}


def test_peers_that_are_right_wrong_or_missing():
    others = [
        Peer("right"),
        Peer("wrong", factor=1.01),
        Peer("unable", error=Unsupported("has no gradients")),
        Peer("broken", error=RuntimeError("oh\nmore")),
    ]
    result = story.measure(LayerJob(CASES["tiny-2d"], FORWARD[0], "float32"), Ours(1, "float32"), others, MACHINE, 1)
    assert list(result.times) == ["convt", "right", "wrong"]
    assert result.wrong == {"wrong": pytest.approx(0.01, rel=1e-3)}
    assert list(result.ratios) == ["right"]
    assert result.reasons == {"unable": "has no gradients", "broken": "fails: oh"}


def test_the_picture_is_drawn(tmp_path, monkeypatch, quick):
    pytest.importorskip("matplotlib")
    monkeypatch.setattr("convt.bench.peers.load", lambda *_: [Peer("red")])
    story.run(["tiny-2d"], threads=1, repeat=1, plot=tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").read_text().startswith("<?xml")


@pytest.mark.parametrize("words", [["--list"], ["--cases", "list"]])
def test_the_list_shows_all_cases(capsys, words):
    assert main(["bench", *words]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CASES)


def test_what_is_wrong_is_told_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("convt.bench.run.alternate", lambda *_: pytest.fail("timed"))
    cases = [
        (["--cases", "dcgam"], "did you mean 'dcgan"),
        (["--peers", "torhc"], "did you mean 'torch'?"),
        (["--threads", 0], "threads must be from 1 to"),
        (["--repeat", 0], "repeat must be at least 1, got 0"),
        (["--backend", "nunpy"], "did you mean 'numpy'?"),
        (["--peers", "none", "--json", tmp_path / "none" / "a.json"], "json must be a file in an existing directory"),
    ]
    for arguments, message in cases:
        status, line = failure(capsys, *arguments)
        assert status == 2
        assert line.startswith("convt: error: ")
        assert message in line


def test_a_picture_needs_a_peer_and_a_known_type(tmp_path, capsys, monkeypatch):
    pytest.importorskip("matplotlib")
    assert "plot must have a peer" in failure(capsys, "--peers", "none", "--plot", tmp_path / "a.png")[1]
    monkeypatch.setattr("convt.bench.peers.load", lambda *_: [Peer("red")])
    assert "known extension" in failure(capsys, "--plot", tmp_path / "a.xyz")[1]


def test_missing_packages_are_one_line_and_status_1(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    status, line = failure(capsys)
    assert status == 1
    assert line.startswith("bench needs tqdm: pip install ")


@pytest.mark.parametrize("arguments", [["--dtype", "float8"], ["--threads", "two"]])
def test_wrong_arguments_end_with_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(["bench", *arguments])
    assert stop.value.code == 2
    assert "error: " in capsys.readouterr().err
