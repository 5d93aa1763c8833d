"""MatConvNet's arrays: classes, shapes, memory."""

import tracemalloc

import numpy as np
import pytest
from matlab import FUNCTIONS, random

from convt.matconvnet import vl_nnconv, vl_nnconvt
from convt.numpy_backend import NumpyBackend


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@FUNCTIONS
def test_results_have_the_class_of_the_arrays(function, dtype):
    x, f, b = np.ones((3, 3, 2, 2), dtype), np.ones((2, 2, 2, 2), dtype), np.ones(2, dtype)
    y = function(x, f, b)
    assert y.dtype == dtype
    assert {derivative.dtype for derivative in function(x, f, b, y)} == {np.dtype(dtype)}
    off = function(x, f, b, y, "NoDerData", "NoDerFilters", "NoDerBiases")
    assert {derivative.dtype for derivative in off} == {np.dtype(dtype)}


def test_byte_order_is_no_class():
    x, f = random((3, 4, 2, 2)), random((3, 3, 2, 2), 1)
    y = vl_nnconvt(x.astype(">f8"), f, [])
    assert y.dtype == np.dtype(np.float64)
    np.testing.assert_array_equal(y, vl_nnconvt(x, f, []))


@pytest.mark.parametrize("empty", [None, [], np.zeros((0, 3), np.int32), np.zeros((0, 0))])
def test_empty_biases_may_have_any_numeric_class(empty):
    x, f = random((3, 4, 2, 2), dtype=np.float32), random((3, 3, 2, 2), 1, dtype=np.float32)
    y = vl_nnconvt(x, f, empty)
    assert y.dtype == np.float32
    assert vl_nnconvt(x, f, empty, y)[2].shape == (0, 0)


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (1, 1, 4), (2, 2), (1, 2, 1, 2)])
def test_biases_have_any_shape_and_their_derivative_has_it_too(shape):
    x, f = random((2, 3, 2, 2)), random((2, 2, 4, 2), 1)
    b = np.arange(4.0).reshape(shape, order="F")
    y = vl_nnconvt(x, f, b)
    np.testing.assert_allclose(y - vl_nnconvt(x, f, []), np.broadcast_to(np.arange(4.0)[:, None], y.shape), atol=1e-12)
    dzdb = vl_nnconvt(x, f, b, y)[2]
    assert dzdb.shape == shape
    np.testing.assert_allclose(dzdb.ravel(order="F"), y.sum((0, 1, 3)))


def test_missing_dimensions_are_one():
    y = vl_nnconvt(np.ones(3), np.ones((2, 2)), 1.0, "Upsample", 2)
    assert y.shape == (6, 2, 1, 1)
    dzdx, dzdf, dzdb = vl_nnconvt(np.ones(3), np.ones((2, 2)), 1.0, np.ones((6, 2)), "Upsample", 2)
    assert (dzdx.shape, dzdf.shape, dzdb.shape) == ((3, 1, 1, 1), (2, 2, 1, 1), ())


def test_dimensions_after_the_fourth_are_folded_into_it():
    x, f = random((2, 3, 2, 2, 3)), random((2, 2, 2, 2), 1)
    folded = x.reshape(2, 3, 2, 6, order="F")
    y = vl_nnconvt(x, f, [])
    np.testing.assert_array_equal(y, vl_nnconvt(folded, f, []))
    dzdx = vl_nnconvt(x, f, [], y.reshape(3, 4, 2, 2, 3, order="F"))[0]
    np.testing.assert_array_equal(dzdx, vl_nnconvt(folded, f, [], y)[0])


def test_there_are_at_most_seven_dimensions():
    x, f = random((2, 3, 2, 2)), random((2, 2, 2, 2), 1)
    np.testing.assert_array_equal(vl_nnconvt(x[..., None, None, None], f, []), vl_nnconvt(x, f, []))
    with pytest.raises(ValueError, match=r"^x must have at most 7 dimensions, got 8$"):
        vl_nnconvt(x[..., None, None, None, None], f, [])


