"""A case: everything that follows from a seed and a number, drawn, run and compared."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import banks, gradients, layers, matconvnet, matrices, mistakes, operators, pooling, upsampling
from .surroundings import Surroundings, draw_surroundings
from .trial import Trial

SUBJECTS: dict[str, tuple[Callable[[np.random.Generator], Trial], float]] = {
    "operator": (operators.draw, 24),
    "gradients": (gradients.draw, 26),
    "gradients of gradients": (gradients.draw_second, 7),
    "layer": (layers.draw, 8),
    "MatConvNet": (matconvnet.draw, 10),
    "matrix": (matrices.draw, 5),
    "upsampling": (upsampling.draw, 8),
    "pooling": (pooling.draw, 10),
    "filter bank": (banks.draw, 1),
    "mistake": (mistakes.draw, 3),
}


@dataclass(frozen=True)
class Outcome:
    """What became of a case.

    Attributes
    ----------
    subject, words : str
        What was called, and with what.
    failure : str or None
        What is wrong.
    seconds : float
    """

    subject: str
    words: str
    failure: str | None
    seconds: float


def run_case(seed: int, number: int) -> Outcome:
    """Draw a case, make its call, and compare."""
    begin = time.perf_counter()
    rng = np.random.default_rng([seed, number])
    names = list(SUBJECTS)
    weights = np.array([weight for _draw, weight in SUBJECTS.values()])
    subject = str(rng.choice(names, p=weights / weights.sum()))
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("error")
        trial = SUBJECTS[subject][0](rng)
        surroundings = draw_surroundings(rng, trial.engines)
        failure = _judged(rng, trial, surroundings)
    words = [trial.words, *(f"  {name}: {each.words}" for name, each in trial.inputs.items())]
    if trial.out is not None:
        words.append(f"  out: {trial.out.words}")
    words.append(f"  surroundings: {surroundings}")
    return Outcome(subject, "\n".join(words), failure, time.perf_counter() - begin)


def _judged(rng: np.random.Generator, trial: Trial, surroundings: Surroundings) -> str | None:
    results, failure = _called(trial, surroundings)
    if results is None or failure:
        return failure
    failure = _wrong_results(trial, results) or _wrong_memory(trial)
    if failure or rng.random() < 0.7 or not results:
        return failure
    if trial.out is not None:
        results = {name: result.copy() for name, result in results.items()}
        trial.out.restore()
    other = surroundings.with_other_threads(rng)
    again, failure = _called(trial, other)
    if again is None or failure:
        return f"called again ({other}): {failure}"
    for name, result in results.items():
        if result is not None and _bits(result) != _bits(again[name]):
            return f"{name} has other bits when called again ({other})"
    return None


def _called(trial: Trial, surroundings: Surroundings) -> tuple[dict[str, Any] | None, str | None]:
    """The results, or None where an error is right, and what is wrong."""
    try:
        with surroundings.applied():
            results = trial.call(surroundings.backend)
    except Exception as error:
        if isinstance(error, trial.refused):
            return None, _wrong_memory(trial) or (
                "out was written by a call that is refused" if trial.out is not None and trial.out.changed() else None
            )
        if isinstance(error, trial.accepted):
            return None, _wrong_memory(trial)
        notes = "; ".join(getattr(error, "__notes__", []))
        return None, f"raised {type(error).__name__}: {error} ({notes})"
    if trial.refused:
        return results, "was not refused"
    return results, None


def _wrong_results(trial: Trial, results: dict[str, Any]) -> str | None:
    for name, answer in trial.answers.items():
        got = results[name]
        words = answer.wrong(got) if answer is not None else None if got is None else "is there, and should be None"
        if words:
            return f"{name} {words}"
    if trial.out is not None and next(iter(results.values())) is not trial.out.array:
        return "the result is not out"
    return None


def _wrong_memory(trial: Trial) -> str | None:
    for name, each in trial.inputs.items():
        if each.changed() and not (trial.out is not None and trial.out.store is each.store):
            return f"memory of {name} or around it was changed"
    if trial.out is not None and trial.out.changed_outside():
        return "something was written outside of out"
    return None


def _bits(array: Any) -> bytes:
    return bytes(np.asarray(array).tobytes())
