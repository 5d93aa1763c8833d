"""PyTorch as the peer on a device, and its tensors as everybody's arrays; on the processor, so that no GPU is needed."""

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from fakes import SamplingDevice

from convt.bench.cases import SamplingCase, layer
from convt.bench.device import tensors
from convt.bench.device.arrays import Placed
from convt.bench.device.run import _arrays
from convt.bench.device.settings import settings_of
from convt.bench.jobs import BACKWARD, CONV, FORWARD, LayerJob, SamplingJob, SamplingTask
from convt.bench.ours import Ours
from convt.bench.results import difference

CASES = [
    layer("small-1d", 2, 6, 4, (9,), 4, 2, 1),
    layer("small-2d", 2, 6, 4, (5, 7), 4, 2, 1),
    layer("small-3d", 1, 3, 5, (3, 4, 5), 2, 2),
]


@pytest.fixture
def peer():
    made = tensors.Peer()
    with made.session():
        yield made


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("task", [*FORWARD, *BACKWARD, *CONV], ids=str)
@pytest.mark.parametrize("last", [False, True])
def test_both_compute_the_same_on_the_same_tensors(peer, case, task, last):
    arrays = tensors.Tensors("float64", "cpu")
    placed = Placed(LayerJob(case, task, "float64"), arrays, last)
    assert placed.x is placed.x
    assert (placed.x.stride(1) == 1) == (last and placed.x.ndim > 3)
    theirs, ours = placed.call(peer)(), placed.call(Ours(1, "float64"))()
    parts = [answer if isinstance(answer, tuple) else (answer,) for answer in (theirs, ours)]
    assert difference(*(tuple(arrays.get(part) for part in each if part is not None) for each in parts)) < 1e-11


@pytest.mark.parametrize("name", ["nearest", "bilinear", "max_pool", "max_unpool"])
@pytest.mark.parametrize("backward", [False, True])
def test_upsampling_and_pooling(peer, name, backward):
    task, arrays = SamplingTask(name, backward), tensors.Tensors("float32", "cpu")
    placed = Placed(SamplingJob(SamplingCase(f"{task.family}-small", (2, 3, 8, 6), 2), task, "float32"), arrays, False)
    theirs, ours = placed.call(peer)(), placed.call(Ours(1, "float32"))()
    first = [each[0] if isinstance(each, tuple) else each for each in (theirs, ours)]
    assert difference(*map(arrays.get, first)) < 1e-5


def test_settings_hold_while_a_table_is_made_and_no_longer(peer):
    before = torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32
    for setting in settings_of("float32"):
        with peer.under(setting):
            assert torch.backends.cudnn.benchmark
            assert torch.backends.cudnn.allow_tf32 == torch.backends.cuda.matmul.allow_tf32 == setting.tf32
    assert (torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32) == before


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_types_are_rounded_on_the_way_there_and_read_as_float32(dtype):
    arrays = tensors.Tensors(dtype, "cpu")
    held = arrays.put(np.array([1.0, 1 / 3], np.float32), False)
    assert held.dtype == getattr(torch, dtype)
    back = arrays.get(held)
    assert back.dtype == np.float32
    assert abs(back[1] - 1 / 3) < 2e-3


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_torch_without_a_gpu_is_no_peer(install):
    with pytest.raises(ValueError, match="peers must see the device of backend 'device', got torch without it"):
        _arrays(SamplingDevice(), ["torch"], "float32")
    arrays, peer = _arrays(SamplingDevice(), None, "float32")
    assert peer is None
    assert type(arrays).__name__ == "OwnArrays"
