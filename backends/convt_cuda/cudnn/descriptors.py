"""cuDNN's descriptors: made and set at once, destroyed when they are closed or forgotten.

They live in the host's memory and need no context.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from ctypes import Array, byref, c_int, c_void_p
from types import TracebackType
from typing import Self

from .library import Library

__all__ = ["CROSS_CORRELATION", "ConvolutionDescriptor", "Descriptor", "FilterDescriptor", "TensorDescriptor"]

CROSS_CORRELATION = 1


class Descriptor:
    """A descriptor of one kind; a context manager that destroys it at its end.

    Attributes
    ----------
    address : int
        What functions are given.
    """

    kind = ""

    def __init__(self, library: Library) -> None:
        made = c_void_p()
        library.call(f"cudnnCreate{self.kind}Descriptor", byref(made))
        self.address = made.value
        self._library = library
        self._destroy = weakref.finalize(self, library.call, f"cudnnDestroy{self.kind}Descriptor", made)

    def close(self) -> None:
        """Destroy it; more than once does no harm."""
        self._destroy()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _set(self, function: str, *arguments: object) -> None:
        """Call the function that gives it its content; a descriptor that cannot have it is of no use."""
        try:
            self._library.call(function, self.address, *arguments)
        except Exception:
            self.close()
            raise


class TensorDescriptor(Descriptor):
    """An array: data type, sizes, strides in elements."""

    kind = "Tensor"

    def __init__(self, library: Library, data_type: int, shape: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__(library)
        self._set("cudnnSetTensorNdDescriptor", data_type, len(shape), _ints(shape), _ints(strides))


class FilterDescriptor(Descriptor):
    """Filters (outputs, inputs, *spatial) that lie densely, in one of cuDNN's orders."""

    kind = "Filter"

    def __init__(self, library: Library, data_type: int, order: int, shape: Sequence[int]) -> None:
        super().__init__(library)
        self._set("cudnnSetFilterNdDescriptor", data_type, order, len(shape), _ints(shape))


class ConvolutionDescriptor(Descriptor):
    """Padding, stride, dilation, groups, the type of sums, and what may be done to numbers on their way (`math`)."""

    kind = "Convolution"

    def __init__(
        self,
        library: Library,
        data_type: int,
        padding: Sequence[int],
        stride: Sequence[int],
        dilation: Sequence[int],
        groups: int,
        math: int,
    ) -> None:
        super().__init__(library)
        geometry = (_ints(padding), _ints(stride), _ints(dilation))
        self._set("cudnnSetConvolutionNdDescriptor", len(padding), *geometry, CROSS_CORRELATION, data_type)
        self._set("cudnnSetConvolutionGroupCount", groups)
        self._set("cudnnSetConvolutionMathType", math)


def _ints(values: Sequence[int]) -> Array[c_int]:
    return (c_int * len(values))(*values)
