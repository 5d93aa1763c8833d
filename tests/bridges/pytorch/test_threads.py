"""convt uses PyTorch's threads, and no more of them than PyTorch does."""

import os
import subprocess
import sys

import numpy as np
import pytest

import convt
from convt.backend import most_threads

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

convt_cpu = pytest.importorskip("convt_cpu")


class Watching(type(convt_cpu.backend)):
    """The cpu backend, which notes how many threads a call may use."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def scatter(self, *arguments):
        from convt_cpu._threads import thread_count

        self.seen.append((most_threads(), thread_count()))
        super().scatter(*arguments)


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_the_number_of_threads(threads, monkeypatch):
    backend, x, w = Watching(), torch.ones(1, 4, 5), torch.ones(4, 2, 3)
    monkeypatch.setenv("CONVT_NUM_THREADS", "4")
    with convt.use_backend(backend):
        for count in (1, 3, 8):
            threads(count)
            bridge.conv_transpose1d(x, w)
        with convt.options(threads=2):
            bridge.conv_transpose1d(x, w)
        convt.conv_transpose(x.numpy(), w.numpy())
    assert backend.seen == [(1, 1), (3, 3), (8, 4), (8, 2), (None, 4)]
    assert most_threads() is None


def test_whose_threads(monkeypatch):
    from convt_cpu._layers import layer_name

    class Layers(Watching):
        def scatter(self, *arguments):
            super().scatter(*arguments)
            self.seen[-1] = layer_name()

    backend, x, w = Layers(), torch.ones(1, 4, 5), torch.ones(4, 2, 3)
    for named in ("", "pool"):
        monkeypatch.setenv("CONVT_CPU_THREADING", named)
        with convt.use_backend(backend):
            bridge.conv_transpose1d(x, w)
            convt.conv_transpose(x.numpy(), w.numpy())
    assert backend.seen[1:] == ["pool"] * 3
    assert backend.seen[0] == ("lent" if "ATen parallel backend: OpenMP" in torch.__config__.parallel_info() else "pool")


FORKING = """
import os, time, torch, convt.torch
torch.set_num_threads(2)
x, w = torch.rand(4, 64, 40, 40), torch.rand(64, 64, 4, 4)
right = convt.torch.conv_transpose2d(x, w, stride=2).numpy()
child = os.fork()
if child == 0:
    end, threads = time.monotonic() + 20, 1
    while threads < 2 and time.monotonic() < end:  # a system that is short of threads may refuse the first
        y = convt.torch.conv_transpose2d(x, w, stride=2).numpy()
        threads = len(os.listdir("/proc/self/task"))
    print(threads, "threads,", "equal" if (y == right).all() else "not equal", flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="needs fork, and /proc to count threads")
def test_a_forked_child_has_threads_of_its_own():
    environment = {**os.environ, "CONVT_NUM_THREADS": "2"}
    told = subprocess.run([sys.executable, "-c", FORKING], env=environment, capture_output=True, text=True, timeout=60)
    assert (told.stdout.strip(), told.returncode) == ("2 threads, equal", 0), told.stderr


def test_in_a_worker_of_a_data_loader():
    class Data(torch.utils.data.Dataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            bridge.conv_transpose1d(torch.ones(1, 4, 50), torch.ones(4, 2, 3))
            return np.array([torch.get_num_threads(), index])

    loaded = list(torch.utils.data.DataLoader(Data(), num_workers=1))
    assert [item[0, 0].item() for item in loaded] == [1, 1]


def test_an_error_gives_the_threads_back():
    class Failing(Watching):
        def scatter(self, *arguments):
            raise ArithmeticError

    with convt.use_backend(Failing()), pytest.raises(ArithmeticError):
        bridge.conv_transpose1d(torch.ones(1, 4, 5), torch.ones(4, 2, 3))
    assert most_threads() is None
