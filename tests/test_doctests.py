"""The examples in the docstrings run."""

import doctest
import pkgutil

import numpy as np
import pytest

import convt

MODULES = [
    "convt",
    *(module.name for module in pkgutil.walk_packages(convt.__path__, "convt.") if "__main__" not in module.name),
]


@pytest.mark.usefixtures("remembered_definition")  # one of the examples asks for it
@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = pytest.importorskip(name, exc_type=ModuleNotFoundError, reason="the extra that it needs is not installed")
    with np.printoptions(precision=8, threshold=1000, suppress=False, legacy=False):
        outcome = doctest.testmod(module)
    assert outcome.failed == 0


def test_the_public_functions_have_examples():
    for function in (convt.conv, convt.conv_transpose, convt.conv_backward, convt.conv_transpose_backward, convt.conv_shape):
        assert ">>>" in function.__doc__
