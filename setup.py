"""Finds the packages and builds the Cython extensions, and the CUDA kernels where nvcc is; all metadata is in setup.cfg."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext


class BuildExtensions(build_ext):
    """Builds the layer of threads that is OpenMP's where the compiler has it, and the CUDA kernels where nvcc is."""

    def build_extensions(self):
        """Try the compiler first, then build."""
        openmp = next((flags for flags in self._candidates() if self._compiles(flags)), None)
        if openmp is None:
            print("convt: built without OpenMP; CONVT_CPU_THREADING=openmp will be an error", file=sys.stderr)
            self.extensions = [extension for extension in self.extensions if extension.name != OPENMP_LAYER]
        for extension in self.extensions:
            flags = [*(openmp if extension.name == OPENMP_LAYER else []), *self._sanitizers(), *self._counters()]
            extension.extra_compile_args += ["-O3", "-pthread", *flags]
            extension.extra_link_args += ["-pthread", *flags]
        super().build_extensions()
        self._build_kernels()

    def _build_kernels(self):
        """One file with the code for each GPU; without nvcc, NVRTC compiles when the backend is first used."""
        nvcc = shutil.which("nvcc")
        if nvcc is None or os.environ.get("CONVT_BUILD_CUDA", "1") == "0":
            print("convt: the CUDA kernels are not built ahead of time (no nvcc, or CONVT_BUILD_CUDA=0)", file=sys.stderr)
            return
        target = Path(self.get_ext_fullpath("convt_cuda.kernels.convt")).with_name("convt.fatbin")
        sources = [path for path in KERNELS.iterdir() if path.suffix in {".cu", ".cuh"}]
        if target.is_file() and target.stat().st_mtime > max(path.stat().st_mtime for path in sources) and not self.force:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        known = subprocess.run([nvcc, "--list-gpu-arch"], check=True, capture_output=True, text=True).stdout.split()
        wanted = [number for number in GPUS if f"compute_{number}" in known]
        codes = [f"-gencode=arch=compute_{number},code=sm_{number}" for number in wanted]
        codes += [f"-gencode=arch=compute_{number},code=compute_{number}" for number in (wanted[0], wanted[-1])]
        command = [nvcc, "-std=c++17", "-fatbin", "--threads=0", *codes, str(KERNELS / "convt.cu"), "-o", str(target)]
        if subprocess.run([*command, "--compress-mode=size"], check=False).returncode:  # not known to older ones
            subprocess.run(command, check=True)

    @staticmethod
    def _sanitizers():
        """Flags of the sanitizers that CONVT_BUILD_SANITIZE names; `tox -e sanitize` sets it."""
        names = os.environ.get("CONVT_BUILD_SANITIZE")
        return [f"-fsanitize={names}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g1"] if names else []

    @staticmethod
    def _counters():
        """Flags of a build that counts how often each C function is called; ``tests/backends/cpu/coverage.py`` makes it."""
        return ["--coverage", "-O1", "-fno-inline"] if os.environ.get("CONVT_BUILD_COVERAGE") else []

    @staticmethod
    def _candidates():
        if os.environ.get("CONVT_BUILD_OPENMP", "1") != "0":
            yield ["-fopenmp"]

    def _compiles(self, flags):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "openmp.c"
            source.write_text("#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n")
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=flags)
                self.compiler.link_executable(objects, str(Path(folder) / "openmp"), extra_postargs=flags)
                return subprocess.run([str(Path(folder) / "openmp")], check=False).returncode == 0
            except Exception:
                return False


CPU = Path("backends/convt_cpu")
OPENMP_LAYER = "convt_cpu._convt_openmp"
KERNELS = Path("backends/convt_cuda/kernels")
GPUS = (
    75,
    80,
    90,
    100,
    120,
)  # code for these; what is between them runs the next lower, what is newer is built by the driver


SOURCES = {  # C beside the Cython module that leads to it
    "_convt_openmp": [CPU / "pool/openmp.c"],
    "_convt_pool": [CPU / "pool/pool.c", CPU / "pool/limit.c"],
    "_kernels": sorted(CPU.glob("kernels/*.c")),
    "pooling._windows": [CPU / "pooling/pooling.c"],
    "terms._plan": [CPU / "terms/terms.c"],
    "resampling._rows": [CPU / "resampling/resampling.c"],
}


def extension(module):
    """One Cython module of the cpu backend."""
    name = ".".join(module.relative_to(CPU).with_suffix("").parts)
    return Extension(
        f"convt_cpu.{name}",
        [str(module), *map(str, SOURCES.get(name, ()))],
        include_dirs=[numpy.get_include(), str(CPU)],
        depends=[str(header) for header in sorted(CPU.glob("**/*.h"))],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    )


setup(
    packages=[*find_packages(include=["convt", "convt.*"]), *find_packages("backends")],
    ext_modules=cythonize(
        [extension(module) for module in sorted(CPU.glob("**/*.pyx"))],
        include_path=["backends"],
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
        },
    ),
    cmdclass={"build_ext": BuildExtensions},
)
