"""Networks for sound: HiFi-GAN's generator and Demucs' decoder."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import leaky_relu

__all__ = ["HiFiGAN", "demucs_decoder"]

SLOPE = 0.1


class _Residual(nn.Module):
    """Convolutions with growing dilation, each followed by one without, added to what came in."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        dilations = (1, 3, 5)
        self.wide = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding="same", dilation=d) for d in dilations)
        self.near = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding="same") for _ in dilations)

    def forward(self, x: Tensor) -> Tensor:
        """Keep the shape."""
        for wide, near in zip(self.wide, self.near, strict=True):
            x = x + near(leaky_relu(wide(leaky_relu(x, SLOPE)), SLOPE))
        return x


class HiFiGAN(nn.Module):
    """J. Kong, J. Kim and J. Bae, arXiv:2010.05646, the generator V1: mel spectrograms to sound, 256 times as long."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Conv1d(80, 512, 7, padding=3)
        self.up, self.residual = nn.ModuleList(), nn.ModuleList()
        channels = 512
        for stride, kernel in ((8, 16), (8, 16), (2, 4), (2, 4)):
            self.up.append(nn.ConvTranspose1d(channels, channels // 2, kernel, stride, (kernel - stride) // 2))
            channels //= 2
            self.residual.append(nn.ModuleList(_Residual(channels, each) for each in (3, 7, 11)))
        self.end = nn.Conv1d(channels, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """Spectrograms to sound."""
        x = self.start(x)
        for up, blocks in zip(self.up, self.residual, strict=True):
            x = up(leaky_relu(x, SLOPE))
            x = torch.stack([block(x) for block in blocks]).mean(0)
        return torch.tanh(self.end(leaky_relu(x)))


def demucs_decoder() -> nn.Module:
    """A. Defossez, N. Usunier, L. Bottou and F. Bach, arXiv:1911.13254: the decoder, from 64 channels, without its skips."""
    channels = [2048, 1024, 512, 256, 128, 64, 8]  # 4 instruments in stereo at last
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv1d(inputs, 2 * inputs, 3, padding=1), nn.GLU(1)]
        layers += [nn.ConvTranspose1d(inputs, outputs, 8, 4), nn.ReLU()]
    return nn.Sequential(*layers[:-1])
