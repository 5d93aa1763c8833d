"""cuDNN on float16 and bfloat16: half data types, sums in float."""

import numpy as np
import pytest
from halves import EPS, LEAST, TYPES, bits_of, rounded, values_of

import convt
from convt.numpy_backend import backend as reference
from convt.testing import make_problem

MAPS = ["scatter", "gather", "correlate"]
PROBLEMS = {
    "plain": make_problem((5, 6), (3, 2), stride=(2, 3), crop=(1, 1), channels=(4, 6), groups=2, dtype=np.float32),
    "one axis": make_problem(7, 4, stride=2, crop=(1, 1), batch=2, dtype=np.float32),
    "uneven": make_problem((4, 5), 4, stride=2, crop=((0, 1), (2, 0)), channels=(3, 2), batch=2, dtype=np.float32),
}


def compared(standin, problem, data_map, arrays, storage, bias=None):
    """Run the map on the bits of arrays; its result, and that of the definition."""
    numbers = [rounded(array, storage) for array in arrays[:2]]
    held = [bits_of(array, storage) for array in (*numbers, np.full_like(arrays[2], np.nan))]
    plan = standin.compute(problem, data_map, held, None if bias is None else bits_of(bias, storage), storage)
    want = np.zeros(arrays[2].shape)
    getattr(reference, data_map)(problem, *numbers, *(() if data_map == "correlate" else (bias,)), want)
    return values_of(held[2], storage), want, plan


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)
def test_it_is_the_map_of_the_rounded_inputs(standin, arrays_of, storage, data_map, problem):
    got, want, _ = compared(standin, problem, data_map, arrays_of(problem, data_map), storage)
    np.testing.assert_array_equal(got, rounded(want, storage))  # the stand-in sums in double


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("step", [1, -1])
def test_the_bias_is_added_to_what_was_rounded(standin, arrays_of, storage, step):
    problem = PROBLEMS["plain"]
    arrays = arrays_of(problem, "scatter")
    bias = rounded(np.arange(1.0, 7.0), storage)
    held = np.ascontiguousarray(bias[::step])[::step]
    got, want, _ = compared(standin, problem, "scatter", arrays, storage)
    assert (got == rounded(want, storage)).all()
    biased, exact, _ = compared(standin, problem, "scatter", arrays, storage, held)
    column = bias.reshape(-1, 1, 1)
    np.testing.assert_array_equal(biased, rounded(rounded(want, storage) + column, storage))
    np.testing.assert_allclose(biased, exact, rtol=EPS[storage] / 2, atol=EPS[storage] * abs(want).max() / 2)


def test_descriptors_say_the_type(standin, arrays_of):
    problem = PROBLEMS["plain"]
    for storage, name in [("float16", "half"), ("bfloat16", "bfloat16")]:
        standin.clear()
        compared(standin, problem, "gather", arrays_of(problem, "gather"), storage)
        (line,) = standin.log
        assert line.startswith(
            f"ConvolutionForward fine=1x6x9x15:NCHW:{name} coarse=1x4x5x6:NCHW:{name} filter=4x3x3x2:NCHW:{name}"
        )


def test_copies_are_of_the_type_too(standin, arrays_of):
    problem = PROBLEMS["uneven"]
    _, _, plan = compared(standin, problem, "gather", arrays_of(problem, "gather"), "float16")
    assert "copies of fine" in plan.words
    elements = 2 * 2 * (problem.fine_shape[0] + 1) * (problem.fine_shape[1] + 2)
    assert plan.workspace - 2**20 == -(-2 * elements // 256) * 256


def test_tensor_cores_need_no_permission(standin, arrays_of):
    """Products of half types are exact in float32: nothing is rounded on its way, as TF32 would. So they are asked for."""
    problem = PROBLEMS["plain"]
    arrays = arrays_of(problem, "gather")
    for storage, algorithm, math in [(None, 2, 3), ("float16", 3, 1), ("bfloat16", 3, 1)]:
        held = arrays if storage is None else [bits_of(rounded(array, storage), storage) for array in arrays]
        standin.clear()
        standin.compute(problem, "gather", held, None, storage, workspace_limit=5000)
        assert f"math={math} algorithm={algorithm} " in standin.log[-1]


@pytest.mark.parametrize("storage", TYPES)
def test_arrays_on_the_gpu(over_standin, rng, to_tensor, numbers, monkeypatch, storage):
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "cudnn")
    x, w, bias = (rounded(rng.standard_normal(shape), storage) for shape in ((2, 6, 5, 7), (6, 4, 4, 4), (4,)))
    y = convt.conv_transpose(*(to_tensor(array, storage) for array in (x, w, bias)), stride=2, padding=1)
    assert len(over_standin.log) == 1
    want = convt.conv_transpose(x, w, bias, stride=2, padding=1, backend="numpy")
    np.testing.assert_allclose(numbers(y), want, rtol=EPS[storage], atol=EPS[storage] * 8 + LEAST[storage])
