"""The code of the documentation about PyTorch runs."""

import doctest
import inspect
import re
from importlib import import_module
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
import convt.torch  # noqa: E402

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


@pytest.mark.parametrize("name", ["conversion", "functional", "mode", "modules", "sampling"])
def test_examples(name):
    outcome = doctest.testmod(import_module(f"convt.torch.{name}"))
    assert outcome.attempted > 2
    assert not outcome.failed


def test_the_reference_has_all_names_and_the_signatures_of_pytorchs_layers():
    page = (ROOT / "docs" / "reference" / "torch.md").read_text("utf-8")
    layers = dict(re.findall(r"autoclass:: (\w+)\((.*)\)\n", page))
    functions = re.findall(r"autofunction:: (\w+)\n", page)
    assert sorted([*layers, *functions]) == sorted(convt.torch.__all__)
    for name, signature in layers.items():
        parameters = inspect.signature(getattr(torch.nn, name)).parameters.values()
        assert signature == ", ".join(str(each.replace(annotation=inspect.Parameter.empty)) for each in parameters), name
