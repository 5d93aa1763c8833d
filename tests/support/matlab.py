"""What tests of `convt.matconvnet` repeat: its two functions, and arrays in MATLAB's order and axes."""

import numpy as np
import pytest

from convt.matconvnet import vl_nnconv, vl_nnconvt

FUNCTIONS = pytest.mark.parametrize("function", [vl_nnconvt, vl_nnconv])
X, F, B, DZDY = np.ones((3, 4, 4, 2)), np.ones((3, 3, 2, 4)), np.ones((1, 2)), np.ones((5, 6, 2, 2))


def random(shape, seed=0, dtype=np.float64):
    return np.asfortranarray(np.random.default_rng(seed).standard_normal(shape).astype(dtype))
