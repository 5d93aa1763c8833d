"""Builds a PyCUDA wheel on a machine without a GPU, its driver, or curand.

    python build_pycuda.py FOLDER

PyCUDA links with the driver's library. Here it is a stub that lives as long as the build: it defines every name that the
headers declare, because the linker drops a library of which nothing is used (``--as-needed``), and a wheel without that
entry finds no driver on a real machine either.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from headers import PROFILER, driver_functions, toolkit

REQUIREMENT = "pycuda == 2026.1"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="where the wheel is put; one that is there already is kept")
    parser.add_argument("--install", action="store_true", help="install the wheel into this Python as well")
    options = parser.parse_args()
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheels = sorted(options.folder.glob(f"pycuda-*-{tag}-*.whl"))
    wheel = wheels[-1] if wheels else build(options.folder, tag)
    print(wheel)
    if options.install:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", str(wheel)], check=True)


def build(folder: Path, tag: str) -> Path:
    """The wheel for this Python."""
    root = toolkit()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        if not (root / "include" / "cudaProfiler.h").is_file():
            (home / "cudaProfiler.h").write_text(PROFILER)
        _make_stub(home, driver_functions(root))
        # PyCUDA's setup reads its configuration from the home directory.
        (home / ".aksetup-defaults.py").write_text(
            f"CUDA_ROOT = {str(root)!r}\n"
            f"CUDA_INC_DIR = [{str(root / 'include')!r}, {scratch!r}]\n"
            f"CUDADRV_LIB_DIR = [{scratch!r}]\n"
            "CUDA_ENABLE_CURAND = False\n"
            'LDFLAGS = ["-Wl,--strip-all"]\n'
        )
        # A wheel in pip's cache may have been built with another configuration.
        pip = [sys.executable, "-m", "pip", "wheel", "--no-cache-dir", "--no-deps", "--no-binary", "pycuda"]
        subprocess.run([*pip, "--wheel-dir", str(folder), REQUIREMENT], check=True, env={**os.environ, "HOME": scratch})
        wheel = next(folder.glob(f"pycuda-*-{tag}-*.whl"))
        _check(wheel, home)
    return wheel


def _make_stub(folder: Path, names: list[str]) -> None:
    source = folder / "stub.c"
    source.write_text("".join(f"void {name}(void) {{}}\n" for name in names))
    command = ["cc", "-w", "-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", str(source), "-o", str(folder / "libcuda.so")]
    subprocess.run(command, check=True)


def _check(wheel: Path, folder: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        driver = next(name for name in archive.namelist() if name.startswith("pycuda/_driver"))
        archive.extract(driver, folder)
    needed = subprocess.run(["readelf", "-d", str(folder / driver)], check=True, capture_output=True, text=True).stdout
    if "libcuda.so.1" not in needed:
        raise SystemExit(f"{wheel} must need libcuda.so.1, got\n{needed}")


if __name__ == "__main__":
    main()
