"""What show_config tells."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from fakes import Recorder

import convt


@pytest.fixture
def plugins(install):
    good = Recorder("good", 3)
    good.info = lambda: {"threads": 2, "device": {"name": "abacus"}}
    install(good=good, bad="no_such_module:backend")


@pytest.mark.filterwarnings("ignore:backend .* cannot be used:RuntimeWarning")
def test_the_dicts_hold_versions_environment_and_backends(plugins, monkeypatch):
    monkeypatch.setenv("CONVT_BACKEND", "good")
    config = convt.show_config("dicts")
    assert config["versions"]["convt"] == convt.__version__
    assert config["versions"]["numpy"] == np.__version__
    assert config["environment"]["CONVT_BACKEND"] == "good"
    assert config["backends"]["good"] == {
        "state": "usable, priority 3",
        "source": "plugin_good:backend",
        "threads": 2,
        "device": {"name": "abacus"},
    }
    assert config["backends"]["bad"]["state"].startswith(
        "not usable: backend 'bad' (no_such_module:backend) cannot be used: "
    )


@pytest.mark.filterwarnings("ignore:backend .* cannot be used:RuntimeWarning")
def test_it_is_printed_unless_asked_otherwise(plugins, capsys):
    assert convt.show_config() is None
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "versions",
        "environment",
        "backends",
        "arrays",
        "bridges",
    ]
    assert f"  numpy     {np.__version__}" in lines
    assert "      name  abacus" in lines
    assert any("CONVT_BACKEND" in line and "(not set)" in line for line in lines)


def test_what_a_plugin_raises_is_shown(install, monkeypatch):
    good = Recorder("good", 3)
    good.info = lambda: 1 / 0
    install(good=good)
    monkeypatch.setenv("CONVT_OF_ANOTHER", "7")
    config = convt.show_config("dicts")
    assert config["backends"]["good"]["info"] == "wrong: division by zero"
    assert config["environment"]["CONVT_OF_ANOTHER"] == "7"


def test_arrays_of_other_libraries(monkeypatch):
    """Who takes them is told without importing the library."""
    monkeypatch.setattr("convt.config.sources", lambda: {"no_such_package": "a_kind", "pickletools": "another_kind"})
    monkeypatch.delitem(sys.modules, "pickletools", raising=False)
    arrays = convt.show_config("dicts")["arrays"]
    assert arrays["no_such_package"] == "not installed"
    assert arrays["pickletools"] == "by another_kind"
    assert "array API" in arrays["others"]
    assert "pickletools" not in sys.modules


@pytest.mark.filterwarnings("ignore:backend .* cannot be used:RuntimeWarning")
def test_lines_are_as_wide_as_the_terminal(plugins, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    convt.show_config()
    plain = capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    convt.show_config()
    wrapped = capsys.readouterr().out
    assert max(map(len, plain.splitlines())) > 80
    assert max(map(len, wrapped.splitlines())) <= 50
    assert "".join(wrapped.split()) == "".join(plain.split())


def test_bridges(monkeypatch):
    """Each tells for itself how programs call convt; what is not installed, or broken, is told in its place."""
    bridges = {"numpy": "a_bridge", "no_such_package": "a_bridge", "scipy": "no_such_module"}
    monkeypatch.setattr("convt.config._BRIDGES", bridges)
    monkeypatch.setitem(sys.modules, "a_bridge", SimpleNamespace(how=lambda: "by hand"))
    assert convt.show_config("dicts")["bridges"] == {
        "numpy": "by hand",
        "no_such_package": "not installed",
        "scipy": "not usable: No module named 'no_such_module'",
    }


@pytest.mark.parametrize("mode", ["json", None, 3, []])
def test_an_unknown_mode(mode):
    with pytest.raises(ValueError, match=r"^mode must be 'print' or 'dicts', got "):
        convt.show_config(mode)
