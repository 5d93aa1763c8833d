"""threads.py: the rules for the number of threads."""

import os
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

import convt
from convt_cpu import threads
from convt_cpu._openmp import OPENMP

needs_openmp = pytest.mark.skipif(not OPENMP, reason="built without OpenMP: there is one thread")


def in_a_fresh_process(code, **environment):
    """The printed line of a program."""
    variables = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    result = subprocess.run(
        [sys.executable, "-c", code], env={**variables, **environment}, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


COUNT = "from convt_cpu.threads import thread_count; print(thread_count())"


@needs_openmp
def test_omp_num_threads_counts():
    assert in_a_fresh_process(COUNT, OMP_NUM_THREADS="3") == "3"


def test_convt_num_threads_goes_before_omp_num_threads():
    assert in_a_fresh_process(COUNT, OMP_NUM_THREADS="3", CONVT_NUM_THREADS="5") == "5"


def test_convt_num_threads_is_read_at_every_call(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "4")
    assert threads.thread_count() == 4
    monkeypatch.setenv("CONVT_NUM_THREADS", "2")
    assert threads.thread_count() == 2


@needs_openmp
def test_a_threadpoolctl_limit_counts_and_ends(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    with threadpool_limits(1):
        assert threads.thread_count() == 1
    assert threads.thread_count() == 6


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5"])
def test_a_bad_count_is_an_error(monkeypatch, value):
    monkeypatch.setenv("CONVT_NUM_THREADS", value)
    x = np.ones((1, 8, 64, 64))
    with pytest.raises(ValueError, match=f"CONVT_NUM_THREADS must be a positive integer, got '{value}'"):
        convt.conv_transpose(x, np.ones((8, 8, 3, 3)), backend="cpu")


def test_an_empty_count_is_none(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "")
    assert threads.thread_count() >= 1
