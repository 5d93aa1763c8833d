"""_blas_limit.pyx: BLAS has one thread inside a task, and afterwards as many as before."""

import os
import threading

import numpy as np
import pytest
from blas_libraries import GET, FakeBlas
from scripts import run_script

import convt
from convt_cpu import blas
from convt_cpu._blas_limit import KINDS, after_fork, limit_blas, release_blas, use_library

X, W = np.ones((2, 16, 10, 10), np.float32), np.ones((16, 16, 3, 3), np.float32)


def number():
    """The number of threads of SciPy's BLAS, by its own function."""
    return GET(blas.find_blas(blas._library()).get)()


def test_one_thread_inside_and_the_old_number_after():
    assert number() == 2
    before = limit_blas()
    assert number() == 1
    release_blas(before)
    assert number() == 2


@pytest.mark.parametrize(
    "call",
    [
        lambda: convt.conv_transpose(X, W, stride=2),
        lambda: convt.conv(X, W),
        lambda: convt.conv_backward(X, W, None, np.ones((2, 16, 8, 8), np.float32)),
    ],
    ids=["scatter", "gather", "correlate"],
)
@pytest.mark.parametrize("threads", ["1", "3"])
def test_the_tasks_of_each_map_are_limited(monkeypatch, call, threads):
    monkeypatch.setenv("CONVT_NUM_THREADS", threads)
    fake = FakeBlas("shared")
    call()
    assert fake.number() == 5
    assert set(fake.history) == {1, 5}
    assert fake.history == [1, 5] * (len(fake.history) // 2)


def in_another_thread(function, *arguments):
    result = []
    thread = threading.Thread(target=lambda: result.append(function(*arguments)))
    thread.start()
    thread.join()
    return result[0]


def test_the_last_of_several_threads_restores():
    first = limit_blas()
    second = in_another_thread(limit_blas)
    release_blas(first)
    assert number() == 1
    third = limit_blas()
    in_another_thread(release_blas, second)
    assert number() == 1
    release_blas(third)
    assert number() == 2


@pytest.mark.parametrize("kind", ["per_thread", "exchange"])
def test_where_each_thread_has_a_number_each_gets_its_own_back(kind):
    fake = FakeBlas(kind)
    numbers, turn = {}, threading.Barrier(2)

    def task(own):
        fake.numbers.value = own
        turn.wait(10)
        before = limit_blas()
        inside = fake.number()
        turn.wait(10)
        release_blas(before)
        numbers[own] = (inside, fake.number())

    threads = [threading.Thread(target=task, args=(own,)) for own in (3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers == {3: (1, 3), 4: (1, 4)}


def test_a_library_on_one_thread_is_left_alone():
    fake = FakeBlas("shared", before=1)
    release_blas(limit_blas())
    assert fake.history == []


def test_a_number_that_somebody_else_sets_meanwhile_stays():
    fake = FakeBlas("shared")
    before = limit_blas()
    fake.change(7)
    release_blas(before)
    assert fake.number() == 7


def test_the_library_does_not_change_under_a_task():
    before = limit_blas()
    with pytest.raises(RuntimeError, match=r"^BLAS must not be in use when its library changes$"):
        use_library("none")
    release_blas(before)
    with pytest.raises(KeyError):
        use_library("unheard of")
    assert set(KINDS) == {"none", "shared", "per_thread", "exchange"}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_the_number_that_its_parent_was_about_to_restore():
    script = run_script(
        """
import os, sys, threading
from threadpoolctl import threadpool_info, threadpool_limits
from convt_cpu import blas
from convt_cpu._blas_limit import limit_blas, release_blas
blas.load_blas()
threadpool_limits(2, user_api="blas")
counts = lambda: {each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"}
inside, leave = threading.Event(), threading.Event()
def task():
    before = limit_blas()
    inside.set()
    leave.wait()
    release_blas(before)
other = threading.Thread(target=task)
other.start()
inside.wait()
assert 1 in counts()
child = os.fork()
if child == 0:
    good = counts() == {2}
    before = limit_blas()
    good = good and 1 in counts()
    release_blas(before)
    os._exit(0 if good and counts() == {2} else 3)
print(os.waitpid(child, 0)[1])
leave.set()
other.join()
print(counts())
""",
        CONVT_NUM_THREADS="1",
    )
    assert script.stdout == "0\n{2}\n", script.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_does_not_wait_for_a_lock_that_its_parent_held():
    """Another thread is inside of `limit_blas`, in a library's function, when this one forks."""
    script = run_script(
        """
import ctypes, os, signal, threading, time
from convt_cpu._blas_limit import limit_blas, release_blas, use_library
parent, held, leave = os.getpid(), threading.Event(), threading.Event()
@ctypes.CFUNCTYPE(ctypes.c_int)
def get():
    if os.getpid() == parent:
        held.set()
        leave.wait()
    return 1
change = ctypes.CFUNCTYPE(None, ctypes.c_int)(lambda number: None)
address = lambda function: ctypes.cast(function, ctypes.c_void_p).value
use_library("shared", address(get), address(change))
other = threading.Thread(target=lambda: release_blas(limit_blas()))
other.start()
held.wait()
child = os.fork()
if child == 0:
    release_blas(limit_blas())
    os._exit(0)
for _ in range(1000):
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
    time.sleep(0.01)
else:
    status = "hangs"
    os.kill(child, signal.SIGKILL)
print(status)
leave.set()
other.join()
"""
    )
    assert script.stdout == "0\n", script.stderr


def test_after_a_fork_nobody_is_inside():
    fake = FakeBlas("shared")
    limit_blas()
    after_fork()
    assert fake.number() == 5
    release_blas(limit_blas())
    assert fake.history == [1, 5, 1, 5]
