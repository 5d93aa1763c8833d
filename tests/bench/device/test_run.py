"""The benchmark on a device that is a stand-in: its memory is the host's, its clock tells what the test wants."""

import re
import sys

import numpy as np
import pytest
from fakes import SamplingDevice

pytest.importorskip("tqdm")

from convt.__main__ import main
from convt.bench import peers
from convt.bench.device import run as story
from convt.bench.device.settings import settings_of
from convt.bench.jobs import layer_jobs
from convt.settings import settings

PLAIN, TF32, LAST, LAST_TF32 = settings_of("float32")


class Timed(SamplingDevice):
    """Each call takes a millisecond of its clock."""

    def __init__(self):
        super().__init__("timed")
        self.rules = []

    def seconds(self, run, count=1):
        for _ in range(count):
            run()
        self.rules.append(settings())
        return count * 1e-3


class Peer(peers.Peer):
    """Computes convt's answer with a factor, or refuses; remembers how arrays lie."""

    name, version = "torch", "1.0"

    def __init__(self, factor=1.0, error=None):
        self.factor, self.error, self.orders = factor, error, []

    def layer(self, job):
        if self.error:
            raise self.error
        self.orders.append(job.x.order)
        run = story.Ours(1, "float32").layer(job)

        def scaled():
            result = run()
            result.host[...] *= self.factor
            return result

        return scaled


@pytest.fixture
def device(install):
    made = Timed()
    install(numpy="convt.numpy_backend:backend", timed=made)
    return made


def bench(*arguments):
    return main(["bench", "--backend", "timed", "--peers", "none", "--repeat", "2", *arguments])


def test_every_task_has_a_table_under_every_setting(device, capsys):
    assert bench("--cases", "tiny-1d,tiny-2d", "--backward") == 0
    printed = capsys.readouterr().out
    assert "(backend timed)\ntimed, float32; arrays on the device, by its own clock, 2 samples" in printed
    headings = [line.partition(":")[0] for line in printed.splitlines() if ": milliseconds" in line]
    words = ["", ", TF32", ", channels last", ", channels last, TF32"]
    tasks = ["gradients of x, w and bias", "gradient of x", "gradient of w"]
    assert headings == [f"conv_transpose, {task}{word}" for task in tasks for word in words]
    assert len(re.findall(r"^tiny-1d +1\.00 \(1\.00-1\.00\)", printed, re.M)) == 6, (
        "along one axis there is no channels last"
    )
    assert len(re.findall(r"^tiny-2d +1\.00 \(1\.00-1\.00\)", printed, re.M)) == 12
    assert {rules.allow_tf32 for rules in device.rules} == {False, True}
    assert all(rules.autotune for rules in device.rules)


def test_upsampling_and_pooling(device, capsys, monkeypatch):
    monkeypatch.setattr("convt.bench.device.sizes.ELEMENTS", 1)
    assert bench("--cases", "upsample-14,pool-14", "--sampling", "--markdown") == 0
    printed = capsys.readouterr().out
    assert "\nmax_unpool, backward, channels last: milliseconds" in printed
    assert "| upsample-14 | 16, 256, 14x14 x2 |" in printed


def test_half_types_are_made_on_the_device(device, capsys):
    assert bench("--cases", "tiny-2d", "--dtype", "bfloat16") == 2
    assert "dtype must be one that NumPy has where PyTorch sees no GPU, got 'bfloat16'" in capsys.readouterr().err


def test_arrays_lie_as_the_setting_says_and_peers_compute_on_the_same(device):
    arrays, peer = story.OwnArrays(device, "float32"), Peer()
    (job,) = layer_jobs(["tiny-2d"], story.FORWARD, "float32")
    for setting in (PLAIN, LAST):
        result = story._measure(job, device, arrays, peer, setting, 1)
        assert list(result.times) == ["convt", "torch"]
        assert result.ratio == 1
    assert peer.orders == [(0, 1, 2, 3), (0, 2, 3, 1)]


def test_peers_that_are_wrong_or_fail(device):
    arrays = story.OwnArrays(device, "float32")
    (job,) = layer_jobs(["tiny-2d"], story.FORWARD, "float32")
    wrong = story._measure(job, device, arrays, Peer(1.001), PLAIN, 1)
    assert wrong.wrong == {"torch": pytest.approx(1e-3, rel=1e-2)}
    assert wrong.ratio is None
    assert not story._measure(job, device, arrays, Peer(1.001), TF32, 1).wrong
    failed = story._measure(job, device, arrays, Peer(error=RuntimeError("oh\nmore")), PLAIN, 1)
    assert failed.reasons == {"torch": "fails: oh"}


def test_samples_are_as_long_as_the_clock_needs():
    asked = []

    def seconds(run, count):
        asked.append((run(), count))
        return count * {"short": 1e-6, "long": 1.0}[run()]

    times = story.alternate({"a": lambda: "short", "b": lambda: "long"}, seconds, 2)
    assert asked[:2] == [("short", 1), ("long", 1)]
    assert asked[2:] == [("short", story.MOST), ("long", 1)] * 2
    assert (times["a"].median, times["b"].median) == (pytest.approx(1e-6), 1.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--peers", "onnxruntime"], "peers must be among torch and none on a device, got 'onnxruntime'"),
        (["--threads", "1"], "threads must not be given with --backend timed"),
        (["--json", "a.json"], "json must not be given with --backend timed"),
        (["--plot", "a.png"], "plot must not be given with --backend timed"),
        (["--busy"], "busy must not be given with --backend timed"),
        (["--sampling", "--conv"], "sampling must be asked for alone"),
        (["--repeat", "0"], "repeat must be at least 1, got 0"),
    ],
)
def test_what_has_no_meaning_is_refused(device, capsys, arguments, message):
    assert main(["bench", "--backend", "timed", "--cases", "tiny-1d", *arguments]) == 2
    printed, errors = capsys.readouterr()
    assert message in errors
    assert printed == ""


def test_torch_must_be_installed_if_it_is_asked_for(device, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["bench", "--backend", "timed", "--cases", "tiny-1d", "--peers", "torch"]) == 1
    assert capsys.readouterr().err.startswith("the peer torch needs torch: pip install ")


def test_a_device_without_a_clock_cannot_be_timed(install, capsys):
    install(numpy="convt.numpy_backend:backend", slow=SamplingDevice("slow"))
    assert main(["bench", "--backend", "slow", "--cases", "tiny-1d", "--peers", "none"]) == 2
    assert "backend 'slow' cannot be timed: it has no clock" in capsys.readouterr().err


def test_half_precision_is_for_devices(install, capsys):
    assert main(["bench", "--dtype", "float16", "--cases", "tiny-1d", "--peers", "none"]) == 2
    assert "dtype must be one of float32, float64, got 'float16'" in capsys.readouterr().err


def test_own_arrays_come_back_as_they_were(device, rng):
    x = rng.standard_normal((2, 3, 4, 5))
    for last in (False, True):
        arrays = story.OwnArrays(device, "float64")
        np.testing.assert_array_equal(arrays.get(arrays.put(x, last)), x)
