"""The story of the benchmark on a device, in the order in which it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib.util import find_spec
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from ...backend import DeviceBackend
from ...optional import require
from ...settings import options
from .. import report
from ..choice import check_repeat, split
from ..jobs import BACKWARD, CONV, FORWARD, LayerJob, SamplingJob, layer_jobs, sampling_jobs
from ..ours import Ours, selected
from ..prepare import prepare
from ..results import Comparison
from ..timing import Run, Times, summarize
from .arrays import Arrays, OwnArrays, Placed
from .settings import DTYPES, Setting, settings_of, suits
from .sizes import enlarged, enlarged_sampling

if TYPE_CHECKING:
    from .tensors import Peer

__all__ = ["asked_for", "run"]

ROUND = 2e-3  # seconds by which a sample is long enough for the clock
MOST = 64  # calls of a sample


def asked_for() -> DeviceBackend | None:
    """The backend that NumPy arrays would be computed by, if it has a device."""
    backend = selected("float32")
    return backend if isinstance(backend, DeviceBackend) else None


def run(
    backend: DeviceBackend,
    cases: Sequence[str] | None = None,
    peer_names: Sequence[str] | None = None,
    *,
    backward: bool = False,
    conv: bool = False,
    sampling: bool = False,
    dtype: str = "float32",
    repeat: int = 9,
    markdown: bool = False,
) -> dict[str, list[Comparison]]:
    """Time convt on a device, beside PyTorch where that sees it, and print what came of it.

    Parameters
    ----------
    backend : DeviceBackend
        It must be the one that is selected.
    cases : sequence of str, optional
        Names or families, several with commas; all by default.
    peer_names : sequence of str, optional
        "torch" or "none"; torch by default where it sees the device.
    backward, conv, sampling : bool
        As for the benchmark on the processor.
    dtype : {"float32", "float64", "float16", "bfloat16"}
    repeat : int
        How many samples of each, of several calls where those are short.
    markdown : bool
        Print the tables as Markdown.

    Returns
    -------
    dict of str to list of Comparison
        By heading: each task under each setting that it has.

    Raises
    ------
    MissingPackage
        tqdm, or torch where it is asked for, is not installed.
    LookupError, ValueError
        A case or a peer is not known, torch sees no such device, or a number is out of range.
    """
    if dtype not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}")
    check_repeat(repeat)
    if sampling and (backward or conv):
        raise ValueError("sampling must be asked for alone, got backward or conv too")
    jobs = _jobs(cases, backward, conv, sampling, dtype)
    require("bench", "tqdm", extra="bench")
    arrays, peer = _arrays(backend, peer_names, dtype)
    print(_heading(backend, peer, dtype, repeat))
    results = {}
    for title, setting, part in _tables(jobs, settings_of(dtype)):
        results[title] = _measure_all(title, part, backend, arrays, peer, setting, repeat)
        print(f"\n{title}: milliseconds, median (quartiles); x: multiples of convt's time\n")
        print(report.device_table(results[title], ["torch"] if peer else [], markdown))
        print("", *report.notes(results[title]), sep="\n")
    return results


def _jobs(
    cases: Sequence[str] | None, backward: bool, conv: bool, sampling: bool, dtype: str
) -> list[LayerJob] | list[SamplingJob]:
    held = dtype if dtype in ("float32", "float64") else "float32"  # by the host; half types are made on the device
    if sampling:
        return [replace(job, case=enlarged_sampling(job.case)) for job in sampling_jobs(cases, held)]
    tasks = (BACKWARD if backward else ()) + (CONV if conv else ()) or FORWARD
    return [replace(job, case=enlarged(job.case)) for job in layer_jobs(cases, tasks, held)]


def _arrays(backend: DeviceBackend, names: Sequence[str] | None, dtype: str) -> tuple[Arrays, Peer | None]:
    """PyTorch's tensors where it sees the device, and PyTorch unless it is not wanted; else the backend's arrays."""
    wanted = split(names, ["torch", "none"], "peers must be among torch and none on a device")
    if "torch" in wanted:
        require("the peer torch", "torch", extra="bench")
    if find_spec("torch"):
        from . import tensors

        if tensors.sees_gpu():
            made = tensors.Tensors(dtype)
            if backend.owns(made.put(np.zeros(1, np.float32), False)):
                return made, None if "none" in wanted else tensors.Peer()
    if "torch" in wanted:
        raise ValueError(f"peers must see the device of backend {backend.name!r}, got torch without it")
    return OwnArrays(backend, dtype), None


def _heading(backend: DeviceBackend, peer: Peer | None, dtype: str, repeat: int) -> str:
    ours = Ours(1, "float32")
    device = backend.info().get("gpus", backend.name)
    who = report.versions([ours, *([peer] if peer else [])])
    how = f"arrays on the device, by its own clock, {repeat} samples, all engines tried beforehand"
    return f"{who}\n{device}, {dtype}; {how}"


def _tables(
    jobs: Sequence[LayerJob] | Sequence[SamplingJob], settings: Iterable[Setting]
) -> list[tuple[str, Setting, list[LayerJob | SamplingJob]]]:
    """Each with its heading and setting; none is empty."""
    found = []
    for task in dict.fromkeys(job.task for job in jobs):
        for setting in settings:
            part: list[LayerJob | SamplingJob] = [job for job in jobs if job.task == task and suits(setting, job)]
            if part:
                found.append((", ".join(filter(None, [str(task), setting.words])), setting, part))
    return found


def _measure_all(
    title: str,
    jobs: Sequence[LayerJob | SamplingJob],
    backend: DeviceBackend,
    arrays: Arrays,
    peer: Peer | None,
    setting: Setting,
    repeat: int,
) -> list[Comparison]:
    from tqdm import tqdm

    results = []
    with ExitStack() as stack, tqdm(jobs, desc=title, unit="case") as bar:
        stack.enter_context(options(allow_tf32=setting.tf32, autotune=True))
        if peer:
            stack.enter_context(peer.session())
            stack.enter_context(peer.under(setting))
        for job in bar:
            results.append(_measure(replace(job), backend, arrays, peer, setting, repeat))  # a new job: it keeps its arrays
    return results


def _measure(
    job: LayerJob | SamplingJob,
    backend: DeviceBackend,
    arrays: Arrays,
    peer: Peer | None,
    setting: Setting,
    repeat: int,
) -> Comparison:
    """Check and time one job."""
    placed = Placed(job, arrays, setting.channels_last)
    others = [peer] if peer else []
    prepared = prepare(
        placed,
        Ours(1, "float32"),
        others,
        tolerance=setting.tolerance,
        on_host=lambda answer: _parts(answer, arrays),
    )
    times = alternate(prepared.runs, backend.seconds, repeat)
    return Comparison(job, times, prepared.wrong, prepared.reasons)


def _parts(answer: Any, arrays: Arrays) -> tuple[Any, ...]:
    """What was computed, in the host's memory."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    return tuple(None if part is None else arrays.get(part) for part in parts)


def alternate(runs: Mapping[str, Run], seconds: Callable[[Run, int], float], repeat: int) -> dict[str, Times]:
    """Time the contenders in turns, each sample as many calls as the clock needs.

    Parameters
    ----------
    runs : mapping of str to callable
        They must have been called before: what is done once only is done.
    seconds : callable
        Of a number of calls.
    repeat : int

    Returns
    -------
    dict of str to Times
    """
    counts = {name: max(1, min(MOST, ceil(ROUND / max(seconds(each, 1), 1e-9)))) for name, each in runs.items()}
    samples: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeat):
        for name, each in runs.items():
            samples[name].append(seconds(each, counts[name]) / counts[name])
    return {name: summarize(taken) for name, taken in samples.items()}
