"""What is lazy stays lazy; what cannot be is refused by name, before anything is computed."""

import inspect
import sys

import numpy as np
import pytest

import convt

pytest.importorskip("dask.array")

import dask
import dask.array as da
import dask.bag

import convt.dask
from convt.optional import MissingPackage

W = np.ones((2, 3, 3))


@pytest.fixture
def x():
    """An array that cannot be computed."""

    def fail(block):
        raise AssertionError("computed")

    return da.ones((1, 2, 50), chunks=(1, 1, 10)).map_blocks(fail, meta=np.empty((0, 0, 0)))


def test_calls_compute_nothing(x):
    dy = da.ones((1, 3, 52), chunks=(1, 3, 20))
    results = [
        convt.conv_transpose(x, W),
        convt.conv(x, np.ones((3, 2, 3))),
        *convt.conv_transpose_backward(x, W, np.ones(3), dy),
        *convt.conv_backward(x, np.ones((3, 2, 3)), None, np.ones((1, 3, 48)))[:2],
        convt.upsample(x, 2, mode="linear"),
        convt.upsample_backward(x, 2, layout="NCW"),
        *(pooled := convt.max_pool(x, 2, layout="NCW")),
        convt.max_pool_backward(*pooled, 2, layout="NCW"),
        convt.max_unpool(*pooled, 2, layout="NCW"),
        convt.max_unpool_backward(x, pooled.indices, 2, layout="NCW"),
        *convt.conv_transpose_double_backward(x, W, np.ones(3), dy, x, W, np.ones(3)),
        *convt.conv_double_backward(x, W.swapaxes(0, 1), None, np.ones((1, 3, 48)), x, W.swapaxes(0, 1)),
    ]
    assert {type(each) for each in results} == {da.Array}


@pytest.mark.parametrize("name", convt.dask.__all__)
def test_parameters_and_what_they_are_where_not_given_are_those_of_convts_functions(name):
    ours, convts = (inspect.signature(getattr(module, name)).parameters for module in (convt.dask, convt))
    assert ours.keys() ^ convts.keys() <= {"out", "chunks"}
    for each in ours.keys() & convts.keys():
        assert (ours[each].kind, ours[each].default) == (convts[each].kind, convts[each].default)


def test_the_results_of_convt_are_those_of_convt_dask():
    x, w = da.ones((1, 2, 50), chunks=(1, 2, 10)), W
    assert convt.conv_transpose(x, w, stride=2).name == convt.dask.conv_transpose(x, w, stride=2).name


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((W,), {"out": np.zeros((1, 3, 52))}, TypeError, "out must be None where x is a dask array, .*got a ndarray"),
        ((da.ones((2, 3, 3), chunks=(1, 3, 3)),), {}, ValueError, r"w must be one chunk, got chunks .*w\.rechunk\(-1\)"),
        ((W, da.ones(3, chunks=2)), {}, ValueError, "bias must be one chunk, got chunks"),
        ((None,), {}, TypeError, "w must be an array of numbers, got None"),
        ((np.ones((2, 3)),), {}, ValueError, "w must have 3, 4 or 5 axes"),
        ((np.ones((4, 3, 3)),), {}, ValueError, r"w\.shape\[0\] must equal x's 2 channels, got 4"),
        ((W,), {"stride": 0}, ValueError, "stride must be at least 1, got 0"),
        ((W,), {"backend": "nunpy"}, LookupError, "backend .*numpy"),
        ((W.astype(object),), {}, TypeError, "w.dtype must be"),
    ],
)
def test_wrong_arguments(x, arguments, options, error, message):
    with pytest.raises(error, match=message):
        convt.conv_transpose(x, *arguments, **options)


@pytest.mark.parametrize(
    ("chunks", "error", "message"),
    [
        (10, TypeError, r"chunks must have one entry for each of y's axes \(N, C, W\), got 10"),
        ((1, 3), ValueError, r"chunks must have one entry for each of y's 3 axes"),
        ((1, 1, 10), ValueError, r"chunks\[1\] must be all of y's 3 channels"),
        ((1, 3, (10, 10)), ValueError, r"chunks\[2\] must hold sizes that add up to y's 52 along that axis, got \(10, 10\)"),
        ((1, 3, -1), ValueError, r"chunks\[2\] must be at least 1, got -1"),
    ],
)
def test_chunks_that_do_not_fit(x, chunks, error, message):
    with pytest.raises(error, match=f"^{message}"):
        convt.dask.conv_transpose(x, W, chunks=chunks)


