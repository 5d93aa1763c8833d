"""What the compiler makes of the CUDA kernels: instructions by count, registers, and the share of the peak that follows.

    python benchmarks/sass.py [--types float32 float16] [--sm 90]

needs nvcc and cuobjdump, in PATH, in $CUDA_ROOT/bin or from the wheels nvidia-cuda-nvcc, nvidia-cuda-crt, nvidia-nvvm,
nvidia-cuda-runtime and nvidia-cuda-cuobjdump, but no GPU. It prints the table of backends/convt_cuda/kernels/README.md.

Counts are of the code as it stands: what an untaken branch has counts too. A kernel can be slower than its share, which
knows nothing of waiting, but not faster.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

KERNELS = Path(__file__).resolve().parents[1] / "backends" / "convt_cuda" / "kernels"
THREADS = 256  # of a block

# An H200: of a multiprocessor, and of the whole.
REGISTERS, SHARED, MOST_THREADS = 65536, 227 * 1024, 2048
LANES = 128  # instructions of threads in a cycle
TENSOR_CYCLES = 4  # in which one of its four parts does a product of 16 x 8 by 8 x 8 TF32 numbers
TENSOR_MULTIPLY_ADDS = 16 * 8 * 8 // 32  # of it, for each thread
MULTIPROCESSORS, CLOCK, BANDWIDTH = 132, 1.755e9, 4.8e12

# What memory moves for each result of float32 where the caches do their best, in bytes; of upsampling by 2 x 2.
MOVED = {
    "upsample_nearest": 5,
    "upsample_bed_of_nails": 5,
    "upsample_bilinear": 5,
    "collect_nearest": 20,
    "collect_bed_of_nails": 8,
    "collect_bilinear": 20,
    "max_pool": 28,
    "max_pool_backward_near": 7,
    "max_unpool_near": 7,
    "channel_sums": 4,
    "copy": 8,
    "add": 12,
}
SUMS = ("channel_sums",)  # of which the inner loop counts


class Instruction(NamedTuple):
    """One instruction; `target` is where a branch goes to."""

    address: int
    name: str
    target: int | None


class Loop(NamedTuple):
    """What is between the target of a branch backwards and that branch."""

    instructions: list[Instruction]

    def count(self, name: str) -> int:
        """How many instructions begin so."""
        return sum(each.name.startswith(name) for each in self.instructions)


class Resources(NamedTuple):
    """What ptxas says of a kernel; bytes of shared memory, and of registers that are written to memory."""

    registers: int
    shared: int
    spilled: int

    @property
    def blocks(self) -> int:
        """On a multiprocessor at a time."""
        by_registers = REGISTERS // (-(-self.registers // 8) * 8 * THREADS)
        return min(by_registers, SHARED // (self.shared + 1024), MOST_THREADS // THREADS)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--types", nargs="*", default=["float32", "float16"])
    parser.add_argument("--sm", default="90")
    options = parser.parse_args()
    print("| kernel | registers | blocks | instructions | share of the peak |\n| --- | --- | --- | --- | --- |")
    for storage in options.types:
        said, listing = compiled(storage, options.sm)
        resources = resources_of(said)
        for name, instructions in sorted(kernels_of(listing).items()):
            row = row_of(name, instructions, resources[name])
            if row:
                print(row)


def compiled(storage: str, sm: str) -> tuple[str, str]:
    """What ptxas says of the kernels of a type, and their instructions."""
    with tempfile.TemporaryDirectory() as folder:
        cubin = Path(folder) / "kernels.cubin"
        flags = ["-std=c++17", "-cubin", f"-arch=sm_{sm}", "-DONLY", f"-DONLY_{storage}", "--resource-usage"]
        said = _run(tool("nvcc"), *flags, "-o", cubin, KERNELS / "convt.cu")
        return said, _run(tool("cuobjdump"), "-sass", cubin)


def tool(name: str) -> str:
    """The path of one of CUDA's programs."""
    folders = [f"{os.environ['CUDA_ROOT']}/bin"] if "CUDA_ROOT" in os.environ else []
    folders += [str(found) for folder in sys.path for found in Path(folder).glob("nvidia/cu1[0-9]/bin")]
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise SystemExit(f"{name} must be installed; looked in PATH, $CUDA_ROOT and NVIDIA's wheels")
    return found


