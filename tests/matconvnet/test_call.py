"""Which backend computes what `convt.matconvnet` is asked for."""

import numpy as np
import pytest
from fakes import CallerArray, FakeDevice, Recorder
from matlab import FUNCTIONS, B, F, X, random

from convt import BackendUnavailable
from convt.matconvnet import call, vl_nnconv, vl_nnconvt


def test_the_backend_is_handed_through():
    with pytest.raises(LookupError, match="nonsense"):
        vl_nnconvt(X, F, B, backend="nonsense")
    with pytest.raises(BackendUnavailable, match="it is Sunday"):
        vl_nnconv(X, F, [], np.ones((1, 2, 4, 2)), backend=Recorder(reason="it is Sunday"))


@FUNCTIONS
def test_the_reported_backend_is_the_one_that_computes(function, capsys, monkeypatch):
    seen = []
    choose = call.choose
    monkeypatch.setattr("convt.core.execution.choose", lambda *arguments: seen.append(arguments) or choose(*arguments))
    monkeypatch.setattr(call, "choose", lambda *arguments: seen.append(arguments) or choose(*arguments))
    function(X, F, [], np.ones((5, 6, 2, 2) if function is vl_nnconvt else (1, 2, 4, 2)), "Verbose")
    reported, computed = seen
    assert reported == computed


@FUNCTIONS
def test_data_on_a_device_stays_there(function, install):
    install(device=FakeDevice(), numpy="convt.numpy_backend:backend")
    b = random((1, 4 if function is vl_nnconv else 2))
    y = function(X, F, b, backend="numpy")
    gradients = function(X, F, b, y, backend="numpy")
    arrays = [CallerArray(array) for array in (X, F, b, y)]
    for got, want in zip((function(*arrays[:3]), *function(*arrays)), (y, *gradients), strict=True):
        assert type(got) is CallerArray
        assert got.host.flags.f_contiguous
        np.testing.assert_array_equal(got.host, want)
    dzdx, dzdf, dzdb = function(CallerArray(X), CallerArray(F), [], CallerArray(y), "NoDerFilters")
    assert dzdx.host.shape == X.shape
    assert dzdf.host.shape == dzdb.host.shape == (0, 0)
    with pytest.raises(TypeError, match=r"^f must lie where the other arrays do, on backend 'device', got ndarray$"):
        function(CallerArray(X), F, [])


def test_no_filters_on_a_device(install):
    install(device=FakeDevice(), numpy="convt.numpy_backend:backend")
    got = vl_nnconv(CallerArray(X), [], [], "Stride", 2)
    np.testing.assert_array_equal(got.host, vl_nnconv(X, [], [], "Stride", 2, backend="numpy"))


def test_what_would_have_to_be_copied_on_a_device(install):
    install(device=FakeDevice(), numpy="convt.numpy_backend:backend")
    x = np.ones((3, 3, 4, 2, 3))
    with pytest.raises(
        ValueError, match=r"^x must lie in Fortran order to become 3 x 3 x 4 x 6 on backend 'device', got 3 x "
    ):
        vl_nnconv(CallerArray(x), CallerArray(F), [])
    assert vl_nnconv(CallerArray(np.asfortranarray(x)), CallerArray(F), []).host.shape[3] == 6
