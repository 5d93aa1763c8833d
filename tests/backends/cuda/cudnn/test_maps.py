"""What cuDNN's engine computes, over the stand-in and on the host's memory: every map of every problem that it takes."""

import gc

import numpy as np
import pytest

from convt.backend import Backend
from convt.numpy_backend import backend as reference
from convt.testing import TOPICS, check_backend, make_problem
from convt_cuda.cudnn.geometry import why_not

MAPS = ["scatter", "gather", "correlate"]


class HostBackend(Backend):
    """The engine as a backend; what it has no plan for, because of how arrays lie, is done by NumPy and counted."""

    name = "cudnn"

    def __init__(self, standin):
        self.standin = standin
        self.planned = self.left = 0

    def why_not(self, problem):
        return why_not(problem)

    def scatter(self, problem, coarse, kernel, bias, fine):
        self._compute("scatter", problem, [coarse, kernel, fine], bias)

    def gather(self, problem, fine, kernel, bias, coarse):
        self._compute("gather", problem, [fine, kernel, coarse], bias)

    def correlate(self, problem, fine, coarse, kernel):
        self._compute("correlate", problem, [fine, coarse, kernel], None)

    def _compute(self, data_map, problem, arrays, bias):
        plan = self.standin.plan(problem, data_map, arrays)
        if plan is None:
            self.left += 1
            biases = () if data_map == "correlate" else (bias,)
            getattr(reference, data_map)(problem, *arrays[:2], *biases, arrays[2])
            return
        self.planned += 1
        self.standin.run(plan, arrays, bias)


@pytest.mark.usefixtures("remembered_definition")
def test_the_contract_is_kept(standin):
    backend = HostBackend(standin)
    report = check_backend(backend, quick=True, topics={*TOPICS} - {"not finite"})  # which NVIDIA's kernels do not promise
    assert report.checked > 100
    assert not backend.left
    assert set(report.refused) == {
        "cuDNN has no negative padding",
        "cuDNN has no output padding of a stride or more",
    }


def test_descriptors_say_what_the_problem_is(standin, arrays_of):
    problem = make_problem(
        (5, 6), (3, 2), stride=(2, 3), crop=(1, 1), dilation=(1, 2), channels=(4, 6), groups=2, dtype=np.float32
    )
    for data_map, function in [("scatter", "BackwardData"), ("gather", "Forward"), ("correlate", "BackwardFilter")]:
        standin.clear()
        standin.compute(problem, data_map, arrays_of(problem, data_map))
        assert standin.log == [
            f"Convolution{function} fine=1x6x9x16:NCHW coarse=1x4x5x6:NCHW filter=4x3x3x2:NCHW pad=1,1,0 stride=2,3,0 "
            "dilation=1,2,0 groups=2 math=3 algorithm=1 workspace=1048576"
        ]


def test_one_axis_is_two_of_which_one_does_nothing(standin, arrays_of):
    problem = make_problem(7, 4, stride=2, crop=(1, 1), dtype=np.float32)
    standin.compute(problem, "scatter", arrays_of(problem, "scatter"))
    (line,) = standin.log
    assert "fine=1x3x1x14:NCHW coarse=1x2x1x7:NCHW filter=2x3x1x4:NCHW pad=0,1,0 stride=1,2,0 dilation=1,1,0" in line


def test_three_axes_are_three(standin, arrays_of):
    problem = make_problem((2, 3, 4), 2, stride=2, dtype=np.float64)
    standin.compute(problem, "gather", arrays_of(problem, "gather"))
    (line,) = standin.log
    assert "fine=1x3x4x6x8:NCHW" in line
    assert "math=0" in line  # there is no TF32 to keep out


