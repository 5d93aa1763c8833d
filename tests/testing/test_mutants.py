"""check_backend finds what it should find: each mutant breaks one rule, and every alarm of the kit has one that trips it."""

import itertools
import re
import time
from math import prod

import numpy as np
import pytest
from mutants import alarms, tripped

from convt.numpy_backend import NumpyBackend, pooling, upsampling
from convt.testing import TOPICS
from convt.testing.bounds import TOLERANCE

pytestmark = pytest.mark.usefixtures("remembered_definition")

numpy = NumpyBackend()
CALLS = itertools.count()
SCRATCH = {}


class Sane(NumpyBackend):
    """NumPy with upsampling and pooling of its own: what the mutants are made of."""

    name = "mutant"

    def channel_sums(self, problem, array, sums):
        array.sum(axis=(0, *range(2, array.ndim)), out=sums)

    def upsample(self, problem, mode, align_corners, coarse, fine):
        upsampling.upsample(problem, mode, align_corners, coarse, fine)

    def upsample_backward(self, problem, mode, align_corners, fine, coarse):
        upsampling.upsample_backward(problem, mode, align_corners, fine, coarse)

    def max_pool(self, problem, fine, coarse, indices):
        pooling.max_pool(problem, fine, coarse, indices)

    def max_pool_backward(self, problem, coarse, indices, fine):
        return pooling.max_pool_backward(problem, coarse, indices, fine)

    def max_unpool(self, problem, coarse, indices, fine):
        return pooling.max_unpool(problem, coarse, indices, fine)

    def max_unpool_backward(self, problem, fine, indices, coarse):
        return pooling.max_unpool_backward(problem, fine, indices, coarse)


# Wrong results of the maps.


