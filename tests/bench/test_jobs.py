"""jobs: arrays that fit, operations and bytes counted, and which method of a contender is asked."""

import numpy as np
import pytest

import convt
from convt.bench.cases import CASES, SAMPLING_CASES, SamplingCase, layer
from convt.bench.jobs import (
    BACKWARD,
    CONV,
    FORWARD,
    LayerJob,
    SamplingJob,
    SamplingTask,
    Task,
    layer_jobs,
    sampling_jobs,
)
from convt.bench.peers.peer import Peer, Unsupported

NEAREST, MAX_POOL = SamplingTask("nearest"), SamplingTask("max_pool")


def sampling_job(task):
    return SamplingJob(SamplingCase(f"{task.family}-small", (2, 3, 8, 6), 2), task, "float32")


@pytest.mark.parametrize("task", [*FORWARD, *BACKWARD, *CONV], ids=str)
def test_the_arrays_fit_the_operator(task):
    job = LayerJob(CASES["tiny-1d"], task, "float64")
    y = getattr(convt, task.operator)(job.x, job.w, job.bias, **job.options)
    assert y.shape == job.dy.shape
    assert {array.dtype for array in (job.x, job.w, job.dy, job.bias)} == {np.dtype("float64")}
    assert len({array.ravel()[0] for array in (job.x, job.w, job.dy, job.bias)}) == 4


def test_a_bias_is_there_where_the_network_has_one_or_its_gradient_is_wanted():
    assert LayerJob(CASES["tiny-2d"], Task("conv_transpose"), "float32").bias is None
    assert LayerJob(CASES["tiny-2d"], BACKWARD[0], "float32").bias.shape == (3,)


def test_operations_and_bytes():
    case = layer("a-b", 1, 2, 3, (4,), 2, 2)
    x, w, y = 8, 12, 24
    counted = {
        str(task): (LayerJob(case, task, "float32").flops, LayerJob(case, task, "float32").bytes)
        for task in (*FORWARD, *BACKWARD)
    }
    assert counted == {
        "conv_transpose": (96, 4 * (x + w + y)),
        "conv_transpose, gradients of x, w and bias": (192, 4 * (2 * x + 2 * w + y)),
        "conv_transpose, gradient of x": (96, 4 * (x + w + y)),
        "conv_transpose, gradient of w": (96, 4 * (x + w + y)),
    }


def test_operations_and_bytes_of_sampling():
    assert sampling_job(NEAREST).bytes == 4 * 288 * 5
    assert sampling_job(MAX_POOL).bytes == 4 * 288 + 72 * 12
    assert sampling_job(NEAREST).flops == 0


def test_arrays_are_the_same_every_time():
    np.testing.assert_array_equal(sampling_job(NEAREST).dy, sampling_job(NEAREST).dy)


def test_all_tasks_on_all_their_cases():
    assert len(layer_jobs(None, CONV, "float32")) == 2 * len(CASES)
    assert len(sampling_jobs(None, "float32")) == 4 * len(SAMPLING_CASES)
    with pytest.raises(LookupError, match="did you mean 'upsample-14'"):
        sampling_jobs(["upsample-13"], "float32")


def test_a_contender_is_asked_for_the_kind_of_the_job():
    class Layers(Peer):
        def layer(self, job):
            return lambda: job.case.name

    assert Layers().prepare(LayerJob(CASES["tiny-1d"], FORWARD[0], "float32"))() == "tiny-1d"
    with pytest.raises(Unsupported, match="not asked for upsampling"):
        Layers().prepare(sampling_job(NEAREST))
