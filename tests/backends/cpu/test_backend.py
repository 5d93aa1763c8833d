"""backend.py: what is run is reported, and who is asked is looked at in every call."""

import logging
import re

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import convt
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available

X, W = np.ones((1, 8, 9, 9), "f4"), np.ones((8, 8, 3, 3), "f4")


@pytest.mark.parametrize("engine", ["direct", "im2col"])
def test_each_call_reports_its_engine_at_level_debug(caplog, monkeypatch, engine):
    convt.conv_transpose(X, W, backend="cpu")
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    with caplog.at_level(logging.DEBUG, "convt.cpu"):
        for _ in range(2):
            convt.conv_transpose(X, W, backend="cpu")
    assert len(caplog.records) == 2
    for message in caplog.messages:
        assert message.startswith(f"scatter: engine {engine}, {available()[0]}, threads 1, Problem(batch=1, ")


@pytest.mark.parametrize(("engine", "other"), [("direct", "direct"), ("winograd", "direct")])
def test_what_is_done_for_values_that_are_not_finite_is_reported_too(caplog, monkeypatch, engine, other):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", engine)
    x, w = np.ones((1, 16, 20, 20), "f4"), np.full((16, 16, 3, 3), np.inf, "f4")
    with caplog.at_level(logging.DEBUG, "convt.cpu"):
        convt.conv_transpose(x, w, backend="cpu")
    engines = [message.split(",")[0] for message in caplog.messages]
    assert engines == [f"scatter: engine {engine}", f"scatter: engine {other} (not all values are finite)"]


def test_nothing_is_reported_unasked(caplog, capsys):
    with caplog.at_level(logging.INFO, "convt.cpu"):
        convt.conv_transpose(X, W, backend="cpu")
    assert not caplog.records
    assert capsys.readouterr().out == ""


def test_verbose_prints_who_computes(capsys, monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "direct")
    monkeypatch.setenv("CONVT_CPU_ISA", "portable")
    with convt.options(verbose=True):
        convt.conv_transpose(X, W, backend="cpu")
        convt.conv_transpose(X, np.full_like(W, np.inf), backend="cpu")
        with convt.options(verbose=False):
            convt.conv(X, W, backend="cpu")
    first, *rest = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"scatter on the processor: engine direct, portable, threads 1, scratch memory \d+ bytes", first)
    assert rest[0] == first
    assert rest[1].startswith("scatter on the processor: engine direct (not all values are finite), portable, threads 1, ")
    assert len(rest) == 2


def test_a_forced_engine_that_cannot_do_it_is_told(capsys, caplog, monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "winograd")
    told = "engine im2col (winograd, which CONVT_CPU_ALGORITHM forces, cannot do it), "
    with convt.options(verbose=True), caplog.at_level(logging.DEBUG, "convt.cpu"):
        convt.conv_transpose(X, W, stride=3, backend="cpu")
    assert capsys.readouterr().out.startswith(f"scatter on the processor: {told}")
    assert caplog.messages[0].startswith(f"scatter: {told}")
    engines = convt.show_config("dicts")["backends"]["cpu"]["engines"]
    assert engines.endswith(" (CONVT_CPU_ALGORITHM forces winograd; im2col does what that cannot)")


def test_the_configuration_names_engines_instruction_set_and_overrides(monkeypatch):
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "im2col")
    monkeypatch.setenv("CONVT_CPU_ISA", "portable")
    info = convt.show_config("dicts")["backends"]["cpu"]
    assert info["engines"] == f"{', '.join(ENGINES)} (CONVT_CPU_ALGORITHM forces im2col)"
    assert info["instruction set"] == f"portable (of {', '.join(available())}; CONVT_CPU_ISA forces it)"
    monkeypatch.delenv("CONVT_CPU_ALGORITHM")
    monkeypatch.delenv("CONVT_CPU_ISA")
    info = convt.show_config("dicts")["backends"]["cpu"]
    assert info["engines"] == ", ".join(ENGINES)
    assert info["instruction set"] == f"{available()[0]} (of {', '.join(available())})"


def test_the_engine_and_instruction_set_are_looked_at_in_every_call(caplog, monkeypatch):
    seen = []
    for isa in available():
        monkeypatch.setenv("CONVT_CPU_ISA", isa)
        with caplog.at_level(logging.DEBUG, "convt.cpu"):
            convt.conv_transpose(X, W, backend="cpu")
        seen.append(caplog.messages[-1].split(", ")[1])
    assert seen == list(available())


def test_a_large_call_runs_on_as_many_threads_as_are_allowed(caplog, monkeypatch):
    x, w = np.ones((4, 32, 64, 64), "f4"), np.ones((32, 32, 3, 3), "f4")

    def threads():
        caplog.clear()
        with caplog.at_level(logging.DEBUG, "convt.cpu"):
            convt.conv_transpose(x, w, backend="cpu")
        return caplog.messages[0].split(", ")[2]

    for count in (1, 2, 3):
        monkeypatch.setenv("CONVT_NUM_THREADS", str(count))
        assert threads() == f"threads {count}"
    with threadpool_limits(1):
        assert threads() == "threads 1"
