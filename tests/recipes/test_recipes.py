"""Every recipe of the documentation runs, as a program in an empty folder; each checks itself."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "recipes"
NEEDS = {
    "autograd": ("autograd",),
    "files": (),
    "keras": ("keras", "jax"),
    "onnx": ("onnx",),
    "pylops": ("pylops",),
    "scipy": ("scipy",),
    "xarray": ("xarray", "dask.array"),
}

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="only in a checkout")


def test_every_recipe_is_tested_and_listed():
    pages = {page.stem for page in FOLDER.glob("*.md")} - {"index"}
    assert pages == set(NEEDS)
    assert set(re.findall(r"^(\w+)$", (FOLDER / "index.md").read_text(encoding="utf-8"), re.MULTILINE)) == pages


@pytest.mark.parametrize("name", NEEDS)
def test_recipe(name, tmp_path, monkeypatch):
    if name == "keras":  # to look for it imports it
        monkeypatch.setenv("KERAS_BACKEND", "numpy")
    for module in NEEDS[name]:
        pytest.importorskip(module)
    blocks = re.findall(r"```python\n(.*?)```", (FOLDER / f"{name}.md").read_text(encoding="utf-8"), re.DOTALL)
    assert any("assert" in block for block in blocks)
    program = tmp_path / "recipe.py"
    program.write_text("\n".join(blocks), encoding="utf-8")
    run = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
