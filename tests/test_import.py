"""What `import convt` costs, and who may know whom."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import convt

CORE = Path(convt.__file__).parent
BACKENDS = Path(__file__).parents[1] / "backends"
ALLOWED = {"convt.backend", "convt.testing"}


def loaded_after(statement):
    """The modules that a fresh interpreter has loaded after a statement."""
    command = [sys.executable, "-c", f"import sys; {statement}; print(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


def test_import_is_light():
    loaded = loaded_after("import convt")
    assert "convt.functions.operators" in loaded
    heavy = {
        "scipy",
        "matplotlib",
        "torch",
        "jax",
        "dask",
        "ml_dtypes",
        "convt.kinds",
        "convt.dask",
        "pycuda",
        "threadpoolctl",
        "importlib.metadata",
        "convt.numpy_backend",
        "convt.testing",
        "convt.nn",
        "convt.draw",
        "convt_cpu",
        "convt_cuda",
    }
    assert not loaded & heavy


@pytest.mark.parametrize(
    "call",
    [
        "conv_transpose(ones(1, 4, 6, 6), ones(4, 8, 3, 3))",
        "conv_transpose(ones(1, 4, 6, 6), ones(4, 4, 3, 3), stride=2, groups=2)",
        "conv_transpose_backward(ones(1, 4, 6, 6), ones(4, 8, 3, 3), None, ones(1, 8, 8, 8))",
        "conv(ones(1, 4, 6, 6), ones(2, 4, 3, 3), padding=1)",
        "conv(ones(1, 1, 5), ones(1, 1, 3))",
        "conv_backward(ones(1, 1, 5), ones(1, 1, 3), None, ones(1, 1, 3))",
        "upsample(ones(1, 4, 6, 6), 2)",
        "max_pool(ones(1, 4, 6, 6), 2)",
    ],
)
def test_a_first_call_loads_the_cpu_backend_and_little_else(call):
    loaded = loaded_after(f"import numpy as np, convt; ones = lambda *shape: np.ones(shape); convt.{call}")
    assert "convt_cpu.backend" in loaded
    heavy = {"scipy", "matplotlib", "torch", "pycuda", "importlib.metadata", "email", "ctypes.util"}
    assert not loaded & {*heavy, "convt_cuda", "convt.testing", "convt.nn", "convt.draw"}


def test_lazy_modules_come_when_they_are_used():
    assert "convt.testing" in loaded_after("import convt; convt.testing.check_backend")


def test_names_that_need_scipy_come_when_they_are_used():
    loaded = loaded_after("import convt; assert 'scipy' not in sys.modules; convt.conv_matrix((4,), [1.0, 2.0])")
    assert {"convt.matrix.sparse", "scipy.sparse"} <= loaded
    assert not loaded & {"convt.numpy_backend", "convt_cpu", "convt_cuda"}


@pytest.mark.parametrize("name", convt.__all__)
def test_every_public_name_is_there(name):
    assert getattr(convt, name) is not None


def test_shapes_import_no_backend():
    loaded = loaded_after("import convt; convt.conv_shape((1, 1, 3), (1, 1, 3))")
    assert not loaded & {"convt.numpy_backend", "convt_cpu", "convt_cuda", "importlib.metadata"}


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"^module 'convt' has no attribute 'quaternion'$"):
        convt.quaternion  # noqa: B018


def test_dir_lists_the_public_names():
    assert set(dir(convt)) >= {
        "conv",
        "conv_transpose",
        "conv_backward",
        "conv_transpose_backward",
        "testing",
        "use_backend",
    }


@pytest.mark.parametrize("path", sorted(CORE.rglob("*.py")), ids=lambda path: path.relative_to(CORE).as_posix())
def test_the_core_names_no_plugin(path):
    assert not re.search(r"convt_(cpu|cuda)", path.read_text())


def python_imports(source):
    """The modules of convt that a Python source imports."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found |= {f"convt.{name.name}" for name in node.names} if node.module == "convt" else {node.module}
    return {module for module in found if module.split(".")[0] == "convt"}


def cython_imports(source):
    """The modules of convt that a Cython source imports; a plain ``from convt import`` counts as all of convt."""
    found = re.findall(r"^\s*(?:from\s+(convt(?:\.\w+)*)\s+c?import|c?import\s+(convt(?:\.\w+)*))\b", source, re.MULTILINE)
    return {first or second for first, second in found}


@pytest.mark.parametrize("imports", [python_imports, cython_imports])
def test_the_search_for_imports_finds_them(imports):
    lines = [
        "import convt",
        "if 1:",
        "  from convt.operands import x",
        "import convt_cpu",
        "from convt.backend import y",
    ]
    source = "\n".join([*lines, "from . import z"])
    assert imports(source) == {"convt", "convt.backend", "convt.operands"}


@pytest.mark.skipif(not BACKENDS.is_dir(), reason="only in a checkout")
@pytest.mark.parametrize(
    ("suffix", "imports"), [(".py", python_imports), (".pyx", cython_imports), (".pxd", cython_imports)]
)
def test_backends_use_the_contract_and_nothing_else(suffix, imports):
    used = {path.name: imports(path.read_text()) - ALLOWED for path in BACKENDS.rglob(f"*{suffix}")}
    assert not {name: modules for name, modules in used.items() if modules}
