"""Where the kernels' code comes from."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import convt
from convt.backend import BackendUnavailable
from convt_cuda import compiled, nvrtc
from convt_cuda.device import Device


class PretendedNvrtc:
    version = "99.0"

    def __init__(self):
        self.compiled = []

    def compile(self, root, files, capability, defined):
        self.compiled.append((root, sorted(files), capability, defined))
        return b"\x7fELF" + bytes(60)


@pytest.fixture
def pretended(monkeypatch, tmp_path):
    """No fatbin, another NVRTC, an empty cache."""
    made = PretendedNvrtc()
    monkeypatch.setattr(compiled, "FATBIN", compiled.FATBIN.with_name("none.fatbin"))
    monkeypatch.setattr(compiled, "find_nvrtc", lambda driver: made)
    monkeypatch.setenv("CONVT_CACHE", str(tmp_path / "cache"))
    return made


def image(storage="float32"):
    return next(compiled.kernel_image((9, 0), storage, 13))


def test_code_built_ahead_of_time_comes_first(monkeypatch, tmp_path, pretended):
    monkeypatch.setattr(compiled, "FATBIN", tmp_path / "convt.fatbin")
    compiled.FATBIN.write_bytes(b"code")
    assert compiled.available(13) == "built ahead of time"
    assert image() == (b"code", "built ahead of time")


def test_else_nvrtc_compiles_once(pretended):
    assert compiled.available(13) == "NVRTC 99.0"
    first, origin = image()
    assert origin == "NVRTC 99.0"
    assert image()[0] == first
    assert [(root, *rest) for root, _, *rest in pretended.compiled] == [("convt.cu", (9, 0), ("ONLY", "ONLY_float32"))]
    assert {"convt.cu", "geometry.cuh", "tile.cuh"} <= set(pretended.compiled[0][1])
    next(compiled.kernel_image((8, 0), "float32", 13))
    pretended.version = "99.1"
    image()
    assert len(pretended.compiled) == 3
    image("float16")
    assert pretended.compiled[3][3] == ("ONLY", "ONLY_float16")


def test_a_broken_cache_is_not_believed(pretended, tmp_path):
    first, _ = image()
    (cached,) = (tmp_path / "cache").iterdir()
    for content in (b"", cached.read_bytes()[:-1], b"no line"):
        cached.write_bytes(content)
        assert image()[0] == first
    assert len(pretended.compiled) == 4


def test_a_cache_that_cannot_be_written_is_no_error(pretended, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CONVT_CACHE", str(tmp_path / "file"))
    assert image()[0].startswith(b"\x7fELF")


def test_neither(monkeypatch, tmp_path, pretended):
    monkeypatch.setattr(compiled, "find_nvrtc", nvrtc.find_nvrtc)
    monkeypatch.setattr(nvrtc, "_places", lambda driver: iter([str(tmp_path / "libnvrtc.so.13"), "libnvrtc-none.so"]))
    nvrtc.find_nvrtc.cache_clear()
    message = r"^the kernels must be built with convt .* pip install nvidia-cuda-nvrtc; tried .*so\.13: .*; libnvrtc-none"
    with pytest.raises(BackendUnavailable, match=message):
        compiled.available(13)
    with pytest.raises(BackendUnavailable, match=message):
        image()
    nvrtc.find_nvrtc.cache_clear()


@pytest.mark.parametrize("code", [200, 209, 218, 221, 222, 223], ids=lambda code: f"error {code}")
def test_code_that_the_driver_cannot_load_is_compiled_by_nvrtc(cuda, emulator, monkeypatch, pretended, tmp_path, code):
    monkeypatch.setattr(compiled, "FATBIN", tmp_path / "convt.fatbin")
    compiled.FATBIN.write_bytes(bytes.fromhex("50ed55ba") + bytes(60))
    device = Device(cuda._driver, 0)
    emulator.fail("cuModuleLoadData", code)
    with device.current():
        assert device.kernels == "NVRTC 99.0"
    assert len(pretended.compiled) == 1


def test_each_type_is_compiled_when_it_is_first_needed(cuda, emulator, pretended):
    device = Device(cuda._driver, 0)
    with device.current():
        for name in ("pack_64x64_float64", "add_parts_float64", "pack_64x64_bfloat16"):
            device._function(name)
    assert [defined for *_, defined in pretended.compiled] == [("ONLY", "ONLY_float64"), ("ONLY", "ONLY_bfloat16")]


def test_what_is_built_ahead_has_all_types(cuda, emulator):
    device = Device(cuda._driver, 0)
    before = emulator.calls("cuModuleLoadData")
    with device.current():
        for name in ("pack_64x64_float64", "pack_64x64_bfloat16"):
            device._function(name)
    assert emulator.calls("cuModuleLoadData") == before + 1


def test_kernels_that_are_too_old(cuda, emulator, monkeypatch):
    device = Device(cuda._driver, 0)
    with (
        device.current(),
        pytest.raises(RuntimeError, match=r"^the compiled kernels \(.*\) must have no_kernel: build convt again$"),
    ):
        device._function("no_kernel")


def test_code_that_is_none(cuda, emulator, monkeypatch, pretended):
    monkeypatch.setattr(pretended, "compile", lambda *_: b"no code at all")
    device = Device(cuda._driver, 0)
    message = r"must be able to run the kernels \(NVRTC 99\.0\), got cuModuleLoadData: device kernel image is invalid"
    with device.current(), pytest.raises(RuntimeError, match=message):
        device._function("pack_64x64_float32")


@pytest.mark.parametrize(
    ("driver", "names"),
    [(13, ["13", "12", ""]), (14, ["13", "12", ""]), (12, ["12", "", "13"]), (11, ["", "12", "13"])],
    ids=lambda value: f"driver of CUDA {value}" if isinstance(value, int) else "",
)
def test_an_nvrtc_that_is_newer_than_the_driver_comes_last(monkeypatch, tmp_path, driver, names):
    for folder, number in (("cu13", 13), ("cu12", 12)):
        (tmp_path / "nvidia" / folder / "lib").mkdir(parents=True)
        (tmp_path / "nvidia" / folder / "lib" / f"libnvrtc.so.{number}").touch()
    monkeypatch.setattr(nvrtc.sys, "path", [str(tmp_path)])
    places = [Path(place) for place in nvrtc._places(driver)][:-1]
    assert list(dict.fromkeys(place.name for place in places)) == [f"libnvrtc.so.{n}".rstrip(".") for n in names]
    in_wheels = [place.name for place in places if place.is_absolute()]
    assert in_wheels == [f"libnvrtc.so.{n}" for n in names if n]


def test_the_backend_asks_the_driver_which_nvrtc_it_takes(cuda, monkeypatch, pretended):
    asked = []
    monkeypatch.setattr(compiled, "find_nvrtc", lambda driver: asked.append(driver) or pretended)
    monkeypatch.setattr(cuda._driver.pycuda, "get_driver_version", lambda: 12040)
    type(cuda)(cuda._driver)
    assert asked == [12]


@pytest.mark.parametrize("storage", ["float32", "bfloat16"])
def test_nvrtc_compiles_the_kernels(storage):
    try:
        library = nvrtc.find_nvrtc()
    except BackendUnavailable as reason:
        pytest.skip(f"NVRTC is not installed: {reason}")
    code = library.compile("convt.cu", compiled.sources(), (9, 0), ("ONLY", f"ONLY_{storage}"))
    assert code.startswith(b"\x7fELF")
    assert f"scatter_tensor64x64_pixels_{storage}".encode() in code
    assert b"float64" not in code
    with pytest.raises(RuntimeError, match=r"(?s)nvrtcCompileProgram.*undeclared_name"):
        library.compile("wrong.cu", {"wrong.cu": "int f() { return undeclared_name; }"}, (9, 0))


def test_nvcc_compiles_the_kernels_without_a_warning(tmp_path):
    if shutil.which("nvcc") is None:
        pytest.skip("nvcc is not installed")
    command = ["nvcc", "-std=c++17", "-ptx", "-arch=compute_75", "-Werror=all-warnings", "-o", str(tmp_path / "convt.ptx")]
    source = Path(compiled.__file__).parent / "kernels" / "convt.cu"
    # A sanitizer that is preloaded into this process breaks the compiler.
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    built = subprocess.run([*command, str(source)], capture_output=True, text=True, check=False, env=environment)
    assert not built.returncode, built.stderr
    code = (tmp_path / "convt.ptx").read_text()
    assert ".entry channel_sums_float64" in code
    for storage in ("float16", "float32", "float64"):
        cells = code.partition(f".entry scatter_cells_64x64_pixels_{storage}(")[2].partition(".entry")[0]
        assert re.search(r"st\.global\.(v4\.[fub]32|v2\.[fub]64)", cells), "16 bytes at a time"


def test_the_host_runs_what_nvrtc_would(cuda, emulator, pretended):
    """A new process without the fatbin: the whole way through NVRTC. (No real GPU runs pretended code.)"""
    backend = type(cuda)(cuda._driver)
    x = np.arange(6.0).reshape(1, 1, 6)
    with convt.options(cudnn=False):
        assert convt.conv(x, x, backend=backend) == 55
    assert len(pretended.compiled) == 1
