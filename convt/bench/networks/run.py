"""Time whole networks: inference and a training step, PyTorch alone, compiled, and with convt's layers, in turns."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from math import exp, fsum, log
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from ... import torch as bridge
from ...hints import did_you_mean
from ..choice import check_repeat, threads_or_all
from ..machine import processor
from ..tables import lay_out
from ..timing import Times, alternate
from .catalog import NETWORKS, Network
from .shares import Shares, shares

__all__ = ["Result", "measure", "run"]

INFERENCE, TRAINING = "inference", "training step"
CONTENDERS = {INFERENCE: ("torch", "compiled", "convt", "frozen"), TRAINING: ("torch", "compiled", "convt")}
_TOLERANCE = 1e-3


class Result(NamedTuple):
    """What was measured of one network.

    Attributes
    ----------
    name, task : str
    times : dict of str to Times
        By contender.
    shares : Shares
        Of PyTorch alone.
    """

    name: str
    task: str
    times: dict[str, Times]
    shares: Shares


def run(
    cases: Sequence[str] | None = None, *, threads: int | None = None, repeat: int = 9, markdown: bool = False
) -> list[Result]:
    """Time networks and print what came of it.

    Parameters
    ----------
    cases : sequence of str, optional
        Names, several with commas; all by default.
    threads : int, optional
        For everybody; by default all cores that the process may use.
    repeat : int
        How many calls of each contender are timed, at least 1.
    markdown : bool
        Print the tables as Markdown.

    Returns
    -------
    list of Result
    """
    names = _names(cases)
    check_repeat(repeat)
    torch.set_num_threads(threads_or_all(threads))
    results = [result for name in names for result in measure(name, NETWORKS[name], repeat)]
    print(f"{processor()}, {torch.get_num_threads()} threads, PyTorch {torch.__version__}; medians of {repeat}")
    for task in CONTENDERS:
        print(f"\n{task}: milliseconds of torch; x: how many times as fast the others are; parts of torch's time\n")
        print(_table(task, [result for result in results if result.task == task], markdown))
    return results


def measure(name: str, network: Network, repeat: int, *, compiled: bool = True) -> list[Result]:
    """Time inference and a training step of one network.

    Parameters
    ----------
    name : str
    network : Network
    repeat : int
        How many calls are timed.
    compiled : bool
        Whether to time it compiled by Inductor too, which takes minutes to begin with.

    Returns
    -------
    list of Result
        Of both.

    Raises
    ------
    AssertionError
        The contenders do not compute the same.
    """
    torch.manual_seed(0)
    torch.compiler.reset()  # else a network of the same classes would be compiled for sizes unknown
    net, x = network.make(), torch.randn(network.shape)
    results = []
    for task, make in ((INFERENCE, _inferring), (TRAINING, _training)):
        runs = {who: make(net, who, x) for who in CONTENDERS[task] if compiled or who != "compiled"}
        if task == INFERENCE:
            _check(name, {who: call() for who, call in runs.items()})
        results.append(Result(name, task, alternate(runs, repeat), shares(runs["torch"])))
    return results


def _contender(net: nn.Module, who: str) -> nn.Module:
    own = copy.deepcopy(net)
    return bridge.convert(own, freeze=who == "frozen") if who in ("convt", "frozen") else own


def _inferring(net: nn.Module, who: str, x: Tensor) -> Callable[[], Tensor]:
    own = _contender(net, who).eval()
    call: Any = torch.compile(own, dynamic=False, options={"freezing": True}) if who == "compiled" else own

    def infer() -> Tensor:
        with torch.no_grad():
            y: Tensor = call(x)
        return y

    return infer


def _training(net: nn.Module, who: str, x: Tensor) -> Callable[[], None]:
    own = _contender(net, who).train()
    call: Any = torch.compile(own, dynamic=False) if who == "compiled" else own
    optimizer = torch.optim.SGD(own.parameters(), 1e-6)

    def step() -> None:
        optimizer.zero_grad()
        call(x).square().mean().backward()
        optimizer.step()

    return step


def _check(name: str, outputs: dict[str, Tensor]) -> None:
    expected = outputs["torch"]
    for who, y in outputs.items():
        error = float((y - expected).abs().max() / expected.abs().max())
        assert error < _TOLERANCE, f"{name}: {who} must compute what torch does, got {error:.1e} of the largest element"


def _table(task: str, results: Sequence[Result], markdown: bool) -> str:
    others = [who for who in CONTENDERS[task][1:] if all(who in result.times for result in results)]
    ratios = {who: [result.times["torch"].median / result.times[who].median for result in results] for who in others}
    rows = []
    for place, result in enumerate(results):
        speeds = (f"{ratios[who][place]:.2f}" for who in others)
        parts = (f"{part:.0%}" for part in result.shares)
        rows.append([result.name, f"{1e3 * result.times['torch'].median:.1f}", *speeds, *parts])
    means = [f"{exp(fsum(map(log, ratios[who])) / len(results)):.2f}" for who in others]
    titles = ["network", "torch ms", *(f"{who} x" for who in others), "transposed", "straight"]
    return lay_out(titles, rows, [["geometric mean", "", *means, "", ""]], markdown=markdown)


def _names(cases: Sequence[str] | None) -> list[str]:
    names = [name for given in cases or [",".join(NETWORKS)] for name in given.split(",")]
    for name in names:
        if name not in NETWORKS:
            raise LookupError(f"cases must be names of {', '.join(NETWORKS)}, got {name!r}{did_you_mean(name, NETWORKS)}")
    return names
