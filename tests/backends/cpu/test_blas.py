"""blas.py and _blas_limit.pyx: BLAS has one thread inside a task, and afterwards as many as before, whatever happens."""

import ctypes
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

import convt
import convt_cpu
from convt_cpu import blas, im2col
from convt_cpu._blas_limit import KINDS, after_fork, limit_blas, release_blas, use_library

X, W = np.ones((2, 16, 10, 10), np.float32), np.ones((16, 16, 3, 3), np.float32)
GET, SET = ctypes.CFUNCTYPE(ctypes.c_int), ctypes.CFUNCTYPE(None, ctypes.c_int)
EXCHANGE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
HERE = [str(Path(package.__file__).parent) for package in (convt, convt_cpu)]


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    """SciPy's BLAS with two threads, and im2col for everything."""
    im2col._load()
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "im2col")
    monkeypatch.setenv("CONVT_BACKEND", "cpu")
    with threadpool_limits(2, user_api="blas"):
        yield
    blas.load_blas()


@pytest.fixture
def counts():
    """Reads the numbers of threads of all BLAS libraries."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    assert libraries
    return lambda: [library.num_threads for library in libraries]


def number():
    """The number of threads of SciPy's BLAS, by its own function."""
    return GET(blas.find_blas(blas._library()).get)()


class FakeBlas:
    """A library that keeps one number, or one for each thread, and a list of what was set."""

    def __init__(self, kind, before=5):
        self.numbers = threading.local() if kind != "shared" else type("Shared", (), {})()
        self.before, self.history = before, []
        self.get, self.set, self.exchange = GET(self.number), SET(self.change), EXCHANGE(self.exchanged)
        addresses = {name: ctypes.cast(getattr(self, name), ctypes.c_void_p).value for name in ("get", "set", "exchange")}
        use_library(kind, **addresses)

    def number(self):
        return getattr(self.numbers, "value", self.before)

    def change(self, value):
        self.history.append(value)
        self.numbers.value = value

    def exchanged(self, value):
        before = self.number()
        self.change(value)
        return before


# -- the limit ---------------------------------------------------------------------------------------------------------


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


# -- faults ------------------------------------------------------------------------------------------------------------


class Interruption(Exception):
    """What no code expects."""


def interrupted_at(step):
    """Run a call that is left by an exception at a step of its bytecode; whether it has so many."""
    left = step

    def trace(frame, event, argument):
        nonlocal left
        if not frame.f_code.co_filename.startswith(tuple(HERE)):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left < 0:
                raise Interruption
        return trace

    sys.settrace(trace)
    try:
        convt.conv_transpose(X, W)
    except Interruption:
        return True
    finally:
        sys.settrace(None)
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


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timers here")
@pytest.mark.parametrize("threads", ["1", "2"])
def test_signal_handlers_that_raise_leave_blas_as_it_was(monkeypatch, counts, threads):
    monkeypatch.setenv("CONVT_NUM_THREADS", threads)
    expected, before, moments, hits = convt.conv_transpose(X, W), counts(), random.Random(0), 0

    def raise_it(*_):
        raise Interruption

    previous = signal.signal(signal.SIGALRM, raise_it)
    try:
        end = time.monotonic() + 0.5
        while time.monotonic() < end or hits < 20:
            try:
                signal.setitimer(signal.ITIMER_REAL, moments.uniform(1e-5, 1e-3))
                while True:
                    convt.conv_transpose(X, W)
            except Interruption:
                hits += 1
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
        with pytest.raises(MemoryError, match=r"^cannot allocate BLAS's scratch memory$"):
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


def run_script(source):
    environment = {**os.environ, "CONVT_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits of address space are Linux's")
def test_openblas_without_room_for_its_buffer_does_not_wait_for_ever():
    if not blas.find_blas(blas._library()).buffer:
        pytest.skip("another BLAS")
    script = run_script("""
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
""")
    assert script.stdout == "cannot allocate BLAS's scratch memory\n144.0\n", script.stderr


