"""Types of convt's arguments and results: for a type checker, and for signatures of your own.

A function that is annotated with them is as particular as convt's are: strings are no arrays, ``stride="2"`` is no stride,
and ``padding="sam"`` is a mistake that is found before the program runs::

    from convt.typing import ArrayLike, PaddingLike

    def blur(x: ArrayLike, padding: PaddingLike = "same") -> NDArray[Any]: ...

What is computed from a NumPy array, from numbers and from sequences of numbers is a NumPy array. An array of another kind is
taken to give its own kind, since no type tells which kinds convt knows at run time; for an object that has ``__array__``
alone, pass ``numpy.asarray(x)``.

Examples
--------
>>> from typing import get_args
>>> from convt.typing import ModeName
>>> get_args(ModeName)
('nearest', 'bilinear', 'bed_of_nails', 'linear', 'trilinear')
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, SupportsIndex, TypeAlias, TypeVar, overload

import numpy as np

__all__ = [
    "AnyArray",
    "ArrayLike",
    "ArrayT",
    "BiasInitializer",
    "FloatDTypeLike",
    "FollowName",
    "GradientName",
    "GradientNames",
    "IndexingName",
    "LayoutName",
    "ModeName",
    "NestedSequence",
    "NumPyArray",
    "NumPyLike",
    "Number",
    "NumbersLike",
    "PaddingLike",
    "PaddingName",
    "SecondGradientName",
    "SecondGradientNames",
    "ShapeLike",
    "SizesLike",
    "SupportsArray",
    "SupportsArrayInterface",
    "SupportsCudaArrayInterface",
    "SupportsDLPack",
    "WeightInitializer",
]

_Element = TypeVar("_Element", covariant=True)


class SupportsArray(Protocol):
    """What `numpy.asarray` converts by calling ``__array__``."""

    def __array__(self) -> Any:
        """A NumPy array."""


class SupportsArrayInterface(Protocol):
    """Host memory that is described as NumPy's array interface does."""

    @property
    def __array_interface__(self) -> dict[str, Any]:
        """Address, shape and type."""


class SupportsCudaArrayInterface(Protocol):
    """Device memory that is described as Numba's CUDA array interface does."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """Address, shape and type."""


class SupportsDLPack(Protocol):
    """What is handed from library to library by DLPack: tensors of PyTorch, JAX and CuPy, and arrays of the array API."""

    def __dlpack__(self) -> Any:
        """A capsule with the memory."""


class NestedSequence(Protocol[_Element]):
    """A list, a tuple or another sequence, of elements or of such sequences; no string and no bytes.

    Any object is asked for by ``x in sequence``, while a string may only be asked for strings, and bytes for numbers. A
    mapping has no slices.
    """

    def __len__(self) -> int:
        """The number of elements."""

    def __contains__(self, value: object, /) -> bool:
        """Whether an element equals the value."""

    @overload
    def __getitem__(self, index: int, /) -> _Element | NestedSequence[_Element]: ...
    @overload
    def __getitem__(self, index: slice[Any, Any, Any], /) -> object: ...


NumPyArray: TypeAlias = np.ndarray[tuple[Any, ...], np.dtype[Any]]
Number: TypeAlias = complex | np.number[Any] | np.bool_
NumPyLike: TypeAlias = NumPyArray | Number | NestedSequence[Number | SupportsArray] | SupportsArrayInterface
AnyArray: TypeAlias = SupportsDLPack | SupportsCudaArrayInterface | SupportsArray
ArrayLike: TypeAlias = NumPyLike | AnyArray

if TYPE_CHECKING:
    import typing_extensions

    ArrayT = typing_extensions.TypeVar("ArrayT", bound=AnyArray, default=NumPyArray)
else:  # Python knows no default before 3.13
    ArrayT = TypeVar("ArrayT")

SizesLike: TypeAlias = SupportsIndex | Sequence[SupportsIndex] | np.ndarray[Any, np.dtype[np.integer[Any]]]
ShapeLike: TypeAlias = Sequence[SupportsIndex] | np.ndarray[Any, np.dtype[np.integer[Any]]]
PaddingName: TypeAlias = Literal["valid", "same", "same_lower"]
PaddingLike: TypeAlias = SizesLike | Sequence[SupportsIndex | Sequence[SupportsIndex]] | PaddingName
LayoutName: TypeAlias = Literal["NCW", "NWC", "WCN", "NCHW", "NHWC", "HWCN", "NCDHW", "NDHWC", "DHWCN"]
ModeName: TypeAlias = Literal["nearest", "bilinear", "bed_of_nails", "linear", "trilinear"]
IndexingName: TypeAlias = Literal["spatial", "tensor"]
GradientName: TypeAlias = Literal["x", "w", "bias"]
GradientNames: TypeAlias = GradientName | tuple[GradientName, ...] | Collection[GradientName]
SecondGradientName: TypeAlias = Literal["x", "w", "dy"]
SecondGradientNames: TypeAlias = SecondGradientName | tuple[SecondGradientName, ...] | Collection[SecondGradientName]
FollowName: TypeAlias = Literal["output", "input"]

NumbersLike: TypeAlias = float | np.number[Any] | Sequence[float | np.number[Any]] | NumPyArray
FloatDTypeLike: TypeAlias = (
    Literal["float16", "float32", "float64"] | type[float | np.floating[Any]] | np.dtype[np.floating[Any]]
)
_Draw: TypeAlias = Callable[[tuple[int, ...], "np.random.Generator"], ArrayLike]  # which NumPy loads when asked
BiasInitializer: TypeAlias = Literal["zeros", "ones", "uniform", "normal"] | ArrayLike | _Draw
WeightInitializer: TypeAlias = (
    BiasInitializer
    | Literal["xavier", "glorot_uniform", "glorot_normal", "he", "he_uniform", "he_normal"]
    | Literal["kaiming", "kaiming_uniform", "kaiming_normal", "bilinear", "icnr"]
)
