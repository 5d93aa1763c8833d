"""The index arithmetic behind conv_matrix, one step at a time."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import convt
from convt.matrix.arguments import MatrixArguments
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


@pytest.mark.parametrize("channels", [1, 9, 5000])
@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: None)
def test_blocks_cover_every_position_once_and_their_copies_are_shifted(problem, channels):
    levels, position = spatial_levels(problem), 0
    for block in blocks(problem, channels):
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


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options"),
    [
        ((1,), (10**5,), {"padding": 10**5 - 1}),  # each position meets another tap
        ((2,), (10**5,), {"padding": 3 * 10**5, "dilation": 3, "stride": 2}),  # every other position meets none
        ((10**5, 2), (3, 3), {"padding": 1}),
        ((2, 10**5), (3, 3), {"padding": 1}),
        ((10**5,), (101,), {"padding": "same"}),
    ],
)
def test_there_are_few_blocks_and_little_scratch_memory_however_the_taps_lie(x_shape, w_shape, options):
    w = np.ones(w_shape)
    problem = MatrixArguments.accept(
        x_shape, w, **{"stride": 1, "dilation": 1, "groups": 1, "layout": None, **options}
    ).problem
    assert len(list(blocks(problem, 1))) < 60
    tracemalloc.start()
    try:
        matrix = convt.conv_matrix(x_shape, w, **options)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * (matrix.data.nbytes + matrix.indices.nbytes + matrix.indptr.nbytes) + 16 * 2**20
