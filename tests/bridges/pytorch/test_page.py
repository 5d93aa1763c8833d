"""The code of the documentation about PyTorch runs."""

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "guide" / "pytorch.md"


def test_the_page():
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 5
    names = {}
    for block in blocks:
        exec(block, names)
    assert type(names["net"][3]).__module__ == "convt.torch.modules"
    assert names["y"].grad_fn is not None


def test_the_lines_of_the_readme():
    (block,) = re.findall(r"```py\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    net = torch.nn.Sequential(torch.nn.ConvTranspose2d(3, 2, 3))
    exec(block, {"net": net})
    assert type(net[0]).__module__ == "convt.torch.modules"


@pytest.mark.parametrize("name", ["conversion", "functional", "mode", "modules"])
def test_examples(name):
    outcome = doctest.testmod(import_module(f"convt.torch.{name}"))
    assert outcome.attempted > 2
    assert not outcome.failed
