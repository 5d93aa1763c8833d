"""blas.py: BLAS has one thread inside, and afterwards as many as before."""

import threading

import pytest
from threadpoolctl import threadpool_limits

from convt_cpu.blas import SingleThreadedBlas, _libraries


def counts():
    return [library.num_threads for library in _libraries()]


@pytest.fixture(autouse=True)
def two_threads():
    """Something to restore."""
    with threadpool_limits(2, user_api="blas"):
        yield


def test_scipys_blas_is_found():
    assert _libraries()


def test_one_thread_inside_and_the_old_count_after():
    before = counts()
    with SingleThreadedBlas():
        assert set(counts()) == {1}
    assert counts() == before


def test_an_exception_restores_too():
    before = counts()
    with pytest.raises(KeyError), SingleThreadedBlas():
        raise KeyError
    assert counts() == before


def test_the_last_of_several_threads_restores():
    guard, before = SingleThreadedBlas(), counts()
    inside, leave = threading.Barrier(3), threading.Event()

    def work():
        with guard:
            inside.wait(10)
            leave.wait(10)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    inside.wait(10)
    with guard:
        pass
    assert set(counts()) == {1}
    leave.set()
    for worker in workers:
        worker.join()
    assert counts() == before


def test_a_forked_child_restores_what_its_parent_was_about_to():
    guard, before = SingleThreadedBlas(), counts()
    guard.__enter__()
    guard.after_fork()
    assert counts() == before
    with guard:
        assert set(counts()) == {1}
    assert counts() == before
