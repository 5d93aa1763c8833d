"""timing: turns, how many, quantiles and silence, on a clock that only the contenders move."""

from contextlib import contextmanager

import pytest

from convt.bench.timing import MORE, REST, RESTS, SHORT, Times, alternate, samples_of, settle, summarize


class Clock:
    """Time passes by calling; threads of the process spin until a moment."""

    def __init__(self):
        self.now = self.used = 0.0
        self.spinning_until = 0.0
        self.rests = 0

    def sleep(self, seconds):
        self.used += min(seconds, max(0.0, self.spinning_until - self.now))
        self.now += seconds
        self.rests += 1

    def contender(self, seconds, spins=0.0):
        def run():
            run.calls += 1
            run.disturbed += self.now < run.others_spin_until()
            self.now += seconds
            self.used += seconds
            self.spinning_until = max(self.spinning_until, self.now + spins)

        run.calls = run.disturbed = 0
        run.others_spin_until = lambda: 0.0
        return run


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr("convt.bench.timing.perf_counter", lambda: made.now)
    monkeypatch.setattr("convt.bench.timing.process_time", lambda: made.used)
    monkeypatch.setattr("convt.bench.timing.sleep", made.sleep)
    return made


def test_each_is_timed_as_if_it_were_alone(clock):
    slow, quick = clock.contender(0.02, spins=0.03), clock.contender(SHORT / 4)
    quick.others_spin_until = lambda: clock.spinning_until if slow.calls > 2 else 0.0
    times = alternate({"slow": slow, "quick": quick}, repeat=3)
    assert times["slow"].median == pytest.approx(0.02)
    assert times["quick"].median == pytest.approx(SHORT / 4)
    assert quick.disturbed == 0


def test_calls_before_each_sample_are_not_timed(clock):
    slow, quick, longest = clock.contender(0.02), clock.contender(SHORT / 4), clock.contender(1.0)
    alternate({"slow": slow, "quick": quick, "longest": longest}, repeat=3)
    assert slow.calls == 2 + 3 * 2
    assert quick.calls == 2 + 3 * MORE * 2
    assert longest.calls == 2 + 1 + 3  # so long that starting cold does not count


def test_threads_that_spin_for_ever_are_told_of(clock):
    with pytest.warns(RuntimeWarning, match="threads spin for ever"):
        alternate({"one": clock.contender(0.01, spins=1e9)}, repeat=1)


def test_settling_waits_for_silence(clock):
    clock.spinning_until = 0.1
    assert settle()
    assert clock.now == pytest.approx(0.1 + RESTS * REST, abs=2 * REST)


def test_settling_gives_up(clock):
    clock.spinning_until = 1e9
    assert not settle(limit=0.5)
    assert clock.now == pytest.approx(0.5, abs=2 * REST)


def test_settling_in_silence_is_short(clock):
    assert settle()
    assert clock.rests == RESTS


def test_short_calls_are_timed_more_often():
    assert samples_of(SHORT, 4) == 4
    assert samples_of(SHORT / 2, 4) == 4 * MORE
    assert samples_of(SHORT / 2, 4, more=1) == 4


def test_every_timed_call_follows_a_pause_and_an_untimed_call(clock):
    one, two = clock.contender(2 * SHORT), clock.contender(2 * SHORT)
    alternate({"one": one, "two": two}, repeat=4)
    assert one.calls == two.calls == 2 + 4 * 2
    assert clock.rests == 2 * 4 * RESTS
    assert pytest.approx(10e-3) == RESTS * REST


def test_what_must_hold_for_one_holds_in_its_turn_alone(clock):
    held, seen = [], []

    def session(name):
        @contextmanager
        def holding():
            held.append(name)
            yield
            held.remove(name)

        return holding

    runs = {name: lambda name=name: seen.append((name, *held)) for name in ("one", "two", "three")}
    alternate(runs, repeat=2, more=1, sessions={"one": session("one"), "two": session("two")})
    assert set(seen) == {("one", "one"), ("two", "two"), ("three",)}
    assert held == []


def test_quantiles():
    assert summarize([4.0, 1.0, 3.0, 2.0, 5.0]) == Times(3.0, 2.0, 4.0, 4.6)
    assert summarize([2.0]) == Times(2.0, 2.0, 2.0, 2.0)
    assert summarize([1.0, 2.0]) == Times(1.5, 1.25, 1.75, 1.9)
