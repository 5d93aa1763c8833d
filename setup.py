"""Finds the packages and builds the Cython extensions, in parallel, and CUDA kernels; all metadata is in setup.cfg.

Environment variables: ``CONVT_BUILD_CPU=0`` leaves the cpu backend out, which needs a C compiler. ``CONVT_BUILD_CUDA`` is 0
for no CUDA kernels, "all" for those of every GPU, as wheels have them, 1 for those of this machine's GPUs (an error without
nvcc; unset: where there is nvcc). ``CONVT_BUILD_OPENMP=0`` leaves out the layer of threads that is OpenMP's,
``CONVT_BUILD_SANITIZE`` names sanitizers.
"""

import multiprocessing
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Distribution, Extension, find_packages, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError, SetupError

CPU = Path("backends/convt_cpu")
OPENMP_LAYER = "convt_cpu._convt_openmp"
KERNELS = Path("backends/convt_cuda/kernels")
GPUS = (75, 80, 90, 100, 120)  # what is between them runs the code of the next lower; what is newer, the PTX
PTX = (75, 80, 120)

# Each level of optimization takes twice the time of the one before. Of what the third does besides, the kernels need two
# things, which clang does unasked; the loops of some need more of it. What Cython writes plans and calls those, and is as
# fast at the first, unless it loops over elements; so are the kernels for any processor, where none is meant to run them.
BEYOND_SECOND = ["-fpeel-loops", "-fvect-cost-model=dynamic"]
THIRD_LEVEL = {CPU / "pooling/pooling.c", CPU / "resampling/resampling.c"}
LOOPS = {CPU / "_sums.c", CPU / "im2col/_stages.c"}
PORTABLE = CPU / "kernels/isa_portable.c"

SOURCES = {  # C beside the Cython module that leads to it
    "_convt_openmp": [CPU / "pool/openmp.c"],
    "_convt_pool": [CPU / "pool/pool.c", CPU / "pool/limit.c"],
    "_layers": [CPU / "pool/lent.c"],
    "_kernels": sorted(CPU.glob("kernels/*.c"), key=lambda path: "avx" not in path.name),  # what takes longest first
    "pooling._windows": [CPU / "pooling/pooling.c"],
    "terms._plan": [CPU / "terms/terms.c"],
    "resampling._rows": [CPU / "resampling/resampling.c"],
}


def cores():
    """How many processors may be used."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class BuildExtensions(build_ext):
    """Builds all extensions at once, each of their files on a core of its own, and then the CUDA kernels."""

    def finalize_options(self):
        """Give editable installs a folder that lasts, so that the next one builds what has changed since and no more."""
        super().finalize_options()
        if self.editable_mode:
            self.build_lib = str(Path("build") / f"editable-{sys.implementation.cache_tag}")

    def run(self):
        """Build both."""
        super().run()
        self._build_kernels()

    def build_extensions(self):
        """Try the compiler first, then build."""
        self._require_compiler()
        beyond = BEYOND_SECOND if self._compiles([*BEYOND_SECOND, "-Werror"]) else []
        openmp = next((flags for flags in self._candidates() if self._compiles(flags, "#include <omp.h>")), None)
        if openmp is None:
            print("convt: built without OpenMP; CONVT_CPU_THREADING=openmp will be an error", file=sys.stderr)
            self.extensions = [extension for extension in self.extensions if extension.name != OPENMP_LAYER]
        for extension in self.extensions:
            flags = [*(openmp if extension.name == OPENMP_LAYER else []), *self._sanitizers(), *self._counters()]
            extension.extra_compile_args += ["-pthread", *self._debugging(), *flags]
            extension.extra_link_args += ["-pthread", *flags]
        self.extensions.sort(key=lambda extension: -len(extension.sources))
        with ThreadPoolExecutor(self.parallel or cores()) as pool:
            self.compiler.compile = _each_by(pool, self.compiler.compile, partial(_level_of, beyond=beyond))
            self.parallel = len(self.extensions)  # all wait for the pool
            super().build_extensions()

    def _require_compiler(self):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "try.c"
            source.write_text("#include <Python.h>\nint main(void) { return 0; }\n")
            try:
                self.compiler.compile([str(source)], output_dir=folder)
            except CompileError:
                raise SetupError(
                    "the cpu backend must be compiled by a C compiler that finds Python.h (on Debian: apt install gcc "
                    f"python3-dev), got {self.compiler.compiler_so[0]!r}, which does not; without one, set "
                    "CONVT_BUILD_CPU=0 to install the slow numpy backend alone"
                ) from None

    def _build_kernels(self):
        """One file with the code for each GPU; where it has none, NVRTC compiles when the backend is first used."""
        wish = os.environ.get("CONVT_BUILD_CUDA", "")
        if wish not in ("", "0", "1", "all"):
            raise SetupError(f"CONVT_BUILD_CUDA must be 0, 1 or all, got {wish!r}")
        nvcc = shutil.which("nvcc")
        if nvcc is None and wish in ("1", "all"):
            raise SetupError(f"nvcc must be on the PATH where CONVT_BUILD_CUDA is {wish}")
        gpus = [] if nvcc is None or wish == "0" else GPUS if wish == "all" else _gpus_here()
        if not gpus:
            print("convt: no CUDA kernels are built ahead of time (no nvcc, no GPU, or CONVT_BUILD_CUDA=0)", file=sys.stderr)
            return
        target = Path(self.get_ext_fullpath("convt_cuda.kernels.convt")).with_name("convt.fatbin")
        sources = [path for path in KERNELS.iterdir() if path.suffix in {".cu", ".cuh"}]
        if target.is_file() and target.stat().st_mtime > max(path.stat().st_mtime for path in sources) and not self.force:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        known = subprocess.run([nvcc, "--list-gpu-arch"], check=True, capture_output=True, text=True).stdout.split()
        wanted = [(gpu, f"sm_{gpu}") for gpu in gpus] + [(gpu, f"compute_{gpu}") for gpu in PTX if wish == "all"]
        codes = [f"-gencode=arch=compute_{gpu},code={code}" for gpu, code in wanted if f"compute_{gpu}" in known]
        command = [nvcc, "-std=c++17", "-fatbin", "--threads=0", *codes, str(KERNELS / "convt.cu"), "-o", str(target)]
        if codes and subprocess.run([*command, "--compress-mode=size"], check=False).returncode:  # not known to older ones
            subprocess.run(command, check=True)

    @staticmethod
    def _debugging():
        """Python's own flags ask for what debuggers read, most of what a compiler would write."""
        return [] if "-g" in os.environ.get("CFLAGS", "") else ["-g0"]

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

    def _compiles(self, flags, first_line=""):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "try.c"
            source.write_text(f"{first_line}\nint main(void) {{ return 0; }}\n")
            try:
                objects = self.compiler.compile([str(source)], output_dir=folder, extra_postargs=flags)
                self.compiler.link_executable(objects, str(Path(folder) / "try"), extra_postargs=flags)
                return subprocess.run([str(Path(folder) / "try")], check=False).returncode == 0
            except Exception:
                return False