def resources_of(said: str) -> dict[str, Resources]:
    """Of each kernel, from what ``nvcc --resource-usage`` says."""
    found, name, spilled = {}, "", 0
    for line in said.splitlines():
        if match := re.search(r"Compiling entry function '(\w+)'", line):
            name = match[1]
        elif match := re.search(r"(\d+) bytes spill stores", line):
            spilled = int(match[1])
        elif match := re.search(r"Used (\d+) registers", line):
            shared = re.search(r"(\d+) bytes smem", line)
            found[name] = Resources(int(match[1]), int(shared[1]) if shared else 0, spilled)
    return found


def kernels_of(listing: str) -> dict[str, list[Instruction]]:
    """The instructions of each kernel, from what ``cuobjdump -sass`` prints."""
    found: dict[str, list[Instruction]] = {}
    for line in listing.splitlines():
        if match := re.search(r"Function : (\w+)", line):
            instructions = found[match[1]] = []
        elif match := re.match(r"\s+/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\d\s+)?([A-Z][\w.]*)([^;]*);", line):
            target = re.search(r"0x([0-9a-f]+)\s*$", match[3]) if match[2].startswith("BRA") else None
            instructions.append(Instruction(int(match[1], 16), match[2], int(target[1], 16) if target else None))
    return found


def loops_of(instructions: list[Instruction]) -> Iterator[Loop]:
    """All loops, those that contain others too."""
    for each in instructions:
        if each.target is not None and each.target < each.address:
            yield Loop([other for other in instructions if each.target <= other.address <= each.address])


def row_of(name: str, instructions: list[Instruction], resources: Resources) -> str | None:
    """A line of the table; None for kernels that it leaves out."""
    loops = list(loops_of(instructions))
    what, _, storage = name.rpartition("_")
    if not loops or "_far" in name or (storage != "float32" and "tensor" not in what):
        return None
    if "x" in what.rpartition("_pixels")[0] or what.startswith("correlate_"):
        counted = _of_products("tensor" in what, storage, loops)
    elif "_direct" in what and what.endswith("_pixels"):
        counted = _of_products(False, storage, loops)
    elif what in MOVED and storage == "float32":
        pick = min if what in SUMS else max
        loop = pick(loops, key=lambda each: len(each.instructions))
        counted = _of_elements(MOVED[what], len(loop.instructions) / (loop.count("LDG") if what in SUMS else 1))
    else:
        return None
    spilled = f", {resources.spilled} bytes spilled" if resources.spilled else ""
    return f"| `{name}` | {resources.registers}{spilled} | {resources.blocks} | {counted} |"


def _of_products(tensor: bool, storage: str, loops: list[Loop]) -> str:
    """Of the loop that multiplies most, the smallest of such."""
    name = "HMMA" if tensor else "DFMA" if storage == "float64" else "FFMA"
    loop = min(loops, key=lambda each: (-each.count(name), len(each.instructions)))
    every, products = len(loop.instructions), loop.count(name)
    if not tensor:
        return f"{every / products:.2f} a multiply-add | {products / every:.0%}"
    busy = TENSOR_CYCLES * products / max(every, TENSOR_CYCLES * products)
    share = busy / (1 if storage == "float32" else 2)  # half types have an instruction of their own, twice as fast
    return f"{every / products / TENSOR_MULTIPLY_ADDS:.3f} a multiply-add | {share:.0%}"


def _of_elements(moved: int, instructions: float) -> str:
    computing = instructions / (MULTIPROCESSORS * LANES * CLOCK)
    return f"{instructions:.0f} an element | {min(1.0, moved / BANDWIDTH / computing):.0%} of memory's"


def _run(*command: object) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{done.stderr}")
    return done.stdout + done.stderr


if __name__ == "__main__":
    main()
