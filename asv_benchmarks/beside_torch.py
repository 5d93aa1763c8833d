"""Times the cpu backend beside PyTorch: one process, alternating, medians; prints a Markdown table.

    pip install . torch && python asv_benchmarks/beside_torch.py [--threads N] [--repeat N]

Both use the same number of threads. Machines differ and are noisy: the ratios count.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from benchmarks.cases import CASES, Case

import convt


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    os.environ["CONVT_NUM_THREADS"] = str(options.threads)
    print(f"{options.threads} threads, PyTorch {torch.__version__}, milliseconds, medians of {options.repeat}\n")
    print("| case | forward | torch | ratio | gradient of x | torch | ratio | gradient of w | torch | ratio |")
    print("| --- " * 10 + "|")
    ratios = []
    for name, case in CASES.items():
        times = [_alternating(pair, options.repeat) for pair in _pairs(case)]
        ratios.append([theirs / ours for ours, theirs in times])
        cells = (f"{ours:.3f} | {theirs:.3f} | {theirs / ours:.2f}" for ours, theirs in times)
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    means = np.exp(np.log(ratios).mean(axis=0))
    print(f"| geometric mean | | | {' | | | '.join(f'{mean:.2f}' for mean in means)} |")


def _pairs(case: Case) -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
    """The same work for convt and for PyTorch: forward, gradient of x, gradient of w."""
    x, w, _bias, dy = case.arrays()
    tx, tw, tdy = map(torch.from_numpy, (x, w, dy))
    axes = len(case.size)
    torch_forward = getattr(torch.nn.functional, f"conv_transpose{axes}d")

    def torch_gradient(*wanted: bool) -> object:
        stride, padding, one, zero = ([value] * axes for value in (case.stride, case.padding, 1, 0))
        arguments = (tdy, tx, tw, None, stride, padding, one, True, zero, case.groups, wanted)
        return torch.ops.aten.convolution_backward(*arguments)

    def gradient(name: str) -> object:
        return convt.conv_transpose_backward(x, w, None, dy, needs=[name], backend="cpu", **case.options)

    yield (
        lambda: convt.conv_transpose(x, w, backend="cpu", **case.options),
        lambda: torch_forward(tx, tw, **case.options),
    )
    yield lambda: gradient("x"), lambda: torch_gradient(True, False, False)
    yield lambda: gradient("w"), lambda: torch_gradient(False, True, False)


def _alternating(pair: tuple[Callable[[], object], Callable[[], object]], repeat: int) -> list[float]:
    """Median milliseconds of both, called in turns after one call that is not timed."""
    times: list[list[float]] = [[], []]
    for run in pair:
        run()
    for _ in range(repeat):
        for run, taken in zip(pair, times, strict=True):
            start = time.perf_counter()
            run()
            taken.append((time.perf_counter() - start) * 1e3)
    return [statistics.median(taken) for taken in times]


if __name__ == "__main__":
    with torch.no_grad():
        main()
