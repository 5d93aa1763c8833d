"""The index arithmetic behind conv_matrix, one step at a time."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from convt.matrix.blocks import blocks
from convt.matrix.pattern import count_meetings, every, expand, ranges, spatial_levels
from convt.testing import make_problem, random_problem


def test_ranges_of_any_lengths():
    assert_array_equal(ranges(np.array([5, 9, -2]), np.array([3, 0, 2])), [5, 6, 7, -2, -1])
    assert ranges(np.zeros(0, int), np.zeros(0, int)).size == 0
    assert ranges(np.array([4]), np.array([0])).size == 0


def test_levels_nest_with_the_last_running_fastest():
    columns, taps = expand([every(2, 2, step=10, columns=1), every(2, 3, step=1, columns=100)])
    assert_array_equal(columns, [0, 1, 2, 1000, 1001, 1002] * 2)
    assert_array_equal(taps, [0, 1, 2, 3, 4, 5] * 2)


RANDOM = np.random.default_rng(5)
PROBLEMS = [
    *(random_problem(RANDOM) for _ in range(40)),
    make_problem((300, 200), (3, 3), crop=(1, 1)),
    make_problem((3, 40, 500), (3, 1, 3), crop=(1, 1), stride=2),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: None)
def test_the_count_is_that_of_the_levels(problem):
    assert count_meetings(problem) == np.prod([level.count.sum() for level in spatial_levels(problem)])


@pytest.mark.parametrize("per_position", [1, 9, 5000])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: None)
def test_blocks_cover_every_position_once_and_their_copies_are_shifted(problem, per_position):
    levels, position = spatial_levels(problem), 0
    for block in blocks(problem, per_position):
        assert block.first == position
        position += block.size * block.copies
        columns, taps = expand(block.levels)
        for copy in {0, block.copies // 2, block.copies - 1}:
            first = block.first + copy * block.size
            where = np.unravel_index(np.arange(first, first + block.size), problem.coarse_shape)
            there = expand([level.at(index) for level, index in zip(levels, where, strict=True)])
            assert_array_equal(there[0], columns + copy * block.shift)
            assert_array_equal(there[1], taps)
    assert position == np.prod(problem.coarse_shape)
