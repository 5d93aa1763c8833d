"""machine and load: what can be said of any machine."""

import pytest

from convt.bench import load
from convt.bench.machine import measure, processor


def test_a_machine_can_be_measured(monkeypatch):
    monkeypatch.setattr("convt.bench.machine.SIDE", 64)
    monkeypatch.setattr("convt.bench.machine.TRIALS", 1)
    monkeypatch.setattr("convt.bench.machine.TRAFFIC", [2**18])
    machine = measure(2, "float32")
    assert machine.threads == 2
    assert machine.flops > 1e6
    assert machine.bandwidth > 1e6
    assert machine.processor == processor() != ""


def test_the_load_of_others_is_what_is_neither_idle_nor_ours(monkeypatch):
    clocks = iter([(0.0, 0.0, [5.0, 5.0]), (10.0, 4.0, [11.0, 8.0])])

    def tick():
        wall, own, busy = next(clocks)
        monkeypatch.setattr(load, "perf_counter", lambda: wall)
        monkeypatch.setattr(load, "process_time", lambda: own)
        monkeypatch.setattr(load, "_busy_seconds", lambda: busy)

    tick()
    watch = load.Load()
    tick()
    assert watch.others() == pytest.approx((9 - 4) / 20)


def test_the_load_is_unknown_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(load, "_busy_seconds", lambda: None)
    assert load.Load().others() is None


def test_the_load_of_this_system_is_a_fraction_if_known():
    others = load.Load().others()
    assert others is None or others >= 0
