"""picture: files of all kinds of results, and where the rows stand."""

import pytest

pytest.importorskip("matplotlib")

from convt.bench.cases import CASES
from convt.bench.jobs import BACKWARD, LayerJob
from convt.bench.machine import Machine
from convt.bench.picture import draw, groups, suffixes
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


def test_few_cases_have_a_row_each():
    rows = groups([result(name, convt=1.0, red=2.0) for name in ("tiny-1d", "tiny-2d", "fcn-8")])
    assert [group.name for group in rows] == ["tiny-1d", "tiny-2d", "fcn-8"]
    assert rows[0].ratios == [2.0]


def test_families_of_many_cases_have_a_row_with_the_mean_the_worst_and_the_best(tmp_path):
    factors = {"dcgan": 2.0, "fcn": 1.0}
    results = [
        result(name, convt=1.0, red=4.0 if name == "dcgan-1" else factors.get(case.family, 3.0))
        for name, case in CASES.items()
    ]
    rows = groups(results)
    assert len(rows) == len({case.family for case in CASES.values()}) <= 20
    dcgan = next(group for group in rows if group.name == "dcgan")
    assert dcgan.ratios == [2.0] * 4 + [4.0]
    assert dcgan.mean("red") == pytest.approx((2.0**4 * 4.0) ** (1 / 5))
    assert dcgan.mean("blue") is None
    draw({"all": results}, ["red"], "subtitle", tmp_path / "picture.svg")
    said = (tmp_path / "picture.svg").read_text()
    assert all(f"<!-- {text} -->" in said for text in ("dcgan (5)", "2.30", "2.00", "4.00"))
