"""The layers as Python meets them: signals, fork, other threads, small stacks, the end of the process."""

import ctypes
import ctypes.util
import os
import signal
import subprocess
import sys
import threading
from array import array
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import numpy as np
import pytest

import convt
import convt_cpu
from convt.settings import bridge_threads
from convt_cpu._layers import layer_name, rehearse

try:
    from convt_cpu import _convt_openmp
except ImportError:
    _convt_openmp = None

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
needs_free_allocator = pytest.mark.skipif(
    "libasan" in os.environ.get("LD_PRELOAD", ""),
    reason="the sanitizer's allocator may be locked for ever in a forked child",
)
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def gomp_parallel():
    """The address of that function in the OpenMP library that this machine has, None if it has none."""
    name = ctypes.util.find_library("gomp")
    return name and ctypes.cast(ctypes.CDLL(name).GOMP_parallel, ctypes.c_void_p).value


@pytest.fixture(
    params=[
        "pool",
        pytest.param("openmp", marks=pytest.mark.skipif(_convt_openmp is None, reason="built without OpenMP")),
        pytest.param("lent", marks=pytest.mark.skipif(gomp_parallel() is None, reason="no GNU OpenMP on this machine")),
    ]
)
def layer(request, monkeypatch):
    monkeypatch.setenv("CONVT_CPU_THREADING", request.param if request.param != "lent" else "")
    token = bridge_threads.set((None, gomp_parallel() if request.param == "lent" else None))
    yield request.param
    bridge_threads.reset(token)


@pytest.fixture
def pool(monkeypatch):
    monkeypatch.delenv("CONVT_CPU_THREADING", raising=False)


@pytest.fixture
def on_signal():
    """Make a function the handler of SIGUSR1 for the test."""
    before = signal.getsignal(signal.SIGUSR1)
    yield lambda function: signal.signal(signal.SIGUSR1, lambda number, frame: function())
    signal.signal(signal.SIGUSR1, before)


def seats_of(tasks, threads, **options):
    """The seats of a run in which no task failed."""
    seats = array("i", [0]) * tasks
    assert rehearse(seats, threads, **options)
    return list(seats)


def check_all(tasks, threads, **options):
    seats = seats_of(tasks, threads, **options)
    assert set(seats) <= set(range(threads))


def until_others_take_part(threads):
    """A worker may come late to any one run, not to all of them."""
    while not any(seats_of(40, threads, seconds=2e-4)):
        pass


def in_a_fresh_process(code, timeout=60, **environment):
    """The printed line of a program."""
    result = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, timeout=timeout
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


def begun(seats):
    return sum(seat >= 0 for seat in seats)


# Tasks


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_all_tasks_are_done_by_seats_of_their_own(layer, threads):
    for tasks in (1, 2, 7, 100, 3000):
        check_all(tasks, threads)


def test_a_task_that_fails_ends_the_stage(layer):
    seats = array("i", [0]) * 1000
    assert not rehearse(seats, 2, seconds=1e-5, failing=10)
    assert 10 < begun(seats) < 1000
    check_all(50, 2)


def test_sixteen_python_threads_at_once(layer):
    with ThreadPoolExecutor(16) as executor:
        list(executor.map(lambda count: check_all(100, 1 + count % 5, seconds=1e-5), range(64)))


def test_other_threads_take_part(layer):
    until_others_take_part(3)


# Which layer


def test_the_pool_is_the_default(pool, monkeypatch):
    assert layer_name() == "pool"
    monkeypatch.setenv("CONVT_CPU_THREADING", "")
    assert layer_name() == "pool"


def test_the_layer_is_read_at_every_call(layer):
    assert layer_name() == layer
    assert convt_cpu.backend.info()["threading"] == layer


