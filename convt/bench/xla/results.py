"""The results: what was measured of one job, and the figures that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..jobs import LayerJob
from ..timing import Times

__all__ = ["LIMIT", "OURS", "WRITTEN", "Measured", "Result"]

OURS = "convt.jax"
LIMIT = 60.0  # seconds for a program to be compiled and called once
WRITTEN = "dilated"  # the form that users write; an order of axes follows


class Measured(NamedTuple):
    """What came of one job; without arrays, so that it can be sent to another process.

    Attributes
    ----------
    times : dict of str to Times
    tried : dict of str to float
        Seconds of the fastest trial of each form that computes the same as convt.
    wrong : dict of str to float
    reasons : dict of str to str
    others : float or None
        The part of the cores that other programs took meanwhile.
    """

    times: dict[str, Times]
    tried: dict[str, float]
    wrong: dict[str, float]
    reasons: dict[str, str]
    others: float | None


@dataclass(frozen=True)
class Result:
    """One job, by `convt.jax` and by XLA in its forms.

    Attributes
    ----------
    job : LayerJob
    measured : Measured
    """

    job: LayerJob
    measured: Measured

    @property
    def wrong(self) -> dict[str, float]:
        """Forms that computed something else than convt, and how far they are off."""
        return self.measured.wrong

    @property
    def reasons(self) -> dict[str, str]:
        """Forms that are missing, and why."""
        return self.measured.reasons

    @property
    def written(self) -> str | None:
        """The faster of what users write; None where XLA cannot do that."""
        return self._fastest([name for name in self.measured.times if name.startswith(WRITTEN)])

    @property
    def best(self) -> str | None:
        """The fastest form; None where XLA can do none."""
        return self._fastest([name for name in self.measured.times if name != OURS])

    def ratio(self, name: str | None) -> float | None:
        """How many times as long as `convt.jax` a form takes; None where either is missing."""
        times = self.measured.times
        return times[name].median / times[OURS].median if name and OURS in times else None

    def _fastest(self, names: list[str]) -> str | None:
        return min(names, key=lambda name: self.measured.times[name].median, default=None)
