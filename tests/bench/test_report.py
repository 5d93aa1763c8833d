"""report and export: text from times that are made up."""

import json

import pytest

from convt.bench.cases import CASES
from convt.bench.choice import select_cases
from convt.bench.export import export, export_busy
from convt.bench.jobs import FORWARD, LayerJob
from convt.bench.machine import Machine
from convt.bench.report import busy_table, case_list, faults, heading, milliseconds, notes, table
from convt.bench.results import BusyResult, Result
from convt.bench.timing import Times

MACHINE = Machine("abacus", 2, 1e12, {1: 1e9, 1000000: 1e8})


class Named:
    def __init__(self, name):
        self.name, self.version = name, "1.0"


def result(name, wrong=None, reasons=None, **milliseconds):
    times = {who: Times(ms / 1e3, ms / 1e3, 2 * ms / 1e3, 3 * ms / 1e3) for who, ms in milliseconds.items()}
    return Result(LayerJob(CASES[name], FORWARD[0], "float32"), times, wrong or {}, reasons or {}, MACHINE)


RESULTS = [
    result("tiny-1d", convt=2.0, red=8.0, blue=1.0, wrong={"blue": 0.5}),
    result("tiny-2d", convt=4.0, red=4.0, blue=2.0),
    result("tiny-3d", convt=0.01234, reasons={"red": "has no gradients", "blue": "fails: oh"}),
]


