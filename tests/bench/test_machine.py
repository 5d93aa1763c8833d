"""machine: what can be said of any machine."""

from io import StringIO

import pytest

from convt.bench import machine as hardware
from convt.bench.machine import Load, Machine, measure, processor


def test_a_machine_can_be_measured(monkeypatch):
    monkeypatch.setattr("convt.bench.machine.SIDE", 64)
    monkeypatch.setattr("convt.bench.machine.TRIALS", 1)
    monkeypatch.setattr("convt.bench.machine.TRAFFIC", [2**18])
    machine = measure(2, "float32")
    assert machine.threads == 2
    assert machine.flops > 1e6
    assert machine.bandwidth > 1e6
    assert machine.processor == processor() != ""


def test_a_processors_name_is_what_linux_tells(monkeypatch):
    told = "processor\t: 0\nmodel name\t: Old Processor: 3 GHz\nmodel name\t: another\n"
    monkeypatch.setattr("convt.bench.machine.open", lambda *path, **options: StringIO(told), raising=False)
    assert processor() == "Old Processor: 3 GHz"


def test_the_load_of_others_is_what_is_neither_idle_nor_ours(monkeypatch):
    clocks = iter([(0.0, 0.0, [5.0, 5.0]), (10.0, 4.0, [11.0, 8.0])])

    def tick():
        wall, own, busy = next(clocks)
        monkeypatch.setattr(hardware, "perf_counter", lambda: wall)
        monkeypatch.setattr(hardware, "process_time", lambda: own)
        monkeypatch.setattr(hardware, "_busy_seconds", lambda: busy)

    tick()
    watch = Load()
    tick()
    assert watch.others() == pytest.approx((9 - 4) / 20)


def test_the_load_is_unknown_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(hardware, "_busy_seconds", lambda: None)
    assert Load().others() is None


def test_the_load_of_this_system_is_a_fraction_if_known():
    others = Load().others()
    assert others is None or others >= 0


def test_the_better_of_two_measurements_counts():
    one, other = Machine("abacus", 2, 1e12, {1: 1e9, 1000000: 1e8}), Machine("abacus", 2, 5e11, {1: 2e9, 1000000: 5e7})
    assert one.best(other) == Machine("abacus", 2, 1e12, {1: 2e9, 1000000: 1e8})
