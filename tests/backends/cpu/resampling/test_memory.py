"""Upsampling where one request for memory is refused, Python's and NumPy's included: a MemoryError, or the right result."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import ctypes, itertools, sys
import numpy as np, convt
from convt_cpu import resampling

granted = ctypes.c_long.in_dll(ctypes.CDLL(sys.argv[1]), "requests_granted")
cases = itertools.product(
    (convt.upsample, convt.upsample_backward),
    ({"mode": "bilinear", "align_corners": True}, {"mode": "bilinear"}, {"mode": "nearest"}, {"mode": "bed_of_nails"}),
    (np.ones((1, 2, 6, 10), "f4"), np.ones((1, 2, 6, 20), "f8")[..., ::2], np.ones((1, 2, 6, 10), "f2")),
)
refused = 0
for function, options, x in cases:
    right = function(x, 2, backend="cpu", **options)
    for number in itertools.count():
        resampling._rows.cache_clear()
        y = None
        try:
            granted.value = number
            try:
                y = function(x, 2, backend="cpu", **options)
            finally:
                all_granted, granted.value = granted.value >= 0, -1
        except MemoryError:
            refused += 1
        assert y is None or y.tobytes() == right.tobytes()
        if all_granted:
            break
print("refused", refused)
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not shutil.which("cc") or "LD_PRELOAD" in os.environ,
    reason="needs glibc, a C compiler, and to be the only library that is preloaded",
)
def test_any_request_for_memory_may_be_refused(tmp_path):
    library = tmp_path / "refuse.so"
    source = Path(__file__).parents[3] / "support" / "refuse.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", source, "-o", library], check=True)
    variables = {**os.environ, "LD_PRELOAD": str(library), "PYTHONMALLOC": "malloc", "CONVT_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, library], env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.split()[1]) > 100