def last(array):
    """The same array with its channels densest in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_channels_last_needs_no_copies(standin, arrays_of, data_map, axes):
    problem = make_problem((3,) * axes, 3, stride=2, crop=(1, 1), channels=(4, 6), groups=2, batch=2, dtype=np.float32)
    arrays = [last(array) for array in arrays_of(problem, data_map)]
    wanted = np.empty(arrays[2].shape, np.float32)
    standin.compute(problem, data_map, arrays)
    (line,) = standin.log
    assert line.count("NHWC") == 3
    standin.compute(problem, data_map, [*(np.ascontiguousarray(array) for array in arrays[:2]), wanted])
    np.testing.assert_array_equal(arrays[2], wanted)


@pytest.mark.parametrize(("data_map", "copies"), [("scatter", 2), ("gather", 1), ("correlate", 1)])
def test_what_lies_in_another_order_is_copied(standin, arrays_of, data_map, copies):
    problem = make_problem((4, 5), 3, stride=2, crop=(1, 1), channels=(3, 5), dtype=np.float32)
    left, right, out = arrays_of(problem, data_map)
    plan = standin.compute(problem, data_map, [left, right, last(out)])
    assert "copies of" in plan.words
    # Of the two orders that is taken for which less is copied; a large result stays where it is.
    assert standin.device.launched == ["copy_float32"] * copies
    (line,) = standin.log
    assert line.count("NHWC") == (3 if data_map == "scatter" else 0)


def test_doubles_in_an_order_that_cudnn_refuses_are_copied(standin, arrays_of):
    problem = make_problem((4, 5), 3, channels=(3, 5), dtype=np.float64)
    plan = standin.compute(problem, "gather", [last(array) for array in arrays_of(problem, "gather")])
    assert "copies of fine, kernel, coarse" in plan.words


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("crop", [(0, 2), (3, 0), ((0, 1), (2, 0))])
def test_uneven_crops_take_a_larger_array(standin, arrays_of, data_map, crop):
    problem = make_problem((4, 5), 4, stride=2, crop=crop, channels=(3, 2), batch=2)
    arrays = arrays_of(problem, data_map)
    bias = None if data_map == "correlate" else np.arange(1.0, arrays[2].shape[1] + 1)
    plan = standin.compute(problem, data_map, arrays, bias)
    assert "copies of fine" in plan.words
    wanted = np.zeros_like(arrays[2])
    getattr(reference, data_map)(problem, *arrays[:2], *(() if bias is None else (bias,)), wanted)
    np.testing.assert_allclose(arrays[2], wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("step", [1, 2, -1, 0])
def test_a_bias_may_lie_anyhow(standin, arrays_of, step):
    problem = make_problem((4, 5), 4, stride=2, crop=(1, 1), channels=(3, 2), batch=2)
    arrays = arrays_of(problem, "scatter")
    values = np.arange(1.0, 5.0)
    bias = np.broadcast_to(values[:1], 2) if step == 0 else values[::step][:2]
    standin.compute(problem, "scatter", arrays, bias)
    wanted = np.zeros_like(arrays[2])
    reference.scatter(problem, *arrays[:2], bias, wanted)
    np.testing.assert_allclose(arrays[2], wanted, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("crop", [(1, 1), (1, 0)])
def test_crops_that_a_stride_hides_need_none(standin, arrays_of, crop):
    problem = make_problem((4, 5), 3, stride=2, crop=crop)
    assert "copies" not in standin.plan(problem, "scatter", arrays_of(problem, "scatter")).words


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"crop": (-1, 0)}, "cuDNN has no negative padding"),
        ({"stride": 2, "crop": (0, -2)}, "cuDNN has no output padding of a stride or more"),
        ({"stride": 2, "dilation": 4, "extra": 3}, "cuDNN has no output padding of a stride or more"),
        ({"dtype": np.float16}, "cuDNN is called for float32 and float64 only"),
        ({"channels": (0, 3)}, "cuDNN has no sizes of zero"),
        ({"stride": 2**30}, "cuDNN has no arrays of 2**31 elements or more"),
        ({"stride": 2, "crop": (1, 1), "extra": 1}, None),
        ({"crop": (1, 3)}, None),
    ],
)
def test_what_cudnn_cannot_express(options, reason):
    assert why_not(make_problem((4, 4), 4, **options)) == reason


@pytest.mark.parametrize("data_map", MAPS)
@pytest.mark.parametrize("order", ["backwards", "broadcast", "steps"])
def test_strides_that_cudnn_lacks_are_copied(standin, arrays_of, data_map, order):
    problem = make_problem((4, 5), 3, stride=2, channels=(3, 4), batch=2)
    left, right, out = arrays_of(problem, data_map)
    if order == "backwards":
        left, right, out = left[:, :, ::-1], right[..., ::-1], out[:, :, ::-1]
    elif order == "broadcast":
        left, right = np.broadcast_to(left[:, :1], left.shape), np.broadcast_to(right[..., :1], right.shape)
    else:
        left, out = np.repeat(left, 2, -1)[..., ::2], np.repeat(out, 3, 1)[:, ::3]
    wanted = np.zeros_like(out)
    assert "copies of" in standin.compute(problem, data_map, [left, right, out]).words
    getattr(reference, data_map)(problem, left, right, *([] if data_map == "correlate" else [None]), wanted)
    np.testing.assert_allclose(out, wanted, rtol=1e-13, atol=1e-13)


def test_descriptors_go_with_their_plan(standin, arrays_of):
    problem = make_problem((4, 5), 3)
    before = standin.live
    plan = standin.plan(problem, "scatter", arrays_of(problem, "scatter"))
    assert standin.live == before + 5  # with the handle
    del plan
    gc.collect()
    assert standin.live == before + 1
