"""The driver that refuses memory reaches every call, and finds one that ends otherwise than in a MemoryError."""

import os
import platform
import shutil

import pytest

from .children import build_refuser, explore
from .refusals import calls

pytestmark = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or not shutil.which("cc") or "LD_PRELOAD" in os.environ,
    reason="needs glibc, a C compiler, and to be the only library that is preloaded",
)


@pytest.fixture(scope="module")
def refuser(tmp_path_factory):
    return build_refuser(tmp_path_factory.mktemp("refuser"))


def test_each_call_may_be_refused_memory(refuser):
    found = explore(1, cases=8 * len(calls()), refuser=refuser)
    assert not found.failures
    assert found.subjects["MemoryErrors"] > 6 * len(calls())


def test_what_swallows_the_error_is_found(refuser):
    found = explore(1, cases=8 * len(calls()), refuser=refuser, plant="no MemoryError", failures=1)
    assert "raised OSError" in found.failures[0].reason
