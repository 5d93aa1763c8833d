"""Types of convt's arguments and results: for a type checker, and for signatures of your own.

They are stricter than NumPy's: strings are no arrays, ``stride="2"`` is no stride, and ``padding="sam"`` is an error before
the program runs. A function with the same annotations is as strict::

    from convt.typing import ArrayLike, NumPyArray, PaddingLike

    def blur(x: ArrayLike, padding: PaddingLike = "same") -> NumPyArray: ...

============================================  ==============================================================================
type                                          values
============================================  ==============================================================================
``ArrayLike``                                 ``NumPyLike``, or an array of another kind: with ``__array__``, ``__dlpack__``
                                              or ``__cuda_array_interface__``
``NumPyLike``                                 NumPy arrays, numbers, nested sequences of both, and objects with
                                              ``__array_interface__``; what is computed from them is a NumPy array
``NumPyArray``                                a NumPy array of any dtype
``ArrayT``                                    the kind of x, which is that of the result
``SizesLike``, ``ShapeLike``                  an integer or one per axis; a shape
``ChunksLike``                                for each axis, a size of chunks or the sizes of all
``PaddingLike``                               an integer, an integer or a pair per axis, or a ``PaddingName``
``LayoutName``, ``ModeName``                  the words of ``layout``, and of ``mode`` in `convt.upsample`
``IndexingName``, ``OperatorName``            the words of ``indexing`` in `convt.max_pool`, of ``op`` in `convt.blocks`
``GradientNames``, ``SecondGradientNames``    the words of ``needs``
``WeightInitializer``, ``BiasInitializer``    first values of layers: a name, numbers, or a function of shape and generator
``FloatDTypeLike``                            float16, float32 or float64, as a dtype or by name
``NumbersLike``                               numbers as MATLAB's options take them
============================================  ==============================================================================

For x of another kind than NumPy's, results have x's type, since a type checker cannot know which kinds convt knows. Objects
with ``__array__`` or ``__dlpack__`` of a kind that it does not know give NumPy arrays: pass ``numpy.asarray(x)``.

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
    "ChunksLike",
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
    "OperatorName",
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
ChunksLike: TypeAlias = Sequence[SizesLike]
PaddingName: TypeAlias = Literal["valid", "same", "same_lower"]
PaddingLike: TypeAlias = SizesLike | Sequence[SupportsIndex | Sequence[SupportsIndex]] | PaddingName
LayoutName: TypeAlias = Literal["NCW", "NWC", "WCN", "NCHW", "NHWC", "HWCN", "NCDHW", "NDHWC", "DHWCN"]
ModeName: TypeAlias = Literal["nearest", "bilinear", "bed_of_nails", "linear", "trilinear"]
OperatorName: TypeAlias = Literal["conv_transpose", "conv"]
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
