"""The three maps as cuDNN has them: gather is its convolution, the two others are the gradients of that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ..engine import Map

__all__ = ["MAPS", "CudnnMap"]


class CudnnMap(NamedTuple):
    """One map.

    Attributes
    ----------
    function : str
        What its functions' names have in common.
    inputs : tuple of str
        Roles of the two inputs, in cuDNN's order.
    output : str
    ours : tuple of str
        Roles of "left", "right" and "out".
    algorithms : tuple of str
        Names by number.
    sums : tuple of int
        The algorithms that add up products of elements as they are, and so keep to what an element reaches.
    """

    function: str
    inputs: tuple[str, str]
    output: str
    ours: tuple[str, str, str]
    algorithms: tuple[str, ...]
    sums: tuple[int, ...]


_FORWARD = "implicit GEMM, implicit precomputed GEMM, GEMM, direct, FFT, tiled FFT, Winograd, unfused Winograd"
_DATA = "0, 1, FFT, tiled FFT, Winograd, unfused Winograd"
_FILTER = "0, 1, FFT, 3, Winograd, unfused Winograd, tiled FFT"

MAPS: dict[Map, CudnnMap] = {
    "gather": CudnnMap(
        "ConvolutionForward",
        ("fine", "kernel"),
        "coarse",
        ("fine", "kernel", "coarse"),
        tuple(_FORWARD.split(", ")),
        (0, 1, 2, 3),
    ),
    "scatter": CudnnMap(
        "ConvolutionBackwardData",
        ("kernel", "coarse"),
        "fine",
        ("coarse", "kernel", "fine"),
        tuple(_DATA.split(", ")),
        (0, 1),
    ),
    "correlate": CudnnMap(
        "ConvolutionBackwardFilter",
        ("fine", "coarse"),
        "kernel",
        ("fine", "coarse", "kernel"),
        tuple(_FILTER.split(", ")),
        (0, 1, 3),
    ),
}
