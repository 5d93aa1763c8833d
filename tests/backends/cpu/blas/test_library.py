"""blas.py: which library SciPy's BLAS is, and how the number of its threads is set."""

import ctypes

import pytest
from blas_libraries import EXCHANGE, GET, SET, FakeBlas

import convt_cpu
from convt_cpu import blas
from convt_cpu._blas_limit import limit_blas, release_blas


class Symbols:
    """A loaded library that has these functions."""

    def __init__(self, **functions):
        self.functions = functions

    def __getitem__(self, name):
        return self.functions[name]

    def __getattr__(self, name):
        try:
            return self.functions[name]
        except KeyError:
            raise AttributeError(name) from None


def text(value):
    """A function that gives a string of C."""
    kept = ctypes.create_string_buffer(value)
    return ctypes.CFUNCTYPE(ctypes.c_void_p)(lambda: ctypes.addressof(kept))


def openblas(layer, prefix="", suffix="", config=b"OpenBLAS 0.3.28 DYNAMIC_ARCH", **more):
    names = {"get_num_threads": GET(lambda: 3), "set_num_threads": SET(lambda n: None)}
    names |= {"get_config": text(config), "get_parallel": GET(lambda: layer)}
    return Symbols(**{f"{prefix}openblas_{name}{suffix}": function for name, function in names.items()}, **more)


OMP = {"omp_get_max_threads": GET(lambda: 3), "omp_set_num_threads": SET(lambda n: None)}


@pytest.mark.parametrize(
    ("library", "name", "kind"),
    [
        (openblas(0), "openblas 0.3.28 (serial)", "none"),
        (openblas(0, config=b"OpenBLAS"), "openblas ? (serial)", "none"),
        (openblas(1), "openblas 0.3.28 (pthreads)", "shared"),
        (openblas(1, "scipy_", "64_"), "openblas 0.3.28 (pthreads)", "shared"),
        (openblas(2, **OMP), "openblas 0.3.28 (openmp)", "per_thread"),
        (Symbols(), "unknown", "none"),
        (
            Symbols(flexiblas_get_num_threads=GET(lambda: 3), flexiblas_set_num_threads=SET(lambda n: None)),
            "flexiblas",
            "shared",
        ),
    ],
)
def test_the_kind_of_a_library(library, name, kind):
    found = blas.find_blas(library)
    assert (found.name, found.kind) == (name, kind)
    assert bool(found.get and found.set) == (kind != "none")
    assert bool(found.buffer) == name.startswith("openblas")


def test_mkl_has_a_number_for_each_thread():
    def version(buffer, size):
        ctypes.memmove(buffer, b"Intel(R) oneAPI Version 2025.1-Product\0", 39)

    write = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)(version)
    found = blas.find_blas(Symbols(MKL_Set_Num_Threads_Local=EXCHANGE(lambda n: 0), MKL_Get_Version_String=write))
    assert (found.name, found.kind) == ("mkl 2025.1-Product", "exchange")
    assert found.exchange


@pytest.mark.parametrize("before", [1, 4])
@pytest.mark.parametrize("kind", ["shared", "per_thread"])
def test_blis_is_asked_whether_each_thread_has_its_number(kind, before):
    fake = FakeBlas(kind, before)
    library = Symbols(
        bli_thread_get_num_threads=fake.get, bli_thread_set_num_threads=fake.set, bli_info_get_version_str=text(b"1.0")
    )
    found = blas.find_blas(library)
    assert (found.name, found.kind) == ("blis 1.0", kind)
    assert fake.number() == before


def test_scipys_library_is_the_one_that_is_limited(counts):
    found = blas.find_blas(blas._library())
    assert found.name == blas.blas_name() == convt_cpu.backend.info()["blas"]
    assert found.kind != "none" or found.name.endswith("(serial)")
    before = limit_blas()
    assert 1 in counts()
    release_blas(before)
