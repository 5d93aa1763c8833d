"""kernels/engines.h: its lines are the engines, and a folder with a line is all that a further engine takes.

``mine/`` is that folder, written as CONTRIBUTING.md says.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import convt_cpu
from convt_cpu._kernels import instruction_sets, stages
from convt_cpu.choice import ENGINES, FALLBACK

MINE = Path(__file__).parent / "mine"
ROOT = Path(__file__).parents[4]
CPU = ROOT / "backends/convt_cpu"
LIST = CPU / "kernels/engines.h"
FILES = {"__init__.py", "_plan.pxd", "_plan.pyx", "plan.h", "stages.h"}


def lines():
    return re.findall(r'^#include "(\w+)/stages\.h"$', LIST.read_text(), re.MULTILINE)


def test_both_sides_have_the_engines_of_the_list_in_its_order():
    assert list(dict.fromkeys(engine for engine, _stage in stages())) == lines()
    assert [*lines(), FALLBACK] == list(ENGINES)
    assert all(stage.startswith(f"{engine}_") for engine, stage in stages())


def test_every_engine_is_in_the_list_and_has_the_files_that_the_guide_names():
    assert {path.parent.name for path in CPU.glob("*/stages.h")} == set(lines())
    assert all((CPU / engine / name).is_file() for engine in lines() for name in FILES)
    assert {path.name for path in MINE.iterdir() if path.is_file()} == FILES
    assert set(re.findall(r"`mine/([\w.]+)`", (ROOT / "CONTRIBUTING.md").read_text())) == FILES


def test_no_engine_includes_what_is_another_ones():
    for engine in lines():
        for path in (CPU / engine).glob("*.h"):
            for name in re.findall(r'#include "(.+)"', path.read_text()):
                assert (path.parent / name).is_file() or name.startswith("kernels/"), path


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Where convt_cpu has a list of one engine: mine."""
    pytest.importorskip("Cython")
    linker = shlex.split(sysconfig.get_config_var("LDSHARED"))
    if shutil.which(linker[0]) is None:
        pytest.skip(f"no C compiler: {linker[0]}")
    folder = tmp_path_factory.mktemp("mine")
    source, package = folder / "source/convt_cpu", folder / "site/convt_cpu"
    shutil.copytree(CPU, source, ignore=shutil.ignore_patterns("_*.c", "*.so"))
    shutil.copytree(Path(convt_cpu.__file__).parent, package)
    for target in (source, package):
        shutil.copytree(MINE, target / "mine")
    (source / "kernels/engines.h").write_text('#include "mine/stages.h"\n')
    flags = ["-O0", "-fPIC", *(f"-I{path}" for path in (source, sysconfig.get_path("include"), np.get_include()))]
    for module, beside in (("_kernels", sorted(source.glob("kernels/*.c"))), ("mine/_plan", [])):
        written, built = source / f"{module}.c", package / f"{module}{sysconfig.get_config_var('EXT_SUFFIX')}"
        cython = [sys.executable, "-m", "cython", "-3", f"-I{source.parent}", source / f"{module}.pyx", "-o", written]
        subprocess.run(cython, check=True)
        built.unlink(missing_ok=True)
        subprocess.run([*linker, *flags, written, *beside, "-o", built], check=True)
    return package.parent


CALLS = """
import numpy as np
import convt, convt_cpu
from convt.backend import Problem
from convt_cpu.choice import ENGINES

print(convt_cpu.__path__[0], *ENGINES)
w, bias = np.random.default_rng(0).standard_normal((8, 3, 1, 1)), np.arange(8)
for dtype in ("f4", "f8"):
    x = np.random.default_rng(1).standard_normal((2, 6, 7, 9)).astype(dtype)
    y, right = (convt.conv(x, w.astype(dtype), bias, groups=2, backend=name) for name in ("cpu", "numpy"))
    np.testing.assert_allclose(y, right, rtol=0, atol=1e-5)
    problem = Problem(2, 2, 6, 8, (7, 9), (7, 9), (1, 1), (1, 1), (0, 0), (1, 1), np.dtype(dtype))
    [stage] = convt_cpu.backend.schedule("gather", problem)
    print(stage.name, stage.tasks)
"""


@pytest.mark.parametrize("isa", instruction_sets())
def test_a_folder_and_a_line_are_an_engine(site, isa):
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path, "CONVT_CPU_ISA": isa, "CONVT_CPU_ALGORITHM": "mine"}
    done = subprocess.run([sys.executable, "-c", CALLS], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{site / 'convt_cpu'} mine im2col", *["mine_rows 4"] * 2]
