"""MatConvNet's options: 'Name', value pairs and bare flags after the arrays, or keywords; the last one counts.

Names are case-insensitive and never abbreviated. Numbers are read as in MATLAB: one or several in a matrix of any shape, in
column order, with fractions cut off. `ConvTransposeOptions` and `ConvOptions` have the names, the defaults and the values.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from math import isfinite
from typing import Any, ClassVar, TypeAlias, TypeVar, cast

import numpy as np

from ..core.arguments import are_keys, as_flag
from ..hints import did_you_mean
from ..settings import options as call_options

__all__ = ["ConvOptions", "ConvTransposeOptions", "CudnnSettings", "Options", "read_options"]

Pair: TypeAlias = tuple[int, int]
Sides: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)  # compared by identity: `read_options` returns the same object for the same options
class Options:
    """The options that both functions have.

    Attributes
    ----------
    no_der_data, no_der_filters, no_der_biases : bool
        Derivatives to leave out.
    cudnn : bool, optional
    cudnn_workspace_limit : float, optional
        In bytes. None leaves cudnn and this limit as earlier calls set them.
    verbose : bool
    """

    no_der_data: bool = False
    no_der_filters: bool = False
    no_der_biases: bool = False
    cudnn: bool | None = None
    cudnn_workspace_limit: float | None = None
    verbose: bool = False

    flags: ClassVar[Mapping[str, tuple[str, bool]]] = {
        "NoDerData": ("no_der_data", True),
        "NoDerFilters": ("no_der_filters", True),
        "NoDerBiases": ("no_der_biases", True),
        "CuDNN": ("cudnn", True),
        "NoCuDNN": ("cudnn", False),
        "Verbose": ("verbose", True),
    }
    valued: ClassVar[Mapping[str, str]] = {"CudnnWorkspaceLimit": "cudnn_workspace_limit"}


@dataclass(frozen=True, eq=False)
class ConvTransposeOptions(Options):
    """The options of ``vl_nnconvt``: upsample is (UPY, UPX), crop (TOP, BOTTOM, LEFT, RIGHT)."""

    upsample: Pair = (1, 1)
    crop: Sides = (0, 0, 0, 0)
    num_groups: int = 1

    valued: ClassVar[Mapping[str, str]] = {
        "Upsample": "upsample",
        "Crop": "crop",
        "NumGroups": "num_groups",
        **Options.valued,
    }


@dataclass(frozen=True, eq=False)
class ConvOptions(Options):
    """The options of ``vl_nnconv``: pad is (TOP, BOTTOM, LEFT, RIGHT), stride and dilate are (Y, X)."""

    pad: Sides = (0, 0, 0, 0)
    stride: Pair = (1, 1)
    dilate: Pair = (1, 1)

    valued: ClassVar[Mapping[str, str]] = {"Pad": "pad", "Stride": "stride", "Dilate": "dilate", **Options.valued}


@dataclass
class CudnnSettings:
    """Settings that last from one call of a function to the next; None until a call sets them.

    Attributes
    ----------
    enabled : bool or None
    workspace_limit : float or None
        In bytes; inf for no limit.
    """

    enabled: bool | None = None
    workspace_limit: float | None = None

    def update(self, options: Options) -> None:
        """Keep what a call sets."""
        if options.cudnn is not None:
            self.enabled = options.cudnn
        if options.cudnn_workspace_limit is not None:
            self.workspace_limit = options.cudnn_workspace_limit

    def applied(self, verbose: bool) -> AbstractContextManager[None]:
        """Return a ``with`` block in which these settings apply; what no call has set stays as it is."""
        if not verbose and self.enabled is None and self.workspace_limit is None:
            return nullcontext()
        return call_options(cudnn=self.enabled, workspace_limit=self.workspace_limit, verbose=verbose or None)


AnyOptions = TypeVar("AnyOptions", bound=Options)


def read_options(kind: type[AnyOptions], positional: Sequence[Any], keywords: Mapping[str, Any]) -> AnyOptions:
    """Return the options of one call: the same object for the same options, sooner if they were written so before.

    Parameters
    ----------
    kind : type
        The function's options.
    positional : sequence
        'Name', value pairs and flags, as MATLAB writes them.
    keywords : mapping
        Keyword arguments, read after the others; None means not given.

    Raises
    ------
    ValueError, TypeError
        A name is unknown or not a string; a value is missing or breaks its rule.
    """
    given = [item for item in keywords.items() if item[1] is not None]
    written = [*positional]
    for item in given:
        written += item
    key = tuple([tuple(value) if type(value) is list else value for value in written])
    if are_keys(key):
        try:
            return cast(AnyOptions, _known(cast(Hashable, kind), key, len(positional)))
        except (ValueError, TypeError):
            pass  # raised again below, where lists are still lists in the message
    return _read(kind, positional, given)


def _read(kind: type[AnyOptions], positional: Sequence[Any], given: Iterable[tuple[str, Any]]) -> AnyOptions:
    pairs = chain(_named(kind, positional), given)
    values = {keyword: _READERS[keyword](keyword, value) for keyword, value in pairs}
    return cast(AnyOptions, _made(cast(Hashable, kind), tuple(sorted(values.items()))))


@lru_cache(maxsize=1024)
def _known(kind: type[Options], written: tuple[Any, ...], positional: int) -> Options:
    return _read(kind, written[:positional], zip(written[positional::2], written[positional + 1 :: 2], strict=True))


@lru_cache(maxsize=1024)
def _made(kind: type[Options], values: tuple[tuple[str, Any], ...]) -> Options:
    return kind(**dict(values))


def _named(kind: type[Options], arguments: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    """Yield the (keyword, value) pairs for arguments written as in MATLAB."""
    names = _by_small_letters((*kind.valued, *kind.flags))
    remaining = iter(arguments)
    for argument in remaining:
        if not isinstance(argument, str):
            raise TypeError(f"an option name must be a string, got {argument!r} (flags such as 'Verbose' take no value)")
        name = names.get(argument.lower())
        if name is None:
            likely = did_you_mean(argument, names.values())
            raise ValueError(f"an option name must be one of {', '.join(names.values())}, got {argument!r}{likely}")
        if name in kind.flags:
            yield kind.flags[name]
            continue
        try:
            yield kind.valued[name], next(remaining)
        except StopIteration:
            raise ValueError(f"{name} must be followed by its value, got nothing") from None


@lru_cache(maxsize=8)
def _by_small_letters(names: tuple[str, ...]) -> dict[str, str]:
    return {name.lower(): name for name in names}


def _integers(keyword: str, value: Any, *, form: str, full: int, least: int) -> tuple[int, ...]:
    """Return `full` integers; a single one counts for all of them."""
    numbers = _numbers(keyword, value, form, (1, full))
    if not all(map(isfinite, numbers.tolist())):
        raise ValueError(f"{keyword} must be finite, got {value!r}")
    integers = tuple(int(number) for number in numbers)
    if min(integers) < least:
        raise ValueError(f"{keyword} must be at least {least}, got {value!r} (fractions are cut off)")
    return integers if len(integers) == full else integers * full


def _groups(keyword: str, value: Any) -> int:
    return _integers(keyword, value, form="a number", full=1, least=1)[0]


def _bytes(keyword: str, value: Any) -> float:
    form = "a number of bytes, inf for no limit"
    limit = float(_numbers(keyword, value, form, (1,))[0])
    if not limit >= 0:
        raise ValueError(f"{keyword} must be at least 0, got {value!r}")
    return limit


def _numbers(keyword: str, value: Any, form: str, counts: tuple[int, ...]) -> np.ndarray:
    """Return a matrix of real numbers as a vector in column order."""
    try:
        numbers = np.asarray(value)
    except (ValueError, TypeError):
        numbers = np.asarray(None)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"{keyword} must be {form}, got {value!r}")
    if numbers.size not in counts:
        raise ValueError(f"{keyword} must be {form}, got {numbers.size} numbers: {value!r}")
    return numbers.ravel(order="F")


_SIDES = partial(_integers, form="a number or [TOP, BOTTOM, LEFT, RIGHT]", full=4, least=0)
_PAIR = partial(_integers, form="a number or [Y, X]", full=2, least=1)

_READERS: dict[str, Callable[[str, Any], Any]] = {
    "upsample": _PAIR,
    "crop": _SIDES,
    "num_groups": _groups,
    "pad": _SIDES,
    "stride": _PAIR,
    "dilate": _PAIR,
    "no_der_data": as_flag,
    "no_der_filters": as_flag,
    "no_der_biases": as_flag,
    "cudnn": as_flag,
    "cudnn_workspace_limit": _bytes,
    "verbose": as_flag,
}
