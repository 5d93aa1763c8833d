"""_threads.pyx and limits.py: the rules for the number of threads."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

import convt
from convt_cpu._threads import thread_count, threads_for

try:
    from convt_cpu import _convt_openmp
except ImportError:
    _convt_openmp = None

needs_openmp = pytest.mark.skipif(_convt_openmp is None, reason="built without OpenMP")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    monkeypatch.delenv("CONVT_NUM_THREADS", raising=False)
    monkeypatch.delenv("CONVT_CPU_THREADING", raising=False)


def in_a_fresh_process(code, **environment):
    """The printed line of a program, and what it warned of."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("CONVT_", "OMP_"))}
    result = subprocess.run(
        [sys.executable, "-c", code], env={**variables, **environment}, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip(), result.stderr


COUNT = "from convt_cpu._threads import thread_count; print(thread_count())"


def info():
    (ours,) = (each for each in threadpool_info() if each["internal_api"] == "convt")
    return ours


# Who says it


def test_options_come_first(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "4")
    with convt.options(threads=3):
        assert thread_count() == 3
    assert thread_count() == 4


def test_the_variable_is_read_at_every_call(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "4")
    assert thread_count() == 4
    monkeypatch.setenv("CONVT_NUM_THREADS", " 1024 ")
    assert thread_count() == 1024


def test_the_variable_goes_before_omp_num_threads():
    assert in_a_fresh_process(COUNT, OMP_NUM_THREADS="3", CONVT_NUM_THREADS="5") == ("5", "")


def test_the_first_number_of_omp_num_threads_counts():
    assert in_a_fresh_process(COUNT, OMP_NUM_THREADS="7,2") == ("7", "")


def test_omp_num_threads_is_read_at_load():
    assert (
        in_a_fresh_process(f"import os, convt_cpu; os.environ['OMP_NUM_THREADS'] = '9'; {COUNT}", OMP_NUM_THREADS="7")[0]
        == "7"
    )


def test_an_invalid_omp_num_threads_is_ignored_with_a_warning():
    count, warning = in_a_fresh_process(COUNT, OMP_NUM_THREADS="many")
    assert count == in_a_fresh_process(COUNT)[0]
    assert "RuntimeWarning: OMP_NUM_THREADS must begin with a positive integer, got 'many'; ignored" in warning


@needs_affinity
def test_else_the_affinity_counts():
    assert in_a_fresh_process(f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {COUNT}")[0] == "1"


@pytest.mark.parametrize("variables", [{"OMP_PROC_BIND": "true"}, {"OMP_THREAD_LIMIT": "1"}, {"OMP_PLACES": "cores"}])
def test_what_openmp_would_obey_besides_is_nothing_to_the_pool(variables):
    assert in_a_fresh_process(COUNT, **variables) == in_a_fresh_process(COUNT)


FORK = """
import os
from convt_cpu._threads import thread_count
before = thread_count()
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
assert thread_count() == before
pid = os.fork()
if not pid:
    os._exit(thread_count())
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@needs_fork
@needs_affinity
def test_the_affinity_is_read_again_after_a_fork():
    assert in_a_fresh_process(FORK)[0] == "1"


# What is refused


@pytest.mark.parametrize("size", [1, 64])
@pytest.mark.parametrize("value", ["0", "-1", "1025", "two", "1.5", "99999999999999999999", "2,1"])
def test_a_bad_count_is_an_error_at_every_size(monkeypatch, value, size):
    monkeypatch.setenv("CONVT_NUM_THREADS", value)
    x, w = np.ones((1, 8, size, size)), np.ones((8, 8, 3, 3))
    message = f"^CONVT_NUM_THREADS must be an integer from 1 to 1024, got '{value}'"
    for call in (
        lambda: convt.conv_transpose(x, w, backend="cpu"),
        lambda: convt.upsample(x, 2, backend="cpu"),
        lambda: convt.max_pool(np.ones((1, 8, 2 * size, 2 * size)), 2, backend="cpu"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_an_empty_count_is_none(monkeypatch):
    before = thread_count()
    monkeypatch.setenv("CONVT_NUM_THREADS", "")
    assert thread_count() == before


# How many of them


def test_little_work_is_done_by_one_and_no_task_by_two(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    assert threads_for(99, 10, 100) == 1
    assert threads_for(100, 10, 100) == 6
    assert threads_for(2**80, 4, 100) == 4


# threadpoolctl


def test_threadpoolctl_lists_the_pool(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    ours = info()
    assert (ours["user_api"], ours["prefix"], ours["num_threads"]) == ("openmp", "_convt_pool", 6)


def test_threadpoolctl_is_not_disturbed_by_a_bad_count(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "many")
    assert info()["num_threads"] == 1


@pytest.mark.parametrize("limits", [1, {"openmp": 1}, {"_convt_pool": 1}])
def test_a_limit_caps_all_and_ends(monkeypatch, limits):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    with threadpool_limits(limits):
        assert thread_count() == info()["num_threads"] == 1
        with convt.options(threads=8):
            assert thread_count() == 1
    assert thread_count() == 6
    monkeypatch.setenv("CONVT_NUM_THREADS", "9")  # more than there was when the limit ended
    assert thread_count() == 9


def test_a_limit_does_not_raise_the_number(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "2")
    with threadpool_limits(5):
        assert thread_count() == 2
        monkeypatch.setenv("CONVT_NUM_THREADS", "7")
        assert thread_count() == 5


def test_limits_inside_each_other(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    with threadpool_limits(4):
        monkeypatch.setenv("CONVT_NUM_THREADS", "2")
        with threadpool_limits(3):
            assert thread_count() == 2
        monkeypatch.setenv("CONVT_NUM_THREADS", "6")
        assert thread_count() == 4
        with threadpool_limits(None), threadpool_limits(0):
            assert thread_count() == 1
        assert thread_count() == 4
    assert thread_count() == 6


def test_a_limit_for_others_is_none(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    with threadpool_limits(1, user_api="blas"):
        assert thread_count() == 6


def test_a_controller_and_a_limit_that_stays(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    controller = ThreadpoolController().select(internal_api="convt")
    with controller.limit(limits=2):
        assert thread_count() == 2
    limiter = threadpool_limits(3)
    assert thread_count() == 3
    limiter.restore_original_limits()
    assert thread_count() == 6


def test_a_limit_is_the_calling_threads(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    counts = []

    def elsewhere():
        counts.append(thread_count())
        with threadpool_limits(2):
            counts.append(thread_count())

    with threadpool_limits(1):
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        counts.append(thread_count())
    assert counts == [6, 2, 1]


def test_a_limit_that_changes_during_a_call_is_nothing_to_it(monkeypatch):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((2, 32, 48, 48)).astype("f4"), rng.standard_normal((32, 32, 3, 3)).astype("f4")
    expected = convt.conv_transpose(x, w, backend="cpu").tobytes()
    results = []
    thread = threading.Thread(
        target=lambda: results.extend(convt.conv_transpose(x, w, backend="cpu").tobytes() for _ in range(20))
    )
    thread.start()
    count = 1
    while thread.is_alive():
        monkeypatch.setenv("CONVT_NUM_THREADS", str(count))
        with threadpool_limits(count):
            count = count % 5 + 1
            assert convt.conv_transpose(x, w, backend="cpu").tobytes() == expected
    assert results == [expected] * 20


# Under OpenMP


@needs_openmp
def test_openmps_own_limit_counts_under_its_layer(monkeypatch):
    monkeypatch.setenv("CONVT_NUM_THREADS", "6")
    monkeypatch.setenv("CONVT_CPU_THREADING", "openmp")
    assert thread_count() == 6
    openmp = ThreadpoolController().select(internal_api="openmp")
    with openmp.limit(limits=1):
        assert thread_count() == 1
        monkeypatch.setenv("CONVT_CPU_THREADING", "pool")
        assert thread_count() == 6
        monkeypatch.setenv("CONVT_CPU_THREADING", "openmp")
    assert thread_count() == 6


ORPHANED = """
import os
from array import array
from convt_cpu._layers import rehearse
from convt_cpu._threads import thread_count
rehearse(array("i", [0]) * 20, 2)
pid = os.fork()
if not pid:
    os._exit(thread_count())
print(thread_count(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""


@needs_openmp
@needs_fork
def test_a_forked_child_has_one_thread_under_openmp_only():
    assert in_a_fresh_process(ORPHANED, CONVT_NUM_THREADS="3", CONVT_CPU_THREADING="openmp")[0] == "3 1"
    assert in_a_fresh_process(ORPHANED, CONVT_NUM_THREADS="3", CONVT_CPU_THREADING="pool")[0] == "3 3"
