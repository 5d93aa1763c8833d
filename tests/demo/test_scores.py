"""scores: PSNR and its table."""

import numpy as np
import pytest

from convt.demo.scores import psnr, table


def test_psnr_is_that_of_the_definition():
    assert psnr(np.full((3, 4, 4), 0.51), np.full((3, 4, 4), 0.5)) == pytest.approx(40.0)
    assert psnr(np.ones(3), np.ones(3)) == float("inf")


def test_psnr_clips_what_no_screen_shows():
    assert psnr(np.array([1.5, -0.5]), np.array([1.0, 0.0])) == float("inf")


def test_the_table_is_aligned():
    lines = table({"nearest": 9.999, "bilinear": 28.5, "learned": 101.25}).splitlines()
    assert len(lines) == 4
    assert len({len(line) for line in lines}) == 1