class WithKernels(Distribution):
    """CUDA kernels that are asked for are something to build, even where nothing else is."""

    def has_ext_modules(self):
        """Whether `BuildExtensions` has anything to do."""
        return super().has_ext_modules() or os.environ.get("CONVT_BUILD_CUDA") in ("1", "all")


def _level_of(source, beyond):
    """The flags of optimization for a file of C."""
    if source in THIRD_LEVEL:
        return ["-O3"]
    first = source.with_suffix(".pyx").is_file() and source not in LOOPS
    return ["-O1"] if first or (source == PORTABLE and platform.machine() == "x86_64") else ["-O2", *beyond]


def _each_by(pool, compile_, level_of):
    """A compiler's `compile`, which gives each source to the pool, with flags of its own before the others."""

    def compile_each(sources, *arguments, extra_postargs=(), **options):
        jobs = [
            pool.submit(compile_, [source], *arguments, extra_postargs=[*level_of(Path(source)), *extra_postargs], **options)
            for source in sources
        ]
        return [made for job in jobs for made in job.result()]

    return compile_each


def _gpus_here():
    """The compute capabilities of this machine's GPUs, as 90 for 9.0."""
    try:
        query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
        found = subprocess.run(query, check=True, capture_output=True, text=True, timeout=60).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return []
    return sorted({int(each.replace(".", "")) for each in found if each.replace(".", "").isdigit()})


def _with_headers(files):
    """Files of C, and all of the cpu backend's headers that they include, or that headers do which they include."""
    found, left = set(), [Path(os.path.relpath(file)) for file in files]
    while left:
        file = left.pop()
        if file not in found and file.is_relative_to(CPU):
            found.add(file)
            names = re.findall(r'^\s*#.*?"([^"]+\.h)"', file.read_text(encoding="utf-8"), re.MULTILINE)
            left += [each for name in names for each in (file.parent / name, CPU / name) if each.is_file()]
    return sorted(map(str, found))


def extension(module):
    """One Cython module of the cpu backend."""
    name = ".".join(module.relative_to(CPU).with_suffix("").parts)
    return Extension(
        f"convt_cpu.{name}",
        [str(module), *map(str, SOURCES.get(name, ()))],
        include_dirs=[numpy.get_include(), str(CPU)],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    )


def extensions():
    """All of them, in C; none with CONVT_BUILD_CPU=0."""
    wish = os.environ.get("CONVT_BUILD_CPU", "1")
    if wish not in ("0", "1"):
        raise SetupError(f"CONVT_BUILD_CPU must be 0 or 1, got {wish!r}")
    if wish == "0":
        print("convt: built without the cpu backend (CONVT_BUILD_CPU=0)", file=sys.stderr)
        return []
    made = cythonize(
        [extension(module) for module in sorted(CPU.glob("**/*.pyx"))],
        include_path=["backends"],
        nthreads=cores() if multiprocessing.get_start_method() == "fork" else 0,  # others would run this file again
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
        },
    )
    for each in made:  # Cython adds the headers that its modules name
        written = [source for source in each.sources if not Path(source).with_suffix(".pyx").is_file()]
        each.depends = ["setup.py", *_with_headers([*each.depends, *written])]
    return made


setup(
    packages=[*find_packages(include=["convt", "convt.*"]), *find_packages("backends")],
    ext_modules=extensions(),
    cmdclass={"build_ext": BuildExtensions},
    distclass=WithKernels,
)