@pytest.mark.parametrize("size", [2, 64])
def test_an_unknown_layer_is_an_error_at_every_size(monkeypatch, size):
    monkeypatch.setenv("CONVT_CPU_THREADING", "tbb")
    x, w = np.ones((1, 8, size, size)), np.ones((8, 8, 3, 3))
    with pytest.raises(ValueError, match=r"^CONVT_CPU_THREADING must be pool or openmp, got 'tbb'"):
        convt.conv_transpose(x, w, backend="cpu")


WITHOUT_OPENMP = """
import sys
sys.modules["convt_cpu._convt_openmp"] = None
from convt_cpu._layers import layer_name
try:
    layer_name()
except RuntimeError as error:
    print(error)
"""


def test_a_layer_that_was_not_built_is_an_error_that_says_how_to_build_it():
    message = in_a_fresh_process(WITHOUT_OPENMP, CONVT_CPU_THREADING="openmp")
    assert message.startswith("CONVT_CPU_THREADING is openmp, which this build of convt does not have")
    assert "CONVT_BUILD_OPENMP=1 pip install --no-binary convt convt" in message


# Waiting


HELD = """
import time
from array import array
from threading import Thread
from convt_cpu._layers import rehearse
seats, held = array("i", [0, 0]), array("i", [1])
others = []
while 1 not in seats:
    if not others or not others[-1].is_alive():
        others.append(Thread(target=rehearse, args=(seats, 2), kwargs={"seconds": 0.02, "held": held}))
        others[-1].start()
    time.sleep(0.001)
here = array("i", [0]) * 100
rehearse(here, 2)
print(set(here))
held[0] = 0
"""


def test_a_worker_that_does_not_come_is_not_waited_for():
    assert in_a_fresh_process(HELD) == "{0}"  # the only worker is held in another thread's task


AFTER_A_CALL = """
import time
from array import array
from convt_cpu._layers import rehearse
used = []
for _ in range(5):
    for _ in range(20):
        rehearse(array("i", [0]) * 50, 4, seconds=1e-4)
    time.sleep(0.002)  # what workers used during the calls is booked when they stop
    before = time.process_time()
    time.sleep(0.1)
    used.append(time.process_time() - before)
print(min(used))
"""


def test_nothing_spins_after_a_call():
    assert float(in_a_fresh_process(AFTER_A_CALL)) < 0.002


EXIT = """
from array import array
from threading import Thread
import time
from convt_cpu._layers import rehearse
seats = array("i", [0]) * 100
Thread(target=lambda: rehearse(seats, 3, seconds=0.01), daemon=True).start()
while not any(seats):
    time.sleep(0.001)
rehearse(array("i", [0]) * 100, 3, seconds=1e-5)
print("end")
"""


def test_workers_do_not_keep_the_process_from_ending():
    assert in_a_fresh_process(EXIT) == "end"


SMALL_STACK = """
import threading
from array import array
from convt_cpu._layers import rehearse
threading.stack_size(64 * 1024)
thread = threading.Thread(target=lambda: print(rehearse(array("i", [0]) * 100, 3, seconds=1e-5)))
thread.start()
thread.join()
"""


def test_a_caller_with_a_small_stack():
    assert in_a_fresh_process(SMALL_STACK) == "True"


# Signals


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_ctrl_c_is_honoured_before_the_next_task(layer, threads):
    seats = array("i", [0]) * 100
    with pytest.raises(KeyboardInterrupt):
        rehearse(seats, threads, seconds=0.06, signalling=0, signal=signal.SIGINT)
    assert begun(seats) <= 3 * threads  # the caller may have slept through one, on a busy machine
    check_all(50, threads)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_handlers_exception_is_the_calls(layer, on_signal, threads):
    def fail():
        raise ZeroDivisionError("from the handler")

    on_signal(fail)
    seats = array("i", [0]) * 100
    with pytest.raises(ZeroDivisionError, match="from the handler"):
        rehearse(seats, threads, seconds=0.02, signalling=1, signal=signal.SIGUSR1)
    assert begun(seats) < 100
    check_all(50, threads)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_handler_may_call_convt(layer, on_signal, threads):
    called = []
    x, w = np.ones((1, 16, 64, 64), "f4"), np.ones((16, 16, 3, 3), "f4")

    def call():
        check_all(40, 2, seconds=1e-4)
        called.append(convt.conv_transpose(x, w, backend="cpu").sum())

    on_signal(call)
    check_all(20, threads, seconds=0.02, signalling=1, signal=signal.SIGUSR1)
    assert len(called) == 1


