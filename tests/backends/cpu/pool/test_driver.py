"""The pool in C, hard pressed by driver.c, under sanitizers and with both ways to sleep. Needs no build of convt."""

import os
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
POOL = HERE.parents[3] / "backends/convt_cpu/pool"
COMPILER = shlex.split(os.environ.get("CC", "cc"))
OPTIONS = {"TSAN_OPTIONS": "die_after_fork=0 halt_on_error=1 atexit_sleep_ms=0"}  # forked children may start threads

pytestmark = [
    pytest.mark.skipif(not POOL.is_dir(), reason="the pool's source is not here"),
    pytest.mark.skipif(shutil.which(COMPILER[0]) is None, reason="there is no C compiler"),
]


def run(command, **options):
    environment = {**os.environ, **OPTIONS}
    environment.pop("LD_PRELOAD", None)  # of another sanitizer
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, **options)


def build(source, program, *flags):
    return run([*COMPILER, "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-pthread", *flags, str(source), "-o", str(program)])


@pytest.mark.parametrize("sleep", ["futex", "condition variable"])
@pytest.mark.parametrize("sanitizer", ["thread", "undefined"])
def test_the_pool_hard_pressed(tmp_path, sanitizer, sleep):
    flags = [f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all"]
    trial = tmp_path / "trial.c"
    trial.write_text("int main(void) { return 0; }\n")
    if build(trial, tmp_path / "trial", *flags).returncode or run([tmp_path / "trial"]).returncode:
        pytest.skip(f"programs with -fsanitize={sanitizer} do not run here")
    if sleep != "futex":
        flags.append("-DCONVT_POOL_NO_FUTEX")
    built = build(HERE / "driver.c", tmp_path / "driver", f"-I{POOL}", *flags)
    assert built.returncode == 0, built.stderr
    result = run([tmp_path / "driver"], timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "FAILED" not in result.stdout
    assert result.stdout.count("passed") >= 20
