"""Which engine runs, and what the environment says about it."""

import numpy as np
import pytest

import convt
from convt.testing import make_problem
from convt_cuda.choice import choose, workspace_limit


def chosen(data_map="scatter", **options):
    problem = make_problem(**{"coarse": (32, 32), "kernel": 3, "dtype": np.float32, **options})
    shapes = {
        "scatter": (problem.coarse_array_shape, problem.kernel_array_shape, problem.fine_array_shape),
        "gather": (problem.fine_array_shape, problem.kernel_array_shape, problem.coarse_array_shape),
        "correlate": (problem.fine_array_shape, problem.coarse_array_shape, problem.kernel_array_shape),
    }[data_map]
    return choose(problem, data_map, tuple(map(_dense, shapes)))


def _dense(shape):
    return tuple(step // 4 for step in np.empty(shape, np.float32).strides)


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_many_channels_are_matrix_products(data_map):
    assert chosen(data_map, channels=(64, 64), stride=2, batch=4)[0] == "tile"


@pytest.mark.parametrize("data_map", ["scatter", "gather", "correlate"])
def test_depthwise_is_direct(data_map):
    assert chosen(data_map, channels=(64, 64), groups=64, stride=2, batch=4)[0] == "direct"


def test_filter_gradients_of_a_few_channels_are_direct_while_tiles_would_stay_empty():
    layer = {"coarse": (128, 128), "kernel": 4, "stride": 2, "crop": (1, 1), "channels": (64, 64), "batch": 8}
    assert [chosen("correlate", groups=groups, **layer)[0] for groups in (32, 16)] == ["direct", "tile"]


def test_large_layers_get_large_tiles():
    _, plan = chosen(channels=(256, 256), batch=64)
    assert plan.launches[1].kernel == "scatter_128x128_pixels_float32"


def test_a_workspace_beyond_the_limit_is_not_used(monkeypatch):
    assert chosen(channels=(64, 64), batch=4)[1].workspace == 64 * 64 * 9 * 4
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", "1000")
    assert chosen(channels=(64, 64), batch=4)[1].workspace == 0


@pytest.mark.parametrize(("text", "limit"), [("", 2**29), ("1e6", 1e6), ("inf", float("inf")), ("0", 0)])
def test_the_workspace_limit(monkeypatch, text, limit):
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", text)
    assert workspace_limit() == limit


@pytest.mark.parametrize("text", ["many", "-1", "nan"])
def test_what_is_no_workspace_limit(monkeypatch, text):
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", text)
    with pytest.raises(ValueError, match=f"^CONVT_WORKSPACE_LIMIT must be a number of bytes or 'inf', got '{text}'$"):
        workspace_limit()


def test_an_engine_can_be_forced(monkeypatch):
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "direct")
    assert chosen(channels=(64, 64), batch=4)[0] == "direct"
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "fast")
    with pytest.raises(ValueError, match=r"^CONVT_CUDA_ALGORITHM must be one of tile, tensor, direct, cudnn, got 'fast'$"):
        chosen()


def test_the_environment_is_read_at_every_call(cuda, monkeypatch):
    x, w = np.ones((1, 8, 5, 5)), np.ones((8, 8, 3, 3))
    y = convt.conv_transpose(x, w, backend="cuda")
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", "wrong")
    with pytest.raises(ValueError, match="CONVT_WORKSPACE_LIMIT"):
        convt.conv_transpose(x, w, backend="cuda")
    monkeypatch.delenv("CONVT_WORKSPACE_LIMIT")
    np.testing.assert_array_equal(convt.conv_transpose(x, w, backend="cuda"), y)
