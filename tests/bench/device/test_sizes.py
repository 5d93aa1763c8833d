"""Enlarged cases: enough to do for a large GPU, no more than twice that, and the same layer."""

from math import prod

import pytest

from convt.bench.cases import CASES, SAMPLING_CASES
from convt.bench.device.sizes import ELEMENTS, MULTIPLY_ADDS, enlarged, enlarged_sampling


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_layers(case):
    large = enlarged(case)
    assert (large.name, large.w_shape, large.size) == (case.name, case.w_shape, case.size)
    if case.family == "tiny":
        assert large == case
        return
    work = max(large.multiply_adds / MULTIPLY_ADDS, max(prod(large.x_shape), prod(large.y_shape)) / ELEMENTS)
    assert work >= 1
    assert work < 2 or large.batch == case.batch


@pytest.mark.parametrize("case", SAMPLING_CASES.values(), ids=SAMPLING_CASES)
def test_upsampling_and_pooling(case):
    large = enlarged_sampling(case)
    elements = prod(large.shape) * (case.factor**2 if case.family == "upsample" else 1)
    assert large.shape[1:] == case.shape[1:]
    assert elements >= ELEMENTS
    assert elements < 2 * ELEMENTS or large == case
