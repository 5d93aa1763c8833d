"""Types as a user meets them: what a type checker says of programs that use convt, and whether run time agrees."""

import importlib.util
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import get_args

import pytest

import convt
from convt import typing
from convt.core import arguments, layout
from convt.functions import upsampling
from convt.nn import initializers

PROGRAMS = Path(__file__).parent / "typing"
PLANTED = re.compile(r"\S  # ([a-z-]+)(?:: (.*))?$")
ERROR = re.compile(r"(\w+)\.py:(\d+): error: (.*)  \[([a-z-]+)\]$")


@pytest.fixture(scope="module")
def errors(tmp_path_factory):
    """What mypy says of the programs, by program and line: the codes and the messages."""
    pytest.importorskip("mypy")
    folder = Path(convt.__file__).resolve().parents[1]
    environment = {**os.environ, "COLUMNS": "1000"}
    if "site-packages" not in folder.parts:
        environment["MYPYPATH"] = str(folder)
    elsewhere = tmp_path_factory.mktemp("mypy")  # away from this project's own settings
    options = ["--strict", "--no-pretty", "--follow-imports=silent", f"--cache-dir={elsewhere / 'cache'}"]
    command = [sys.executable, "-m", "mypy", *options, *map(str, sorted(PROGRAMS.glob("*.py")))]
    run = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True)
    assert not run.stderr
    found = {"correct": {}, "mistakes": {}}
    for line in run.stdout.splitlines():
        if ": error: " in line:
            program, number, message, code = ERROR.search(line).groups()
            found[program].setdefault(int(number), []).append((code, message))
    return found


def planted():
    """The mistakes by line: what marks them."""
    lines = (PROGRAMS / "mistakes.py").read_text().splitlines()
    return {number: match.groups() for number, line in enumerate(lines, 1) if (match := PLANTED.search(line))}


def test_the_checker_accepts_a_correct_program(errors):
    assert errors["correct"] == {}


def test_the_checker_finds_every_mistake_and_nothing_else(errors):
    assert errors["mistakes"].keys() == planted().keys()


@pytest.mark.parametrize(("line", "code", "words"), [(line, *mark) for line, mark in planted().items()])
def test_the_checker_names_the_mistake(errors, line, code, words):
    found = errors["mistakes"][line]
    assert any(code == each and (words or "") in message for each, message in found), found


@pytest.mark.skipif(not entry_points(group="convt.backends"), reason="convt's backends are not installed")
def test_the_correct_program_runs():
    pytest.importorskip("scipy", reason="types are checked without what convt needs to run")
    spec = importlib.util.spec_from_file_location("correct", PROGRAMS / "correct.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_the_names_of_types_are_those_that_are_accepted():
    assert set(get_args(typing.LayoutName)) == set(layout.LAYOUTS)
    assert set(get_args(typing.PaddingName)) == set(arguments.PADDING_NAMES)
    assert set(get_args(typing.ModeName)) == set(upsampling._MODES)
    assert set(names_of(typing.BiasInitializer)) == set(initializers.BIAS_NAMES)
    assert set(names_of(typing.WeightInitializer)) == set(initializers.WEIGHT_NAMES)


def names_of(alias):
    """The strings of a union's literals."""
    return [name for member in get_args(alias) for name in get_args(member) if isinstance(name, str)]


def test_every_type_is_there_at_run_time():
    assert all(getattr(typing, name) is not None for name in typing.__all__)


def test_import_does_not_load_the_types():
    statement = "import sys, convt; assert 'convt.typing' not in sys.modules; convt.typing.ArrayLike"
    subprocess.run([sys.executable, "-c", statement], check=True)
