"""child: a process does jobs until it must be ended, and then another one does."""

import os

import pytest
import slow_work

from convt.bench.cases import CASES
from convt.bench.jobs import FORWARD, LayerJob
from convt.bench.xla.child import Child, Ended

JOB = LayerJob(CASES["tiny-1d"], FORWARD[0], "float32")


def test_one_process_does_all_jobs():
    with Child(slow_work.work, 1) as child:
        first, second = (child.do(JOB, {"a": "", "b": ""}) for _ in range(2))
    assert first == second
    done, left_out, process = first
    assert (done, left_out) == (["a", "b"], {})
    assert process != os.getpid()


def test_who_takes_too_long_or_ends_the_process_is_left_out():
    with Child(slow_work.work, 1) as child:
        done, left_out, _ = child.do(JOB, {"a": "", "b": "sleep", "c": "die", "d": ""})
        assert done == ["a", "d"]
        assert left_out == {"b": "takes more than 1 s for one call", "c": "ends the process"}
        assert child.do(JOB, {"b": ""})[:2] == (["b"], {})


def test_an_error_is_told():
    with Child(slow_work.work, 1) as child:
        with pytest.raises(Ended, match="tiny-1d: LookupError: no such thing"):
            child.do(JOB, {"a": "raise"})
        assert child.do(JOB, {"a": ""})[0] == ["a"]


def test_a_process_that_does_not_begin_is_told():
    with Child(slow_work.silent, 1) as child, pytest.raises(Ended, match="the process that times died"):
        child.do(JOB)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system does not bind processes to cores")
def test_it_uses_as_many_cores_as_threads():
    with Child(slow_work.cores, 1) as child:
        assert child.do(JOB) == 1


@pytest.mark.skipif(not os.path.exists("/proc/self"), reason="the system does not list processes")
def test_it_ends_with_the_block():
    with Child(slow_work.work, 1) as child:
        process = child.do(JOB, {})[2]
        assert slow_work.exists(process)
    assert not slow_work.exists(process)
