"""Filters that are declared constant: taken wherever w is, and what is kept for them."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import numpy as np
import pytest
from fakes import CallerArray, FakeDevice, Recorder

import convt
from convt import Filters
from convt.backend import kept
from convt.core import constant
from convt.core.constant import Kept, placing
from convt.matconvnet import vl_nnconv, vl_nnconvt

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 4, 6, 7)).astype("f4")
W = RNG.standard_normal((4, 3, 3, 3)).astype("f4")
Y = convt.conv_transpose(X, W)


class Numbers:
    """A value that takes so many bytes."""

    def __init__(self, nbytes):
        self.nbytes = nbytes


class Keeper(Recorder):
    """Notes the place of each call."""

    def __init__(self):
        super().__init__()
        self.places = []

    def _record(self, *arguments):
        self.places.append(kept())
        super()._record(*arguments)


def equal(one, other):
    for left, right in zip(one, other, strict=True):
        np.testing.assert_array_equal(left, right, strict=True)


# What they are.


def test_they_hold_a_copy_that_cannot_be_changed():
    w = np.asfortranarray(W)
    filters = Filters(w)
    w[...] = 0
    np.testing.assert_array_equal(filters.array, W, strict=True)
    assert filters.array.flags.c_contiguous
    assert not filters.array.flags.writeable
    assert (filters.shape, filters.dtype, filters.ndim) == (W.shape, W.dtype, 4)
    assert repr(filters) == "Filters((4, 3, 3, 3), float32)"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda filters: pickle.loads(pickle.dumps(filters))])
def test_copies_have_the_array_alone(again):
    filters = Filters(W)
    convt.conv_transpose(X.astype("f8"), filters)
    other = again(filters)
    np.testing.assert_array_equal(other.array, W, strict=True)
    assert other.nbytes == W.nbytes < filters.nbytes


def test_numpy_takes_them_for_their_array():
    filters = Filters(W)
    assert np.asarray(filters) is filters.array
    assert np.array(filters).flags.writeable
    assert np.asarray(filters, "f8").dtype == np.float64
    with pytest.raises(ValueError, match="dtype must be float32 where nothing may be copied, got float64"):
        filters.__array__(np.dtype("f8"), copy=False)


@pytest.mark.parametrize(
    ("w", "message"), [("w", "w.dtype must be a bool, integer, float"), (None, "w must be an array of numbers, got None")]
)
def test_what_is_no_array_is_refused(w, message):
    with pytest.raises(TypeError, match=message):
        Filters(w)


# Where they are taken.


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i4", "c8", ">f4"])
@pytest.mark.parametrize("x_dtype", ["f4", "c16", "f2"])
def test_results_are_those_of_the_bare_array(dtype, x_dtype):
    w, x = (4 * W).astype(dtype), X.astype(x_dtype)
    filters = Filters(w)
    y = convt.conv_transpose(x, w, stride=2)
    for _ in range(2):
        equal([convt.conv_transpose(x, filters, stride=2)], [y])
        equal(
            convt.conv_transpose_backward(x, filters, None, y, stride=2)[:2],
            convt.conv_transpose_backward(x, w, None, y, stride=2)[:2],
        )
    assert filters.nbytes <= 9 * filters.array.nbytes


def test_all_functions_take_them():
    filters, other = Filters(W), Filters(W.swapaxes(0, 1))
    equal([convt.conv(X, other)], [convt.conv(X, other.array)])
    equal(convt.conv_backward(Y, filters, None, X)[:2], convt.conv_backward(Y, W, None, X)[:2])
    arguments = (None, Y, X, W)
    equal(
        convt.conv_transpose_double_backward(X, filters, *arguments), convt.conv_transpose_double_backward(X, W, *arguments)
    )
    last = Filters(W.transpose(2, 3, 1, 0))
    equal([convt.conv_transpose(X.transpose(0, 2, 3, 1), last, layout="NHWC")], [Y.transpose(0, 2, 3, 1)])
    operator = convt.ConvOperator((4, 6, 7), other)
    np.testing.assert_allclose(operator @ X[0].ravel(), convt.conv(X[0], other.array).ravel(), rtol=1e-4, atol=1e-5)
    assert convt.conv_matrix((4, 6, 7), other).shape == operator.shape


@pytest.mark.parametrize("function", [vl_nnconvt, vl_nnconv])
def test_matconvnets_functions_take_them(function):
    x = np.asfortranarray(X.transpose(2, 3, 1, 0))
    f = np.asfortranarray(W.transpose(2, 3, 1, 0) if function is vl_nnconvt else W.transpose(2, 3, 0, 1))
    y = function(x, f, [])
    equal([function(x, Filters(f), [])], [y])
    equal(function(x, Filters(f), [], y)[:2], function(x, f, [], y)[:2])


def test_filters_that_do_not_fit_are_refused_as_arrays_are():
    with pytest.raises(ValueError, match="w"):
        convt.conv_transpose(X, Filters(W[:3]))
    with pytest.raises(ValueError, match=r"ddw\.shape must equal w's"):
        convt.conv_transpose_double_backward(X, Filters(W), None, Y, None, W[:, :1])


# What is kept.


def test_backends_are_given_the_place_for_them_alone():
    keeper = Keeper()
    filters, x, w = Filters(W), X + 1j * X, Filters(W * 1j)
    for arguments in [(X, W), (X, filters), (x, filters), (x, w), (X, filters)]:
        convt.conv_transpose(*arguments, backend=keeper)
    none, first, real, imaginary, *complex_, last = keeper.places
    assert none is None
    assert first is real is imaginary is last is not None
    assert not any(complex_)
    keeper.places.clear()
    convt.conv_transpose_backward(X, filters, None, Y, backend=keeper)
    assert keeper.places == [first, None]  # the filters' gradient has no filters
    assert kept() is None


def test_the_place_is_gone_after_an_error():
    class Failing(Recorder):
        def scatter(self, *arguments):
            raise OSError("no")

    with pytest.raises(OSError, match="no"):
        convt.conv_transpose(X, Filters(W), backend=Failing())
    assert kept() is None


def test_filters_are_converted_once():
    filters, keeper = Filters(W.astype("f2")), Keeper()
    for _ in range(2):
        convt.conv_transpose(X, filters, backend=keeper)
    assert keeper.arrays[0][1] is keeper.arrays[1][1]
    filters.clear()
    assert filters.nbytes == filters.array.nbytes


def test_a_device_keeps_one_copy(install):
    device = FakeDevice()
    install(device=device, host=Recorder("host", 5))
    filters, x = Filters(W), CallerArray(X)
    results = [convt.conv_transpose(x, filters) for _ in range(2)]
    gradients = convt.conv_transpose_backward(x, filters, None, CallerArray(Y))
    seconds = convt.conv_transpose_double_backward(x, filters, None, CallerArray(Y), x, None)
    assert device.arrays[0][1] is device.arrays[1][1] is device.arrays[2][1]
    assert filters.nbytes == 2 * W.nbytes
    for result in results:
        np.testing.assert_allclose(result.host, Y, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(gradients.x.host, convt.conv(Y, W), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(seconds.dy.host, Y, rtol=1e-4, atol=1e-5)


def test_the_least_recently_used_goes_first():
    place = Kept(10)
    place["a"], place["b"], place["vast"] = Numbers(4), Numbers(4), Numbers(11)
    assert place["a"].nbytes == 4
    place["c"] = Numbers(4)
    assert list(place) == ["a", "c"]
    assert len(place) == 2
    assert place.nbytes == 8
    del place["a"]
    assert place.get("a") is None
    assert place.nbytes == 4


def test_a_block_has_its_place():
    outer, inner = Kept(1), Kept(1)
    with placing(outer):
        with placing(inner):
            assert kept() is inner
        assert kept() is outer


def test_the_place_is_gone_even_where_taking_it_away_is_refused_memory(monkeypatch):
    class Refusing:
        get, set = constant._place.get, constant._place.set

        def reset(self, token):
            raise MemoryError

    def call():
        with pytest.raises(MemoryError):
            convt.conv_transpose(X, Filters(W), backend=(keeper := Keeper()))
        assert keeper.places[0] is not None
        assert kept() is None

    monkeypatch.setattr(constant, "_place", Refusing())
    copy_context().run(call)


def test_threads_share_them():
    filters = Filters(W)
    with ThreadPoolExecutor(8) as pool:
        for y in pool.map(lambda _: convt.conv_transpose(X.astype("f8"), filters), range(64)):
            np.testing.assert_allclose(y, Y, rtol=1e-4, atol=1e-5)
    assert filters.nbytes <= 9 * W.nbytes
