"""The cost models take the side that was faster on an H200, in layers where it was so by a factor of three or more."""

import numpy as np
import pytest

from convt.testing import make_problem
from convt_cuda.cudnn import Wishes
from convt_cuda.cudnn.maps import MAPS
from convt_cuda.own import cost
from convt_cuda.own.parameters import dense_strides
from convt_cuda.own.plan import direct_plans, tensor_plans, tile_plans


def layer(coarse, kernel, stride=1, crop=0, channels=(1, 1), batch=1, groups=1):
    """`channels` are those of the coarse array and of the fine one."""
    crops = (crop, crop)
    sizes = {"stride": stride, "crop": crops, "channels": channels, "batch": batch, "groups": groups}
    return make_problem(coarse, kernel, dtype=np.float32, **sizes)


# The layers, maps and types of benchmarks/results/gpu-h200.md.
OURS, CUDNNS = "own", "cudnn"
MEASURED = {
    "dcgan-4": (layer((4, 4), 4, 2, 1, (1024, 512), 128), "scatter", "float32", OURS),
    "unet-28": (layer((28, 28), 2, 2, 0, (1024, 512), 8), "scatter", "float32", OURS),
    "unet-256": (layer((256, 256), 2, 2, 0, (128, 64), 8), "scatter", "float32", OURS),
    "gan3d-16": (layer((16, 16, 16), 4, 2, 1, (128, 64), 8), "scatter", "float32", OURS),
    "nnunet3d-20": (layer((20, 20, 20), 2, 2, 0, (128, 64), 4), "scatter", "float32", OURS),
    "fcn-8": (layer((64, 64), 16, 8, 4, (21, 21), 8), "scatter", "float32", OURS),
    "fsrcnn": (layer((256, 256), 9, 3, 4, (56, 1), 4), "scatter", "float32", OURS),
    "istft": (layer((400,), 1024, 256, 0, (513, 1), 8), "scatter", "float32", OURS),
    "pix2pix-1, x": (layer((1, 1), 4, 2, 1, (512, 512)), "gather", "float32", CUDNNS),
    "depthwise, x": (layer((128, 128), 4, 2, 1, (64, 64), 8, 64), "gather", "float32", CUDNNS),
    "fcn-32, x": (layer((16, 16), 64, 32, 16, (21, 21), 8), "gather", "float32", OURS),
    "fcn-32, w": (layer((16, 16), 64, 32, 16, (21, 21), 8), "correlate", "float32", OURS),
    "dcgan-8, halves": (layer((8, 8), 4, 2, 1, (512, 256), 128), "scatter", "float16", CUDNNS),
    "stride 1, halves": (layer((56, 56), 3, 1, 1, (64, 64), 64), "scatter", "float16", CUDNNS),
    "gan3d, halves, x": (layer((16, 16, 16), 4, 2, 1, (128, 64), 8), "gather", "float16", CUDNNS),
    "unet-28, halves, w": (layer((28, 28), 2, 2, 0, (1024, 512), 8), "correlate", "float16", CUDNNS),
}


@pytest.mark.parametrize("name", MEASURED)
def test_the_faster_side_is_taken(standin, name):
    problem, data_map, storage, faster = MEASURED[name]
    strides = tuple(dense_strides(getattr(problem, f"{role}_array_shape")) for role in MAPS[data_map].ours)
    plans = {OURS: [*direct_plans(problem, data_map, strides, storage), *tile_plans(problem, data_map, strides, storage)]}
    if storage == "float16":
        plans[OURS] += tensor_plans(problem, data_map, strides, storage)
    wishes = Wishes(2.0**31, False, True)
    plans[CUDNNS] = standin.cudnn.plans(problem, data_map, strides, standin.device, wishes, storage)
    costs = {side: min(plan.cost for plan in each) for side, each in plans.items()}
    assert min(costs, key=costs.get) == faster, costs


def test_few_threads_wait_for_memory():
    """As many multiply-adds by fewer threads take longer, where there are not enough of them to hide that."""
    assert cost.direct(2**10, 2**24, 1) > 2 * cost.direct(2**14, 2**24, 1)


def test_a_launch_is_not_free():
    assert cost.direct(1, 1, 1) >= cost.START
    assert cost.tile("tile", (64, 64), "float32", 1, 1, packed=1) > 2 * cost.START
