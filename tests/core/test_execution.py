"""execution.py: what a backend raises says which backend it was, and for which problem."""

import numpy as np
import pytest
from fakes import Recorder

import convt

X, W = np.ones((1, 1, 4)), np.ones((1, 1, 2))


class Failing(Recorder):
    """Whatever it is asked for."""

    def _record(self, *arguments):
        raise ArithmeticError("out of order")

    def upsample(self, *arguments):
        raise ArithmeticError("out of order")

    max_pool = max_unpool = move_indices = upsample


@pytest.mark.parametrize(
    "call",
    [
        lambda b: convt.conv_transpose(X, W, backend=b),
        lambda b: convt.conv(X, W, backend=b),
        lambda b: convt.conv_backward(X, W, None, np.ones((1, 1, 3)), backend=b),
        lambda b: convt.conv_transpose(1j * X, W, backend=b),
        lambda b: convt.upsample(X[0], 2, layout="NCW", backend=b),
        lambda b: convt.max_pool(X[0], 2, layout="NCW", backend=b),
        lambda b: convt.max_unpool(X[0, 0, :2], [1, 2], (2,), backend=b),
        lambda b: convt.max_unpool(X[0, 0, :2], [1, 2], (2,), indexing="tensor", backend=b),
    ],
)
def test_what_a_backend_raises_carries_its_name_and_the_problem(call):
    with pytest.raises(ArithmeticError, match=r"^out of order") as caught:
        call(Failing("rusty"))
    [note] = caught.value.__notes__
    assert note.startswith("raised by backend 'rusty' for Problem(batch=1, groups=1, fine_channels=1, ")


def test_a_wrong_index_is_not_the_backends_fault():
    with pytest.raises(ValueError, match=r"^indices must be from 0 to 3") as caught:
        convt.max_unpool(X[0, 0, :2], [1, 4], (2,))
    assert not hasattr(caught.value, "__notes__")
