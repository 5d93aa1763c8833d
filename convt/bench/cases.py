"""The cases: layers of well-known networks, and shapes that strain an engine in one way.

`CASES`, and `SAMPLING_CASES` for upsampling and pooling, are the lists that ``python -m convt bench`` and the benchmarks of
asv share. A name is family-variant; ``torch`` takes less than a third of a second for any of them on two cores.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import numpy as np

__all__ = ["CASES", "SAMPLING_CASES", "Case", "SamplingCase", "layer"]

Sizes: TypeAlias = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One layer, x (batch, channels, *size) and w (channels, outputs // groups, *kernel); see `layer`.

    Attributes
    ----------
    name : str
        The family, a hyphen, the variant.
    batch, channels, outputs, groups : int
    size, kernel, stride, padding, output_padding, dilation : tuple of int
        One entry per spatial axis.
    bias : bool
        Whether the network adds one in this layer.
    """

    name: str
    batch: int
    channels: int
    outputs: int
    groups: int
    size: Sizes
    kernel: Sizes
    stride: Sizes
    padding: Sizes
    output_padding: Sizes
    dilation: Sizes
    bias: bool

    @property
    def family(self) -> str:
        """What stands before the hyphen."""
        return self.name.partition("-")[0]

    @property
    def x_shape(self) -> Sizes:
        """Of the coarse array."""
        return (self.batch, self.channels, *self.size)

    @property
    def w_shape(self) -> Sizes:
        """Of the kernel."""
        return (self.channels, self.outputs // self.groups, *self.kernel)

    @property
    def y_shape(self) -> Sizes:
        """Of the fine array."""
        return (self.batch, self.outputs, *map(_fine_size, *self._axes))

    @property
    def multiply_adds(self) -> int:
        """Products that count: those that padding crops away are left out."""
        taps = prod(map(_taps_inside, *self._axes))
        return self.batch * self.channels * self.outputs // self.groups * taps

    @property
    def options(self) -> dict[str, Sizes | int]:
        """The arguments of `convt.conv_transpose` that are not arrays."""
        spatial = {name: getattr(self, name) for name in ("stride", "padding", "output_padding", "dilation")}
        return {**spatial, "groups": self.groups}

    @property
    def conv_options(self) -> dict[str, Sizes | int]:
        """Those of `convt.conv`, which makes the coarse array from the fine one."""
        return {name: value for name, value in self.options.items() if name != "output_padding"}

    @property
    def _axes(self) -> tuple[Sizes, ...]:
        return (self.size, self.kernel, self.stride, self.padding, self.output_padding, self.dilation)

    def __str__(self) -> str:
        """In one line, what is usual left out."""
        words = [f"{self.batch}, {self.channels}>{self.outputs}", _by(self.size), _by(self.kernel)]
        words.append(f"s{_short(self.stride)}")
        words += [f"p{_short(self.padding)}"] if any(self.padding) else []
        words += [f"op{_short(self.output_padding)}"] if any(self.output_padding) else []
        words += [f"d{_short(self.dilation)}"] if set(self.dilation) != {1} else []
        words += [f"{self.groups} groups"] if self.groups > 1 else []
        return f"{', '.join(words[:3])} {' '.join(words[3:])}"


@dataclass(frozen=True)
class SamplingCase:
    """One array (N, C, H, W) that is enlarged or pooled.

    Attributes
    ----------
    name : str
        "upsample" or "pool", a hyphen, the variant.
    shape : tuple of int
    factor : int
        The scale, or the size of the windows.
    stride, padding : int
        Of the windows.
    """

    name: str
    shape: tuple[int, int, int, int]
    factor: int
    stride: int = 2
    padding: int = 0

    @property
    def family(self) -> str:
        """What stands before the hyphen."""
        return self.name.partition("-")[0]

    def __str__(self) -> str:
        """In one line."""
        sizes = f"{self.shape[0]}, {self.shape[1]}, {self.shape[2]}x{self.shape[3]}"
        return (
            f"{sizes} x{self.factor}"
            if self.family == "upsample"
            else f"{sizes} k{self.factor} s{self.stride} p{self.padding}"
        )


def layer(
    name: str,
    batch: int,
    channels: int,
    outputs: int,
    size: Sizes,
    kernel: Sizes | int,
    stride: Sizes | int = 1,
    padding: Sizes | int = 0,
    *,
    output_padding: Sizes | int = 0,
    dilation: Sizes | int = 1,
    groups: int = 1,
    bias: bool = True,
) -> Case:
    """A case from numbers as a network's description gives them.

    Parameters
    ----------
    name : str
        The family, a hyphen, the variant.
    batch, channels, outputs, groups : int
    size : tuple of int
        Of x; its length gives the number of spatial axes.
    kernel, stride, padding, output_padding, dilation : int or tuple of int
        An int counts for every axis.
    bias : bool

    Returns
    -------
    Case

    Examples
    --------
    >>> from convt.bench.cases import layer
    >>> case = layer("dcgan-8", 16, 512, 256, (8, 8), 4, 2, 1)
    >>> case.y_shape
    (16, 256, 16, 16)
    >>> str(case)
    '16, 512>256, 8x8, 4x4 s2 p1'
    """

    def per_axis(value: Sizes | int) -> Sizes:
        return (value,) * len(size) if isinstance(value, int) else value

    return Case(
        name,
        batch,
        channels,
        outputs,
        groups,
        size,
        per_axis(kernel),
        per_axis(stride),
        per_axis(padding),
        per_axis(output_padding),
        per_axis(dilation),
        bias,
    )


def _fine_size(size: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int) -> int:
    return (size - 1) * stride - 2 * padding + (kernel - 1) * dilation + output_padding + 1


def _taps_inside(size: int, kernel: int, stride: int, padding: int, output_padding: int, dilation: int) -> int:
    """How many pairs of an element and a tap fall inside the fine axis."""
    places = np.add.outer(np.arange(size) * stride - padding, np.arange(kernel) * dilation)
    fine = _fine_size(size, kernel, stride, padding, output_padding, dilation)
    return int(np.count_nonzero((places >= 0) & (places < fine)))


def _by(sizes: Sizes) -> str:
    return "x".join(map(str, sizes))


def _short(sizes: Sizes) -> str:
    return str(sizes[0]) if len(set(sizes)) == 1 else _by(sizes)


_LAYERS = [
    # Radford et al., arXiv:1511.06434
    layer("dcgan-1", 16, 100, 1024, (1, 1), 4, bias=False),
    layer("dcgan-4", 16, 1024, 512, (4, 4), 4, 2, 1, bias=False),
    layer("dcgan-8", 16, 512, 256, (8, 8), 4, 2, 1, bias=False),
    layer("dcgan-16", 16, 256, 128, (16, 16), 4, 2, 1, bias=False),
    layer("dcgan-32", 16, 128, 3, (32, 32), 4, 2, 1, bias=False),
    # Isola et al., arXiv:1611.07004: the decoder of the generator for 256 x 256 pixels
    layer("pix2pix-1", 1, 512, 512, (1, 1), 4, 2, 1, bias=False),
    layer("pix2pix-4", 1, 1024, 512, (4, 4), 4, 2, 1, bias=False),
    layer("pix2pix-16", 1, 1024, 256, (16, 16), 4, 2, 1, bias=False),
    layer("pix2pix-32", 1, 512, 128, (32, 32), 4, 2, 1, bias=False),
    layer("pix2pix-64", 1, 256, 64, (64, 64), 4, 2, 1, bias=False),
    layer("pix2pix-128", 1, 128, 3, (128, 128), 4, 2, 1),
    # Wu et al., arXiv:1610.07584: shapes in voxels
    layer("gan3d-4", 2, 512, 256, (4, 4, 4), 4, 2, 1, bias=False),
    layer("gan3d-16", 1, 128, 64, (16, 16, 16), 4, 2, 1, bias=False),
    layer("gan3d-32", 1, 64, 1, (32, 32, 32), 4, 2, 1, bias=False),
    # Ronneberger et al., arXiv:1505.04597
    layer("unet-28", 1, 1024, 512, (28, 28), 2, 2),
    layer("unet-56", 1, 512, 256, (56, 56), 2, 2),
    layer("unet-256", 1, 128, 64, (256, 256), 2, 2),
    # Isensee et al., arXiv:1809.10486: decoders for patches of 256 x 256, 80 x 80 x 80 and 20 x 256 x 224
    layer("nnunet2d-8", 4, 512, 512, (8, 8), 2, 2),
    layer("nnunet2d-16", 4, 512, 256, (16, 16), 2, 2),
    layer("nnunet2d-32", 4, 256, 128, (32, 32), 2, 2),
    layer("nnunet2d-64", 4, 128, 64, (64, 64), 2, 2),
    layer("nnunet2d-128", 4, 64, 32, (128, 128), 2, 2),
    layer("nnunet3d-5", 2, 320, 256, (5, 5, 5), 2, 2),
    layer("nnunet3d-10", 2, 256, 128, (10, 10, 10), 2, 2),
    layer("nnunet3d-20", 2, 128, 64, (20, 20, 20), 2, 2),
    layer("nnunet3d-40", 1, 64, 32, (40, 40, 40), 2, 2),
    layer("nnunet3d-flat", 2, 320, 256, (5, 16, 14), (1, 2, 2), (1, 2, 2)),
    # He et al., arXiv:1703.06870: the mask head, 100 regions
    layer("maskrcnn-14", 100, 256, 256, (14, 14), 2, 2),
    # Long et al., arXiv:1411.4038: 21 classes
    layer("fcn-32", 1, 21, 21, (16, 16), 64, 32, 16, bias=False),
    layer("fcn-16", 1, 21, 21, (32, 32), 32, 16, 8, bias=False),
    layer("fcn-8", 1, 21, 21, (64, 64), 16, 8, 4, bias=False),
    # Dong et al., arXiv:1608.00367
    layer("fsrcnn-x2", 1, 56, 1, (128, 128), 9, 2, 4, output_padding=1),
    layer("fsrcnn-x3", 1, 56, 1, (128, 128), 9, 3, 4, output_padding=2),
    layer("fsrcnn-x4", 1, 56, 1, (128, 128), 9, 4, 4, output_padding=3),
    # Kong et al., arXiv:2010.05646: the generator V1, 1.5 seconds
    layer("hifigan-128", 1, 512, 256, (128,), 16, 8, 4),
    layer("hifigan-1024", 1, 256, 128, (1024,), 16, 8, 4),
    layer("hifigan-8192", 1, 128, 64, (8192,), 4, 2, 1),
    layer("hifigan-16384", 1, 64, 32, (16384,), 4, 2, 1),
    # The inverse short-time Fourier transform: one magnitude per frequency, or real and imaginary parts
    layer("istft-513", 1, 513, 1, (400,), 1024, 256, bias=False),
    layer("istft-1026", 1, 1026, 1, (400,), 1024, 256, bias=False),
    # Rouard et al., arXiv:2211.08553: the decoder of spectrograms, long along the frequencies only
    layer("demucs-8", 1, 384, 192, (8, 336), (8, 1), (4, 1), (2, 0)),
    layer("demucs-32", 1, 192, 96, (32, 336), (8, 1), (4, 1), (2, 0)),
    # One filter per channel
    layer("depthwise-bilinear", 4, 64, 64, (64, 64), 4, 2, 1, groups=64, bias=False),
    layer("depthwise-3x3", 4, 256, 256, (32, 32), 3, 2, 1, output_padding=1, groups=256, bias=False),
    layer("depthwise-1d", 1, 128, 128, (8192,), 12, 2, 5, groups=128, bias=False),
    layer("depthwise-3d", 1, 32, 32, (24, 24, 24), 4, 2, 1, groups=32, bias=False),
    layer("grouped-4", 8, 128, 128, (32, 32), 4, 2, 1, groups=4),
    layer("grouped-32", 4, 256, 256, (28, 28), 3, 2, 1, output_padding=1, groups=32),
    layer("dilated-2d", 4, 64, 64, (56, 56), 3, 1, 2, dilation=2),
    layer("dilated-stride", 4, 64, 64, (28, 28), 3, 2, 2, output_padding=1, dilation=2),
    layer("dilated-1d", 4, 64, 64, (4096,), 3, 1, 8, dilation=8),
    layer("uneven-2d", 4, 64, 48, (20, 80), (3, 5), (1, 3), (1, 2), output_padding=(0, 1)),
    layer("stride1-3x3", 8, 64, 64, (56, 56), 3, 1, 1),
    layer("stride1-5x5", 4, 32, 32, (64, 64), 5, 1, 2),
    # Calls of about a millisecond, in which a thread that has no core shows most; see `busy`
    layer("busy-184", 1, 24, 1, (184, 184), 2, 2),
    layer("busy-28", 1, 64, 32, (28, 28), 4, 2),
    layer("busy-56", 1, 128, 64, (56, 56), 2, 2),
    layer("busy-64", 1, 32, 32, (64, 64), 3),
    # So little work that the way to it counts
    layer("tiny-1d", 1, 4, 4, (16,), 4, 2, 1),
    layer("tiny-2d", 1, 3, 3, (4, 4), 3, 2, bias=False),
    layer("tiny-3d", 1, 2, 2, (4, 4, 4), 2, 2),
    layer("tiny-batch", 4, 16, 16, (8, 8), 4, 2, 1),
]

CASES = {case.name: case for case in _LAYERS}

SAMPLING_CASES = {
    case.name: case
    for case in (
        SamplingCase("upsample-14", (16, 256, 14, 14), 2),
        SamplingCase("upsample-64", (8, 32, 64, 64), 2),
        SamplingCase("upsample-128", (1, 64, 128, 128), 2),
        SamplingCase("upsample-512", (1, 3, 512, 512), 4),
        SamplingCase("pool-14", (16, 256, 14, 14), 2),
        SamplingCase("pool-64", (8, 32, 64, 64), 2),
        SamplingCase("pool-128", (1, 64, 128, 128), 2),
        SamplingCase("pool-512", (1, 3, 512, 512), 2),
    )
}
