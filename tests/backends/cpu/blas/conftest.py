"""SciPy's BLAS with two threads, called for everything, and its state before and after."""

import pytest
from threadpoolctl import ThreadpoolController, threadpool_limits

from convt_cpu import blas, im2col


@pytest.fixture(autouse=True)
def loaded(monkeypatch):
    """SciPy's BLAS with two threads, and im2col for everything."""
    im2col._load()
    monkeypatch.setenv("CONVT_CPU_ALGORITHM", "im2col")
    monkeypatch.setenv("CONVT_BACKEND", "cpu")
    with threadpool_limits(2, user_api="blas"):
        yield
    blas.load_blas()


@pytest.fixture
def counts():
    """Reads the numbers of threads of all BLAS libraries."""
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    assert libraries
    return lambda: [library.num_threads for library in libraries]
