"""check_backend finds mistakes in a backend's own upsampling and pooling."""

import numpy as np
import pytest

from convt.numpy_backend import NumpyBackend
from convt.numpy_backend import pooling as reference_pooling
from convt.numpy_backend import upsampling as reference_upsampling
from convt.testing import check_backend
from convt.testing.checks import Examiner
from convt.testing.sampling import check_sampling


def nearest_for_everything(self, problem, mode, align_corners, coarse, fine):
    reference_upsampling.upsample(problem, "nearest", False, coarse, fine)


def not_adjoint(self, problem, mode, align_corners, fine, coarse):
    reference_upsampling.upsample_backward(problem, mode, False, fine, coarse)


def the_last_of_equals(self, problem, fine, coarse, indices):
    turned = tuple(slice(None, None, -1) for _ in problem.fine_shape)
    reference_pooling.max_pool(problem, fine[(..., *turned)], coarse, indices)


def the_first_stays(self, problem, coarse, indices, fine):
    planes = np.zeros((6, np.prod(problem.fine_shape)))
    for plane, values, places in zip(planes, coarse.reshape(6, -1), indices.reshape(6, -1), strict=True):
        plane[places[::-1]] = values[::-1]
    fine[...] = planes.reshape(fine.shape)
    return True


def wrapping_round(self, problem, coarse, indices, fine):
    return reference_pooling.max_unpool(problem, coarse, indices % fine[0, 0].size, fine)


def overwriting_instead_of_adding(self, problem, coarse, indices, fine):
    return reference_pooling.max_unpool(problem, coarse, indices, fine)


def to_all_of_equals(self, problem, fine, indices, coarse):
    taken = np.take_along_axis(fine.reshape(6, -1), indices.reshape(6, -1), 1)
    coarse[...] = taken.reshape(coarse.shape)
    return True


MUTANTS = [
    ({"upsample": nearest_for_everything}, "upsample, bed_of_nails, in C order is wrong"),
    ({"upsample_backward": not_adjoint}, "upsample_backward, bilinear, in C order is wrong"),
    ({"max_pool": the_last_of_equals}, "max_pool is wrong in C order"),
    ({"max_unpool": the_first_stays}, "max_unpool in .* is wrong"),
    ({"max_pool_backward": overwriting_instead_of_adding}, "max_pool_backward in C order is wrong"),
    ({"max_unpool_backward": to_all_of_equals}, "max_unpool_backward in C order is wrong"),
    ({"max_unpool": wrapping_round}, "max_unpool does not tell whether an index is -1"),
]


def mutant_with(members):
    return type("Mutant", (NumpyBackend,), {"name": "mutant", **members})()


@pytest.mark.parametrize(
    ("members", "message"), MUTANTS, ids=[next(iter(members.values())).__name__ for members, _ in MUTANTS]
)
def test_a_wrong_member_is_found(members, message):
    examiner = Examiner(mutant_with(members), np.random.default_rng(0), 4.0)
    with pytest.raises(AssertionError, match=message):
        check_sampling(examiner, np.float32)


@pytest.mark.usefixtures("remembered_definition")
def test_the_check_of_a_backend_finds_one_too():
    members, message = MUTANTS[0]
    with pytest.raises(AssertionError, match=message):
        check_backend(mutant_with(members), quick=True)
