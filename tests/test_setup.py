"""setup.py: what its environment variables may be, and what it says where something is missing."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
CPU = Path("backends/convt_cpu")


def build(folder, *what, **variables):
    """What a build without the cpu backend says, and whether it succeeds."""
    environment = {**os.environ, "CONVT_BUILD_CPU": "0", "CONVT_BUILD_CUDA": "0", **variables}
    folders = ["--build-lib", folder / "lib", "--build-temp", folder / "temp"]
    command = [sys.executable, "setup.py", "-q", *(what or ["build_ext"]), *folders]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def test_a_build_without_a_compiler_says_what_is_left_out(tmp_path):
    ended, said = build(tmp_path, CC="no-such-compiler")
    assert ended, said
    assert "built without the cpu backend (CONVT_BUILD_CPU=0)" in said
    assert "no CUDA kernels are built ahead of time" in said


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"CONVT_BUILD_CPU": "no"}, "CONVT_BUILD_CPU must be 0 or 1, got 'no'"),
        ({"CONVT_BUILD_CUDA": "90"}, "CONVT_BUILD_CUDA must be 0, 1 or all, got '90'"),
        ({"CONVT_BUILD_CUDA": "1", "PATH": "/nowhere"}, "nvcc must be on the PATH where CONVT_BUILD_CUDA is 1"),
    ],
)
def test_a_variable_that_is_wrong_is_named(tmp_path, variables, message):
    ended, said = build(tmp_path, **variables)
    assert not ended
    assert message in said


def test_kernels_that_are_asked_for_are_built_where_nothing_else_is(tmp_path):
    ended, said = build(tmp_path, "build", CONVT_BUILD_CUDA="all", PATH="/nowhere")
    assert not ended
    assert "nvcc must be on the PATH where CONVT_BUILD_CUDA is all" in said


@pytest.fixture
def script(monkeypatch):
    """What setup.py defines."""
    setuptools = pytest.importorskip("setuptools")
    pytest.importorskip("Cython")
    monkeypatch.setattr(setuptools, "setup", lambda **_: None)
    monkeypatch.setenv("CONVT_BUILD_CPU", "0")
    monkeypatch.chdir(ROOT)
    return runpy.run_path("setup.py")


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler, which tells what it includes")
def test_an_extension_depends_on_the_headers_that_the_compiler_includes(script):
    folders = [f"-I{folder}" for folder in (CPU, np.get_include(), sysconfig.get_path("include"))]
    sources = [each for each in sorted(CPU.glob("**/*.c")) if not each.with_suffix(".pyx").is_file()]
    assert len(sources) > 6
    for source in sources:
        said = subprocess.run(["cc", "-MM", *folders, source], capture_output=True, text=True, check=True).stdout
        included = {os.path.normpath(name) for name in re.findall(r"\S+\.[ch]\b", said)}
        of_ours = {name for name in included if Path(name).is_relative_to(CPU)}
        assert of_ours <= set(script["_with_headers"]([source])), source


def test_an_engine_depends_on_no_header_of_another(script):
    found = script["_with_headers"](["backends/convt_cpu/cells/plan.h", "/usr/include/stdio.h"])
    assert found[0] == str(CPU / "cells/plan.h")
    assert {Path(each).parent.name for each in found} <= {"cells", "kernels"}


def test_an_editable_install_keeps_what_it_has_built(script):
    command = script["BuildExtensions"](script["WithKernels"]())
    command.ensure_finalized()
    assert "editable" not in command.build_lib
    command = script["BuildExtensions"](script["WithKernels"]())
    command.editable_mode = True
    command.ensure_finalized()
    assert command.build_lib == str(Path("build") / f"editable-{sys.implementation.cache_tag}")