def test_a_loader_without_memory_is_a_memory_error(monkeypatch):
    def fail():
        raise ImportError("libblas.so: failed to map segment from shared object")

    monkeypatch.setattr(im2col, "_planner", [])
    monkeypatch.setattr(im2col, "load_blas", fail)
    sys.modules["convt_cpu.backend"]._plan_of.cache_clear()
    with pytest.raises(MemoryError, match=r"^cannot load SciPy's BLAS: libblas.so: failed to map segment"):
        convt.conv(X, W)
    monkeypatch.undo()
    monkeypatch.setattr(im2col, "load_blas", lambda: __import__("no_such_blas"))
    monkeypatch.setattr(im2col, "_planner", [])
    with pytest.raises(ImportError, match="no_such_blas"):
        im2col._load()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_child_has_the_number_that_its_parent_was_about_to_restore():
    script = run_script("""
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
""")
    assert script.stdout == "0\n{2}\n", script.stderr


def test_after_a_fork_nobody_is_inside():
    fake = FakeBlas("shared")
    limit_blas()
    after_fork()
    assert fake.number() == 5
    release_blas(limit_blas())
    assert fake.history == [1, 5, 1, 5]


# -- which library -----------------------------------------------------------------------------------------------------


class Symbols:
    """A loaded library that has these functions."""

    def __init__(self, **functions):
        self.functions = functions

    def __getitem__(self, name):
        return self.functions[name]

    def __getattr__(self, name):
        try:
            return self.functions[name]
        except KeyError:
            raise AttributeError(name) from None


def text(value):
    """A function that gives a string of C."""
    kept = ctypes.create_string_buffer(value)
    return ctypes.CFUNCTYPE(ctypes.c_void_p)(lambda: ctypes.addressof(kept))


def openblas(layer, prefix="", suffix="", **more):
    names = {"get_num_threads": GET(lambda: 3), "set_num_threads": SET(lambda n: None)}
    names |= {"get_config": text(b"OpenBLAS 0.3.28 DYNAMIC_ARCH"), "get_parallel": GET(lambda: layer)}
    return Symbols(**{f"{prefix}openblas_{name}{suffix}": function for name, function in names.items()}, **more)


OMP = {"omp_get_max_threads": GET(lambda: 3), "omp_set_num_threads": SET(lambda n: None)}


@pytest.mark.parametrize(
    ("library", "name", "kind"),
    [
        (openblas(0), "openblas 0.3.28 (serial)", "none"),
        (openblas(1), "openblas 0.3.28 (pthreads)", "shared"),
        (openblas(1, "scipy_", "64_"), "openblas 0.3.28 (pthreads)", "shared"),
        (openblas(2, **OMP), "openblas 0.3.28 (openmp)", "per_thread"),
        (Symbols(), "unknown", "none"),
        (
            Symbols(flexiblas_get_num_threads=GET(lambda: 3), flexiblas_set_num_threads=SET(lambda n: None)),
            "flexiblas",
            "shared",
        ),
    ],
)
def test_the_kind_of_a_library(library, name, kind):
    found = blas.find_blas(library)
    assert (found.name, found.kind) == (name, kind)
    assert bool(found.get and found.set) == (kind != "none")
    assert bool(found.buffer) == name.startswith("openblas")


def test_mkl_has_a_number_for_each_thread():
    def version(buffer, size):
        ctypes.memmove(buffer, b"Intel(R) oneAPI Version 2025.1-Product\0", 39)

    write = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)(version)
    found = blas.find_blas(Symbols(MKL_Set_Num_Threads_Local=EXCHANGE(lambda n: 0), MKL_Get_Version_String=write))
    assert (found.name, found.kind) == ("mkl 2025.1-Product", "exchange")
    assert found.exchange


@pytest.mark.parametrize("before", [1, 4])
@pytest.mark.parametrize("kind", ["shared", "per_thread"])
def test_blis_is_asked_whether_each_thread_has_its_number(kind, before):
    fake = FakeBlas(kind, before)
    library = Symbols(
        bli_thread_get_num_threads=fake.get, bli_thread_set_num_threads=fake.set, bli_info_get_version_str=text(b"1.0")
    )
    found = blas.find_blas(library)
    assert (found.name, found.kind) == ("blis 1.0", kind)
    assert fake.number() == before


def test_scipys_library_is_the_one_that_is_limited(counts):
    found = blas.find_blas(blas._library())
    assert found.name == blas.blas_name() == convt_cpu.backend.info()["blas"]
    assert found.kind != "none" or found.name.endswith("(serial)")
    before = limit_blas()
    assert 1 in counts()
    release_blas(before)
