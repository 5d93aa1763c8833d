"""driver.c: every kernel of the list against plain C, built by this machine's compiler; `tox -e aarch64` has another one."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from convt_cpu._kernels import instruction_sets, kernels

HERE = Path(__file__).parent
CPU = HERE.parents[3] / "backends/convt_cpu"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    compiler = shlex.split(os.environ.get("CC", "cc"))
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"no C compiler: {compiler[0]}")
    target = tmp_path_factory.mktemp("driver") / "driver"
    sources = [HERE / "driver.c", *sorted(CPU.glob("kernels/*.c"))]
    subprocess.run([*compiler, "-O0", f"-I{CPU}", *map(str, sources), "-o", str(target)], check=True)
    return target


def run(*command):
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)


def test_every_kernel_agrees_with_plain_loops(driver):
    result = run(driver)
    assert result.returncode == 0, result.stderr
    for isa in instruction_sets():
        for size in (4, 8):
            (line,) = [line for line in result.stdout.splitlines() if line.startswith(f"{isa}, {size} bytes")]
            assert line.endswith(f": {2 * len(kernels(isa))} kernels")


@pytest.mark.parametrize(
    ("spoiled", "message"),
    [
        ("sum", "is off by more than roundings"),
        ("gap", "writes behind a row"),
        ("before", "writes before y"),
        ("missing", "is missing"),
    ],
)
def test_the_driver_sees_what_is_wrong(driver, spoiled, message):
    result = run(driver, spoiled)
    assert result.returncode == 1
    faults = {line.split(" bytes: ")[0] for line in result.stderr.splitlines() if message in line}
    assert faults == {f"{isa} {size}" for isa in instruction_sets() for size in (4, 8)}