def test_arrays_that_are_no_operands(x):
    with pytest.raises(TypeError, match=r"^x must be a dask array, got ndarray \(see dask\.array\.from_array\)"):
        convt.dask.conv_transpose(np.ones((1, 2, 5)), W)
    with pytest.raises(ValueError, match=r"^x must have chunks of known sizes, got shape .*nan.*compute_chunk_sizes"):
        convt.conv_transpose(x[:, :, da.ones(50, chunks=10) > 0], W)
    with pytest.raises(TypeError, match=r"^x\.dtype must be"):
        convt.conv_transpose(x.astype("M8[s]"), W)
    with pytest.raises(TypeError, match=r"^x must hold real numbers, as complex ones have no order, got complex128"):
        convt.max_pool(x.astype("c16"), 2)
    masked = da.ma.masked_array(da.ones((1, 2, 5)), mask=False)
    with pytest.raises(TypeError, match=r"^x must be a dask array of NumPy arrays, got one of MaskedArray"):
        convt.conv_transpose(masked, W)
    with pytest.raises(TypeError, match=r"^needs must be a collection of names"):
        convt.conv_transpose_backward(x, W, None, x, needs=3)
    with pytest.raises(ValueError, match=r"^dy\.shape must equal the output's \(1, 3, 52\), got \(1, 2, 50\)"):
        convt.conv_transpose_backward(x, W, None, x)


@pytest.mark.parametrize(
    ("seconds", "error", "message"),
    [
        ((np.ones((1, 2, 49)), None), ValueError, r"ddx\.shape must equal x's \(1, 2, 50\), got \(1, 2, 49\)"),
        ((None, np.ones((2, 3, 4))), ValueError, r"ddw\.shape must equal w's \(2, 3, 3\), got \(2, 3, 4\)"),
        ((None, None, np.ones(3)), ValueError, r"ddbias must be None where bias is, got an array of shape \(3,\)"),
        ((None, da.ones((2, 3, 3), chunks=1)), ValueError, r"ddw must be one chunk, got chunks .*ddw\.rechunk\(-1\)"),
        (("words", None), TypeError, r"ddx\.dtype must be .*, got <U5"),
    ],
)
def test_wrong_second_gradients(x, seconds, error, message):
    with pytest.raises(error, match=f"^{message}"):
        convt.conv_transpose_double_backward(x, W, None, da.ones((1, 3, 52), chunks=(1, 3, 20)), *seconds)


def test_an_array_of_a_third_library(x):
    torch = pytest.importorskip("torch")
    with pytest.raises(
        TypeError, match=r"^w must be a dask array, as the first array is, or a NumPy array, got a Tensor of torch"
    ):
        convt.conv_transpose(x, torch.ones(2, 3, 3))


def test_a_misspelt_function():
    with pytest.raises(
        AttributeError, match=r"^module 'convt\.dask' has no attribute 'conv_transpose2d'; did you mean 'conv_tr"
    ):
        convt.dask.conv_transpose2d  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'convt\.dask' has no attribute '_private'$"):
        convt.dask._private  # noqa: B018


def test_what_dask_cannot_have_is_refused(x):
    with pytest.raises(TypeError, match=r"^w must be a NumPy array, as the first array is, got a Array of dask"):
        convt.conv_transpose(np.ones((1, 2, 5)), da.ones((2, 3, 3)))
    with pytest.raises(TypeError, match=r"^x must not be lazy, got a dask Bag \(load it"):
        convt.upsample(dask.bag.from_sequence([1, 2]), 2)
    for call in (
        lambda: convt.ConvOperator((5,), [1.0]) @ x[0, 0],
        lambda: convt.nn.Conv1D(2, 3).initialize(rng=0)(x),
    ):
        with pytest.raises(
            TypeError,
            match=r"^x must not be lazy, got a dask Array \(load it by numpy\.asarray\(x\), or, where the batch "
            r"alone is cut, use x\.map_blocks; convt\.dask tells which functions",
        ):
            call()


def test_old_and_missing_versions_are_named(monkeypatch):
    def imported_again():
        for name in [name for name in sys.modules if name.partition(".")[0] == "convt" and name.startswith("convt.dask")]:
            monkeypatch.delitem(sys.modules, name)
        return __import__("convt.dask")

    monkeypatch.setattr(dask, "__version__", "2023.12.1")
    with pytest.raises(
        MissingPackage,
        match=r"^convt\.dask needs dask [\d.]+ or newer, got 2023\.12\.1: pip install ",
    ):
        imported_again()
    monkeypatch.setitem(sys.modules, "dask.array", None)
    with pytest.raises(MissingPackage, match=r"^convt\.dask needs dask\[array\]: pip install "):
        imported_again()
