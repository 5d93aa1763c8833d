"""The settings under which a device is timed, each with a table of its own: both sides have the same freedoms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..cases import Case, SamplingCase
from ..jobs import LayerJob, SamplingJob
from ..results import TOLERANCE

__all__ = ["DTYPES", "Setting", "settings_of", "suits"]

# How far a result may be off as a fraction of the largest value: by what factors and results are rounded to.
DTYPES = {**TOLERANCE, "float16": 1e-2, "bfloat16": 5e-2}
_TF32 = 1e-2


@dataclass(frozen=True)
class Setting:
    """What is allowed, and how arrays lie.

    Attributes
    ----------
    words : str
        For the heading; "" for the plain one.
    tf32 : bool
        Whether float32 may be rounded to TF32 for the tensor cores.
    channels_last : bool
        Whether channels lie one beside the other.
    tolerance : float
    """

    words: str
    tf32: bool
    channels_last: bool
    tolerance: float


def settings_of(dtype: str) -> list[Setting]:
    """All settings for a dtype.

    Examples
    --------
    >>> from convt.bench.device.settings import settings_of
    >>> [setting.words for setting in settings_of("float32")], [setting.words for setting in settings_of("float16")]
    (['', 'TF32', 'channels last', 'channels last, TF32'], ['', 'channels last'])
    """
    off = DTYPES[dtype]
    found = []
    for last in ("", "channels last"):
        found.append(Setting(last, False, bool(last), off))
        if dtype == "float32":
            found.append(Setting(", ".join(filter(None, [last, "TF32"])), True, bool(last), _TF32))
    return found


def suits(setting: Setting, job: LayerJob | SamplingJob) -> bool:
    """Whether a job has this setting: PyTorch knows no channels last along one axis, and moving rounds nothing."""
    if isinstance(job, SamplingJob):
        return not setting.tf32
    return not setting.channels_last or _axes(job.case) > 1


def _axes(case: Case | SamplingCase) -> int:
    sizes: Sequence[int] = case.size if isinstance(case, Case) else case.shape[2:]
    return len(sizes)
