"""_blas_limit.pyx: BLAS has as many threads as before, whatever happens: exceptions, signals, no memory."""

import random
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from scripts import run_script

import convt
import convt_cpu
from convt_cpu import blas, im2col
from convt_cpu._blas_limit import limit_blas, release_blas, use_library

X, W = np.ones((2, 16, 10, 10), np.float32), np.ones((16, 16, 3, 3), np.float32)
HERE = tuple(str(Path(package.__file__).parent) for package in (convt, convt_cpu))


class Interruption(Exception):
    """What no code expects."""


def interrupted_at(step):
    """Run a call that is left by an exception at a step of its bytecode; whether it has so many."""
    left = step

    def trace(frame, event, argument):
        nonlocal left
        if not frame.f_code.co_filename.startswith(HERE):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                raise Interruption
        return trace

    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 reports bytecode only if a frame has asked for it by now
    sys.settrace(trace)
    try:
        convt.conv_transpose(X, W)
    except Interruption:
        return True
    finally:
        sys.settrace(before)
    return False


def test_an_exception_at_any_bytecode_leaves_blas_as_it_was(counts):
    expected, before = convt.conv_transpose(X, W), counts()
    step = 0
    while interrupted_at(step):
        assert counts() == before
        step += 1
    assert step > 100
    assert limit_blas() == 2  # nobody is inside
    release_blas(2)
    np.testing.assert_array_equal(convt.conv_transpose(X, W), expected)
    assert counts() == before


def call_until_a_signal_comes(after):
    signal.setitimer(signal.ITIMER_REAL, after)
    while True:
        convt.conv_transpose(X, W)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
@pytest.mark.parametrize("threads", ["1", "2"])
def test_signal_handlers_that_raise_leave_blas_as_it_was(monkeypatch, counts, threads):
    monkeypatch.setenv("CONVT_NUM_THREADS", threads)
    expected, before, moments = convt.conv_transpose(X, W), counts(), random.Random(0)

    def raise_it(*_):
        raise Interruption

    previous = signal.signal(signal.SIGALRM, raise_it)
    try:
        for _ in range(300):
            with pytest.raises(Interruption):
                call_until_a_signal_comes(after=moments.uniform(1e-5, 1e-3))
            assert counts() == before
    finally:
        signal.signal(signal.SIGALRM, previous)
    np.testing.assert_array_equal(convt.conv_transpose(X, W), expected)


def test_calls_of_several_threads_at_once(monkeypatch, counts):
    monkeypatch.setenv("CONVT_NUM_THREADS", "2")
    expected, before, wrong = convt.conv_transpose(X, W), counts(), []

    def work():
        for _ in range(20):
            if not np.array_equal(convt.conv_transpose(X, W), expected):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong
    assert counts() == before


@pytest.mark.parametrize("threads", ["1", "2"])
def test_no_memory_for_blas_is_a_memory_error(monkeypatch, counts, threads):
    monkeypatch.setenv("CONVT_NUM_THREADS", threads)
    before = counts()
    use_library("none", buffer=1 << 62)
    assert limit_blas() == -1
    release_blas(-1)
    for call in (convt.conv_transpose, convt.conv):
        with pytest.raises(MemoryError, match=r"^cannot allocate BLAS's scratch memory"):
            call(X, W)
    with pytest.raises(MemoryError):
        convt.conv_backward(X, W, None, np.ones((2, 16, 8, 8), np.float32))
    blas.load_blas()
    assert convt.conv_transpose(X, W)[0, 0, 5, 5] == 144
    assert counts() == before


def test_a_buffer_that_blas_has_is_not_asked_for_again():
    use_library("none", buffer=1 << 20)
    release_blas(limit_blas())
    use_library("none")
    release_blas(limit_blas())
    assert limit_blas() == 0
    release_blas(0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space are Linux's")
def test_openblas_without_room_for_its_buffer_does_not_wait_for_ever():
    if not blas.find_blas(blas._library()).buffer:
        pytest.skip("another BLAS")
    script = run_script(
        """
import resource, numpy as np, convt
from convt_cpu import im2col
im2col._load()
x, w = np.ones((1, 16, 16, 16), np.float32), np.ones((16, 16, 3, 3), np.float32)
limits = resource.getrlimit(resource.RLIMIT_AS)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 16 * 2**20, limits[1]))
try:
    convt.conv_transpose(x, w)
except MemoryError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_AS, limits)
print(convt.conv_transpose(x, w)[0, 0, 5, 5])
""",
        CONVT_NUM_THREADS="1",
    )
    assert script.stdout == "cannot allocate BLAS's scratch memory\n144.0\n", script.stderr


def test_a_loader_without_memory_is_a_memory_error(monkeypatch):
    def fail():
        raise ImportError("libblas.so: failed to map segment from shared object")

    monkeypatch.setattr(im2col, "_planner", [])
    monkeypatch.setattr(im2col, "load_blas", fail)
    sys.modules["convt_cpu.backend"]._chosen.cache_clear()
    with pytest.raises(MemoryError, match=r"^cannot load SciPy's BLAS: libblas.so: failed to map segment"):
        convt.conv(X, W)
    monkeypatch.undo()
    monkeypatch.setattr(im2col, "load_blas", lambda: __import__("no_such_blas"))
    monkeypatch.setattr(im2col, "_planner", [])
    with pytest.raises(ImportError, match="no_such_blas"):
        im2col._load()
