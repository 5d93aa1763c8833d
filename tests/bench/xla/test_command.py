"""The command, as far as it needs no JAX; tests/bridges/test_jax_bench.py has the rest."""

import sys

import pytest

from convt.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jax", "--busy"], "busy must not be given with --jax"),
        (["--jax", "--backward"], "backward must not be given with --jax"),
        (["--jax", "--peers", "torch"], "peers must not be given with --jax"),
        (["--jax", "--plot", "a.png"], "plot must not be given with --jax"),
        (["--jax", "--networks"], "jax must not be given with --networks"),
        (["--jax", "--schedule"], "jax must not be given with --schedule"),
    ],
)
def test_what_has_no_meaning_together_is_refused(arguments, message, capsys):
    assert main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_without_jax_its_extra_is_named(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "jax", None)
    assert main(["bench", "--jax"]) == 1
    said = capsys.readouterr().err
    assert "bench --jax needs jax: pip install" in said
