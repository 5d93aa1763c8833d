"""Builds the stand-in driver, and the kernels for the processor.

    python build.py FOLDER

makes ``FOLDER/libcuda.so.1`` and ``FOLDER/kernels.so``. With the folder first in LD_LIBRARY_PATH and
``EMULATOR_KERNELS=FOLDER/kernels.so``, a Python with PyCUDA finds two GPUs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
from pathlib import Path

from headers import driver_functions, toolkit

HERE = Path(__file__).parent
KERNELS = HERE.parents[3] / "backends" / "convt_cuda" / "kernels"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    build_driver(folder)
    build_kernels(folder)


def build_driver(folder: Path) -> Path:
    """libcuda.so.1."""
    root, library = toolkit(), folder / "libcuda.so.1"
    stubs = folder / "stubs.c"
    names = driver_functions(root)
    stubs.write_text("".join(f"__attribute__((weak)) int {name}(void) {{ return 801; }}\n" for name in names))
    _run("cc", "-w", "-fPIC", "-c", stubs, "-o", folder / "stubs.o")
    _run(
        *(
            "c++",
            "-std=c++17",
            "-O1",
            "-g",
            "-fPIC",
            "-shared",
            f"-I{root / 'include'}",
            *(HERE / name for name in ("driver.cpp", "memory.cpp", "streams.cpp")),
            folder / "stubs.o",
        ),
        *("-Wl,-soname,libcuda.so.1", "-ldl", "-o", library),
    )
    return library


def build_kernels(folder: Path) -> Path:
    """kernels.so, from convt.cu as it is."""
    source, library, known = folder / "kernels.cpp", folder / "kernels.so", folder / "kernels.sha256"
    compiler = ["c++", "-std=c++17", "-w", f"-I{HERE}", f"-I{KERNELS}"]
    flags = os.environ.get("EMULATOR_FLAGS", "-O1").split()
    files = [HERE / "device.h", HERE / "build.py", *sorted(KERNELS.glob("*.cu*"))]
    made_from = hashlib.sha256(repr((flags, [file.read_bytes() for file in files])).encode()).hexdigest()
    if library.is_file() and known.is_file() and known.read_text() == made_from:
        return library
    source.write_text('#include "device.h"\n#include "convt.cu"\n')
    scanned = _run(*compiler, "-E", "-P", "-DEMULATOR_SCAN", source)
    names = re.findall(r"EMULATOR_KERNEL\s+void\s+(\w+)\s*\(", scanned)
    entries = "".join(f'    {{"{name}", Call<&{name}>::BYTES, Call<&{name}>::run}},\n' for name in names)
    with source.open("a") as file:
        file.write(f"const emulator::Kernel emulator::kernels[] = {{\n{entries}}};\n")
        file.write(f"const int emulator::kernel_count = {len(names)};\n")
    known.unlink(missing_ok=True)
    # device.h has what the checks of alignment call, so that no sanitizer's library is needed.
    checked, compiled = ("-fsanitize=alignment", "-fPIC", "-fvisibility=hidden"), folder / "kernels.o"
    _run(*compiler, *flags, *checked, "-c", source, "-o", compiled)
    _run("c++", "-shared", compiled, "-o", library)
    known.write_text(made_from)
    return library


def _run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
