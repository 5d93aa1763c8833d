"""The story of the demo, in the order in which it happens."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from ..core.problem import Problem
from ..functions.upsampling import upsample
from ..optional import require
from ..selection import choose

if TYPE_CHECKING:
    from ..nn import Sequential
    from .photograph import Part

__all__ = ["run"]


def run(
    image: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] = "convt-demo.png",
    steps: int = 1000,
    save: str | os.PathLike[str] | None = None,
) -> None:
    """Learn to enlarge a photograph by 2, print the scores on the part held out, and draw it.

    Parameters
    ----------
    image : str or path-like, optional
        A photograph; by default the one that comes with scikit-image.
    output : str or path-like
        Where to put the picture.
    steps : int
        Of gradient descent, at least 1.
    save : str or path-like, optional
        Where to put the network.

    Raises
    ------
    MissingPackage
        Pillow, matplotlib, tqdm or, without an image, scikit-image is not installed.
    ValueError, OSError
        image is no image or too small, output or save cannot be written, or steps is below 1.
    """
    require("the demo", "PIL", "matplotlib", "tqdm", *([] if image else ["skimage"]))
    from ..images import check_output
    from ..images.methods import resampled
    from ..images.writing import check_place
    from . import photograph, picture, scores
    from .network import build, enlarge

    if steps < 1:
        raise ValueError(f"steps must be at least 1, got {steps}")
    check_output(output, picture.suffixes())
    if save is not None:
        check_place(Path(save), "save")
    seen, held_out = photograph.split(photograph.load(image))
    height, width = held_out.fine.shape[1:]
    network = build()
    backend = _backend(network)  # an unusable one is told before the work starts
    print(f"learning from the upper three fifths of {Path(image or photograph.SAMPLE).name}")
    seconds = _learn(network, seen, steps)
    if save is not None:
        network.save(save)
    pictures = {
        "nearest": upsample(held_out.coarse, 2),
        "bilinear": upsample(held_out.coarse, 2, mode="bilinear"),
        "bicubic": resampled(held_out.coarse, 2, "bicubic"),
        "lanczos": resampled(held_out.coarse, 2, "lanczos"),
        "learned": enlarge(network, held_out.coarse),
    }
    print(f"\non the lower two fifths ({width} x {height} pixels), never seen in training:\n")
    print(scores.table({name: scores.psnr(each, held_out.fine) for name, each in pictures.items()}))
    picture.draw(held_out.fine, pictures, output)
    print(f"\nbackend {backend}, {steps} steps in {seconds:.1f} s; picture in {output}")
    if save is not None:
        print(f"network in {save}, for python -m convt upscale --network")


def _learn(network: Sequential, seen: Part, steps: int) -> float:
    """Train the network; the seconds that took."""
    from tqdm import tqdm

    from .training import train

    begin = perf_counter()
    bar = tqdm(
        train(network, seen, steps),
        total=steps,
        unit="step",
        mininterval=0.5,
        dynamic_ncols=True,
        disable=sys.stderr is None,
    )
    with bar as losses:
        for loss in losses:
            losses.set_postfix(loss=f"{loss:.3f}", refresh=False)
    return perf_counter() - begin


def _backend(network: Sequential) -> str:
    """The name of the backend that computes the network's transposed convolution."""
    w = network.parameters()[-2].data
    problem = Problem(
        batch=1,
        groups=1,
        fine_channels=3,
        coarse_channels=len(w),
        fine_shape=(48, 48),
        coarse_shape=(26, 26),
        kernel_shape=(6, 6),
        stride=(2, 2),
        padding=(4, 4),
        dilation=(1, 1),
        dtype=w.dtype,
    )
    return choose(problem, None).name
