"""Upsampling and pooling on the cpu: right for every instruction set, equal bits for any number of threads, views."""

import numpy as np
import pytest

import convt
from convt.testing.checks import Examiner
from convt.testing.sampling import check_sampling
from convt_cpu import backend, blocks
from convt_cpu.blocks import in_blocks
from convt_cpu.isa import available


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("isa", available())
def test_every_instruction_set_is_right(monkeypatch, isa, dtype):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    check_sampling(Examiner(backend, np.random.default_rng(0)), dtype)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("isa", available())
@pytest.mark.parametrize("align_corners", [False, True])
def test_any_number_of_channels_may_lie_last(monkeypatch, isa, dtype, align_corners):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    options = {"scale": 3, "mode": "bilinear", "align_corners": align_corners, "layout": "NHWC"}
    for channels in range(1, 19):
        x = np.random.default_rng(0).standard_normal((1, 4, 5, channels)).astype(dtype)
        y = convt.upsample(x, **options, backend="cpu")
        np.testing.assert_allclose(y, convt.upsample(x, **options, backend="numpy"), rtol=1e-5, atol=1e-5)
        dx = convt.upsample_backward(y, **options, backend="cpu")
        np.testing.assert_allclose(dx, convt.upsample_backward(y, **options, backend="numpy"), rtol=1e-5, atol=1e-5)


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
    [(arrays, *seen)] = in_blocks([array, array], turn=turn)
    assert seen == [outer, inner, turn]
    assert all(np.shares_memory(each, whole) for each in arrays)


def test_windows_that_span_huge_planes_count_with_64_bits():
    x = np.broadcast_to(np.float32(0), (1, 1, 3, 2**20)).copy()
    x[0, 0, 2, -1] = 1
    y, indices = convt.max_pool(x, (3, 2**20), backend="cpu")
    assert (y.item(), indices.item()) == (1, 3 * 2**20 - 1)


SCATTERED = {  # views of which no order of the axes is contiguous
    "columns": lambda array: np.repeat(array, 2, -1)[..., ::2],
    "reversed": lambda array: array[..., ::-1].copy()[..., ::-1],
    "rows between": lambda array: np.swapaxes(np.swapaxes(array, 0, 2).copy(), 0, 2),
}


@pytest.mark.parametrize("copied", [1, 700, 4000, 1 << 23])  # bytes: a channel, one or two, some images, all of them
@pytest.mark.parametrize("scattered", SCATTERED.values(), ids=SCATTERED)
def test_what_lies_otherwise_is_copied_in_pieces(monkeypatch, scattered, copied):
    monkeypatch.setattr(blocks, "_COPIED", copied)
    x = scattered(np.random.default_rng(0).standard_normal((5, 3, 6, 7)).astype("f4"))
    for mode in ("nearest", "bilinear"):
        y = scattered(np.zeros((5, 3, 12, 14), "f4"))
        convt.upsample(x, 2, mode=mode, backend="cpu", out=y)
        np.testing.assert_array_equal(y, convt.upsample(x.copy(), 2, mode=mode, backend="cpu"))
        dx = convt.upsample_backward(y, 2, mode=mode, backend="cpu")
        np.testing.assert_array_equal(dx, convt.upsample_backward(y.copy(), 2, mode=mode, backend="cpu"))
    y, indices = convt.max_pool(x, 2, 2, backend="cpu")
    right, places = convt.max_pool(x.copy(), 2, 2, backend="cpu")
    np.testing.assert_array_equal(y, right)
    np.testing.assert_array_equal(indices, places)
    for function in (convt.max_unpool, convt.max_pool_backward):
        made = scattered(np.full((5, 3, 6, 7), 9, "f4"))
        function(scattered(y), scattered(indices), 2, 2, output_size=(6, 7), backend="cpu", out=made)
        np.testing.assert_array_equal(made, function(y, indices, 2, 2, output_size=(6, 7), backend="cpu"))


@pytest.mark.parametrize("copied", [1, 700, 4000, 1 << 23])
def test_pieces_have_few_bytes_and_are_all(monkeypatch, copied):
    monkeypatch.setattr(blocks, "_COPIED", copied)
    given, result = np.ones((5, 3, 6, 14), "f4")[..., ::2], np.zeros((5, 3, 6, 14), "f4")[..., ::2]
    count = 0
    for arrays, outer, _, _ in in_blocks([given, result]):
        count += 1
        assert sum(array.nbytes for array in arrays) <= max(copied, 2 * 6 * 7 * 4)
        assert outer == len(arrays[0]) * arrays[0].shape[1]
        arrays[1][...] = arrays[0] + 1
    assert count == {1: 15, 700: 10, 4000: 2, 1 << 23: 1}[copied]
    assert (result == 2).all()


def test_copies_are_not_written_where_a_piece_is_refused():
    x, places = np.ones((2, 3, 2, 2), "f4"), np.full((2, 3, 2, 2), 99)
    made = np.full((2, 3, 4, 8), 9, "f4")[..., ::2]
    with pytest.raises(ValueError, match="indices"):
        convt.max_unpool(x, places, 2, 2, backend="cpu", out=made)
    assert (made == 9).all()
