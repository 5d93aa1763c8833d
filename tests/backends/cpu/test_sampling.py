"""Upsampling and pooling on the cpu: right for every instruction set, equal bits for any number of threads, views."""

import numpy as np
import pytest

import convt
from convt.testing.checks import Examiner
from convt.testing.sampling import check_sampling
from convt_cpu import backend
from convt_cpu.blocks import in_blocks
from convt_cpu.isa import available


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("isa", available())
def test_every_instruction_set_is_right(monkeypatch, isa, dtype):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    check_sampling(Examiner(backend, np.random.default_rng(0), 4.0), dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("shape", [(2, 16, 60, 50), (1, 1, 300, 400), (64, 64, 7, 7)])
def test_the_bits_do_not_depend_on_the_number_of_threads(monkeypatch, dtype, shape):
    x = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    results = []
    for threads in (1, 2, 3, 7):
        monkeypatch.setenv("CONVT_NUM_THREADS", str(threads))
        arrays = []
        for mode in ("nearest", "bilinear", "bed_of_nails"):
            y = convt.upsample(x, 2, mode=mode, backend="cpu")
            arrays += [y, convt.upsample_backward(y, 2, mode=mode, backend="cpu")]
        y, indices = convt.max_pool(x, 3, 2, 1, backend="cpu")
        arrays += [y, indices, convt.max_pool_backward(y, indices, 3, 2, 1, output_size=shape[2:], backend="cpu")]
        results.append([array.tobytes() for array in arrays])
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize(
    ("order", "turn", "outer", "inner"),
    [("NCHW", False, 6, 1), ("NHWC", False, 2, 3), ("HWCN", False, 1, 6), ("WHCN", True, 1, 6), ("NCWH", True, 6, 1)],
)
def test_layouts_are_views(order, turn, outer, inner):
    sizes = {"N": 2, "C": 3, "H": 4, "W": 5}
    whole = np.zeros([sizes[axis] for axis in order])
    array = whole.transpose([order.index(axis) for axis in "NCHW"])
    blocks = in_blocks([array, array], turn=turn)
    assert (blocks.outer, blocks.inner, blocks.turned) == (outer, inner, turn)
    assert all(np.shares_memory(each, whole) for each in blocks.arrays)


def test_windows_that_span_huge_planes_count_with_64_bits():
    x = np.broadcast_to(np.float32(0), (1, 1, 3, 2**20)).copy()
    x[0, 0, 2, -1] = 1
    y, indices = convt.max_pool(x, (3, 2**20), backend="cpu")
    assert (y.item(), indices.item()) == (1, 3 * 2**20 - 1)
