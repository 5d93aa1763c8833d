"""Networks that make images: DCGAN, pix2pix, FSRCNN, and a variational autoencoder's decoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Pix2Pix", "dcgan", "fsrcnn", "vae_decoder"]


def dcgan() -> nn.Module:
    """A. Radford, L. Metz and S. Chintala, arXiv:1511.06434, figure 1: 100 numbers to an image of 64 x 64."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(100, 1024, 4, bias=False), nn.BatchNorm2d(1024), nn.ReLU()]
    for inputs, outputs in ((1024, 512), (512, 256), (256, 128)):
        layers += [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.ConvTranspose2d(128, 3, 4, 2, 1), nn.Tanh())


class Pix2Pix(nn.Module):
    """P. Isola, J.-Y. Zhu, T. Zhou and A. A. Efros, arXiv:1611.07004, section 6.1.1: the U-Net generator for 256 x 256."""

    def __init__(self) -> None:
        super().__init__()
        down = [64, 128, 256, 512, 512, 512, 512, 512]
        up = [512, 512, 512, 512, 256, 128, 64]
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        for place, (inputs, outputs) in enumerate(zip([3, *down], down, strict=False)):
            layers = [nn.LeakyReLU(0.2)] if place else []
            layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1))
            if 0 < place < len(down) - 1:
                layers.append(nn.BatchNorm2d(outputs))
            self.down.append(nn.Sequential(*layers))
        for place, (inputs, outputs) in enumerate(zip([512, *(2 * each for each in up)], up, strict=False)):
            layers = [nn.ReLU(), nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs)]
            self.up.append(nn.Sequential(*layers, *([nn.Dropout(0.5)] if place < 3 else [])))
        self.end = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(128, 3, 4, 2, 1), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        """Images to images."""
        skipped = []
        for layers in self.down:
            x = layers(x)
            skipped.append(x)
        skipped.pop()
        for layers in self.up:
            x = torch.cat([layers(x), skipped.pop()], 1)
        return self.end(x)


def fsrcnn() -> nn.Module:
    """C. Dong, C. C. Loy and X. Tang, arXiv:1608.00367: FSRCNN(56, 12, 4), which enlarges three times."""
    layers = [nn.Conv2d(1, 56, 5, padding=2), nn.PReLU(56), nn.Conv2d(56, 12, 1), nn.PReLU(12)]
    for _ in range(4):
        layers += [nn.Conv2d(12, 12, 3, padding=1), nn.PReLU(12)]
    layers += [nn.Conv2d(12, 56, 1), nn.PReLU(56)]
    return nn.Sequential(*layers, nn.ConvTranspose2d(56, 1, 9, 3, 4, output_padding=2))


def vae_decoder() -> nn.Module:
    """X. Hou, L. Shen, K. Sun and G. Qiu, arXiv:1610.00291, figure 2: 100 numbers to an image of 64 x 64."""
    layers: list[nn.Module] = [nn.Linear(100, 256 * 16), nn.Unflatten(1, (256, 4, 4))]
    for inputs, outputs in ((256, 128), (128, 64), (64, 32)):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(inputs, outputs, 3, padding=1)]
        layers += [nn.BatchNorm2d(outputs), nn.LeakyReLU()]
    return nn.Sequential(*layers, nn.Upsample(scale_factor=2), nn.Conv2d(32, 3, 3, padding=1))