def test_the_table_is_aligned_and_ends_in_geometric_means():
    lines = table(RESULTS, ["red", "blue", "green"]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == ["case", "convt", "red", "blue", "x", "best", "GFLOP/s", "of", "floor"]
    assert "WRONG 1.00 (1.00-2.00)" in lines[2]
    assert lines[2].split()[0] == "tiny-1d"
    assert "4.00 (4.00-8.00)" in lines[3]
    assert lines[4].split()[:5] == ["tiny-3d", "0.0123", "(0.0123-0.0247)", "-", "-"]
    assert lines[-1].split()[:8] == ["geometric", "mean", "x", "2.00", "x", "0.50", "x", "1.41"]


def test_constant_filters_have_a_column_and_a_ratio_to_the_best_peer_of_their_own():
    results = [result("tiny-1d", convt=2.0, Filters=1.0, red=3.0), result("tiny-2d", convt=4.0, red=4.0)]
    lines = table(results, ["red"]).splitlines()
    assert lines[0].split() == [
        "case",
        "convt",
        "Filters",
        "red",
        "x",
        "best",
        "Filters",
        "x",
        "best",
        "GFLOP/s",
        "of",
        "floor",
    ]
    assert lines[2].split()[7:9] == ["1.50", "3.00"]
    assert lines[3].split()[3:7] == ["-", "4.00", "(4.00-8.00)", "1.00"]
    assert lines[3].split()[7] == "-"
    assert lines[-1].split()[:8] == ["geometric", "mean", "x", "1.22", "x", "1.22", "x", "3.00"]
    assert notes(results) == ["convt is as fast as the best peer or faster in 2 of 2 cases"]
    assert "best" not in table([result("tiny-1d", convt=2.0, Filters=1.0)], [])


def test_without_peers_there_is_nothing_to_compare():
    text = table([result("tiny-1d", convt=1.0)], [])
    assert "best" not in text
    assert notes([result("tiny-1d", convt=1.0)]) == []


def busy_result(name, wrong=None, **highs):
    times = {
        who: {n: Times(1e-3, 1e-3, 1e-3, ms / 1e3) for n, ms in zip((1, 8), pair, strict=True)}
        for who, pair in highs.items()
    }
    return BusyResult(LayerJob(CASES[name], FORWARD[0], "float32"), times, wrong or {}, {})


BUSY = [
    busy_result("tiny-1d", convt=(2.0, 3.0), red=(2.0, 12.0), blue=(1.0, 1.0), wrong={"blue": 0.5}),
    busy_result("tiny-2d", convt=(2.0, 3.0), red=(2.0, 3.0)),
]


def test_the_table_of_a_busy_machine_has_a_row_for_each_contender():
    lines = [line.split() for line in busy_table(BUSY, ["convt", "red", "blue"]).splitlines()]
    assert lines[0] == ["case", "who", "1", "thread", "90", "%", "8", "threads", "90", "%", "x", "1", "thread", "x", "convt"]
    assert lines[2] == ["tiny-1d", "convt", "1.00", "2.00", "1.00", "3.00", "1.50", "1.00"]
    assert lines[3] == ["tiny-1d", "red", "1.00", "2.00", "1.00", "12.0", "6.00", "4.00"]
    assert lines[4][:4] == ["tiny-1d", "blue", "WRONG", "1.00"]
    assert [line[:2] for line in lines[5:7]] == [["tiny-2d", "convt"], ["tiny-2d", "red"]]
    assert lines[8:] == [
        ["geometric", "mean", "convt", "x", "1.50", "x", "1.00"],
        ["geometric", "mean", "red", "x", "3.00", "x", "2.00"],
        ["geometric", "mean", "blue", "-", "-"],
    ]
    assert faults(BUSY) == ["WRONG: on tiny-1d, blue differs from convt by 0.5 of the largest value; it does not count"]


def test_the_table_of_a_busy_machine_in_markdown():
    lines = busy_table(BUSY, ["convt"], markdown=True).splitlines()
    assert lines[1] == "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2] == "| tiny-1d | 1, 4>4, 16, 4 s2 p1 | convt | 1.00 | 2.00 | 1.00 | 3.00 | 1.50 | 1.00 |"


def test_json_of_a_busy_machine(tmp_path):
    export_busy(tmp_path / "busy.json", [Named("convt"), Named("red")], 4, BUSY)
    document = json.loads((tmp_path / "busy.json").read_text())
    assert (document["processes"], document["versions"]) == (4, {"convt": "1.0", "red": "1.0"})
    assert document["results"][0]["times"]["red"]["8"]["high"] == 0.012
    assert document["results"][0]["wrong"] == {"blue": "0.5"}


def test_markdown_has_the_shapes():
    lines = table(RESULTS, ["red"], markdown=True).splitlines()
    assert {line.count("|") for line in lines} == {8}
    assert lines[1] == "| --- | --- | ---: | ---: | ---: | ---: | ---: |"
    assert lines[2].startswith("| tiny-1d | 1, 4>4, 16, 4 s2 p1 | 2.00 (2.00-4.00) | 8.00 (8.00-16.0) | 4.00 |")


def test_the_notes_say_who_is_behind_wrong_or_missing():
    assert notes(RESULTS) == [
        "convt is as fast as the best peer or faster in 1 of 2 cases; furthest behind: tiny-2d 0.50",
        "WRONG: on tiny-1d, blue differs from convt by 0.5 of the largest value; it does not count",
        "- red has no gradients: tiny-3d",
        "- blue fails: oh: tiny-3d",
    ]


@pytest.mark.parametrize(("peer", "ahead"), [(994, 0), (995, 1), (996, 1)])
def test_what_is_rounded_to_the_peers_time_is_not_behind(peer, ahead):
    (line,) = notes([result("tiny-1d", convt=1000.0, red=float(peer))])
    assert f"or faster in {ahead} of 1 cases" in line


def test_the_heading_says_who_and_where():
    first, second = heading([Named("convt"), Named("red")], MACHINE, "float32", 9).splitlines()
    assert first == "convt 1.0, red 1.0"
    assert second == "abacus, 2 threads, float32, 9 samples (27 of short calls); BLAS 1000 GFLOP/s, copying 0.1 GB/s"


@pytest.mark.parametrize(
    ("seconds", "text"), [(1.23456, "1235 (1235-1235)"), (0.1, "100 (100-100)"), (4.7e-6, "0.00470 (0.00470-0.00470)")]
)
def test_times_have_three_digits(seconds, text):
    assert milliseconds(Times(seconds, seconds, seconds, seconds)) == text


def test_the_list_of_cases():
    assert case_list(select_cases(["tiny"])).splitlines()[0] == "tiny-1d      1, 4>4, 16, 4 s2 p1"


def test_json_has_all_that_was_measured(tmp_path):
    export(tmp_path / "results.json", [Named("convt"), Named("red")], MACHINE, RESULTS)
    document = json.loads((tmp_path / "results.json").read_text())
    assert document["versions"] == {"convt": "1.0", "red": "1.0"}
    assert document["machine"]["flops"] == 1e12
    first = document["results"][0]
    assert first["case"]["size"] == [16]
    assert first["times"]["red"] == {"median": 0.008, "lower": 0.008, "upper": 0.016, "high": 0.024}
    assert first["ratio"] == 4.0
    assert document["results"][2]["missing"] == {"red": "has no gradients", "blue": "fails: oh"}
