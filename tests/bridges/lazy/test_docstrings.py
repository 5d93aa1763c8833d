"""The examples in the docstrings of convt.dask run."""

import doctest
import importlib
import pkgutil

import pytest

pytest.importorskip("dask.array")

import convt.dask

MODULES = [f"convt.dask.{module.name}" for module in pkgutil.iter_modules(convt.dask.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_every_function_is_documented():
    for name in convt.dask.__all__:
        assert getattr(convt.dask, name).__doc__.startswith(f"Compute `convt.{name}` lazily")
