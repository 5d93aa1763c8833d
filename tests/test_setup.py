"""setup.py: what its environment variables may be, and what it says where something is missing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


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
