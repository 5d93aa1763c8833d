"""caches.py: what is kept has few bytes, whatever the sizes; and the caches of plans are such caches."""

import gc
import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scratch import MEGABYTE

from convt.backend import Problem
from convt_cpu import pooling, resampling
from convt_cpu.caches import bounded_cache
from convt_cpu.isa import available
from convt_cpu.machine import machine_key
from convt_cpu.pooling._windows import Windows
from convt_cpu.resampling._rows import Rows

backend = sys.modules["convt_cpu.backend"]
MOST = 32 * MEGABYTE


def test_what_is_kept_is_given_again_until_there_is_too_much():
    made = []

    def zeros(size):
        made.append(size)
        return bytes(size)

    kept = bounded_cache(100, 30, len)(zeros)
    assert [len(kept(size)) for size in (10, 20, 10, 20)] == [10, 20, 10, 20]
    assert made == [10, 20]
    kept(1)  # the 31st byte: the others go
    assert kept.cache_info().currsize == 1
    kept(1)
    kept(10)
    assert made == [10, 20, 1, 10]


def test_a_single_value_may_be_larger_and_is_the_only_one_then():
    kept = bounded_cache(100, 30, len)(bytes)
    kept(5)
    kept(40)
    assert kept.cache_info().currsize == 1
    kept(6)
    assert kept.cache_info().currsize == 1


def test_the_number_of_entries_is_bounded_too():
    kept = bounded_cache(3, 1000, len)(bytes)
    for size in range(10):
        kept(size)
    assert kept.cache_info().currsize == 3


def test_threads_count_together():
    kept = bounded_cache(10_000, 1000, len)(bytes)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(kept, [1 + n % 100 for n in range(5000)]))
    assert sum(range(1, 101)) > 1000
    assert kept.cache_info().currsize < 100


def live(kind):
    gc.collect()
    return sum(each.nbytes for each in gc.get_objects() if isinstance(each, kind))


@pytest.mark.parametrize("backward", [False, True])
def test_plans_of_upsampling_that_are_kept_are_bounded_in_bytes(backward):
    resampling._rows.cache_clear()
    made, together = 0, 0
    for size in range(400):
        key = ((1, 1, 20_000 + size), (1, 1, 2), "bilinear", True, backward, 1, 1, available()[0], 8)
        rows = resampling._rows(*key)
        made += rows.nbytes
        assert live(Rows) <= MOST + rows.nbytes
        together = max(together, resampling._rows.cache_info().currsize)
    assert made > MOST
    assert together > 10
    assert resampling._rows(*key) is rows


def test_plans_of_one_element_have_bytes_too():
    resampling._rows.cache_clear()
    for size in range(1, 3000):
        resampling._rows((1, 1, size), (1, 1, 1), "nearest", False, False, 1, 1, available()[0], 4)
    assert resampling._rows.cache_info().currsize <= 1024


def test_plans_of_pooling_have_no_tables():
    """So their number bounds their bytes."""
    small, large = (
        Windows((1, 1, n), (1, 1, n // 2), (1, 1, 2), (1, 1, 2), (0, 0, 0), 1, 1, available()[0], 4) for n in (8, 2**30)
    )
    assert sys.getsizeof(small) == sys.getsizeof(large) < 4096
    assert pooling._windows.cache_info().maxsize * sys.getsizeof(small) <= MOST


def test_plans_of_maps_that_are_kept_are_bounded_in_bytes():
    backend._chosen.cache_clear()
    made, most = 0, 0
    for size in range(400):
        problem = Problem(1, 1, 2, 2, (64 + size, 64), (1 + size, 1), (64, 64), (1, 1), (0, 0), (1, 1), np.dtype("f4"))
        key = problem, "gather", (1, 1, 1024, 4), False, available()[0], machine_key(), "direct", False
        chosen = backend._chosen(*key)
        assert chosen.engine == "direct"
        assert backend._chosen(*key) is chosen
        made += chosen.plan.nbytes
        most = max(most, chosen.plan.nbytes)
    assert made > MOST > 100 * most
    assert 1 < backend._chosen.cache_info().currsize * most <= MOST + most


def test_a_fork_while_bytes_are_counted_leaves_the_child_a_cache():
    inside, go = threading.Event(), threading.Event()

    def size(value):
        if value == 1:
            inside.set()
            go.wait(0.2)
        return 1

    kept = bounded_cache(100, 30, size)(abs)
    thread = threading.Thread(target=kept, args=(1,))
    thread.start()
    inside.wait()
    child = os.fork()
    if child == 0:
        signal.alarm(10)  # ends it if it hangs
        os._exit(kept(-2) - 2)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
