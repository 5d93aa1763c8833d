"""busy: teams by number of threads, in turns, while a crowd computes; the crowd is none here."""

import json
from contextlib import contextmanager

import pytest

pytest.importorskip("tqdm")

from convt.__main__ import main
from convt.bench import busy
from convt.bench.cases import CASES
from convt.bench.jobs import FORWARD, LayerJob
from convt.bench.ours import Ours
from convt.bench.peers import Unsupported
from convt.bench.peers.peer import Peer
from convt.bench.results import BusyResult
from convt.bench.timing import summarize


class Fake(Peer):
    """Computes convt's answer, and tells in whose session it does."""

    name, version = "fake", "1.0"

    def __init__(self, threads, error=None, entered=None, seen=None):
        self.threads, self.error = threads, error
        self.entered = [] if entered is None else entered
        self.seen = set() if seen is None else seen

    @contextmanager
    def session(self):
        self.entered.append(self.threads)
        yield
        self.entered.remove(self.threads)

    def layer(self, job):
        if self.error:
            raise self.error
        run = Ours(1, job.dtype).prepare(job)

        def call():
            self.seen.add((self.threads, *self.entered))
            return run()

        return call


@pytest.fixture
def crowds(monkeypatch):
    """The sizes of the crowds that were asked for."""
    sizes = []

    @contextmanager
    def nobody(count):
        sizes.append(count)
        yield []

    monkeypatch.setattr("convt.bench.busy.crowd", nobody)
    monkeypatch.setattr("convt.bench.choice.cores", lambda: 3)
    return sizes


def test_each_number_of_threads_is_a_contender_in_its_own_session():
    entered, seen = [], set()
    teams = {number: [Ours(number, "float32"), Fake(number, entered=entered, seen=seen)] for number in (1, 2)}
    result = busy.measure(LayerJob(CASES["tiny-1d"], FORWARD[0], "float32"), teams, 2)
    assert {name: sorted(by) for name, by in result.times.items()} == {"convt": [1, 2], "fake": [1, 2]}
    assert seen == {(1, 1), (2, 2)}
    assert (result.wrong, result.reasons) == ({}, {})


def test_who_cannot_is_told():
    teams = {1: [Ours(1, "float32"), Fake(1, Unsupported("has no gradients"))]}
    result = busy.measure(LayerJob(CASES["tiny-1d"], FORWARD[0], "float32"), teams, 1)
    assert list(result.times) == ["convt"]
    assert result.reasons == {"fake": "has no gradients"}


def test_the_command(tmp_path, capsys, monkeypatch, crowds):
    monkeypatch.setattr("convt.bench.peers.load", lambda names, threads: [Fake(threads)])
    arguments = ["--cases", "tiny-1d", "--repeat", "2", "--backend", "numpy", "--json", str(tmp_path / "a.json")]
    assert main(["bench", "--busy", *arguments]) == 0
    printed = capsys.readouterr().out
    assert crowds == [6]
    assert "convt" in printed.splitlines()[0]
    assert "fake 1.0" in printed.splitlines()[0]
    assert "3 cores, float32, 2 calls of each\n6 other processes computed meanwhile" in printed
    (titles,) = (line.split() for line in printed.splitlines() if line.startswith("case"))
    assert titles == ["case", "who", "1", "thread", "90", "%", "3", "threads", "90", "%", "x", "1", "thread", "x", "convt"]
    assert [line.split()[:2] for line in printed.splitlines() if line.startswith("tiny-1d")] == [
        ["tiny-1d", "convt"],
        ["tiny-1d", "fake"],
    ]
    document = json.loads((tmp_path / "a.json").read_text())
    assert document["processes"] == 6
    assert set(document["results"][0]["times"]["fake"]) == {"1", "3"}


def test_one_thread_is_compared_with_nothing(capsys, monkeypatch, crowds):
    assert main(["bench", "--busy", "--cases", "tiny-1d", "--peers", "none", "--repeat", "1", "--threads", "1"]) == 0
    (titles,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("case"))
    assert titles.split() == ["case", "who", "1", "thread", "90", "%", "x", "convt"]


def test_the_busy_family_by_default(monkeypatch, crowds):
    def measured(job, teams, repeat):
        times = {number: summarize([1.0, 2.0]) for number in teams}
        return BusyResult(job, {"convt": times}, {}, {})

    monkeypatch.setattr("convt.bench.busy.measure", measured)
    results = busy.run(peer_names=["none"])
    assert [result.job.case.name for result in results] == ["busy-184", "busy-28", "busy-56", "busy-64"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--conv"], "conv must not be given with --busy"),
        (["--plot", "a.png"], "plot must not be given with --busy"),
        (["--threads", "1,2"], "threads must be one number without --schedule, got 1, 2"),
        (["--threads", "4"], "threads must be from 1 to 3"),
        (["--repeat", "0"], "repeat must be at least 1, got 0"),
        (["--cases", "bussy"], "did you mean 'busy'?"),
        (["--json", "/nowhere/a.json"], "json must be a file in an existing directory"),
    ],
)
def test_what_is_wrong_is_told_before_the_work(capsys, crowds, arguments, message):
    assert main(["bench", "--busy", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert crowds == []
