"""call.py: what is kept about a call changes nothing that a caller sees, is bounded, and holds no data."""

import gc
import weakref

import numpy as np
import pytest

import convt
from convt.core.call import CONV, Call, Remembered

X, W = np.ones((1, 3, 4, 4), "f4"), np.ones((3, 2, 3, 3), "f4")


def call(stride=1, padding=0, dilation=1, groups=1, layout=None, operator=CONV, x=X, w=None):
    w = np.ones((2, 3, 3, 3), "f4") if w is None else w
    return operator.checked((layout, stride, padding, dilation, groups), x, w)


def test_a_call_like_an_earlier_one_is_the_same_object():
    assert call() is call()
    assert call(stride=(1, 2)) is call(stride=(1, 2))
    assert call(stride=[1, 2]) is call(stride=np.array([1, 2])) is call(stride=(1, 2))


@pytest.mark.parametrize("wrong", [True, 1.0, np.float64(1), (1, True), (1, 1.0), "1", None])
@pytest.mark.parametrize("option", ["stride", "dilation"])
def test_what_equals_a_kept_option_is_still_an_error(option, wrong):
    call(**{option: 1})
    call(**{option: (1, 1)})
    for _ in range(2):
        with pytest.raises(TypeError, match=rf"^{option}"):
            call(**{option: wrong})


def test_errors_are_the_same_each_time():
    messages = []
    for _ in range(3):
        with pytest.raises(ValueError, match=r"^bias\.shape must equal") as caught:
            convt.conv_transpose(X, W, np.ones(5, "f4"))
        messages.append(str(caught.value))
    assert len(set(messages)) == 1


def test_types_and_shapes_are_told_apart():
    for dtype in ("f4", "f8", "f2", ">f4", "i4", "c8"):
        got = convt.conv_transpose(X.astype(dtype), W.astype(dtype))
        assert got.dtype == (np.dtype("f8") if dtype == "i4" else np.dtype(dtype).newbyteorder("="))
        np.testing.assert_allclose(got, convt.conv_transpose(X, W))
    assert convt.conv_transpose(X[0], W).shape == (2, 6, 6)
    assert convt.conv_transpose(X, W).shape == (1, 2, 6, 6)


def test_what_is_kept_is_bounded():
    checked = []
    remembered = Remembered(lambda size: (int(size),), lambda options: checked.append(options) or Call(*[None] * 5))
    for size in range(5000):
        remembered.find((size,))((size,))
        remembered.find((np.int64(size),))((np.int64(size),))
    assert len(checked) == 5000
    remembered.find((4999,))((4999,))
    assert len(checked) == 5000
    remembered.find((0,))((0,))
    assert len(checked) == 5001


def test_options_are_frozen_once():
    frozen = []
    remembered = Remembered(lambda size: frozen.append(size) or (int(size),), lambda options: Call(*[None] * 5))
    for _ in range(3):
        remembered.find((1,))((1,))
    assert frozen == [1]


class Tracked(np.ndarray):
    """An array that can be watched."""


def test_no_array_outlives_its_call():
    arrays = [np.ones(shape, "f4").view(Tracked) for shape in (X.shape, W.shape, (2,))]
    watched = [weakref.ref(array) for array in arrays]
    y = convt.conv_transpose(*arrays)
    convt.conv_transpose_backward(*arrays, y)
    watched.append(weakref.ref(y.base)) if y.base is not None else None
    del arrays, y
    gc.collect()
    assert [ref() for ref in watched] == [None] * len(watched)


def test_the_environment_and_blocks_are_looked_at_in_every_call(monkeypatch):
    def computes():
        return convt.conv_transpose(X, W)

    expected = computes()
    monkeypatch.setenv("CONVT_BACKEND", "no such backend")
    with pytest.raises(LookupError):
        computes()
    with convt.use_backend("numpy"):
        np.testing.assert_allclose(computes(), expected)
    monkeypatch.setenv("CONVT_BACKEND", "numpy")
    np.testing.assert_allclose(computes(), expected)
