"""isa.py: the instruction set, and what it may not change."""

import numpy as np
import pytest

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
    report = check_backend(backend, quick=True, topics={*TOPICS} - {"hot elements", "sampling"})  # no engine samples
    assert report.checked > 100
    assert report.refused == {}


@pytest.mark.usefixtures("remembered_definition")
@pytest.mark.parametrize("algorithm", ENGINES)
@pytest.mark.parametrize("isa", available())
def test_hot_elements_change_only_what_they_reach(monkeypatch, isa, algorithm):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", algorithm)
    monkeypatch.setenv("CONVT_CPU_ISA", isa)
    assert check_backend(backend, quick=True, topics=["hot elements"]).checked > 1
