"""What docs/guide/jax.md and the docstrings show runs, and is what they say."""

import doctest
import re
from pathlib import Path

import pytest

jax = pytest.importorskip("jax")
from convt.jax import operators  # noqa: E402

PAGE = Path(__file__).parents[2] / "docs" / "guide" / "jax.md"


def test_every_block_runs_and_ours_is_theirs():
    names, compared = {}, 0
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        for part in re.split(r"\n\n(?=\S)", block):
            names |= {"ours": None, "theirs": None}
            exec(compile(part, str(PAGE), "exec"), names)
            if names["ours"] is not None:
                assert jax.numpy.allclose(names["ours"], names["theirs"], atol=1e-4)
                compared += 1
    assert compared == 2
    assert 0 < names["value"] < 10  # (4 - 1) ** 2 in the interior


def test_the_docstrings():
    assert doctest.testmod(operators) == (0, 6)
