"""cores.py: how many threads there are where nobody asks for a number."""

import os
from math import inf

import pytest

from convt_cpu.cores import cores, quota, variable_of_openmp

needs_affinity = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")


@pytest.fixture
def system(tmp_path):
    """Write files of a system whose root is a temporary folder: ``system({path: text})`` gives the root."""

    def write(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n")
        return str(tmp_path)

    return write


V2 = {"proc/self/cgroup": "0::/a/b"}


def v1(group, limit):
    folder = f"sys/fs/cgroup/{group}"
    return {f"{folder}/cpu.cfs_quota_us": str(limit), f"{folder}/cpu.cfs_period_us": "100000"}


V1 = {"proc/self/cgroup": "5:memory:/m\n4:cpuset:/s\n3:cpu,cpuacct:/a/b\n0::/"}


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, inf),
        (V2, inf),
        (V2 | {"sys/fs/cgroup/a/b/cpu.max": "max 100000"}, inf),
        (V2 | {"sys/fs/cgroup/a/b/cpu.max": "150000 100000"}, 1.5),
        (V2 | {"sys/fs/cgroup/a/b/cpu.max": "150000"}, 1.5),
        (V2 | {"sys/fs/cgroup/a/cpu.max": "250000 50000"}, 5),
        (V2 | {"sys/fs/cgroup/cpu.max": "20000 100000", "sys/fs/cgroup/a/b/cpu.max": "300000 100000"}, 0.2),
        (V2 | {"sys/fs/cgroup/a/b/c/cpu.max": "20000 100000"}, inf),
        (V2 | {"sys/fs/cgroup/unified/a/cpu.max": "200000 100000"}, 2),
        ({"proc/self/cgroup": "0::/", "sys/fs/cgroup/cpu.max": "200000 100000"}, 2),
        (V2 | {"sys/fs/cgroup/a/b/cpu.max": "what 100000"}, inf),
        (V2 | {"sys/fs/cgroup/a/b/cpu.max": "100000 0"}, inf),
        (V2 | {"sys/fs/cgroup/a/b/cpu.max": ""}, inf),
        ({"proc/self/cgroup": "nothing of the kind"}, inf),
        (V1, inf),
        (V1 | v1("cpu,cpuacct/a/b", -1), inf),
        (V1 | v1("cpu/a/b", 250_000), 2.5),
        (V1 | v1("cpu,cpuacct", 50_000), 0.5),
        (V1 | v1("cpuacct,cpu/a", 50_000), 0.5),
        (V1 | v1("cpu/s", 50_000), inf),
    ],
)
def test_the_quota_of_a_control_group_and_those_above_it(system, files, limit):
    assert quota(system(files)) == limit


def allowed():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def test_without_a_quota_it_is_the_cores_that_are_allowed(system):
    assert cores(system({})) == allowed()


@pytest.mark.parametrize(("limit", "count"), [("10000", 1), ("100000", 1), ("100001", 2), ("99999999900000", None)])
def test_a_quota_is_rounded_up_and_counts_if_it_is_less(system, limit, count):
    files = V2 | {"sys/fs/cgroup/a/b/cpu.max": f"{limit} 100000"}
    assert cores(system(files)) == min(count or allowed(), allowed())


@needs_affinity
def test_the_affinity_counts(system):
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert cores(system({})) == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("text", "threads"), [(None, None), ("", None), ("3", 3), (" 3 ", 3), ("4,2,1", 4), ("1", 1), ("5000", 1024)]
)
def test_the_first_number_of_omp_num_threads(text, threads):
    assert variable_of_openmp(text) == threads


@pytest.mark.parametrize("text", ["0", "-2", "two", "1.5", ",2", "two,3"])
def test_an_invalid_omp_num_threads_is_ignored_with_a_warning(text):
    with pytest.warns(RuntimeWarning, match=f"^OMP_NUM_THREADS must begin with a positive integer, got '{text}'; ignored$"):
        assert variable_of_openmp(text) is None
