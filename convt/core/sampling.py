"""What upsampling and pooling share: the dtypes of a call, and how a backend runs on its arrays.

Both treat each channel by itself, so their problem has one filter per channel. Backends take float32 and float64. Values
that are only copied are passed as floats of the same size, bit for bit; if there is no such float, the NumPy backend, which
takes any dtype, does the work.
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
        The dtype of the result.
    compute : numpy.dtype
        The dtype that values are converted to.
    copy_dtype : numpy.dtype
        The dtype, of the same size, as which a backend is given them.
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
    """Return the dtypes of a call that adds up values, as the operators do."""
    result = result_type([dtype])
    compute = compute_type(result)
    return Dtypes(result, compute, compute)


def copied(dtype: np.dtype) -> Dtypes:
    """Return the dtypes of a call that only copies values."""
    own = native(dtype)
    return Dtypes(own, own, _BITS if is_bfloat16(own) else COPY_DTYPES.get(own.itemsize, own))


def compared(dtype: np.dtype) -> Dtypes:
    """Return the dtypes of a call that compares values: 16-bit floats and small integers are compared as wider floats."""
    own = native(dtype)
    compute = COPY_DTYPES[4] if is_bfloat16(own) else _ORDERED_ALIKE.get(own, own)
    return Dtypes(own, compute, compute)


@dataclass(eq=False, slots=True)
class SamplingCall(Call):
    """A call of upsampling or pooling.

    Attributes
    ----------
    copy_dtype : numpy.dtype
        The dtype as which a backend is given the values; see `Dtypes`.
    """

    copy_dtype: np.dtype

    def backend(self, chosen: Backend) -> Backend:
        """Return the backend that computes: the chosen one, or NumPy's for dtypes that only that one takes."""
        if part_type(self.copy_dtype) == self.problem.dtype:
            return chosen
        with loading:
            from ..numpy_backend import backend
        return backend

    def parts(self, array: Any) -> list[Any]:
        """Return views of an array as a backend takes it: the array, or its real and imaginary parts."""
        view = self.frame.view
        return [view(part) for part in real_and_imag(viewed_as(array, self.copy_dtype))]


def run_into(
    memory: Memory, call: SamplingCall, array: Any, out: Any, inputs: tuple[Any, ...], run: Callable[[Any, Any], None]
) -> Any:
    """Compute the result from `array`, into `out` if it is given, by ``run(source, target)``.

    Complex arrays are run part by part. `inputs` are other arrays that are read and that `out` may overlap.
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
