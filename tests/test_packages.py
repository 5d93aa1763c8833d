"""setup.py and MANIFEST.in: every module of the source is installed, and of other files those that are used."""

from importlib.metadata import distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOMES = {"convt": ROOT, "convt_cpu": ROOT / "backends", "convt_cuda": ROOT / "backends"}


def test_every_folder_of_modules_is_a_package():
    """One without __init__.py is not found."""
    modules = [module for root, home in HOMES.items() for module in (home / root).rglob("*.py*")]
    folders = {module.parent for module in modules if module.suffix in {".py", ".pyx"}}
    assert len(folders) > 20
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_every_backend_of_the_source_has_a_home():
    assert {init.parent.name for init in (ROOT / "backends").glob("*/__init__.py")} == set(HOMES) - {"convt"}


def installed():
    """The installed files below each package; what lies in the source after a build is no installation."""
    for found in distributions(name="convt"):
        files = [file for file in found.files or [] if file.parts[0] in HOMES]
        if found.read_text("RECORD") and any(file.match("convt/__init__.py") for file in files):
            return files
    return pytest.skip("installed as editable: there is no list of files")


def test_every_module_of_the_source_is_installed():
    sources = {module.relative_to(home).as_posix() for root, home in HOMES.items() for module in (home / root).rglob("*.py")}
    assert {file.as_posix() for file in installed() if file.suffix == ".py"} == sources


def test_no_source_in_c_or_cython_is_installed():
    files = installed()
    assert any(file.suffix == ".so" for file in files)
    assert [file for file in files if file.suffix in {".c", ".h", ".pxd", ".pyx", ".cpp"}] == []


def test_what_convt_jax_compiles_is_installed():
    assert any(file.as_posix() == "convt/jax/handler.cc" for file in installed())
