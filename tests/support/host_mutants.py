"""Backends that break one rule each about the three maps, about numbers, memory or threads, or about what a backend is."""

import itertools
import time
from typing import NamedTuple

import numpy as np
from sane import Sane

from convt.backend import kept
from convt.numpy_backend import NumpyBackend
from convt.testing.bounds import TOLERANCE

numpy = NumpyBackend()
CALLS = itertools.count()
SCRATCH, KEPT, PLACES = {}, {}, []

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
    ({"correlate": wrong_for_zeros}, "zeros in the coarse array, float32: correlate is wrong"),
]


NOT_FINITE = [({"correlate": border_times_zero}, "in the coarse array, float32: correlate is wrong")]


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

# What is kept for constant filters.


class Copy(NamedTuple):
    array: np.ndarray

    @property
    def nbytes(self):
        return self.array.nbytes


def keeping_by_the_problem_alone(self, problem, coarse, kernel, bias, fine):
    if kept() is not None:
        kernel = KEPT.setdefault(problem, kernel.copy())
    numpy.scatter(problem, coarse, kernel, bias, fine)


def remembering_where_filters_lay(self, problem, fine, kernel, bias, coarse):
    place = kept()
    if place is not None:
        first = place.setdefault(("mutant", problem), Copy(kernel)).array
        kernel = np.lib.stride_tricks.as_strided(kernel, kernel.shape, first.strides)
    numpy.gather(problem, fine, kernel, bias, coarse)


def another_engine_the_second_time(self, problem, coarse, kernel, bias, fine):
    numpy.scatter(problem, coarse, kernel, bias, fine)
    place = kept()
    if place is not None:
        if "mutant" in place:
            fine *= 1 + np.finfo(problem.dtype).eps
        place["mutant"] = Copy(kernel)


def forgetting_when_another_comes(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    place = kept()
    if place is not None:
        PLACES.append(place)
        coarse *= 1 + np.finfo(problem.dtype).eps * (any(each is not place for each in PLACES))


CONSTANT = [
    ({"scatter": keeping_by_the_problem_alone}, "constant filters, float32: scatter is wrong"),
    ({"gather": remembering_where_filters_lay}, "constant filters, float32: gather is wrong"),
    ({"scatter": another_engine_the_second_time}, "scatter gives other bits when called again with the same filters"),
    ({"gather": forgetting_when_another_comes}, "gather gives other bits after calls with other filters"),
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
        "not finite": NOT_FINITE,
        "memory": MEMORY,
        "threads": THREADS,
        "constant filters": CONSTANT,
    }.items()
    for members, message in rows
]
