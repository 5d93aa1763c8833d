"""optional: missing packages in one line."""

import sys
from importlib import import_module

import pytest

from convt.optional import MissingPackage, require


def test_nothing_is_said_of_packages_that_are_there():
    require("the test", "numpy", "json")


def test_all_missing_packages_are_named_as_pip_knows_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(MissingPackage, match=r"^the demo needs pillow and tqdm: pip install "):
        require("the demo", "PIL", "numpy", "tqdm")


def test_the_bridge_to_jax_without_jax(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("jax", "convt") and ".jax" in f".{name}"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(MissingPackage, match=r"^convt\.jax needs jax: pip install "):
        import_module("convt.jax")
