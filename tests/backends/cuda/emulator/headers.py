"""Where CUDA's headers are, and the names of all functions of the driver."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["PROFILER", "driver_functions", "toolkit"]

_HEADERS = ("cuda.h", "cudaProfiler.h")

# What PyCUDA wants of cudaProfiler.h, which the wheels do not have.
PROFILER = """\
#pragma once
#include <cuda.h>
#ifdef __cplusplus
extern "C" {
#endif
typedef enum { CU_OUT_KEY_VALUE_PAIR, CU_OUT_CSV } CUoutput_mode;
CUresult cuProfilerInitialize(const char *configuration, const char *output, CUoutput_mode mode);
CUresult cuProfilerStart(void);
CUresult cuProfilerStop(void);
#ifdef __cplusplus
}
#endif
"""


def toolkit() -> Path:
    """The folder of a CUDA toolkit, or of the wheels that have its headers.

    Raises
    ------
    FileNotFoundError
        With all places that were looked at.
    """
    tried = []
    for folder in _places():
        if (folder / "include" / "cuda.h").is_file():
            return folder
        tried.append(str(folder))
    raise FileNotFoundError(
        f"CUDA's headers must be installed (set CUDA_ROOT), looked for include/cuda.h in {', '.join(tried)}"
    )


def driver_functions(root: Path) -> list[str]:
    """Every name that a driver library may export, version suffixes included."""
    names = set()
    for header in (root / "include" / name for name in _HEADERS):
        text = header.read_text(errors="replace") if header.is_file() else PROFILER
        names.update(re.findall(r"\bcu[A-Z][A-Za-z0-9]*(?:_v[0-9]+)?(?:_ptsz|_ptds)?\b", text))
    return sorted(names)


def _places() -> Iterator[Path]:
    for variable in ("CUDA_ROOT", "CUDA_HOME", "CUDA_PATH"):
        if os.environ.get(variable):
            yield Path(os.environ[variable])
    nvcc = shutil.which("nvcc")
    if nvcc:
        yield Path(nvcc).resolve().parents[1]
    yield Path("/usr/local/cuda")
    for folder in sys.path:
        yield from sorted(Path(folder).glob("nvidia/cu[0-9]*"))
