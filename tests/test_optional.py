"""optional: missing packages in one line."""

import sys

import pytest

from convt.optional import MissingPackage, require


def test_nothing_is_said_of_packages_that_are_there():
    require("the test", "numpy", "json")


def test_all_missing_packages_are_named_as_pip_knows_them(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with pytest.raises(MissingPackage, match=r'^the demo needs pillow and tqdm: pip install "convt\[demo\]"$'):
        require("the demo", "PIL", "numpy", "tqdm")
