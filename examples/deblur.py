"""Deblur a photograph: ConvOperator and lsqr
==========================================

A lens out of focus makes every point a disk. That is a convolution, so the sharp picture x solves a linear system whose
operator is never stored::

    minimize  |disk * x - blurred|^2  +  smooth^2 * (|d/dx x|^2 + |d/dy x|^2)

The three terms are the three output channels of one convolution. Only what the camera has seen is used: y is smaller than
x by the disk, nothing is assumed about what lies outside of the picture, and there is noise.

Run ``python examples/deblur.py --output deblurred.png``; it needs convt's extra "demo" for the photograph, takes a few
seconds and prints how near the blurred and the restored picture come to the original.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import lsqr

import convt
from convt.demo.photograph import load
from convt.demo.scores import psnr

Array = NDArray[np.float64]


def disk(radius: float) -> Array:
    """The picture of a point: a disk, its pixels weighted by the part of them that it covers, of sum 1."""
    size, parts = 2 * int(np.ceil(radius)) + 1, 8
    fine = (np.arange(size * parts) + 0.5) / parts - size / 2
    inside = fine[:, None] ** 2 + fine**2 <= radius**2
    weights = inside.reshape(size, parts, size, parts).mean(axis=(1, 3))
    return weights / weights.sum()


def deblur(blurred: Array, kernel: Array, smooth: float, iterations: int) -> Array:
    """The sharp picture, (3, H, W), whose valid convolution with the kernel is blurred, (3, H - k + 1, W - k + 1)."""
    size, centre = len(kernel), len(kernel) // 2
    bank = np.zeros((3, 1, size, size))
    bank[0, 0] = kernel
    bank[1, 0, centre, centre : centre + 2] = -smooth, smooth
    bank[2, 0, centre : centre + 2, centre] = -smooth, smooth
    height, width = blurred.shape[1] + size - 1, blurred.shape[2] + size - 1
    operator = convt.ConvOperator((1, height, width), bank)
    sharp = []
    for channel in blurred:
        wanted = np.stack([channel, np.zeros_like(channel), np.zeros_like(channel)])
        start = np.pad(channel, centre, mode="edge").ravel()
        found = lsqr(operator, wanted.ravel(), atol=1e-6, btol=1e-6, iter_lim=iterations, x0=start)[0]
        sharp.append(found.reshape(height, width))
    return np.stack(sharp)


def run(photograph: Any, radius: float, noise: float, smooth: float, iterations: int) -> tuple[dict[str, float], Array]:
    """Blur, add noise, restore.

    Returns
    -------
    scores : dict of str to float
        PSNR in dB of the blurred and of the restored picture, where the blurred one has pixels.
    pictures : ndarray, (3, H, 3 * W)
        Blurred, restored, original.
    """
    kernel = disk(radius)
    rng = np.random.default_rng(0)
    blurred = convt.conv(photograph, np.broadcast_to(kernel, (3, 1, *kernel.shape)), groups=3)
    blurred = blurred + noise * rng.standard_normal(blurred.shape)
    margin = len(kernel) // 2
    seen = (slice(None), slice(margin, -margin), slice(margin, -margin))
    restored = deblur(blurred, kernel, smooth, iterations)[seen]
    original = photograph[seen]
    scores = {"blurred": psnr(blurred, original), "restored": psnr(restored, original)}
    return scores, np.concatenate([blurred, restored, original], axis=2)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the scores, and write the pictures if asked to."""
    parser = argparse.ArgumentParser(description="Deblur a photograph with ConvOperator and lsqr.")
    parser.add_argument("--image", help="an image file (default: the portrait that comes with scikit-image)")
    parser.add_argument("--size", type=int, default=512, help="use so many rows and columns, from the top (default: 512)")
    parser.add_argument("--radius", type=float, default=4.0, help="of the disk, in pixels (default: 4)")
    parser.add_argument("--noise", type=float, default=0.004, help="its standard deviation, of 1 (default: 0.004)")
    parser.add_argument("--smooth", type=float, default=0.06, help="weight of the picture's slopes (default: 0.06)")
    parser.add_argument("--iterations", type=int, default=40, help="the most steps of lsqr (default: 40)")
    parser.add_argument("--output", help="where to write blurred, restored and original side by side")
    given = parser.parse_args(arguments)
    photograph = load(given.image)[:, : given.size, : given.size].astype(np.float64)
    scores, pictures = run(photograph, given.radius, given.noise, given.smooth, given.iterations)
    for name, score in scores.items():
        print(f"{name:<10} {score:6.2f} dB")
    if given.output:
        from PIL import Image

        pixels = np.clip(np.rint(pictures * 255), 0, 255).astype(np.uint8)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(given.output)
    return scores


if __name__ == "__main__":
    main()
