"""The README's Python runs as it is, block after block, but for bridges to libraries that are not installed."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import convt

README = Path(__file__).parents[1] / "README.md"


def has_its_library(block):
    """Whether a library that a block begins by importing is installed."""
    first = re.match(r"import (\w+)", block)
    return first is None or find_spec(first[1]) is not None


@pytest.mark.skipif(not README.is_file(), reason="only in a checkout")
def test_the_code_of_the_readme_runs(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) >= 4
    names = {}
    try:
        for block in filter(has_its_library, blocks):
            exec(compile(block, str(README), "exec"), names)
    finally:
        convt.set_backend(None)
    assert names["large"].shape == (8, 64, 56, 56)
    assert [path.name for path in tmp_path.iterdir()] == ["why.png"]


@pytest.mark.skipif(not README.is_file(), reason="only in a checkout")
def test_the_readme_leads_to_what_is_there():
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8"))
    assert len(links) >= 20
    assert [link for link in links if not (README.parent / link).exists()] == []
