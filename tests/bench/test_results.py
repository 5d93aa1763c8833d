"""results: figures from times that are made up, and differences between answers."""

import pytest

from convt.bench.cases import CASES
from convt.bench.jobs import FORWARD, LayerJob
from convt.bench.machine import Machine
from convt.bench.results import Result, difference, geometric_mean
from convt.bench.timing import Times

MACHINE = Machine("abacus", 2, 1e12, {1: 1e9, 1000000: 1e8})


def result(wrong=None, **milliseconds):
    times = {who: Times(ms / 1e3, ms / 1e3, ms / 1e3, ms / 1e3) for who, ms in milliseconds.items()}
    return Result(LayerJob(CASES["tiny-1d"], FORWARD[0], "float32"), times, wrong or {}, {}, MACHINE)


def test_a_ratio_is_that_of_the_best_peer_that_is_right():
    assert result(convt=2.0, red=8.0, blue=1.0, wrong={"blue": 0.5}).ratios == {"red": 4.0}
    assert result(convt=2.0, red=8.0, blue=1.0, wrong={"blue": 0.5}).ratio == 4.0
    assert result(convt=4.0, red=4.0, blue=2.0).ratio == 0.5
    assert result(convt=4.0).ratio is None


def test_speed_and_share_of_the_floor():
    made = result(convt=2.0)
    assert made.gflops == pytest.approx(made.job.flops / 2e-3 / 1e9)
    assert made.floor == pytest.approx(made.job.bytes / 1e9)
    assert made.share == pytest.approx(made.job.bytes / 1e9 / 2e-3)


def test_geometric_mean():
    assert geometric_mean([1.0, 4.0, 16.0]) == pytest.approx(4)
    assert geometric_mean([]) is None


def test_differences_are_seen_in_every_part():
    assert difference([1.0, -4.0], [1.0, -4.0]) == 0
    assert difference(([1.0], None, [2.0]), ([1.0], None, [4.0])) == 0.5
    assert difference(([1.0], None), ([1.0], [1.0])) == float("inf")
    assert difference([float("nan")], [1.0]) == float("inf")
    assert difference([], []) == 0
