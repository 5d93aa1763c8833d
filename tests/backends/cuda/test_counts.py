"""Divisors as multipliers: exact for all that kernels divide; and the kernels that count in 64 bits, which give the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import convt
from convt_cuda import choice, counts
from convt_cuda.counts import count, fits_int
from convt_cuda.device import Device
from convt_cuda.own import moves
from convt_cuda.sampling import launches

EDGES = [1, 2, 3, 5, 7, 2**15 - 1, 2**15 + 1, 2**30 - 1, 2**30]


def divided(a, value):
    """As the kernels do it: the upper half of a product of 64 bits, and of 32 where an int counts."""
    _, long, short, shift = count(value)
    assert 0 <= long < 2**63
    results = [4 * a * long >> 64 >> shift]
    if max(a, value) < 2**31:
        assert short < 2**32
        results.append(2 * a * short >> 32 >> shift)
    return set(results)


@given(st.integers(0, 2**62 - 1), st.integers(1, 2**62 - 1))
def test_every_quotient_is_exact(a, value):
    assert divided(a, value) == {a // value}


@pytest.mark.parametrize("value", [*EDGES, 2**31 + 1, 2**45 - 1, 2**61 + 1])
def test_next_to_multiples_too(value):
    for bits in (31, 62):
        last = (2**bits - 1) // value * value
        for a in {0, value - 1, value, last - 1, last, 2**bits - 1}:
            if 0 <= a < 2**bits:
                assert divided(a, value) == {a // value}


def test_arrays_without_elements_have_counts_too():
    assert count(0) == (0, 0, 0, 0)


def test_an_int_must_hold_what_is_counted():
    assert fits_int([0, 2**30 - 1])
    assert not fits_int([3, 2**30])


@pytest.fixture
def wide(monkeypatch):
    """Nothing is small enough for an int."""

    def forget():
        for cached in (launches.resampling, launches.pooling, choice._choose):
            cached.cache_clear()

    monkeypatch.setattr(counts, "_INT", 0)
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "direct")
    forget()
    yield
    forget()


@pytest.fixture
def launched(cuda, monkeypatch):
    """Names of the kernels that were launched."""
    names, launch = [], Device.launch

    def noted(device, each, *rest):
        names.append(each.kernel)
        launch(device, each, *rest)

    monkeypatch.setattr(Device, "launch", noted)
    return names


WINDOWS = {"size": 3, "stride": 2, "padding": 1}


def _pool(x):
    y, indices = convt.max_pool(x, **WINDOWS)
    unpooled = convt.max_unpool(y, indices, **WINDOWS, output_size=x.shape[2:])
    backward = convt.max_pool_backward(y, indices, **WINDOWS, output_size=x.shape[2:])
    return y, indices, unpooled, backward, convt.max_unpool_backward(x, indices, **WINDOWS)


CALLS = {
    "nearest": (lambda x: [convt.upsample(x, 3, mode="nearest")], "upsample_nearest"),
    "nails": (lambda x: [convt.upsample(x, 3, mode="bed_of_nails")], "upsample_bed_of_nails"),
    "bilinear": (lambda x: [convt.upsample(x, 2, mode="bilinear")], "upsample_bilinear"),
    "corners": (lambda x: [convt.upsample(x, 3, mode="bilinear", align_corners=True)], "upsample_bilinear"),
    "nearest backward": (lambda x: [convt.upsample_backward(x, (7, 5), mode="nearest")], "collect_nearest"),
    "nails backward": (lambda x: [convt.upsample_backward(x, (7, 5), mode="bed_of_nails")], "collect_bed_of_nails"),
    "bilinear backward": (lambda x: [convt.upsample_backward(x, (7, 5), mode="bilinear")], "collect_bilinear"),
    "corners backward": (
        lambda x: [convt.upsample_backward(x[..., 1:], 7, mode="bilinear", align_corners=True)],
        "collect_bilinear",
    ),
    "pool": (_pool, "max_pool"),
    "filters": (
        lambda x: [convt.conv_backward(x, x[:, :1, :3, :3], None, x, groups=3, padding=1, needs=("w",)).w],
        "correlate",
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_is_too_large_for_an_int_is_counted_in_64_bits(launched, rng, wide, name):
    call, kernels = CALLS[name]
    x = rng.standard_normal((3, 3, 14, 15))
    with convt.use_backend("cuda"):
        got = call(x)
    with convt.use_backend("numpy"):
        want = call(x)
    for ours, wanted in zip(got, want, strict=True):
        np.testing.assert_allclose(ours, wanted, rtol=1e-12, atol=1e-12)
    used = {each for each in launched if each.startswith(kernels)}
    assert used
    assert all("_wide_" in each or each.startswith("correlate_far_") for each in used)


def test_sizes_beyond_an_int_choose_the_wide_kernels():
    dense = (2**31, 2**16, 2**8, 1)
    assert moves.copy((1, 2**15, 2**8, 2**8), dense, dense, "float32").kernel == "copy_wide_float32"
    assert moves.copy((1, 2, 3, 4), (24, 12, 4, 1), (24, 1, 8, 2), "float16").kernel == "copy_float16"
    assert moves.copy((1, 2, 3, 4), (24, 12, 4, -(2**29)), (24, 1, 8, 2), "float16").kernel == "copy_wide_float16"


def test_axes_that_lie_alike_are_one():
    launch = moves.add_bias((2, 3, 4, 5), 7, (60, 20, 5, 1), "float32")
    assert launch.values[12::4] == (1, 1, 2, 3, 20)
    assert launch.values[1:6] == (0, 0, 0, 7, 0)
    assert moves.copy((2, 3, 4, 5), (60, 20, 5, 1), (60, 20, 5, 1), "float32").values[12::4] == (1, 1, 1, 1, 120)
