"""The table of what the compiler makes of the kernels, from what its programs print; these tests need neither."""

import re
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from convt_cuda.own import cost

REPOSITORY = Path(__file__).parents[3]
SCRIPT = REPOSITORY / "benchmarks" / "sass.py"
TABLE = REPOSITORY / "backends" / "convt_cuda" / "kernels" / "README.md"

SAID = """\
ptxas info    : Compiling entry function 'scatter_64x64_pixels_float32' for 'sm_90'
ptxas info    : Function properties for scatter_64x64_pixels_float32
    104 bytes stack frame, 12 bytes spill stores, 16 bytes spill loads
ptxas info    : Used 109 registers, used 1 barriers, 104 bytes cumulative stack size, 11528 bytes smem
ptxas info    : Compiling entry function 'upsample_nearest_float32' for 'sm_90'
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 54 registers, used 0 barriers
"""


def _listing(name, *lines):
    rows = "".join(
        f"        /*{16 * n:04x}*/                   {line} ;      /* 0x00000000 */\n" for n, line in enumerate(lines)
    )
    return f"\t\tFunction : {name}\n{rows}"


@pytest.fixture(scope="module")
def sass():
    return SimpleNamespace(**runpy.run_path(str(SCRIPT)))


def test_registers_and_how_many_blocks_fit(sass):
    found = sass.resources_of(SAID)
    tile, nearest = found["scatter_64x64_pixels_float32"], found["upsample_nearest_float32"]
    assert tile == (109, 11528, 12)
    assert (tile.blocks, nearest.blocks) == (2, 4)
    assert sass.Resources(255, 0, 0).blocks == 1
    assert sass.Resources(32, 0, 0).blocks == 8
    assert sass.Resources(32, 100_000, 0).blocks == 2


def test_the_loop_that_multiplies_most_counts_and_branches_forwards_make_none(sass):
    name = "scatter_64x64_pixels_float32"
    lines = [
        "MOV R1, R2",
        "IADD3 R1, R1, 0x1",
        "FFMA R0, R1, R2, R0",
        "FFMA R3, R1, R2, R3",
        "@!P0 BRA 0x60",
        "@P1 BRA 0x10",
    ]
    outer = [*lines, "LDG.E R1, [R2.64]", "FFMA R0, R1, R2, R0", "@P0 BRA 0x0", "EXIT", "BRA 0xa0"]
    kernels = sass.kernels_of(_listing(name, *outer))
    assert [each.name for each in kernels[name]][:3] == ["MOV", "IADD3", "FFMA"]
    inner, whole = sass.loops_of(kernels[name])
    assert (len(inner.instructions), len(whole.instructions)) == (5, 9)
    row = sass.row_of(name, kernels[name], sass.resources_of(SAID)[name])
    assert row == f"| `{name}` | 109, 12 bytes spilled | 2 | 3.00 a multiply-add | 33% |"


def test_tensor_cores_take_four_cycles(sass):
    lines = ["LDS R1, [R2]", "HMMA.1688.F32.TF32 R4, R8, R10, R4", "@P0 BRA 0x0"]
    shares = {}
    for storage in ("float32", "float16"):
        name = f"gather_tensor64x64_pixels_{storage}"
        kernels = sass.kernels_of(_listing(name, *lines))
        shares[storage] = sass.row_of(name, kernels[name], sass.Resources(94, 0, 0)).split("|")[-2].strip()
    assert shares == {"float32": "100%", "float16": "50%"}


def test_upsampling_is_compared_with_memory(sass):
    name = "upsample_nearest_float32"
    kernels = sass.kernels_of(_listing(name, *["IMAD R1, R2, R3, R4"] * 309, "@P0 BRA 0x0"))
    row = sass.row_of(name, kernels[name], sass.resources_of(SAID)[name])
    assert row == f"| `{name}` | 54 | 4 | 310 an element | 10% of memory's |"


def test_what_is_left_out(sass):
    kernels = sass.kernels_of(_listing("scatter_far4_pixels_float32", "FFMA R0, R1, R2, R0", "@P0 BRA 0x0"))
    assert sass.row_of(*kernels.popitem(), sass.Resources(64, 0, 0)) is None


@pytest.mark.parametrize(
    ("kernel", "step"),
    [
        ("correlate_direct_float32", lambda: cost.direct_correlation(10**9) / 10**9),
        ("scatter_direct1_pixels_float32", lambda: cost.direct(10**6, 10**9, 10**3) / 10**9),
    ],
)
def test_the_cost_model_agrees_with_the_instructions_of_the_table(sass, kernel, step):
    (instructions,) = re.findall(rf"\| `{kernel}` \|.*\| ([0-9.]+) a multiply-add \|", TABLE.read_text())
    issued = sass.MULTIPROCESSORS * sass.LANES * sass.CLOCK / 1e6  # in a microsecond
    assert 0.9 < step() * issued / float(instructions) < 2
