"""Backends that break one rule each about upsampling or pooling."""

from math import prod

import numpy as np
from sane import Sane

from convt.numpy_backend import pooling, upsampling


def no_infinity(array):
    return np.clip(array, np.finfo(array.dtype).min, np.finfo(array.dtype).max)


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


def minus_infinity_above_all_numbers(self, problem, fine, coarse, indices):
    pooling.max_pool(problem, np.where(np.isinf(fine), abs(fine), fine), coarse, indices)
    planes = fine.reshape(6, -1)
    coarse[...] = np.take_along_axis(planes, indices.reshape(6, -1), 1).reshape(coarse.shape)


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
    ({"max_pool": minus_infinity_above_all_numbers}, "NaN and infinity, float32: max_pool in C order: values are wrong"),
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

TABLE = [("sampling", type("Mutant", (Sane,), members), message) for members, message in SAMPLING]
