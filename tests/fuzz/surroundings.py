"""What a call runs in: a backend, an engine, an instruction set, a record of the machine, a number of threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

import convt
from convt_cpu.choice import ENGINES
from convt_cpu.isa import available
from convt_cpu.machine.families import FAMILIES as MACHINES

_THREADS = (1, 2, 3, 4, 7, 16)


@dataclass(frozen=True)
class Surroundings:
    """Environment variables, and the options of a call."""

    variables: tuple[tuple[str, str], ...]
    backend: str | None
    threads: int | None

    def __str__(self) -> str:
        words = [f"{name}={value}" for name, value in self.variables]
        words += [f"backend={self.backend!r}"] * (self.backend is not None)
        words += [f"threads={self.threads}"] * (self.threads is not None)
        return ", ".join(words) or "as they are"

    @contextmanager
    def applied(self) -> Iterator[None]:
        """A block in which they hold."""
        before = {name: os.environ.get(name) for name, _value in self.variables}
        os.environ.update(self.variables)
        try:
            with convt.options(threads=self.threads):
                yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value

    def with_other_threads(self, rng: np.random.Generator) -> Surroundings:
        """The same with another number of threads, which must not change a bit."""
        return replace(self, threads=int(rng.choice([each for each in _THREADS if each != self.threads])))


def draw_surroundings(rng: np.random.Generator, engines: tuple[str, ...] = ()) -> Surroundings:
    """Anything; one of the `engines` is forced more often than others."""
    variables = {}
    draw = rng.random()
    if draw < 0.55 and engines:
        variables["CONVT_CPU_ALGORITHM"] = str(rng.choice(engines))
    elif draw < 0.7:
        variables["CONVT_CPU_ALGORITHM"] = str(rng.choice(list(ENGINES)))
    if rng.random() < 0.6:
        variables["CONVT_CPU_ISA"] = str(rng.choice(available()))
    if rng.random() < 0.2:
        variables["CONVT_CPU_MACHINE"] = str(rng.choice(list(MACHINES)))
    threads = int(rng.choice(_THREADS)) if rng.random() < 0.7 else None
    if rng.random() < 0.2:
        variables["CONVT_NUM_THREADS"] = str(rng.choice(_THREADS))
    backend: str | None = None
    draw = rng.random()
    if draw < 0.05:
        backend = "numpy"
    elif draw < 0.5:
        backend = "cpu"
    elif draw < 0.6:
        variables["CONVT_BACKEND"] = str(rng.choice(["cpu", "numpy,cpu", "cpu,numpy"]))
    return Surroundings(tuple(variables.items()), backend, threads)
