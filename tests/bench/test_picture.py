"""picture: files of all kinds of results, and where the rows stand."""

import pytest

pytest.importorskip("matplotlib")

from convt.bench.cases import CASES
from convt.bench.jobs import BACKWARD, LayerJob
from convt.bench.machine import Machine
from convt.bench.picture import _rows, draw, suffixes
from convt.bench.results import Result
from convt.bench.timing import Times


def result(name, **seconds):
    times = {who: Times(value, value, value, value) for who, value in seconds.items()}
    return Result(LayerJob(CASES[name], BACKWARD[0], "float32"), times, {}, {}, Machine("", 1, 1.0, {1: 1.0}))


def test_any_results_can_be_drawn(tmp_path):
    panels = {
        "ahead and behind": [result("tiny-1d", convt=1.0, red=100.0, blue=0.01), result("fcn-8", convt=1.0, red=1.0)],
        "no peers": [result("tiny-1d", convt=1.0), result("fcn-8", convt=1.0)],
    }
    draw(panels, ["red", "blue", "green"], "subtitle", tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5_000
    assert ".svg" in suffixes()


def test_families_stand_apart():
    rows = _rows([result(name, convt=1.0) for name in ("tiny-1d", "tiny-2d", "fcn-8")])
    assert rows[1] - rows[0] == 1
    assert rows[2] - rows[1] > 1