def rounded_like_tf32(self, problem, coarse, kernel, bias, fine):
    bits = (kernel.astype(np.float32).view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    numpy.scatter(problem, coarse, bits.view(np.float32).astype(problem.dtype), bias, fine)


def float64_through_float32(self, problem, fine, coarse, kernel):
    single = np.empty(kernel.shape, np.float32)
    numpy.correlate(problem, fine.astype(np.float32), coarse.astype(np.float32), single)
    kernel[...] = single


def off_by_one_at_the_border(self, problem, coarse, kernel, bias, fine):
    numpy.scatter(problem, coarse, kernel, bias, fine)
    if fine.shape[-1] > 1:
        fine[..., -1] = fine[..., -2]


def without_bias(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, None, coarse)


def bias_of_the_next_channel(self, problem, coarse, kernel, bias, fine):
    numpy.scatter(problem, coarse, kernel, None if bias is None else np.roll(bias, 1), fine)


def added_to_what_was_there(self, problem, fine, coarse, kernel):
    result = np.empty_like(kernel)
    numpy.correlate(problem, fine, coarse, result)
    kernel += result


def dropping_the_last_tap(self, problem, coarse, kernel, bias, fine):
    kernel = kernel.copy()
    if kernel[0, 0].size > 100:
        kernel[..., -1] = 0
    numpy.scatter(problem, coarse, kernel, bias, fine)


def forgetting_a_remainder_of_the_width(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    if coarse.shape[-1] % 16 == 1 and coarse.shape[-1] > 1:
        coarse[..., -1] = np.nan


def groups_in_another_order(self, problem, fine, coarse, kernel):
    numpy.correlate(problem, fine, coarse, kernel)
    kernel[...] = np.roll(kernel, problem.coarse_channels // problem.groups, 0)


def the_first_image_only(self, problem, fine, coarse, kernel):
    coarse = coarse.copy()
    coarse[1:] = 0
    numpy.correlate(problem, fine, coarse, kernel)


def filters_turned_round(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel[..., ::-1], bias, coarse)


def a_little_too_large(self, problem, coarse, kernel, bias, fine):
    numpy.scatter(problem, coarse, kernel, bias, fine)
    fine *= 1 + 0.8 * TOLERANCE * np.finfo(problem.dtype).eps


def a_little_too_small(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    coarse *= 1 - 0.8 * TOLERANCE * np.finfo(problem.dtype).eps


def sums_in_float16(self, problem, array, sums):
    sums[...] = array.astype(np.float16).sum(axis=(0, *range(2, array.ndim)))


def sums_of_the_first_image(self, problem, array, sums):
    sums[...] = array[0].sum(axis=tuple(range(1, array.ndim - 1)))


def never_the_same_twice(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    coarse *= 1 + (next(CALLS) % 2) * np.finfo(problem.dtype).eps


def dividing_by_zero(self, problem, fine, coarse, kernel):
    raise ZeroDivisionError("no fine elements")


MAPS = [
    ({"scatter": rounded_like_tf32}, r"float32: scatter is wrong at .* elements, worst at \(.*\): got .*, expected .*"),
    ({"correlate": float64_through_float32}, "float64: correlate is wrong"),
    ({"scatter": off_by_one_at_the_border}, "scatter is wrong"),
    ({"gather": without_bias}, "float32: gather with a bias is wrong"),
    ({"scatter": bias_of_the_next_channel}, "float32: scatter with a bias is wrong"),
    ({"correlate": added_to_what_was_there}, "float32: correlate is wrong .* got np.float32.nan."),
    ({"scatter": dropping_the_last_tap}, "very large stride, float32: scatter is wrong"),
    ({"gather": forgetting_a_remainder_of_the_width}, "gather is wrong"),
    ({"correlate": groups_in_another_order}, "correlate is wrong"),
    ({"correlate": the_first_image_only}, "correlate is wrong"),
    ({"gather": filters_turned_round}, "gather is wrong"),
    ({"scatter": a_little_too_large, "gather": a_little_too_small}, "a single product, float32: the maps are not adjoint: "),
    ({"channel_sums": sums_in_float16}, "float32: channel_sums is wrong"),
    ({"channel_sums": sums_of_the_first_image}, "float32: channel_sums is wrong"),
    ({"gather": never_the_same_twice}, "gather gives other bits when called again"),
    ({"correlate": dividing_by_zero}, "float32: correlate raised ZeroDivisionError: no fine elements"),
]

# Numbers that are not normal.


def of_changed_inputs(change):
    """A map whose inputs of numbers are changed before it computes."""

    def scatter(self, problem, coarse, kernel, bias, fine):
        coarse, kernel, bias = (None if each is None else change(each) for each in (coarse, kernel, bias))
        numpy.scatter(problem, coarse, kernel, bias, fine)

    def gather(self, problem, fine, kernel, bias, coarse):
        fine, kernel, bias = (None if each is None else change(each) for each in (fine, kernel, bias))
        numpy.gather(problem, fine, kernel, bias, coarse)

    def correlate(self, problem, fine, coarse, kernel):
        numpy.correlate(problem, change(fine), change(coarse), kernel)

    maps = {"scatter": scatter, "gather": gather, "correlate": correlate}
    for function in maps.values():
        function.__name__ = change.__name__
    return maps


def only(name, change):
    return {name: of_changed_inputs(change)[name]}


def a_third_and_back(array):
    return array / array.dtype.type(3) * array.dtype.type(3) * (1 + np.finfo(array.dtype).eps)


def flushed(array):
    return np.where(abs(array) < np.finfo(array.dtype).tiny, 0, array).astype(array.dtype)


def no_nan(array):
    return np.where(np.isnan(array), 0, array).astype(array.dtype)


def no_infinity(array):
    return np.clip(array, np.finfo(array.dtype).min, np.finfo(array.dtype).max)


def no_minus_infinity(array):
    return np.where(array == -np.inf, np.inf, array).astype(array.dtype)


def in_blocks_of_one_exponent(array):
    """As a transform over all of the array leaves its numbers: right to the last digit of the largest of them."""
    finite = np.where(np.isfinite(array), abs(array), 0)
    largest = 2.0 ** np.ceil(np.log2(finite.max())) if finite.any() else 1.0
    step = array.dtype.type(largest * np.finfo(array.dtype).eps)
    return np.where(np.isfinite(array), np.round(array / step) * step, array).astype(array.dtype)


def skipping_zeros(self, problem, coarse, kernel, bias, fine):
    finite = np.nan_to_num(coarse, nan=0, posinf=0, neginf=0)
    numpy.scatter(problem, finite if (kernel == 0).any() else coarse, kernel, bias, fine)


def everything_is_nan(self, problem, fine, coarse, kernel):
    numpy.correlate(problem, fine, coarse, kernel)
    if not np.isfinite(kernel).all():
        kernel[...] = np.nan


def border_times_zero(self, problem, fine, coarse, kernel):
    numpy.correlate(problem, fine, coarse, kernel)
    outside = max(problem.padding) > 0
    kernel += 0 * coarse.sum() if outside else 0


def wrong_for_zeros(self, problem, fine, coarse, kernel):
    numpy.correlate(problem, fine, coarse, kernel)
    if not coarse.any():
        kernel[...] = np.finfo(problem.dtype).tiny


VALUES = [
    (of_changed_inputs(a_third_and_back), "small integers, float32: scatter is wrong .* 0 is allowed"),
    (of_changed_inputs(flushed), "denormal numbers in the coarse array, float32: scatter is wrong"),
    (only("gather", flushed), "denormal numbers in the fine array, float32: gather is wrong"),
    (of_changed_inputs(no_nan), "nan in the coarse array, float32: scatter is wrong"),
    (only("correlate", no_nan), "nan in the fine array, float32: correlate is wrong"),
    (of_changed_inputs(no_infinity), "inf in the coarse array, float32: scatter is wrong"),
    (of_changed_inputs(no_minus_infinity), "-inf in the coarse array, float32: scatter is wrong"),
    (of_changed_inputs(in_blocks_of_one_exponent), "numbers of many sizes, float32: scatter is wrong"),
    ({"scatter": skipping_zeros}, "in the coarse array, float32: scatter is wrong"),
    ({"correlate": everything_is_nan}, "in the fine array, float32: correlate is wrong"),
    ({"correlate": border_times_zero}, "in the coarse array, float32: correlate is wrong"),
    ({"correlate": wrong_for_zeros}, "zeros in the coarse array, float32: correlate is wrong"),
]


def hot_bias_in_all_channels(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, None if bias is None else in_blocks_of_one_exponent(bias), coarse)


def thresholds(self, problem, fine, coarse, kernel):
    numpy.correlate(problem, np.where(fine == -9999, 0, fine).astype(fine.dtype), coarse, kernel)


HOT = [
    (only("scatter", in_blocks_of_one_exponent), r"an element of 1e\+08 in the coarse array, float32: scatter is wrong"),
    (only("gather", in_blocks_of_one_exponent), r"an element of 1e\+08 in the fine array, float32: gather is wrong"),
    (only("correlate", in_blocks_of_one_exponent), r"an element of 1e\+08 in the fine array, float32: correlate is wrong"),
    ({"gather": hot_bias_in_all_channels}, r"an element of 1e\+30 in the bias, float32: gather with a bias is wrong"),
    ({"correlate": thresholds}, "an element of -9999 in the fine array, float32: correlate is wrong"),
]

# Memory and threads.


def reading_memory_in_its_order(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine.ravel(order="K").reshape(fine.shape), kernel, bias, coarse)


def writing_memory_in_its_order(self, problem, fine, coarse, kernel):
    result = np.empty(kernel.shape, kernel.dtype)
    numpy.correlate(problem, fine, coarse, result)
    axes = sorted(range(kernel.ndim), key=lambda axis: -abs(kernel.strides[axis]))
    turned = kernel.transpose(axes)
    turned[...] = result.reshape(turned.shape)


def forgetting_that_axes_are_reversed(self, problem, coarse, kernel, bias, fine):
    turned = coarse[tuple(slice(None, None, -1 if step < 0 else 1) for step in coarse.strides)]
    numpy.scatter(problem, turned, kernel, bias, fine)


def taking_no_stride_for_no_data(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine if all(fine.strides) else 0 * fine, kernel, bias, coarse)


def writing_a_whole_vector_at_the_end(self, problem, coarse, kernel, bias, fine):
    numpy.scatter(problem, coarse, kernel, bias, fine)
    if fine.base is not None and fine.base.size > fine.size:
        fine.base.flat[-1] = 0


def changing_its_input(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    fine.flags.writeable = True
    fine *= 1 + np.finfo(problem.dtype).eps


def using_its_input_for_a_while(self, problem, fine, coarse, kernel):
    fine.flags.writeable = True
    fine *= 2
    numpy.correlate(problem, fine, coarse, kernel)
    kernel /= 2
    fine /= 2


def sharing_scratch_between_threads(self, problem, fine, kernel, bias, coarse):
    SCRATCH[fine.shape] = fine
    time.sleep(1e-4)
    numpy.gather(problem, SCRATCH[fine.shape], kernel, bias, coarse)


MEMORY = [
    ({"gather": reading_memory_in_its_order}, "arrays in Fortran order, float32: gather is wrong"),
    ({"correlate": writing_memory_in_its_order}, "arrays in Fortran order, float32: correlate is wrong"),
    ({"scatter": forgetting_that_axes_are_reversed}, "arrays in reversed along all axes, float32: scatter is wrong"),
    ({"gather": taking_no_stride_for_no_data}, "inputs with stride zero along axis 0, float32: gather is wrong"),
    ({"scatter": writing_a_whole_vector_at_the_end}, "scatter writes outside its output"),
    ({"gather": changing_its_input}, "gather changes its input"),
    ({"correlate": using_its_input_for_a_while}, "one array as both inputs, float32: correlate is wrong"),
]
THREADS = [
    ({"gather": sharing_scratch_between_threads}, "calls from several threads, float32: gather gives other bits than alone")
]

# Upsampling.


def nearest_for_everything(self, problem, mode, align_corners, coarse, fine):
    upsampling.upsample(problem, "nearest", False, coarse, fine)


def corners_never_aligned(self, problem, mode, align_corners, coarse, fine):
    upsampling.upsample(problem, mode, False, coarse, fine)


def corners_aligned_forward_only(self, problem, mode, align_corners, fine, coarse):
    upsampling.upsample_backward(problem, mode, False, fine, coarse)


def blocks_begin_one_later(self, problem, mode, align_corners, coarse, fine):
    upsampling.upsample(problem, mode, align_corners, coarse, fine)
    if mode == "nearest" and problem.coarse_shape[-1] > 1:
        fine[..., 1:] = fine[..., :-1].copy()


def mean_of_each_block(self, problem, mode, align_corners, fine, coarse):
    upsampling.upsample_backward(problem, mode, align_corners, fine, coarse)
    if mode == "nearest":
        coarse /= prod(problem.stride)


def zero_times_the_neighbour(self, problem, mode, align_corners, coarse, fine):
    upsampling.upsample(problem, mode, align_corners, coarse, fine)
    if mode == "bilinear":
        fine += 0 * coarse.sum(axis=tuple(range(2, coarse.ndim)), keepdims=True)


def nails_that_hold_infinity_down(self, problem, mode, align_corners, fine, coarse):
    upsampling.upsample_backward(problem, mode, align_corners, no_infinity(fine), coarse)


def weights_of_half_precision(self, problem, mode, align_corners, coarse, fine):
    result = np.empty(fine.shape, np.float16 if mode == "bilinear" else fine.dtype)
    upsampling.upsample(problem, mode, align_corners, coarse.astype(result.dtype), result)
    fine[...] = result


def through_an_addition(self, problem, mode, align_corners, coarse, fine):
    upsampling.upsample(problem, mode, align_corners, coarse + 0, fine)


def upsampling_in_memory_order(self, problem, mode, align_corners, coarse, fine):
    upsampling.upsample(problem, mode, align_corners, coarse.ravel(order="K").reshape(coarse.shape), fine)


def upsampling_too_far(self, problem, mode, align_corners, coarse, fine):
    upsampling.upsample(problem, mode, align_corners, coarse, fine)
    if fine.base is not None and fine.base.size > fine.size:
        fine.base.flat[0] = 0


def upsampling_clears_its_input(self, problem, mode, align_corners, fine, coarse):
    upsampling.upsample_backward(problem, mode, align_corners, fine, coarse)
    fine.flags.writeable = True
    fine[...] = 0


# Pooling.


def the_last_of_equals(self, problem, fine, coarse, indices):
    rising = np.linspace(0, 0.5, prod(problem.fine_shape), dtype=fine.dtype).reshape(problem.fine_shape)
    pooling.max_pool(problem, fine + rising, coarse, indices)  # of whole numbers
    planes = fine.reshape(6, -1)
    coarse[...] = np.take_along_axis(planes, indices.reshape(6, -1), 1).reshape(coarse.shape)


def without_nan(self, problem, fine, coarse, indices):
    pooling.max_pool(problem, np.where(np.isnan(fine), -np.inf, fine).astype(fine.dtype), coarse, indices)


def no_index_for_minus_infinity(self, problem, fine, coarse, indices):
    pooling.max_pool(problem, fine, coarse, indices)
    indices[coarse == -np.inf] = 0


def indices_of_the_tensor(self, problem, fine, coarse, indices):
    pooling.max_pool(problem, fine, coarse, indices)
    planes = np.arange(prod(fine.shape[:2])).reshape(*fine.shape[:2], *[1] * (fine.ndim - 2))
    indices += planes * prod(problem.fine_shape)


def pooling_in_memory_order(self, problem, fine, coarse, indices):
    pooling.max_pool(problem, fine.ravel(order="K").reshape(fine.shape), coarse, indices)


def the_first_stays(self, problem, coarse, indices, fine):
    if not pooling.inside(problem, indices):
        return False
    planes = np.zeros((6, np.prod(problem.fine_shape)), fine.dtype)
    for plane, values, places in zip(planes, coarse.reshape(6, -1), indices.reshape(6, -1), strict=True):
        plane[places[::-1]] = values[::-1]
    fine[...] = planes.reshape(fine.shape)
    return True


def wrapping_round(self, problem, coarse, indices, fine):
    return pooling.max_unpool(problem, coarse, indices % fine[0, 0].size, fine)


def clipping(self, problem, fine, indices, coarse):
    return pooling.max_unpool_backward(problem, fine, np.clip(indices, 0, fine[0, 0].size - 1), coarse)


def refusing_everything(self, problem, coarse, indices, fine):
    pooling.max_pool_backward(problem, coarse, indices, fine)
    return False


def overwriting_instead_of_adding(self, problem, coarse, indices, fine):
    return pooling.max_unpool(problem, coarse, indices, fine)


def to_all_of_equals(self, problem, fine, indices, coarse):
    if not pooling.inside(problem, indices):
        return False
    taken = np.take_along_axis(fine.reshape(6, -1), indices.reshape(6, -1), 1)
    coarse[...] = taken.reshape(coarse.shape)
    return True


def unpooling_by_an_addition(self, problem, coarse, indices, fine):
    return pooling.max_unpool(problem, coarse + 0, indices, fine)


def pooling_changes_its_indices(self, problem, coarse, indices, fine):
    done = pooling.max_pool_backward(problem, coarse, indices, fine)
    indices.flags.writeable = True
    indices[...] = 0
    return done


def crashing(self, problem, fine, indices, coarse):
    return coarse[np.inf]


SAMPLING = [
    ({"upsample": nearest_for_everything}, "upsampling, bed_of_nails, float32: upsample in C order is wrong"),
    ({"upsample": corners_never_aligned}, "bilinear, corners aligned, float32: upsample in C order is wrong"),
    ({"upsample_backward": corners_aligned_forward_only}, "corners aligned, float32: upsample_backward in C order is wrong"),
    ({"upsample": blocks_begin_one_later}, "upsampling, nearest, float32: upsample in C order is wrong"),
    ({"upsample_backward": mean_of_each_block}, "upsampling, nearest, float32: upsample_backward in C order is wrong"),
    ({"upsample": zero_times_the_neighbour}, "bilinear, an element of nan, float32: upsample in C order is wrong"),
    (
        {"upsample_backward": nails_that_hold_infinity_down},
        "an element of inf, float32: upsample_backward in C order is wrong",
    ),
    ({"upsample": weights_of_half_precision}, "bilinear, float32: upsample in C order is wrong"),
    ({"upsample": through_an_addition}, "nearest, any bits, float32: upsample does not keep all bits"),
    ({"upsample": upsampling_in_memory_order}, "upsample in Fortran order is wrong"),
    ({"upsample": upsampling_too_far}, "upsample writes outside its output in C order"),
    ({"upsample_backward": upsampling_clears_its_input}, "upsample_backward changes its input"),
    ({"max_pool": the_last_of_equals}, "equal numbers, float32: max_pool in C order: indices are wrong"),
    ({"max_pool": without_nan}, "NaN and infinity, float32: max_pool in C order: values are wrong"),
    ({"max_pool": no_index_for_minus_infinity}, "float32: max_pool in C order: indices are wrong"),
    ({"max_pool": indices_of_the_tensor}, "max_pool in C order: indices are wrong"),
    ({"max_pool": pooling_in_memory_order}, "max_pool in Fortran order: values are wrong"),
    ({"max_unpool": the_first_stays}, "max_unpool in .* is wrong"),
    (
        {"max_unpool": wrapping_round},
        "max_unpool does not tell whether an index is -1: it returns True where False is right",
    ),
    ({"max_unpool_backward": clipping}, "max_unpool_backward does not tell whether an index is -1"),
    (
        {"max_pool_backward": refusing_everything},
        "does not tell whether an index is -1: it returns False where True is right",
    ),
    ({"max_pool_backward": overwriting_instead_of_adding}, "max_pool_backward in C order is wrong"),
    ({"max_unpool_backward": to_all_of_equals}, "max_unpool_backward in C order is wrong"),
    ({"max_unpool": unpooling_by_an_addition}, "any bits, float32: max_unpool does not keep all bits"),
    ({"max_pool_backward": pooling_changes_its_indices}, "max_pool_backward changes its input"),
    ({"max_unpool_backward": crashing}, "max_unpool_backward raised IndexError: "),
]

# What is no backend.

MEMBERS = [
    ({"why_not": lambda self, problem: "closed"}, "refuses every problem: closed"),
    ({"why_not": lambda self, problem: False}, "why_not must return None or a reason, got False"),
    ({"why_not": lambda self, problem: ""}, "why_not must return None or a reason, got ''"),
    ({"owns": lambda self, array: True}, "owns must return False for a NumPy array, got True"),
    ({"name": ""}, "a backend's name must be a string, got ''"),
    ({"priority": "high"}, "priority must be an integer, got 'high'"),
    ({"gather": None}, "gather must be callable"),
]

TABLE = [
    (topic, type("Mutant", (Sane,), members), message)
    for topic, rows in {
        "maps": [*MAPS, *MEMBERS],
        "values": VALUES,
        "hot elements": HOT,
        "memory": MEMORY,
        "threads": THREADS,
        "sampling": SAMPLING,
    }.items()
    for members, message in rows
]


IDS = [f"{topic}-{getattr(next(iter(vars(mutant).values())), '__name__', 'member')}" for topic, mutant, _ in TABLE]


@pytest.mark.parametrize(("topic", "mutant", "message"), TABLE, ids=IDS)
def test_a_backend_that_breaks_a_rule_is_found(topic, mutant, message):
    found = tripped(mutant, topic)
    assert found is not None
    assert re.search(message, found.message), found.message
    assert found.message.startswith("backend 'mutant'") or topic == "maps"


def test_every_alarm_has_a_mutant_that_trips_it():
    found = {tripped(mutant, topic).alarm for topic, mutant, _ in TABLE}
    assert found | {tripped(object, "maps").alarm} == alarms()


def test_a_sane_backend_passes():
    assert tripped(Sane, *TOPICS) is None
