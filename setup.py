"""Builds the Cython extensions; all metadata is in setup.cfg."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class BuildExtensions(build_ext):
    """Adds OpenMP where the compiler has it; without it the extensions run on one thread."""

    def build_extensions(self):
        """Try the compiler first, then build."""
        flags = next((flags for flags in self._candidates() if self._compiles(flags)), None)
        if flags is None:
            print("convt: the compiler has no OpenMP; the cpu backend will use one thread", file=sys.stderr)
        flags = [*(flags or []), *self._sanitizers()]
        for extension in self.extensions:
            extension.extra_compile_args += ["-O3", *flags]
            extension.extra_link_args += flags
        super().build_extensions()

    @staticmethod
    def _sanitizers():
        """Flags of the sanitizers that CONVT_BUILD_SANITIZE names; `tox -e sanitize` sets it."""
        names = os.environ.get("CONVT_BUILD_SANITIZE")
        return [f"-fsanitize={names}", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer", "-g1"] if names else []

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


def extension(name, sources=()):
    """One Cython module of the cpu backend."""
    return Extension(
        f"convt_cpu.{name}",
        [str(CPU / f"{name.replace('.', '/')}.pyx"), *map(str, sources)],
        include_dirs=[numpy.get_include(), str(CPU)],
        depends=[str(header) for header in sorted(CPU.glob("**/*.h"))],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_1_7_API_VERSION")],
    )


setup(
    ext_modules=cythonize(
        [
            extension("_kernels", sorted(CPU.glob("kernels/*.c"))),
            *map(extension, ("_environment", "_openmp", "_sums")),
            *map(extension, (f"im2col.{name}" for name in ("_plan", "_scatter", "_gather", "_correlate", "_repair"))),
            *map(extension, ("correlate._plan", "correlate._engine")),
            *(extension(f"{engine}._engine") for engine in ("cells", "depthwise", "direct", "thin", "winograd")),
            extension("resampling._rows", [CPU / "resampling/resampling.c"]),
            extension("pooling._windows", [CPU / "pooling/pooling.c"]),
        ],
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
