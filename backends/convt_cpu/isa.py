"""The instruction set whose kernels run: the best one of this processor, unless ``CONVT_CPU_ISA`` says otherwise."""

from __future__ import annotations

from ._environment import variable
from ._kernels import instruction_sets

__all__ = ["available", "instruction_set", "isa_is_forced"]


def available() -> tuple[str, ...]:
    """The instruction sets of this build that this processor has, best first."""
    return _AVAILABLE


def instruction_set() -> str:
    """The one to use, read at every call.

    Raises
    ------
    ValueError
        ``CONVT_CPU_ISA`` names none that is available.
    """
    wanted = variable(b"CONVT_CPU_ISA")
    if wanted is None:
        return _AVAILABLE[0]
    if wanted not in _AVAILABLE:
        raise ValueError(f"CONVT_CPU_ISA must be one of {', '.join(_AVAILABLE)} on this processor, got {wanted!r}")
    return wanted


def isa_is_forced() -> bool:
    """Whether ``CONVT_CPU_ISA`` is set."""
    return variable(b"CONVT_CPU_ISA") is not None


_AVAILABLE = tuple(instruction_sets())
