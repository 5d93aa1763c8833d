"""The peers compute what convt computes, on a small variant of each kind of case; those not installed are skipped."""

import pytest

from convt.bench.cases import SamplingCase, layer
from convt.bench.jobs import BACKWARD, CONV, FORWARD, LayerJob, SamplingJob, SamplingTask
from convt.bench.ours import Ours
from convt.bench.peers import PACKAGES, Unsupported, load
from convt.bench.results import TOLERANCE, difference

SMALL = [
    layer("small-1d", 2, 6, 4, (9,), 4, 2, 1),
    layer("small-2d", 2, 6, 4, (5, 7), 4, 2, 1, bias=False),
    layer("small-3d", 1, 3, 5, (3, 4, 5), 2, 2),
    layer("small-flat", 1, 4, 3, (3, 4, 5), (1, 2, 2), (1, 2, 2)),
    layer("small-uneven", 1, 4, 6, (5, 8), (3, 5), (1, 3), (1, 2), output_padding=(0, 1)),
    layer("small-long", 1, 5, 1, (12,), 32, 8, bias=False),
    layer("small-groups", 2, 8, 12, (5, 6), 3, 2, 1, output_padding=1, groups=4),
    layer("small-depthwise", 1, 6, 6, (8,), 4, 2, 1, groups=6),
    layer("small-dilated", 1, 3, 4, (6, 7), 3, 2, 2, output_padding=1, dilation=2),
]
SAMPLING = [SamplingTask(name, back) for name in ("nearest", "bilinear", "max_pool", "max_unpool") for back in (False, True)]


@pytest.fixture(params=PACKAGES)
def peer(request):
    for package in PACKAGES[request.param]:
        pytest.importorskip(package)
    (loaded,) = load([request.param], 1)
    with loaded.session():
        yield loaded


def off(peer, job):
    return difference(peer.prepare(job)(), Ours(1, job.dtype).prepare(job)())


@pytest.mark.parametrize("case", SMALL, ids=str)
@pytest.mark.parametrize("task", [*FORWARD, CONV[0]], ids=str)
def test_operators(peer, case, task):
    assert off(peer, LayerJob(case, task, "float32")) < TOLERANCE["float32"]


@pytest.mark.parametrize("case", SMALL, ids=str)
@pytest.mark.parametrize("task", [*BACKWARD, CONV[1]], ids=str)
def test_gradients(peer, case, task):
    job = LayerJob(case, task, "float64")
    if peer.name == "torch":
        assert off(peer, job) < TOLERANCE["float64"]
    else:
        with pytest.raises(Unsupported, match="has no gradients"):
            peer.prepare(job)


@pytest.mark.parametrize("task", SAMPLING, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sampling(peer, task, dtype):
    job = SamplingJob(SamplingCase(f"{task.family}-small", (2, 3, 8, 6), 2), task, dtype)
    if peer.name == "torch":
        assert off(peer, job) < TOLERANCE[dtype]
    else:
        with pytest.raises(Unsupported, match="not asked for upsampling"):
            peer.prepare(job)


def test_answers_do_not_change_from_call_to_call(peer):
    job = LayerJob(SMALL[1], FORWARD[0], "float32")
    run = peer.prepare(job)
    first = difference(run(), 0 * job.dy)
    assert difference(run(), 0 * job.dy) == first


def test_the_version_is_known(peer):
    assert peer.version[0].isdigit()
