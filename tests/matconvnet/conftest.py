"""Settings of cuDNN that no test of `convt.matconvnet` leaves behind."""

import pytest

from convt.matconvnet import functions
from convt.matconvnet.options import CudnnSettings


@pytest.fixture(autouse=True)
def fresh_cudnn_settings():
    """What sticks in MatConvNet must not stick from test to test."""
    for function in (functions._CONV_TRANSPOSE, functions._CONV):
        vars(function.cudnn).update(vars(CudnnSettings()))
    yield
    for function in (functions._CONV_TRANSPOSE, functions._CONV):
        vars(function.cudnn).update(vars(CudnnSettings()))
