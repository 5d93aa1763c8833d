"""What docs/guide/frameworks.md says of SciPy, JAX, ONNX and PyTorch's ceil_mode, by their formulas."""

import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d, upfirdn

import convt


@pytest.mark.parametrize("n", [5, 6])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_scipy(rng, n, k):
    x, w = rng.standard_normal((n, n + 1)), rng.standard_normal((k, k))

    def conv(filters, padding):
        return convt.conv(x[None], filters[None, None], padding=padding)[0]

    for mode, padding in (("same", "same_lower"), ("valid", 0), ("full", k - 1)):
        np.testing.assert_allclose(conv(w[::-1, ::-1], padding), convolve2d(x, w, mode), atol=1e-12)
    for mode, padding in (("same", "same"), ("valid", 0), ("full", k - 1)):
        np.testing.assert_allclose(conv(w, padding), correlate2d(x, w, mode), atol=1e-12)
    np.testing.assert_allclose(convt.conv_transpose(x[None], w[None, None])[0], convolve2d(x, w), atol=1e-12)


@pytest.mark.parametrize("up", [1, 2, 3])
@pytest.mark.parametrize("down", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 8])
def test_scipys_upfirdn(rng, up, down, k):
    x, w = rng.standard_normal(9), rng.standard_normal(k)
    got = convt.conv_transpose(x[None], w[None, None], stride=up)[0, ::down]
    np.testing.assert_allclose(got, upfirdn(w, x, up, down), atol=1e-12)


@pytest.mark.parametrize("pads", [(0, 0), (2, 1), (4, 6), (7, 3)])
@pytest.mark.parametrize("dilation", [1, 2])
def test_jaxs_explicit_padding(rng, pads, dilation):
    """``y[i] = sum(dilated[i + t * dilation] * w[t])`` with zeros around the dilated x; transpose_kernel flips w."""
    x, w, stride = rng.standard_normal(5), rng.standard_normal(3), 2
    dilated = np.zeros(9)
    dilated[::stride] = x
    dilated = np.pad(dilated, pads)
    reach = dilation * (w.size - 1)
    flipped = w[::-1]
    size = dilated.size - reach
    if size < 1:
        pytest.skip("no output")
    wanted = [sum(dilated[i + t * dilation] * flipped[t] for t in range(w.size)) for i in range(size)]
    padding = [tuple(reach - pad for pad in pads)]
    got = convt.conv_transpose(x[None], w[None, None], stride=stride, padding=padding, dilation=dilation)[0]
    np.testing.assert_allclose(got, wanted, atol=1e-12)


@pytest.mark.parametrize("n", range(5, 12))
@pytest.mark.parametrize(("k", "s", "p"), [(2, 2, 0), (3, 2, 1), (3, 2, 0), (3, 1, 1), (5, 3, 1), (5, 4, 1)])
def test_ceil_mode(rng, n, k, s, p):
    x = rng.standard_normal(n)
    y = convt.max_pool(x, k, s, padding=[(p, p + s - 1)]).y
    assert y.size == -(-(n + 2 * p - k) // s) + 1
    assert y.tolist() == [x[max(0, q * s - p) : q * s - p + k].max() for q in range(y.size)]


def test_onnx_max_unpool_with_an_output_shape():
    y, indices = np.array([[5.0, 6], [7, 8]]), np.array([[5, 7], [13, 15]])
    wanted = np.zeros((5, 5))
    wanted[[1, 1, 3, 3], [1, 3, 1, 3]] = [5, 6, 7, 8]
    np.testing.assert_array_equal(np.pad(convt.max_unpool(y, indices, 2), (0, 1)), wanted)
