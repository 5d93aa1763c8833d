"""The sdist has all that building, testing and documenting takes, and nothing that is made by these."""

import fnmatch
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OF_THE_REPOSITORY = (".gitignore", ".github/*", ".pre-commit-config.yaml", ".readthedocs.yaml")
MADE = ("PKG-INFO", "convt.egg-info/*")


def like(names, patterns):
    return {name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only in a checkout")
def test_what_is_tracked_is_in_the_sdist_and_nothing_else(tmp_path):
    listed = subprocess.run(["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    tracked = {name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()}
    source = tmp_path / "source"
    for name in tracked:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    for made in ("backends/convt_cpu/_runner.c", "docs/_build/index.html", "asv_benchmarks/.asv/results/machine.json"):
        (source / made).parent.mkdir(parents=True, exist_ok=True)
        (source / made).touch()
    command = [sys.executable, "setup.py", "-q", "sdist", "--formats=tar", "--dist-dir", tmp_path]
    subprocess.run(command, cwd=source, env={**os.environ, "CONVT_BUILD_CPU": "0"}, capture_output=True, check=True)
    (archive,) = tmp_path.glob("*.tar")
    with tarfile.open(archive) as sdist:
        names = {member.name.partition("/")[2] for member in sdist if member.isfile()}
    assert len(names) > 500
    assert tracked - names == like(tracked, OF_THE_REPOSITORY)
    assert names - tracked == like(names, MADE)
