"""The emulated driver is as strict as a GPU: what it must show if the backend were wrong."""

import numpy as np
import pytest

from convt.testing import make_problem
from convt_cuda.driver import CudaError
from convt_cuda.own.parameters import dense_strides
from convt_cuda.own.plan import tile_plans

PROBLEM = make_problem((5, 6), 3, channels=(3, 4), dtype=np.float32)


@pytest.mark.parametrize(
    ("name", "off"), [("left", 0), ("left", 2), ("out", 2), ("work", 4), ("work", 8)], ids=lambda value: str(value)
)
def test_an_address_that_is_not_aligned(cuda, emulator, context, to_gpu, name, off):
    """To numbers, or to the 16 bytes that are read at once."""
    shapes = PROBLEM.coarse_array_shape, PROBLEM.kernel_array_shape, PROBLEM.fine_array_shape
    plan = next(iter(tile_plans(PROBLEM, "scatter", tuple(map(dense_strides, shapes)), "float32")))
    sizes = dict(zip(("left", "right", "out"), map(np.prod, shapes), strict=True), work=plan.workspace // 4)
    arrays = {role: to_gpu(np.zeros(size + 4, np.float32)) for role, size in sizes.items()}
    pointers = {role: int(array.gpudata) for role, array in arrays.items()} | {"bias": 0, "bias_stride": 0}
    pointers[name] += off
    device = cuda._devices[0]
    plan.run(device, 0, pointers)
    if off:
        with pytest.raises(CudaError, match=r"misaligned address \(CUDA error 716\)$"):
            device.finish(0)
    device.finish(0)
