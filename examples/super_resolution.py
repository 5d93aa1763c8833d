"""Super-resolve a photograph: ConvOperator and cg
===============================================

A camera that shakes takes several small pictures of one scene. Each pixel is the mean of scale x scale fine ones, and each
frame starts at another fine pixel, so that all frames together are one convolution with stride ``scale``: frame by frame an
output channel, whose filter is a box at the frame's shift. The large picture solves the normal equations ::

    (A.H A + smooth L.H L) x = A.H frames

with the Laplacian L, by conjugate gradients. Neither matrix is stored.

Run ``python examples/super_resolution.py --output large.png``; it needs convt's extra "demo" for the photograph, takes a few
seconds and prints how near bilinear enlargement of one frame and the burst come to the original.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import cg

import convt
from convt.demo.photograph import load
from convt.demo.scores import psnr

Array = NDArray[np.float64]

LAPLACIAN = [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]


def camera(shifts: NDArray[np.int64], scale: int) -> Array:
    """The filter bank of the burst, (frames, 1, k, k): for each shift (down, right) a box of scale x scale pixels."""
    size = 2 * scale - 1
    bank = np.zeros((len(shifts), 1, size, size))
    for frame, (down, right) in zip(bank[:, 0], shifts, strict=True):
        frame[down : down + scale, right : right + scale] = 1 / scale**2
    return bank


def super_resolve(
    frames: Array, shifts: NDArray[np.int64], scale: int, start: Array, smooth: float, iterations: int
) -> Array:
    """The large picture, (H, W), of the frames, (frames, h, w), from an estimate of it to start with."""
    camera_map = convt.ConvOperator((1, *start.shape), camera(shifts, scale), stride=scale)
    laplacian = convt.ConvOperator(start.shape, LAPLACIAN)
    normal = camera_map.H @ camera_map + smooth * (laplacian.H @ laplacian)
    found, _ = cg(normal, camera_map.H @ frames.ravel(), x0=start.ravel(), atol=0.0, maxiter=iterations)
    return found.reshape(start.shape)


def run(
    photograph: Any, scale: int, frames: int, noise: float, smooth: float, iterations: int
) -> tuple[dict[str, float], Array]:
    """Take the burst, add noise, enlarge, each colour on its own.

    Returns
    -------
    scores : dict of str to float
        PSNR in dB of the first frame, enlarged bilinearly, and of the picture from all frames.
    pictures : ndarray, (3, H, 3 * W)
        Bilinear, from the burst, original.
    """
    rng = np.random.default_rng(0)
    grid = np.argwhere(np.ones((scale, scale)))
    shifts = np.concatenate([grid[:1], rng.permutation(grid[1:])[: frames - 1]])
    taken = convt.conv(photograph[:, None], camera(shifts, scale), stride=scale)
    taken = taken + noise * rng.standard_normal(taken.shape)
    enlarged = convt.upsample(taken[:, 0], scale, mode="bilinear")
    bilinear = np.pad(enlarged, [(0, 0), (0, scale - 1), (0, scale - 1)], mode="edge")
    large = np.empty_like(bilinear)
    for colour, start in enumerate(bilinear):
        large[colour] = super_resolve(taken[colour], shifts, scale, start, smooth, iterations)
    original = photograph[:, : large.shape[1], : large.shape[2]]
    inside = (slice(None), slice(scale, -scale), slice(scale, -scale))
    scores = {"bilinear": psnr(bilinear[inside], original[inside]), "burst": psnr(large[inside], original[inside])}
    return scores, np.concatenate([bilinear, large, original], axis=2)


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Print the scores, and write the pictures if asked to."""
    parser = argparse.ArgumentParser(description="Super-resolve a photograph with ConvOperator and cg.")
    parser.add_argument("--image", help="an image file (default: the portrait that comes with scikit-image)")
    parser.add_argument("--size", type=int, default=512, help="use so many rows and columns, from the top (default: 512)")
    parser.add_argument("--scale", type=int, default=4, help="fine pixels per pixel of a frame (default: 4)")
    parser.add_argument("--frames", type=int, default=8, help="in the burst, at most scale * scale (default: 8)")
    parser.add_argument("--noise", type=float, default=0.004, help="its standard deviation, of 1 (default: 0.004)")
    parser.add_argument("--smooth", type=float, default=3e-3, help="weight of the Laplacian (default: 0.003)")
    parser.add_argument("--iterations", type=int, default=40, help="the most steps of cg (default: 40)")
    parser.add_argument("--output", help="where to write bilinear, burst and original side by side")
    given = parser.parse_args(arguments)
    if not 1 <= given.frames <= given.scale**2:
        parser.error(f"--frames must be from 1 to scale * scale ({given.scale**2}), got {given.frames}")
    photograph = load(given.image)[:, : given.size, : given.size].astype(np.float64)
    scores, pictures = run(photograph, given.scale, given.frames, given.noise, given.smooth, given.iterations)
    for name, score in scores.items():
        print(f"{name:<10} {score:6.2f} dB")
    if given.output:
        from PIL import Image

        pixels = np.clip(np.rint(pictures * 255), 0, 255).astype(np.uint8)
        Image.fromarray(pixels.transpose(1, 2, 0)).save(given.output)
    return scores


if __name__ == "__main__":
    main()
