"""What upsampling and pooling share: the dtypes of a call, and how a backend's map runs on its arrays.

Both go channel by channel, so their problem is that of one filter for each channel. Backends compute in float32 and float64;
values that are only copied travel as floats of the same size, bit for bit, and where there are none of that size NumPy's
definition does the work.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..backend import Backend, loading
from .arrays import COPY_DTYPES, compute_type, native, part_type, real_and_imag, result_type, viewed_as
from .bfloat16 import is_bfloat16
from .call import Call
from .memory import Memory

__all__ = ["Dtypes", "SamplingCall", "compared", "copied", "run_into", "summed"]

_ORDERED_ALIKE: dict[np.dtype, np.dtype] = {np.dtype(name): COPY_DTYPES[4] for name in ("f2", "i1", "i2", "u1", "u2")} | {
    np.dtype(name): COPY_DTYPES[8] for name in ("i4", "u4")
}
_BITS = np.dtype(np.uint16)


class Dtypes(NamedTuple):
    """The dtypes of a call.

    Attributes
    ----------
    result : numpy.dtype
        Of what the caller gets.
    compute : numpy.dtype
        To which values are converted.
    copy_dtype : numpy.dtype
        As which a backend sees them, of the same size.
    """

    result: np.dtype
    compute: np.dtype
    copy_dtype: np.dtype

    @property
    def problem(self) -> np.dtype:
        """The dtype of the call's problem."""
        part = part_type(self.copy_dtype)
        return part if part in COPY_DTYPES.values() else COPY_DTYPES[8]


def summed(dtype: np.dtype) -> Dtypes:
    """The dtypes where values are added up, as by the operators."""
    result = result_type([dtype])
    compute = compute_type(result)
    return Dtypes(result, compute, compute)


def copied(dtype: np.dtype) -> Dtypes:
    """The dtypes where values are copied."""
    own = native(dtype)
    return Dtypes(own, own, _BITS if is_bfloat16(own) else COPY_DTYPES.get(own.itemsize, own))


def compared(dtype: np.dtype) -> Dtypes:
    """The dtypes where values are compared: floats that order the same values alike."""
    own = native(dtype)
    compute = COPY_DTYPES[4] if is_bfloat16(own) else _ORDERED_ALIKE.get(own, own)
    return Dtypes(own, compute, compute)


@dataclass(eq=False, slots=True)
class SamplingCall(Call):
    """A call of upsampling or pooling.

    Attributes
    ----------
    copy_dtype : numpy.dtype
        As which a backend sees the values.
    """

    copy_dtype: np.dtype

    def backend(self, chosen: Backend) -> Backend:
        """The backend that computes: the chosen one, or the definition for values that no backend takes."""
        return chosen if part_type(self.copy_dtype) == self.problem.dtype else _definition()

    def parts(self, array: Any) -> list[Any]:
        """An array of the compute dtype as (N, C, *spatial) in the dtype that a backend sees; a complex one as two."""
        view = self.frame.view
        return [view(part) for part in real_and_imag(viewed_as(array, self.copy_dtype))]


def run_into(
    memory: Memory, call: SamplingCall, array: Any, out: Any, inputs: tuple[Any, ...], run: Callable[[Any, Any], None]
) -> Any:
    """Run a map from `array` into the result or the caller's `out`: ``run(source, target)`` for each part of the numbers.

    `inputs` are the arrays besides that `out` may overlap.
    """
    target = memory.target(out, call, array, *inputs) if out is not None else memory.empty(call.shape, call.compute, array)
    if not call.problem.batch:
        return memory.give_back(target, out, call.result)
    source = memory.convert(array, call.compute)
    if call.frame.in_order and call.copy_dtype is call.compute is call.problem.dtype:
        run(source, target)
    else:
        for part, written in zip(call.parts(source), call.parts(target), strict=True):
            run(part, written)
    return memory.give_back(target, out, call.result)


def _definition() -> Backend:
    with loading:
        from ..numpy_backend import backend
    return backend
