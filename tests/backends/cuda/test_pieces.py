"""Large batches of NumPy arrays go piece by piece, and give what they give at once."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import convt
from convt_cuda import pieces


@pytest.fixture
def small_pieces(monkeypatch):
    """Every batch is worth cutting, into pieces of one or two images."""
    monkeypatch.setattr(pieces, "WORTH_IT", 1)
    monkeypatch.setattr(pieces, "PIECE", 3000)


@pytest.fixture
def arrays(rng):
    return rng.standard_normal((5, 3, 4, 6)), rng.standard_normal((3, 2, 3, 3)), rng.standard_normal(2)


@pytest.mark.parametrize("layout", [None, "NHWC", "HWCN"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_pieces_give_the_whole(cuda, emulator, small_pieces, arrays, layout, order):
    x, w, bias = arrays
    data, kernel = {None: ((0, 1, 2, 3),) * 2, "NHWC": ((0, 2, 3, 1), (2, 3, 1, 0)), "HWCN": ((2, 3, 1, 0),) * 2}[layout]
    x, w = (np.asarray(array.transpose(axes), order=order) for array, axes in ((x, data), (w, kernel)))
    before = emulator.calls("cuStreamSynchronize"), emulator.calls("cuMemHostAlloc")
    y = convt.conv_transpose(x, w, bias, stride=2, layout=layout, backend="cuda")
    assert emulator.calls("cuStreamSynchronize") > before[0] + 3
    np.testing.assert_allclose(y, convt.conv_transpose(x, w, bias, stride=2, layout=layout, backend="numpy"), atol=1e-12)
    gradients = convt.conv_transpose_backward(x, w, bias, y, stride=2, layout=layout, backend="cuda")
    wants = convt.conv_transpose_backward(x, w, bias, y, stride=2, layout=layout, backend="numpy")
    for got, want in zip(gradients, wants, strict=True):
        np.testing.assert_allclose(got, want, atol=1e-10)


def test_strides_of_any_kind(cuda, small_pieces, rng, arrays):
    _, w, _ = arrays
    x = np.broadcast_to(rng.standard_normal((3, 4, 12))[:, ::-1, ::2], (5, 3, 4, 6))
    out = np.full((5, 2, 9, 26), np.nan)[..., ::-2]
    convt.conv_transpose(x, w, stride=2, out=out, backend="cuda")
    np.testing.assert_allclose(out, convt.conv_transpose(x, w, stride=2, backend="numpy"), atol=1e-12)


@pytest.mark.parametrize(
    ("images", "bytes_each", "at_once"),
    [(1, 2**30, None), (2, 2**25, None), (2, 2**26, 1), (128, 2**20, 8), (2000, 2**16, 128), (3, 2**25, 1), (25, 2**22, 2)],
)
def test_how_a_batch_is_cut(images, bytes_each, at_once):
    source = np.broadcast_to(np.float32(0), (images, bytes_each // 8))
    assert pieces.images_at_once(source, source) == at_once


def test_pinned_memory_and_streams_are_used_again(cuda, emulator, small_pieces, arrays):
    functions = ("cuMemHostAlloc", "cuMemFreeHost", "cuStreamCreate")
    results = [convt.conv_transpose(*arrays, backend="cuda") for _ in range(2)]
    before = [emulator.calls(name) for name in functions], emulator.blocks, cuda._devices[0].pool.info()
    results.append(convt.conv_transpose(*arrays, backend="cuda"))
    assert ([emulator.calls(name) for name in functions], emulator.blocks, cuda._devices[0].pool.info()) == before
    assert cuda._devices[0].pinned.info()[0] == 0
    assert len({result.tobytes() for result in results}) == 1


def test_threads(cuda, small_pieces, rng, arrays):
    _, w, bias = arrays
    batches = [rng.standard_normal((4, 3, 4, 6)) for _ in range(6)]
    with ThreadPoolExecutor(3) as pool:
        results = pool.map(lambda x: convt.conv_transpose(x, w, bias, backend="cuda"), batches)
        for got, x in zip(results, batches, strict=True):
            np.testing.assert_allclose(got, convt.conv_transpose(x, w, bias, backend="numpy"), atol=1e-12)


@pytest.mark.parametrize(
    ("function", "after"),
    [
        ("cuLaunchKernel", 0), ("cuLaunchKernel", 2), ("cuMemcpyHtoD_v2", 2), ("cuMemcpyHtoD_v2", 4), ("cuMemcpyDtoH_v2", 1),
        ("cuStreamSynchronize", 0), ("cuStreamSynchronize", 2), ("cuEventRecord", 1),
    ],
)  # fmt: skip
def test_a_failure_on_the_way_leaves_nothing_in_use(cuda, emulator, small_pieces, arrays, function, after):
    convt.conv_transpose(*arrays, backend="cuda")
    emulator.fail(function, 719, after)
    with pytest.raises(Exception, match="unspecified launch failure"):
        convt.conv_transpose(*arrays, backend="cuda")
    device = cuda._devices[0]
    assert device.pool.info()[0] == device.pinned.info()[0] == 0
    assert emulator.contexts == 0


def test_no_pinned_memory(cuda, emulator, small_pieces, arrays):
    device = cuda._devices[0]
    with device.current():
        device.pinned.trim()
    emulator.fail("cuMemHostAlloc", 2)
    y = convt.conv_transpose(*arrays, backend="cuda")  # at the second try
    np.testing.assert_allclose(y, convt.conv_transpose(*arrays, backend="numpy"), atol=1e-12)
    with device.current():
        device.pinned.trim()
    kept = type(device._driver).call

    def call(driver, name, *arguments):
        if name == "cuMemHostAlloc":
            emulator.fail(name, 2)
        return kept(driver, name, *arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(device._driver), "call", call)
        with pytest.raises(MemoryError, match=r"^the host must have \d+ bytes of page-locked memory for this call\n"):
            convt.conv_transpose(*arrays, backend="cuda")
    assert device.pool.info()[0] == device.pinned.info()[0] == 0