def test_other_threads_leave_signals_to_the_main_thread(layer, on_signal):
    handled_by = []
    on_signal(lambda: handled_by.append(threading.current_thread()))
    thread = Thread(target=check_all, args=(10, 2), kwargs={"seconds": 0.02, "signalling": 1, "signal": signal.SIGUSR1})
    thread.start()
    thread.join()
    assert handled_by == [threading.main_thread()]


# fork


def child_is_well(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def end_child(layer):
    """Whether all is right in a forked child: under OpenMP it has one thread, with the pool its own workers."""
    try:
        signal.alarm(60)
        check_all(100, 3, seconds=1e-5)
        if layer == "pool":
            until_others_take_part(2)
        os._exit(0)
    finally:
        os._exit(1)


@needs_fork
def test_fork_after_a_call(layer):
    until_others_take_part(3)
    pid = os.fork()
    if not pid:
        end_child(layer)
    assert child_is_well(pid)
    until_others_take_part(3)


@needs_fork
@needs_free_allocator
def test_fork_while_other_threads_call(pool):
    held = array("i", [1])
    others = [Thread(target=lambda: rehearse(array("i", [0]) * 20, 3, seconds=0.001, held=held)) for _ in range(3)]
    for other in others:
        other.start()
    try:
        for _ in range(3):
            pid = os.fork()
            if not pid:
                end_child("pool")
            assert child_is_well(pid)
    finally:
        held[0] = 0
        for other in others:
            other.join()


@needs_fork
@pytest.mark.parametrize("threads", [1, 3])
def test_a_handler_may_fork(layer, on_signal, threads):
    children = []
    parent = os.getpid()
    on_signal(lambda: children.append(os.fork()))
    seats = array("i", [0]) * 30
    try:
        assert rehearse(seats, threads, seconds=0.01, signalling=1, signal=signal.SIGUSR1)
        assert begun(seats) == 30
    finally:
        if os.getpid() != parent:  # both processes come here, with all tasks done
            if sys.exc_info()[0] is not None:
                os._exit(1)
            end_child(layer)
    assert len(children) == 1
    assert child_is_well(children[0])
    check_all(50, 3)


FORK_SERVER = """
import os, signal, threading, time
from array import array
from convt_cpu._layers import rehearse
def calls():
    while True:
        rehearse(array("i", [0]) * 50, 3, seconds=1e-5)
for _ in range(3):
    threading.Thread(target=calls, daemon=True).start()
for _ in range(20):
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        assert rehearse(array("i", [0]) * 50, 3, seconds=1e-5)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
print("end", flush=True)
os._exit(0)
"""


@needs_fork
@needs_free_allocator
def test_fork_at_any_moment():
    assert in_a_fresh_process(FORK_SERVER, timeout=120) == "end"


INTERRUPTED_CHILD = """
import os, signal, threading
from array import array
from convt_cpu._layers import rehearse
def forks():
    pid = os.fork()
    if not pid:
        signal.alarm(30)
        try:
            rehearse(array("i", [0]) * 100, 2, seconds=0.02, signalling=1, signal=signal.SIGINT)
        except KeyboardInterrupt:
            os._exit(0)
        os._exit(1)
    print(os.waitpid(pid, 0)[1])
thread = threading.Thread(target=forks)
thread.start()
thread.join()
"""


@needs_fork
def test_the_thread_that_forks_is_the_childs_main_thread():
    assert in_a_fresh_process(INTERRUPTED_CHILD) == "0"
