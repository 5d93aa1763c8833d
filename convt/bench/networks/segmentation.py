"""Networks that segment: U-Net, nnU-Net in three dimensions, FCN-32s and SegNet."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

__all__ = ["FCN32s", "SegNet", "nnunet", "unet"]

VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, and how many layers have them


class _Ladder(nn.Module):
    """A path down, a path up, and concatenation across."""

    def __init__(self, down: list[nn.Module], up: list[nn.Module], across: list[nn.Module], end: nn.Module) -> None:
        super().__init__()
        self.down, self.up, self.across = nn.ModuleList(down), nn.ModuleList(up), nn.ModuleList(across)
        self.end = end

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores."""
        skipped = []
        for layers in self.down:
            x = layers(x)
            skipped.append(x)
        skipped.pop()
        for enlarge, layers in zip(self.up, self.across, strict=True):
            x = layers(torch.cat([enlarge(x), skipped.pop()], 1))
        return self.end(x)


def unet() -> nn.Module:
    """O. Ronneberger, P. Fischer and T. Brox, arXiv:1505.04597, with padding and batch normalization, as it is used."""

    def twice(inputs: int, outputs: int) -> list[nn.Module]:
        return [
            layer
            for channels in (inputs, outputs)
            for layer in (nn.Conv2d(channels, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU())
        ]

    channels = [64, 128, 256, 512, 1024]
    down = [nn.Sequential(*twice(3, 64))]
    down += [nn.Sequential(nn.MaxPool2d(2), *twice(a, b)) for a, b in pairwise(channels)]
    steps = list(pairwise(channels[::-1]))
    up = [nn.ConvTranspose2d(a, b, 2, 2) for a, b in steps]
    return _Ladder(down, up, [nn.Sequential(*twice(a, b)) for a, b in steps], nn.Conv2d(64, 2, 1))


def nnunet() -> nn.Module:
    """F. Isensee et al., Nature Methods 18 (2021), 203: the plain three-dimensional network, for blocks of 64 x 64 x 64."""

    def twice(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
        layers: list[nn.Module] = []
        for channels, step in ((inputs, stride), (outputs, 1)):
            layers += [nn.Conv3d(channels, outputs, 3, step, 1), nn.InstanceNorm3d(outputs, affine=True), nn.LeakyReLU()]
        return nn.Sequential(*layers)

    channels = [32, 64, 128, 256, 320]
    down = [twice(1, 32)] + [twice(a, b, 2) for a, b in pairwise(channels)]
    steps = list(pairwise(channels[::-1]))
    up = [nn.ConvTranspose3d(a, b, 2, 2) for a, b in steps]
    return _Ladder(down, up, [twice(2 * b, b) for _, b in steps], nn.Conv3d(32, 3, 1))


class FCN32s(nn.Module):
    """E. Shelhamer, J. Long and T. Darrell, arXiv:1605.06211: VGG16 as convolutions, and one step of 32 back."""

    def __init__(self, classes: int = 21) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for channels, count in VGG16:
            for _ in range(count):
                layers += [nn.Conv2d(inputs, channels, 3, padding=1 if layers else 100), nn.ReLU()]
                inputs = channels
            layers.append(nn.MaxPool2d(2, ceil_mode=True))
        layers += [nn.Conv2d(512, 4096, 7), nn.ReLU(), nn.Dropout(), nn.Conv2d(4096, 4096, 1), nn.ReLU(), nn.Dropout()]
        self.scores = nn.Sequential(*layers, nn.Conv2d(4096, classes, 1))
        self.up = nn.ConvTranspose2d(classes, classes, 64, 32, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores of the same size."""
        return self.up(self.scores(x))[..., 19 : 19 + x.shape[2], 19 : 19 + x.shape[3]]


class SegNet(nn.Module):
    """V. Badrinarayanan, A. Kendall and R. Cipolla, arXiv:1511.00561: indices of pooling lead the way back."""

    def __init__(self, classes: int = 12) -> None:
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        below = 3
        for channels, count in VGG16:
            self.down.append(_normalized([below, *[channels] * count]))
            below = channels
        ends = [512, 256, 128, 64, classes]
        for (channels, count), end in zip(VGG16[::-1], ends, strict=True):
            self.up.append(_normalized([*[channels] * count, end], last=end != classes))

    def forward(self, x: Tensor) -> Tensor:
        """Images to scores."""
        kept = []
        for layers in self.down:
            x = layers(x)
            size = x.shape
            x, indices = self.pool(x)
            kept.append((indices, size))
        for layers in self.up:
            indices, size = kept.pop()
            x = layers(self.unpool(x, indices, size))
        return x


def _normalized(channels: list[int], last: bool = True) -> nn.Module:
    """Convolutions with batch normalization and ReLU; the last one is bare unless told."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*(layers if last else layers[:-2]))
