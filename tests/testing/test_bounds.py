"""bounds.py: an element's bound counts what it reaches, and nothing else; and is never below that of its own terms."""

import numpy as np
import pytest

from convt.testing import bounds, make_problem, naive, naive_sampling, random_problem
from convt.testing.bounds import bound, judge

MAPS = list(naive.INPUTS.items())


def drawn(rng, problem):
    return {role: rng.standard_normal(naive.array_shape(problem, role)) for role in ("fine", "coarse", "kernel")}


@pytest.mark.parametrize(("data_map", "roles"), MAPS)
def test_it_is_at_least_the_sum_of_the_products_magnitudes(rng, data_map, roles):
    for _ in range(20):
        problem = random_problem(rng)
        left, right = (drawn(rng, problem)[role] for role in roles)
        products = naive.apply(data_map, problem, abs(left), abs(right))
        found = bound(data_map, problem, left, right)
        assert found.shape == products.shape
        assert (found >= products * (1 - 1e-12)).all()
        assert (found[products == 0] == 0).all() or data_map == "correlate"


@pytest.mark.parametrize("role", [0, 1])
@pytest.mark.parametrize(("data_map", "roles"), MAPS)
def test_what_an_element_does_not_reach_adds_nothing(rng, data_map, roles, role):
    problems = [
        make_problem((5, 7), 3, crop=(1, 1), channels=(4, 6), groups=2, batch=2),
        make_problem((5, 7), 4, stride=2, crop=(1, 2)),
        make_problem(40, 5, stride=3, dilation=2, crop=(4, 4)),
        make_problem((3, 4, 5), 3, stride=(2, 1, 2), crop=(1, 1)),
    ]
    for problem in problems:
        arrays = [drawn(rng, problem)[each] for each in roles]
        arrays[role].flat[rng.integers(arrays[role].size)] = 1e30
        marked = [np.where(each == 1e30, np.nan, each) for each in arrays]
        reaches = np.isnan(naive.apply(data_map, problem, *marked))
        found = bound(data_map, problem, *arrays)
        assert 0 < reaches.sum() < reaches.size
        assert (found[~reaches] < 1e4).all()
        assert (found[reaches] > 1e22).all()


def test_a_hot_element_is_the_largest_of_its_channel_for_all_that_reach_it():
    problem = make_problem(5, 3, channels=(1, 1))
    coarse, kernel = np.array([[[1.0, 2, -7, 3, 1]]]), np.array([[[1.0, -1, 0.5]]])
    np.testing.assert_array_equal(bound("scatter", problem, coarse, kernel), [[[1, 4, 17.5, 17.5, 17.5, 4.5, 0.5]]])
    np.testing.assert_array_equal(
        bound("scatter", problem, coarse, kernel, bias=np.array([-2.0])), [[[3, 6, 19.5, 19.5, 19.5, 6.5, 2.5]]]
    )
    fine = np.array([[[1.0, 2, -7, 3, 1, 0, 0]]])
    np.testing.assert_array_equal(bound("gather", problem, fine, kernel), [[[17.5, 17.5, 17.5, 7.5, 2.5]]])


def test_filter_gradients_count_what_is_near():
    problem = make_problem(40, 1, channels=(1, 1))
    fine, coarse = np.zeros((1, 1, 40)), np.ones((1, 1, 40))
    fine[..., 20] = -3
    assert bound("correlate", problem, fine, coarse).item() == 3 * (2 * bounds.NEAR + 1)
    assert bound("correlate", problem, coarse, fine).item() == 3


def test_channel_sums_have_that_of_their_terms():
    problem = make_problem(3, 1, channels=(2, 2), batch=2)
    array = np.array([[[1.0, -2, 3], [0, 0, 0]], [[4.0, 5, -6], [1, -1, 1]]])
    np.testing.assert_array_equal(bound("channel_sums", problem, array), [21, 3])


def test_what_is_moved_is_exact_and_the_rest_is_not():
    problem = make_problem((2, 2), 2, stride=2, channels=(1, 1))
    coarse, fine = np.array([[[[1.0, -8], [2, 1]]]]), np.ones((1, 1, 4, 4))
    indices = np.array([[[[0, 0], [5, 6]]]])
    assert not bound("upsample", problem, "nearest", False, coarse).any()
    assert not bound("upsample", problem, "bed_of_nails", False, coarse).any()
    assert not bound("upsample_backward", problem, "bed_of_nails", False, fine).any()
    assert not bound("max_unpool", problem, coarse, indices).any()
    assert bound("max_unpool", problem, coarse, indices).shape == fine.shape
    assert not bound("max_unpool_backward", problem, fine, indices).any()
    assert not bound("max_pool", problem, fine).any()
    assert bound("max_pool_backward", problem, coarse, indices)[0, 0].flat[0] == 9
    np.testing.assert_array_equal(bound("upsample_backward", problem, "nearest", False, -fine), np.full((1, 1, 2, 2), 4))
    np.testing.assert_array_equal(bound("upsample", problem, "bilinear", False, coarse)[0, 0, 0], [1, 8, 8, 8])
    np.testing.assert_array_equal(bound("upsample_backward", problem, "bilinear", False, fine), np.full((1, 1, 2, 2), 4))


def test_judge_tells_what_is_wrong_and_where():
    want, limit = np.array([1.0, 2, np.inf, np.nan, 0]), np.array([1.0, 2, np.inf, np.nan, 0])
    assert judge(want.astype("f4"), want, limit).wrong == 0
    near = np.float32([1 + 4 * 2**-23, 2, np.inf, np.nan, 0])
    assert judge(near, want, limit) == bounds.Verdict(4.0)
    found = judge(near, want, limit, c=3)
    assert (found.wrong, found.largest) == (1, 0)
    assert found.words.startswith("wrong at 1 of 5 elements, worst at (0,): got np.float32(1.0000005), expected ")
    for value in (-np.inf, np.nan, 3e38):
        assert judge(np.float32([1, 2, value, np.nan, 0]), want, limit).wrong == 1
    for value in (np.inf, 0):
        assert judge(np.float32([1, 2, np.inf, value, 0]), want, limit).wrong == 1
    assert judge(np.float32([1, np.inf, np.inf, np.nan, 0]), want, limit).wrong == 1
    assert judge(np.float32([1, 2, np.inf, np.nan, 1e-45]), want, limit).wrong == 1  # what is exact is exact


def test_sums_may_lose_what_is_smaller_than_any_number():
    tiny = float(np.finfo("f4").smallest_subnormal)
    got, want, limit = np.float32([0.0]), np.array([1.5 * tiny]), np.array([2 * tiny])
    assert judge(got, want, limit, terms=1).wrong == 1
    assert judge(got, want, limit, terms=2) == bounds.Verdict(0.0)
    assert judge(got, want / 2, limit) == bounds.Verdict(0.0)  # a single product's
    assert judge(got, want, limit).wrong == 1


def test_upsampling_by_its_definition_and_adjoint(rng):
    problem = make_problem((3, 4), (2, 3), stride=(2, 3), channels=(2, 2), groups=2)
    coarse, fine = drawn(rng, problem)["coarse"], drawn(rng, problem)["fine"]
    for mode, corners in [("nearest", False), ("bed_of_nails", False), ("bilinear", False), ("bilinear", True)]:
        up = naive_sampling.upsample(problem, mode, corners, coarse)
        back = naive_sampling.upsample_backward(problem, mode, corners, fine)
        np.testing.assert_allclose(np.vdot(up, fine), np.vdot(coarse, back))
        assert (naive_sampling.upsample(problem, mode, corners, np.ones_like(coarse)).max()) == pytest.approx(1)