@FUNCTIONS
def test_no_images(function):
    x, f, b = np.zeros((3, 4, 2, 0)), np.ones((3, 3, 2, 2)), np.ones(2)
    y = function(x, f, b)
    assert y.shape == ((5, 6, 2, 0) if function is vl_nnconvt else (1, 2, 2, 0))
    dzdx, dzdf, dzdb = function(x, f, b, y)
    assert dzdx.shape == x.shape
    np.testing.assert_array_equal(dzdf, np.zeros((3, 3, 2, 2)))
    np.testing.assert_array_equal(dzdb, np.zeros(2))


@pytest.mark.parametrize(("given", "expected"), [("f4", "f4"), ("f8", "f8"), ("i4", "f4")])
def test_class_of_a_call_whose_arrays_are_all_empty(given, expected):
    y = vl_nnconv(np.zeros((3, 4, 2, 0), given), [], [])
    assert (y.shape, y.dtype) == ((3, 4, 2, 0), np.dtype(expected))


class Recorder(NumpyBackend):
    """NumPy's backend, which remembers the arrays that it was given."""

    name = "recorder"

    def __init__(self):
        self.calls = {}

    def scatter(self, problem, coarse, kernel, bias, fine):
        self.calls["scatter"] = coarse, kernel, fine
        super().scatter(problem, coarse, kernel, bias, fine)

    def gather(self, problem, fine, kernel, bias, coarse):
        self.calls["gather"] = fine, kernel, coarse
        super().gather(problem, fine, kernel, bias, coarse)

    def correlate(self, problem, fine, coarse, kernel):
        self.calls["correlate"] = fine, coarse, kernel
        super().correlate(problem, fine, coarse, kernel)


@FUNCTIONS
def test_fortran_order_reaches_the_backend_and_comes_back_without_a_copy(function):
    x, f = random((6, 7, 4, 2)), random((3, 3, 4, 4), 1)
    forward, backward = ("scatter", "gather") if function is vl_nnconvt else ("gather", "scatter")
    recorder = Recorder()
    y = function(x, f, [], backend=recorder)
    data, kernel, result = recorder.calls.pop(forward)
    assert not recorder.calls
    for seen, array in ((data, x), (kernel, f), (result, y)):
        assert np.shares_memory(seen, array)
        assert seen.flags.c_contiguous
        assert array.flags.f_contiguous
    dzdy = random(y.shape, 2)
    dzdx, dzdf, _ = function(x, f, [], dzdy, backend=recorder)
    for seen, array in zip(recorder.calls[backward], (dzdy, f, dzdx), strict=True):
        assert np.shares_memory(seen, array)
        assert array.flags.f_contiguous
    fine_and_coarse = (dzdy, x) if function is vl_nnconvt else (x, dzdy)
    for seen, array in zip(recorder.calls["correlate"], (*fine_and_coarse, dzdf), strict=True):
        assert np.shares_memory(seen, array)
        assert array.flags.f_contiguous


@pytest.mark.parametrize("shape", [(64, 64, 8), (64, 64, 4, 2, 2), (64, 64, 8, 2)])
def test_no_copy_of_x_is_allocated(shape):
    class Idle(Recorder):
        def scatter(self, problem, coarse, kernel, bias, fine):
            self.calls["scatter"] = coarse

    x = random(shape)
    f = np.asfortranarray(np.ones((1, 1, 1, shape[2])))
    idle = Idle()
    tracemalloc.start()
    try:
        y = vl_nnconvt(x, f, [], backend=idle)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.shares_memory(idle.calls["scatter"], x)
    assert peak < y.nbytes + 64 * 1024


@pytest.mark.parametrize("order", ["C", "F"])
def test_results_are_in_fortran_order_whatever_the_arguments_are(order):
    x, f = np.array(random((3, 4, 2, 2)), order=order), np.array(random((3, 3, 2, 2), 1), order=order)
    y = vl_nnconvt(x, f, [])
    dzdx, dzdf, _ = vl_nnconvt(x, f, [], np.array(y, order=order))
    assert all(array.flags.f_contiguous for array in (y, dzdx, dzdf))


def test_arguments_are_left_alone():
    x, f, b = random((3, 4, 2, 2)), random((3, 3, 2, 2), 1), random(2, 2)
    dzdy = vl_nnconvt(x, f, b)
    for array in (x, f, b, dzdy):
        array.flags.writeable = False
    vl_nnconvt(x, f, b, dzdy)
    vl_nnconv(dzdy, f, b)
