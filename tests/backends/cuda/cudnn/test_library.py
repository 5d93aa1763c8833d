"""Where cuDNN is looked for, and what is said when it is not there, too old, or fails."""

import ctypes
import importlib.util
import re
import subprocess
import sys
from ctypes import byref, c_void_p
from types import SimpleNamespace

import numpy as np
import pytest

from convt.testing import make_problem
from convt_cuda.cudnn import Cudnn, CudnnError, CudnnUnavailable, engine, library
from convt_cuda.cudnn.library import Library, load_library
from convt_cuda.cudnn.signatures import SIGNATURES, Performance

PROBLEM = make_problem((4, 5), 4, stride=2, crop=(1, 1), dtype=np.float32)


@pytest.fixture
def wheels(monkeypatch, tmp_path):
    """A folder that is Python's package "nvidia"."""
    monkeypatch.delenv("CONVT_CUDNN_LIBRARY", raising=False)
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found if name == "nvidia" else None)
    # No library of this machine takes part.
    monkeypatch.setattr(library, "_NAMES", ("libcudnn_of_no_machine.so.9",))
    return tmp_path


def test_every_place_that_was_tried_is_told(wheels):
    with pytest.raises(CudnnUnavailable) as raised:
        load_library()
    name = r"libcudnn_of_no_machine\.so\.9"
    assert re.search(
        r"^cuDNN 8 or 9 must be installed: pip install nvidia-cudnn-cu13 \(or -cu12, as the driver is\); looked for: "
        rf"{name} of this process: not loaded; {re.escape(str(wheels))}/cudnn/lib: not there; "
        rf"{name} on the loader's path: {name}: cannot open shared object file",
        str(raised.value),
    )


