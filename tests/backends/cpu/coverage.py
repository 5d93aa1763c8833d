"""Which kernels no test calls: ``python tests/backends/cpu/coverage.py FOLDER [ARGUMENTS OF PYTEST]``; ``tox -e coverage``.

Every kernel is a template, and a test of one instance says nothing of the others. Here the backend is built in FOLDER so
that each function counts its calls (GCC and its gcov are needed), the tests are run, and the status is 1 if an instance, for
an instruction set of this processor, was never called.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).parent.relative_to(ROOT)
NAMES = ("test_instances.py", "test_kernels.py", "test_mend.py", "test_sampling.py", "pooling", "resampling")
AGAIN = "not random_problems and not the_bits and not runs_of_every_length"  # which call what others call
INSTANCE = ("convt_f32_", "convt_f64_")
ISA = "import convt_cpu._kernels as kernels; print(*kernels.instruction_sets())"


def build(folder: Path) -> dict[str, str]:
    """Build the package with counters; the environment in which it is the one that is imported."""
    library = folder / "lib"
    library.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"CONVT_BUILD_COVERAGE": "1", "CONVT_BUILD_CUDA": "0", "CONVT_BUILD_OPENMP": "0"}
    command = [sys.executable, "setup.py", "--quiet", "egg_info", "--egg-base", library, "build", "--build-base", folder]
    subprocess.run([*command, "--build-lib", library], check=True, cwd=ROOT, env=environment)
    return os.environ | {"PYTHONPATH": str(library)}


def calls(folder: Path) -> Iterator[tuple[str, int]]:
    """Each instance, with the file in C that it is compiled from, and how often it was called."""
    for counts in sorted(folder.rglob("*.gcda")):
        command = ["gcov", "--json-format", "--stdout", counts]
        told = subprocess.run(command, check=True, cwd=folder, capture_output=True, text=True).stdout
        for file in json.loads(told)["files"]:
            for function in file["functions"]:
                if function["name"].startswith(INSTANCE):
                    yield f"{counts.stem}.c {function['name']}", function["execution_count"]


def main() -> int:
    folder = Path(sys.argv[1]).resolve()
    environment = build(folder)
    available = subprocess.run(
        [sys.executable, "-c", ISA], check=True, cwd=folder, env=environment, capture_output=True, text=True
    ).stdout.split()
    for counts in folder.rglob("*.gcda"):
        counts.unlink()
    engines = sorted(path.relative_to(ROOT) for path in Path(__file__).parent.glob("*/test_engine.py"))
    tests = sys.argv[2:] or [*(HERE / name for name in NAMES), *engines]
    subprocess.run(["pytest", "-q", "-p", "no:cacheprovider", "-k", AGAIN, *tests], check=True, cwd=ROOT, env=environment)
    all_calls = {name: count for name, count in calls(folder) if name.endswith(tuple(f"__{isa}" for isa in available))}
    never = sorted(name for name, count in all_calls.items() if not count)
    print(f"{len(all_calls)} instances for {', '.join(available)}; never called: {len(never)}", *never, sep="\n    ")
    return 1 if never or not all_calls else 0


if __name__ == "__main__":
    sys.exit(main())
