"""The networks by name, with the shape of what they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from torch import nn

from . import audio, images, segmentation

__all__ = ["NETWORKS", "Network"]


class Network(NamedTuple):
    """A network.

    Attributes
    ----------
    make : callable
        Returns it with random weights.
    shape : tuple of int
        Of its input.
    """

    make: Callable[[], nn.Module]
    shape: tuple[int, ...]


NETWORKS: dict[str, Network] = {
    "dcgan": Network(images.dcgan, (16, 100, 1, 1)),
    "pix2pix": Network(images.Pix2Pix, (1, 3, 256, 256)),
    "unet": Network(segmentation.unet, (1, 3, 256, 256)),
    "nnunet-3d": Network(segmentation.nnunet, (1, 1, 64, 64, 64)),
    "hifi-gan": Network(audio.HiFiGAN, (1, 80, 32)),
    "fsrcnn": Network(images.fsrcnn, (1, 1, 170, 170)),
    "fcn-32s": Network(segmentation.FCN32s, (1, 3, 224, 224)),
    "demucs": Network(audio.demucs_decoder, (1, 2048, 16)),
    "vae": Network(images.vae_decoder, (16, 100)),
    "segnet": Network(segmentation.SegNet, (1, 3, 224, 224)),
}
