"""Every kernel of the list, for every instruction set of this processor, against plain NumPy."""

import numpy as np
import pytest

from convt_cpu._kernels import instruction_sets, kernels, run_correlate_kernel, run_kernel, vector_length

KERNELS = [(isa, *shape) for isa in instruction_sets() for shape in kernels(isa)]
AHEAD = 8


def operands(isa, rows, vectors, dtype, channels=5, taps=3):
    """Offsets, x, w and a y that is larger than what the kernel may write."""
    rng = np.random.default_rng(rows * 100 + vectors)
    width = vectors * vector_length(isa, np.dtype(dtype).itemsize)
    offsets = rng.integers(0, 20, taps).astype(np.int64)
    x = rng.standard_normal((channels, width + 20)).astype(dtype)
    w = rng.standard_normal((channels, taps, rows)).astype(dtype)
    y = rng.standard_normal((rows, width + 7)).astype(dtype)
    return offsets, x, w, y, width


def expected(offsets, x, w, width):
    seen = np.stack([x[:, start : start + width] for start in offsets], axis=1)
    return np.einsum("ctm,ctp->mp", w.astype("f8"), seen.astype("f8"))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize(("isa", "rows", "vectors"), KERNELS)
def test_a_kernel_sums_over_channels_and_taps(isa, rows, vectors, add, dtype):
    offsets, x, w, y, width = operands(isa, rows, vectors, dtype)
    before = y.copy()
    run_kernel(isa, rows, vectors, offsets, x, w, y, add)
    total = expected(offsets, x, w, width) + (before[:, :width] if add else 0)
    np.testing.assert_allclose(y[:, :width], total, rtol=0, atol=64 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(y[:, width:], before[:, width:])


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("add", [False, True])
@pytest.mark.parametrize(("isa", "rows", "vectors"), KERNELS)
def test_a_correlate_kernel_sums_outer_products_over_positions(isa, rows, vectors, add, dtype):
    rng = np.random.default_rng(rows * 100 + vectors)
    width, positions = vectors * vector_length(isa, np.dtype(dtype).itemsize), 11
    at_rows, at_lanes = (np.append(rng.integers(0, 20, positions), np.zeros(AHEAD, int)).astype(np.int64) for _ in "ab")
    of_rows, of_lanes = rng.standard_normal(rows + 20).astype(dtype), rng.standard_normal(width + 20).astype(dtype)
    before = rng.standard_normal((rows, width + 7)).astype(dtype)
    y = before.copy()
    run_correlate_kernel(isa, rows, vectors, at_rows, of_rows, at_lanes, of_lanes, y, add)
    pairs = zip(at_rows[:positions], at_lanes[:positions], strict=True)
    total = sum(np.outer(of_rows[r : r + rows].astype("f8"), of_lanes[p : p + width]) for r, p in pairs)
    total = total + (before[:, :width] if add else 0)
    np.testing.assert_allclose(y[:, :width], total, rtol=0, atol=64 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(y[:, width:], before[:, width:])


@pytest.mark.parametrize("isa", instruction_sets())
def test_a_kernel_without_channels_writes_zeros(isa):
    offsets, x, w, y, width = operands(isa, 2, 1, "f4", taps=1)
    run_kernel(isa, 2, 1, offsets, x[:0], w[:0], y, False)
    assert (y[:, :width] == 0).all()


@pytest.mark.parametrize("isa", instruction_sets())
def test_any_number_of_positions_can_be_pieced_together(isa):
    rows = {rows for rows, _ in kernels(isa)}
    assert rows == set(range(1, max(rows) + 1))
    assert all((each, 1) in kernels(isa) for each in rows)


def test_the_portable_kernels_are_in_every_build():
    assert instruction_sets()[-1] == "portable"
