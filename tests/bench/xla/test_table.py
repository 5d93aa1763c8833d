"""table and results: who is the fastest of XLA's forms, and how far convt.jax is ahead."""

import pytest

from convt.bench.cases import CASES
from convt.bench.jobs import FORWARD, LayerJob
from convt.bench.timing import summarize
from convt.bench.xla.results import Measured, Result
from convt.bench.xla.table import notes, table


def result(name, wrong=None, reasons=None, **seconds):
    forms = {"ours": "convt.jax", "nchw": "dilated, first", "nhwc": "dilated, last", "phases": "phases, last"}
    times = {forms[who]: summarize([taken]) for who, taken in seconds.items()}
    measured = Measured(times, {}, wrong or {}, reasons or {}, None)
    return Result(LayerJob(CASES[name], FORWARD[0], "float32"), measured)


AHEAD = result("tiny-1d", ours=1.0, nchw=9.0, nhwc=8.0, phases=2.0)
BEHIND = result("tiny-2d", ours=1.0, nchw=0.5, nhwc=4.0, wrong={"phases, last": 0.5})
ALONE = result("tiny-3d", ours=1.0, reasons={"phases, last": "takes more than 60 s for one call"})


def test_the_best_form_may_be_what_users_write():
    assert (AHEAD.written, AHEAD.best) == ("dilated, last", "phases, last")
    assert (BEHIND.written, BEHIND.best) == ("dilated, first", "dilated, first")
    assert (ALONE.written, ALONE.best) == (None, None)
    assert [AHEAD.ratio(name) for name in (AHEAD.written, AHEAD.best, None)] == [8.0, 2.0, None]
    assert result("tiny-1d", nchw=1.0).ratio("dilated, first") is None


def test_a_row_per_case_and_the_means():
    lines = table([AHEAD, BEHIND, ALONE]).splitlines()
    assert lines[0].split()[:2] == ["case", "convt.jax"]
    assert " ".join(lines[0].split()).endswith("XLA as written XLA at best form x written x best")
    rows = [line.split() for line in lines[2:5]]
    assert rows[0][:1] + rows[0][-4:] == ["tiny-1d", "phases,", "last", "8.00", "2.00"]
    assert rows[1][-2:] == ["0.50", "0.50"]
    assert rows[2][-5:] == ["-"] * 5
    assert lines[-1].split() == ["geometric", "mean", "x", "2.00", "x", "1.00"]


def test_markdown_has_the_shapes():
    lines = table([AHEAD, BEHIND], markdown=True).splitlines()
    assert len({line.count("|") for line in lines}) == 1
    assert str(CASES["tiny-1d"]) in lines[2]


def test_notes():
    counted, wrong, missing = notes([AHEAD, BEHIND, ALONE])
    assert counted == "convt.jax is 2 times as fast as XLA at best, or more, in 1 of 2 cases; less: tiny-2d 0.50"
    assert "phases, last differs" in wrong
    assert missing == "- phases, last takes more than 60 s for one call: tiny-3d"
    assert notes([AHEAD]) == ["convt.jax is 2 times as fast as XLA at best, or more, in 1 of 1 cases"]


@pytest.mark.parametrize("markdown", [False, True])
def test_no_form_at_all(markdown):
    assert table([ALONE], markdown).splitlines()[-1].count("-") == 2
