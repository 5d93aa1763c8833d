"""isa.py: the instruction set, and what it may not change."""

import numpy as np
import pytest
from scripts import run_script

import convt
from convt.testing import TOPICS, check_backend
from convt_cpu import backend
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available, instruction_set


def test_the_best_one_is_taken(monkeypatch):
    monkeypatch.delenv("CONVT_CPU_ISA", raising=False)
    assert instruction_set() == available()[0]


@pytest.mark.parametrize("isa", available())
def test_one_can_be_forced(monkeypatch, isa):
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    assert instruction_set() == isa
    assert convt.show_config("dicts")["backends"]["cpu"]["instruction set"].startswith(isa)


def test_one_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ISA", "avx1024")
    with pytest.raises(ValueError, match=r"CONVT_CPU_ISA must be one of .*portable on this processor, got 'avx1024'"):
        convt.conv_transpose(np.ones((1, 1, 2)), np.ones((1, 1, 2)), backend="cpu")


@pytest.mark.usefixtures("remembered_definition")
@pytest.mark.parametrize("algorithm", [*ENGINES, ""])
@pytest.mark.parametrize("isa", available())
def test_every_instruction_set_and_engine_conforms(monkeypatch, isa, algorithm):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", algorithm)
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    topics = {*TOPICS} - {"hot elements", "memory", "sampling"}  # no engine samples
    report = check_backend(backend, quick=True, topics=topics)
    assert report.checked > 100
    assert report.refused == {}


MEMORY = f"""
import os
from convt.testing import check_backend
from convt_cpu import backend
for engine in {[*ENGINES, ""]}:
    os.environ["CONVT_CPU_ALGORITHM"] = engine
    print(engine, flush=True)
    check_backend(backend, quick=True, topics=["memory"])
"""


@pytest.mark.parametrize("isa", available())
def test_no_engine_touches_what_lies_beside_its_arrays(isa):
    """In a child, for such a step may end the process; the last engine that it names took it."""
    done = run_script(MEMORY, CONVT_CPU_ISA=isa)
    assert (done.returncode, done.stdout.split("\n")) == (0, [*ENGINES, "", ""]), done.stderr


@pytest.mark.usefixtures("remembered_definition")
@pytest.mark.parametrize("algorithm", ENGINES)
@pytest.mark.parametrize("isa", available())
def test_hot_elements_change_only_what_they_reach(monkeypatch, isa, algorithm):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", algorithm)
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    assert check_backend(backend, quick=True, topics=["hot elements"]).checked > 1