def test_no_wheels_at_all(wheels, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(CudnnUnavailable, match="the nvidia-cudnn wheels: not there"):
        load_library()


def test_the_wheels_are_found(wheels, standin_path):
    folder = wheels / "cudnn" / "lib"
    folder.mkdir(parents=True)
    (folder / "libcudnn_of_no_machine.so.9").write_bytes(standin_path.read_bytes())
    assert load_library().place == str(folder / "libcudnn_of_no_machine.so.9")


def test_a_loaded_library_goes_first(standin_with_a_name):
    script = (
        "import ctypes, sys; from convt_cuda.cudnn.library import load_library;"
        "ctypes.CDLL(sys.argv[1]); print(load_library().words)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(standin_with_a_name)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "9.10.0 (libcudnn.so.9 of this process)\n"


def test_the_loaders_path_is_searched(wheels, standin_path, monkeypatch):
    monkeypatch.setattr(library, "_NAMES", (str(standin_path),))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert load_library().version == 91000


@pytest.mark.parametrize("form", ["file", "folder"])
def test_the_environment_names_a_library(standin_path, monkeypatch, form):
    wanted = standin_path if form == "file" else standin_path.parent
    monkeypatch.setenv("CONVT_CUDNN_LIBRARY", str(wanted))
    assert load_library().words == f"9.10.0 (CONVT_CUDNN_LIBRARY={wanted})"


def test_a_named_library_that_is_not_there_is_not_replaced(wheels, monkeypatch):
    monkeypatch.setenv("CONVT_CUDNN_LIBRARY", "/nowhere/libcudnn.so.9")
    with pytest.raises(CudnnUnavailable, match=r"looked for: CONVT_CUDNN_LIBRARY=/nowhere/libcudnn\.so\.9: not there$"):
        load_library()


def test_another_library_is_no_cudnn(wheels, monkeypatch):
    monkeypatch.setenv("CONVT_CUDNN_LIBRARY", np._core._multiarray_umath.__file__)
    with pytest.raises(CudnnUnavailable, match="cudnnGetVersion: the library has no such function"):
        load_library()


def test_an_old_one_is_refused(standin_path, monkeypatch):
    monkeypatch.setenv("CONVT_CUDNN_LIBRARY", str(standin_path))
    monkeypatch.setenv("STANDIN_CUDNN_VERSION", "7605")
    with pytest.raises(CudnnUnavailable, match=r"its version is 7605$"):
        load_library()
    monkeypatch.setenv("STANDIN_CUDNN_VERSION", "8907")
    assert load_library().words.startswith("8.9.7 (")


def test_the_search_is_made_once(wheels, monkeypatch):
    engine._loaded.cache_clear()
    try:
        with pytest.raises(CudnnUnavailable) as first:
            engine.cudnn()
        monkeypatch.setattr(engine, "load_library", None)
        with pytest.raises(CudnnUnavailable) as second:
            engine.cudnn()
        assert str(first.value) == str(second.value)
    finally:
        engine._loaded.cache_clear()


def test_a_missing_function_matters_only_when_it_is_called(standin, standin_without_filters, arrays_of):
    standin.cudnn = Cudnn(Library(ctypes.CDLL(str(standin_without_filters)), "an old one"))
    arrays = arrays_of(PROBLEM, "scatter")
    plan = standin.plan(PROBLEM, "scatter", arrays)
    standin.run(plan, arrays)
    missing = r"^cudnnGetConvolutionBackwardFilterAlgorithm_v7: the library has no such function \(an old one\)"
    with pytest.raises(CudnnError, match=missing) as raised:
        standin.plan(PROBLEM, "correlate", arrays_of(PROBLEM, "correlate"))
    assert raised.value.status is None
    assert standin.device.pool.used == 0
    del plan
    standin.cudnn._handles.close()


def test_a_status_names_the_call(standin, arrays_of):
    arrays = arrays_of(PROBLEM, "scatter")
    plan = standin.plan(PROBLEM, "scatter", arrays)
    standin.fail("cudnnConvolutionBackwardData", 5000)
    with pytest.raises(
        CudnnError,
        match=r"^cudnnConvolutionBackwardData: CUDNN_STATUS_EXECUTION_FAILED \(status 5000\): as the test wants it$",
    ) as raised:
        standin.run(plan, arrays)
    assert (raised.value.function, raised.value.status) == ("cudnnConvolutionBackwardData", 5000)
    standin.run(plan, arrays)  # and the plan is as good as before


@pytest.mark.parametrize(
    "function", ["cudnnCreate", "cudnnSetStream", "cudnnCreateTensorDescriptor", "cudnnGetConvolutionForwardAlgorithm_v7"]
)
def test_failures_while_planning(standin, arrays_of, function):
    standin.fail(function, 1001)
    with pytest.raises(CudnnError, match=rf"^{function}: CUDNN_UNKNOWN_STATUS \(status 1001\)"):
        standin.plan(PROBLEM, "gather", arrays_of(PROBLEM, "gather"))


@pytest.mark.parametrize("after", range(2))
def test_a_refused_descriptor_leaves_none_behind(standin, arrays_of, after):
    problem = make_problem((4, 5), 4, stride=2, crop=(0, 3))
    arrays = arrays_of(problem, "scatter")
    standin.fail("cudnnSetTensorNdDescriptor", 1001, after)
    before = standin.live
    with pytest.raises(CudnnError, match="cudnnSetTensorNdDescriptor"):
        standin.plan(problem, "scatter", arrays)
    assert standin.live == before


def test_what_cudnn_refuses_has_no_plan(standin, arrays_of):
    standin.fail("cudnnSetConvolutionNdDescriptor", 3000)
    arrays = arrays_of(PROBLEM, "scatter")
    plan = standin.plan(PROBLEM, "scatter", arrays)  # the first order is refused, the second is tried
    assert "copies of" in plan.words
    standin.fail("cudnnGetConvolutionBackwardDataAlgorithm_v7", 3007)
    assert "copies of" in standin.plan(PROBLEM, "scatter", arrays).words


def test_memory_that_cudnn_lacks_is_a_memory_error(standin, arrays_of):
    standin.fail("cudnnCreate", 4004)
    with pytest.raises(MemoryError, match=r"^cudnnCreate: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"):
        standin.plan(PROBLEM, "scatter", arrays_of(PROBLEM, "scatter"))


def test_handles_are_used_again_and_not_shared(standin):
    handles = standin.cudnn._handles
    with handles.borrow(standin.device, 0) as first, handles.borrow(standin.device, 5) as second:
        assert first != second
    with handles.borrow(standin.device, 0) as third:
        assert third in (first, second)


def test_the_struct_is_as_in_the_header():
    offsets = {name: getattr(Performance, name).offset for name, _ in Performance._fields_}
    assert offsets == {
        "algorithm": 0,
        "status": 4,
        "milliseconds": 8,
        "workspace": 16,
        "deterministic": 24,
        "math": 28,
        "reserved": 32,
    }
    assert ctypes.sizeof(Performance) == 48


def test_a_real_library_has_every_function():
    try:
        found = load_library()
    except CudnnUnavailable as error:
        pytest.skip(str(error))
    for name in SIGNATURES:
        found._bind(name)
    made = c_void_p()
    found.call("cudnnCreateTensorDescriptor", byref(made))
    found.call("cudnnDestroyTensorDescriptor", made)
