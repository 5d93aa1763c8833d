"""Device memory: kept from call to call, given back after errors, and errors that name bytes."""

import gc
import re
import sys

import numpy as np
import pytest

import convt


@pytest.fixture
def arrays(rng):
    return rng.standard_normal((1, 8, 30, 30)).astype("f4"), rng.standard_normal((8, 8, 3, 3)).astype("f4")


@pytest.fixture
def leave(cuda, emulator):
    """Lets the first GPU have so many bytes more than are in use."""

    def leave(size):
        with cuda._devices[0].current():
            free, total = cuda._driver.pycuda.mem_get_info()
        emulator.set_memory(total - free + size)

    return leave


def test_scratch_is_used_again(cuda, emulator, arrays):
    convt.conv_transpose(*arrays, backend="cuda")
    before = cuda._devices[0].pool.info(), emulator.blocks
    assert before[0][1] > 60_000
    for _ in range(3):
        convt.conv_transpose(*arrays, backend="cuda")
    assert (cuda._devices[0].pool.info(), emulator.blocks) == before


def test_results_are_freed_with_the_last_reference(cuda, emulator, arrays, to_gpu, context):
    x, w = map(to_gpu, arrays)
    convt.conv_transpose(x, w)
    gc.collect()
    before = emulator.blocks
    results = [convt.conv_transpose(x, w) for _ in range(3)]
    assert emulator.blocks == before + 3
    del results
    gc.collect()
    assert emulator.blocks == before


def test_out_of_memory_names_the_bytes_and_leaves_nothing(cuda, emulator, arrays):
    pool = cuda._devices[0].pool
    with cuda._devices[0].current():
        pool.trim()
    before = emulator.blocks
    emulator.set_memory(60_000)
    message = r"^GPU 0 \(emulated\) must have \d+ bytes free for this call, got \d+ of 60000 \("
    with pytest.raises(MemoryError, match=message):
        convt.conv_transpose(*arrays, backend="cuda")
    assert pool.info()[0] == 0
    with cuda._devices[0].current():
        pool.trim()
    assert emulator.blocks == before
    emulator.set_memory(1 << 31)
    assert convt.conv_transpose(*arrays, backend="cuda").shape == (1, 8, 32, 32)


def test_out_of_memory_for_a_result_on_the_gpu(cuda, emulator, arrays, to_gpu):
    x, w = map(to_gpu, arrays)
    emulator.set_memory(1)
    with pytest.raises(MemoryError, match=r"must have 32768 bytes free for the result, got \d+ of 1 \("):
        convt.conv_transpose(x, w)


def test_gradients_that_do_not_all_fit_leave_nothing(cuda, emulator, leave, arrays, to_gpu):
    x, w = map(to_gpu, arrays)
    dy = to_gpu(np.ones((1, 8, 32, 32), "f4"))
    with cuda._devices[0].current():
        cuda._devices[0].pool.trim()
    gc.collect()
    before = emulator.blocks
    leave(30_000)  # the gradient of x fits
    with convt.options(workspace_limit=1234), pytest.raises(MemoryError) as raised:
        convt.conv_transpose_backward(x, w, None, dy)
    assert re.search(r"^GPU 0 .* have 2304 bytes .* of .* \(scratch memory is limited to 1234 bytes: ", str(raised.value))
    with cuda._devices[0].current():
        cuda._devices[0].pool.trim()
    del raised
    gc.collect()
    assert emulator.blocks == before


def test_memory_that_is_kept_is_given_up_for_a_result(cuda, leave, arrays, to_gpu):
    x, w = map(to_gpu, arrays)
    convt.conv_transpose(*arrays, backend="cuda")
    pool = cuda._devices[0].pool
    assert pool.info()[1] > 60_000
    leave(1000)
    with convt.options(workspace_limit=0):
        assert convt.conv_transpose(x, w).shape == (1, 8, 32, 32)
    assert pool.info()[1] == 0


@pytest.mark.parametrize("base", [RuntimeError, MemoryError])
def test_out_of_memory_of_other_packages(cuda, arrays, torch, from_bits, monkeypatch, base):
    """torch.OutOfMemoryError is no MemoryError, and says nothing of what we keep."""
    error = type("OutOfMemoryError", (base,), {})

    def empty(*arguments, **options):
        raise error("CUDA out of memory. Tried to allocate 2.00 MiB.")

    monkeypatch.setattr(sys.modules["torch"], "empty", empty)
    x, w = (from_bits(np.zeros(shape), "float16") for shape in ((1, 2, 5, 5), (2, 3, 2, 2)))
    with pytest.raises(MemoryError, match=r"must have 216 bytes free for the result, got \d+ of \d+ \(scratch") as raised:
        convt.conv_transpose(x, w)
    assert isinstance(raised.value.__cause__, error)


def test_memory_that_is_kept_is_given_up_before_a_call_fails(cuda, emulator, rng):
    small = rng.standard_normal((1, 1, 400, 400)).astype("f4")
    w = np.ones((1, 1, 1, 1), "f4")
    convt.conv_transpose(small, w, backend="cuda")
    emulator.set_memory(2_500_000)
    larger = rng.standard_normal((1, 1, 500, 500)).astype("f4")
    np.testing.assert_array_equal(convt.conv_transpose(larger, w, backend="cuda"), larger)


@pytest.mark.parametrize("function", ["cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2", "cuLaunchKernel", "cuMemAllocFromPoolAsync"])
def test_a_call_that_the_driver_refuses_leaves_nothing_in_use(cuda, emulator, arrays, function):
    emulator.fail(function, 719)
    with pytest.raises(Exception, match="unspecified launch failure"):
        convt.conv_transpose(*arrays, backend="cuda")
    assert cuda._devices[0].pool.info()[0] == 0
    assert emulator.contexts == 0


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i8"])
@pytest.mark.parametrize("shape", [(2, 3, 4), (3,), (), (2, 0, 4)])
def test_a_copy_of_a_host_array_comes_back(cuda, rng, dtype, shape):
    array = rng.standard_normal(shape).astype(dtype).T
    there = cuda.from_host(array)
    assert cuda.owns(there)
    assert (there.shape, there.dtype, there.order) == (array.shape, array.dtype, tuple(range(array.ndim)))
    np.testing.assert_array_equal(cuda.to_host(there), array)
    np.testing.assert_array_equal(cuda.to_host(there.transpose(tuple(reversed(range(array.ndim))))), array.T)


def test_a_copy_of_a_host_array_lies_where_host_arrays_are_computed(cuda, emulator):
    with convt.options(device=1):
        there = cuda.from_host(np.ones(3))
    assert there.device is cuda._devices[1]
    np.testing.assert_array_equal(cuda.to_host(there), np.ones(3))
