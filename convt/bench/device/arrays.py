"""Arrays on the device: the backend's own, or PyTorch's tensors; and jobs whose arrays lie there."""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...backend import DeviceBackend
from ...functions import pooling
from ..jobs import Contender, LayerJob, SamplingJob
from ..timing import Run

__all__ = ["Arrays", "OwnArrays", "Placed"]


class Arrays(Protocol):
    """A kind of array on the device."""

    def put(self, array: NDArray[Any], channels_last: bool) -> Any:
        """A copy on the device, in the dtype that is timed."""

    def get(self, array: Any) -> NDArray[Any]:
        """A copy in the host's memory, of numbers that NumPy has."""


class OwnArrays:
    """The backend's.

    Parameters
    ----------
    backend : DeviceBackend
    dtype : str

    Raises
    ------
    ValueError
        NumPy lacks the dtype.
    """

    def __init__(self, backend: DeviceBackend, dtype: str) -> None:
        if dtype == "bfloat16":
            raise ValueError("dtype must be one that NumPy has where PyTorch sees no GPU, got 'bfloat16'")
        self._backend, self._dtype = backend, dtype

    def put(self, array: NDArray[Any], channels_last: bool) -> Any:
        """A copy on the device, in the dtype that is timed."""
        array = array.astype(self._dtype)
        if not channels_last or array.ndim < 3:
            return self._backend.from_host(np.ascontiguousarray(array))
        axes = range(array.ndim)
        last = self._backend.from_host(np.ascontiguousarray(np.moveaxis(array, 1, -1)))
        return last.transpose((0, axes[-1], *axes[1:-1]))

    def get(self, array: Any) -> NDArray[Any]:
        """A copy in the host's memory."""
        return self._backend.to_host(self._backend.from_caller(array))


class Placed:
    """A job whose arrays lie on the device; all else is the job's.

    Parameters
    ----------
    job : LayerJob or SamplingJob
    arrays : Arrays
    channels_last : bool
    """

    def __init__(self, job: LayerJob | SamplingJob, arrays: Arrays, channels_last: bool) -> None:
        self._job, self._arrays, self._last = job, arrays, channels_last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._job, name)

    def call(self, contender: Contender) -> Run:
        """A contender's call that does the job once."""
        placed: Any = self
        return contender.layer(placed) if isinstance(self._job, LayerJob) else contender.sampling(placed)

    @cached_property
    def x(self) -> Any:
        """The argument."""
        return self._put(self._job.x)

    @cached_property
    def w(self) -> Any:
        """The kernel."""
        return self._put(self._job.w)  # type: ignore[union-attr]  # only layers are asked for it

    @cached_property
    def bias(self) -> Any:
        """Where there is one."""
        bias = self._job.bias  # type: ignore[union-attr]
        return None if bias is None else self._put(bias)

    @cached_property
    def dy(self) -> Any:
        """The gradient of the result."""
        return self._put(self._job.dy)

    @cached_property
    def pooled(self) -> pooling.Pooled:
        """The maxima and indices of x."""
        return pooling.max_pool(self.x, **self._job.windows)  # type: ignore[union-attr]

    def _put(self, array: NDArray[Any]) -> Any:
        return self._arrays.put(array, self._last)
