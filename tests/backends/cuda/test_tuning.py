"""Which plan is taken by the clock, and how choices are kept."""

import json

import numpy as np
import pytest

import convt
from convt.testing import make_problem
from convt_cuda import choice, tuning
from convt_cuda.tuning import TUNED, Tuned, fastest

PROBLEM = make_problem((5, 6), 4, stride=2, crop=(1, 1), channels=(3, 4), dtype=np.float32)
STRIDES = ((90, 30, 6, 1), (64, 16, 4, 1), (480, 120, 12, 1))


class Plan:
    """One that takes a time, and says what it was given."""

    def __init__(self, label, takes, workspace=0, cost=1.0):
        self.label, self.takes, self.workspace, self.cost = label, takes, workspace, cost
        self.given = []

    def run(self, device, stream, pointers):
        device.now += self.takes
        self.given.append(dict(pointers))


class Clock:
    """A device that counts what plans say they take."""

    name = "GPU 0 (a clock)"

    def __init__(self):
        self.now, self.blocks, self.sizes = 0.0, {}, []
        self.pool = self

    def acquire(self, size, stream):
        address = 1000 * (len(self.sizes) + 1)
        self.sizes.append(size)
        self.blocks[address] = size
        return address

    def release(self, address):
        del self.blocks[address]

    def clear(self, address, size, stream):
        assert self.blocks[address] == size

    def milliseconds(self, run, count):
        before = self.now
        for _ in range(count):
            run()
        return self.now - before


@pytest.fixture
def device():
    """Nothing is left allocated."""
    made = Clock()
    yield made
    assert made.blocks == {}


@pytest.fixture(autouse=True)
def _nothing_is_known(monkeypatch):
    monkeypatch.delenv("CONVT_CUDA_TUNED", raising=False)
    TUNED.clear()
    yield
    TUNED.clear()


def asked(device, *plans, problem=PROBLEM, data_map="scatter", strides=STRIDES, storage="float32"):
    """The label of the fastest."""
    return fastest([("engine", plan) for plan in plans], problem, data_map, strides, storage, device)[1].label


def test_the_fastest_is_taken_whatever_it_should_cost(device):
    slow, fast = Plan("slow", 2.0, cost=1.0), Plan("fast", 1.0, cost=9.0)
    assert asked(device, slow, fast) == "fast"


def test_it_is_measured_once(device):
    plans = Plan("slow", 2.0), Plan("fast", 1.0)
    asked(device, *plans)
    ran = [len(plan.given) for plan in plans]
    assert min(ran) > 1
    assert asked(device, *plans) == "fast"
    assert [len(plan.given) for plan in plans] == ran


def test_arrays_of_its_own_are_measured(device):
    """As large as the caller's, with all that lies between and before their elements."""
    backwards = ((90, -30, 6, 1), (64, 16, 4, 1), (960, 240, 24, 2))
    plan = Plan("one", 1.0, workspace=77)
    asked(device, plan, Plan("other", 2.0), strides=backwards)
    coarse, kernel, fine, work = device.sizes
    assert coarse == 4 * 90
    assert kernel == 4 * 3 * 64
    assert fine == 4 * (3 * 240 + 9 * 24 + 11 * 2 + 1)
    assert work == 77
    given = plan.given[0]
    assert given["left"] == 1000 + 4 * 60
    assert (given["right"], given["out"], given["work"]) == (2000, 3000, 4000)
    assert (given["bias"], given["bias_stride"]) == (0, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"data_map": "gather", "strides": STRIDES[::-1]},
        {"strides": ((90, 30, 6, 1), (64, 16, 4, 1), (480, 1, 48, 4))},
        {"storage": "float16"},
        {"problem": make_problem((5, 6), 4, stride=2, crop=(1, 1), channels=(3, 4), batch=2, dtype=np.float32)},
    ],
    ids=["map", "order", "type", "problem"],
)
def test_what_makes_another_question(device, change):
    plans = Plan("slow", 2.0), Plan("fast", 1.0)
    asked(device, *plans)
    asked(device, *plans, **change)
    assert len(TUNED) == 2


def test_another_plan_makes_another_question(device):
    assert asked(device, Plan("slow", 2.0), Plan("fast", 1.0)) == "fast"
    assert asked(device, Plan("slow", 2.0), Plan("fast", 1.0), Plan("faster", 0.5)) == "faster"


def test_without_memory_the_costs_decide(device, monkeypatch):
    def full(size, stream):
        raise MemoryError

    monkeypatch.setattr(device, "acquire", full)
    assert asked(device, Plan("fast", 1.0, cost=9.0), Plan("cheap", 2.0, cost=1.0)) == "cheap"
    assert len(TUNED) == 0


def test_a_file_in_the_environment_is_read_and_written(device, tmp_path, monkeypatch):
    file = tmp_path / "plans.json"
    monkeypatch.setenv("CONVT_CUDA_TUNED", str(file))
    plans = Plan("slow", 2.0), Plan("fast", 1.0)
    asked(device, *plans)
    assert [path.name for path in tmp_path.iterdir()] == ["plans.json"]
    written = json.loads(file.read_text())
    assert list(written["choices"].values()) == ["fast"]
    file.write_text(file.read_text().replace('"fast"\n', '"slow"\n'))
    TUNED.clear()
    assert asked(device, *plans) == "slow"
    file.write_text(file.read_text().replace('"slow"\n', '"gone"\n'))
    TUNED.clear()
    assert asked(device, *plans) == "fast"  # who does not take part is not taken


def test_a_file_that_cannot_be_written_does_not_stop_a_computation(device, tmp_path, monkeypatch):
    monkeypatch.setenv("CONVT_CUDA_TUNED", str(tmp_path / "missing" / "plans.json"))
    assert asked(device, Plan("slow", 2.0), Plan("fast", 1.0)) == "fast"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"format": "other", "choices": {}}', '{"format": "convt cuda plans 1", "choices": {"a": 1}}'],
)
def test_other_files_are_refused(tmp_path, content):
    file = tmp_path / "plans.json"
    file.write_text(content)
    with pytest.raises(ValueError, match=r"^path must be a file that Tuned\.save has written, got '.*plans\.json' \("):
        Tuned().load(file)


def test_all_engines_are_measured(cuda, rng, monkeypatch):
    """On the emulator all take the same time, so that the first of them is taken; each gives the same numbers."""
    seen = []

    def noted(offers, *arguments):
        seen.extend(plan.label for _, plan in offers)
        return fastest(offers, *arguments)

    monkeypatch.setattr(choice, "fastest", noted)
    choice._choose.cache_clear()
    x, w = rng.standard_normal((2, 6, 5, 7)).astype(np.float32), rng.standard_normal((6, 4, 2, 2)).astype(np.float32)
    with convt.options(autotune=True, cudnn=False):
        got = convt.conv_transpose(x, w, stride=2, backend="cuda")
    choice._choose.cache_clear()
    np.testing.assert_allclose(got, convt.conv_transpose(x, w, stride=2, backend="numpy"), rtol=1e-4, atol=1e-5)
    for name in ("scatter_cells_64x64", "scatter_128x128", "scatter_direct4"):
        assert any(name in label for label in seen)
    assert len(set(seen)) == len(seen)
    assert len(TUNED) == 1
    assert tuning.TUNED is TUNED
