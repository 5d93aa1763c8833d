"""Segment pictures: a network with the head of an FCN
===================================================

The network scores at a quarter of the size, and a transposed convolution enlarges the scores.
Pictures of disks and bars on a noisy ground are to be told apart, pixel by pixel. The network halves them twice, scores
three classes in the coarse size, and enlarges the scores by 4 with filters that start as bilinear interpolation and go on
learning (Long, Shelhamer and Darrell, arXiv:1411.4038).

Run ``python examples/segmentation.py``; it needs NumPy only, takes some seconds and prints the mean intersection over union
on pictures it has not seen: of the coarse scores repeated (nearest), and of the learned head. ``--output masks.png`` draws
some.
"""

from __future__ import annotations

import argparse

import numpy as np
from numpy.typing import NDArray

import convt
from convt.nn import Adam, Conv2D, Conv2DTranspose, LeakyReLU, Sequential

Array = NDArray[np.float32]
Labels = NDArray[np.int64]

SIZE = 48
CLASSES = 3  # ground, disk, bar
COLOURS = np.array([[235, 235, 235], [0, 114, 178], [213, 94, 0]], np.uint8)


def pictures(count: int, rng: np.random.Generator) -> tuple[Array, Labels]:
    """Grey pictures, (count, 1, SIZE, SIZE), and the class of each pixel, (count, SIZE, SIZE)."""
    rows, columns = np.indices((SIZE, SIZE))
    labels = np.zeros((count, SIZE, SIZE), np.int64)
    for label in labels:
        for kind in rng.permutation([1, 1, 2, 2]):
            down, right = rng.uniform(6, SIZE - 6, 2)
            if kind == 1:
                inside = (rows - down) ** 2 + (columns - right) ** 2 < rng.uniform(4, 8) ** 2
            else:
                angle = rng.uniform(0, np.pi)
                along = (rows - down) * np.sin(angle) + (columns - right) * np.cos(angle)
                across = (rows - down) * np.cos(angle) - (columns - right) * np.sin(angle)
                inside = (abs(along) < 14) & (abs(across) < 2)
            label[inside] = kind
    grey = 0.5 * (labels > 0) + 0.3 * rng.standard_normal(labels.shape)
    return grey[:, None].astype(np.float32), labels


def network(seed: int) -> tuple[Sequential, Conv2DTranspose]:
    """The part that scores in the coarse size, (N, CLASSES, SIZE / 4, SIZE / 4), and the head that enlarges by 4."""
    body = Sequential(
        Conv2D(16, 4, strides=2, padding=1, weight_initializer="he_normal", in_channels=1),
        LeakyReLU(0.1),
        Conv2D(32, 4, strides=2, padding=1, weight_initializer="he_normal", in_channels=16),
        LeakyReLU(0.1),
        Conv2D(32, 3, padding=1, weight_initializer="he_normal", in_channels=32),
        LeakyReLU(0.1),
        Conv2D(CLASSES, 1, weight_initializer="normal", in_channels=32),
    )
    head = Conv2DTranspose(
        CLASSES, 8, strides=4, padding=2, weight_initializer="bilinear", in_channels=CLASSES, use_bias=False
    )
    return body.initialize(rng=seed), head.initialize(rng=seed)


def cross_entropy(scores: Array, labels: Labels) -> tuple[float, Array]:
    """The mean over all pixels, and its gradient with respect to the scores, (N, CLASSES, H, W)."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares = powers / powers.sum(axis=1, keepdims=True)
    right = np.take_along_axis(shares, labels[:, None], axis=1)
    wanted = np.arange(CLASSES)[:, None, None] == labels[:, None]
    return float(-np.log(right + 1e-12).mean()), ((shares - wanted) / labels.size).astype(np.float32)


def intersection_over_union(scores: Array, labels: Labels) -> float:
    """The mean over the classes."""
    found = scores.argmax(axis=1)
    pairs = [(found == kind, labels == kind) for kind in range(CLASSES)]
    return float(np.mean([(ours & true).sum() / (ours | true).sum() for ours, true in pairs]))


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train, and print what the head is worth."""
    parser = argparse.ArgumentParser(description="Segmentation with a transposed convolution as its head.")
    parser.add_argument("--steps", type=int, default=300, help="of the training (default: 300)")
    parser.add_argument("--output", help="a picture: inputs, classes found, true classes, one below the other")
    given = parser.parse_args(arguments)
    if given.steps < 1:
        parser.error(f"--steps must be at least 1, got {given.steps}")
    rng = np.random.default_rng(0)
    body, head = network(seed=0)
    adam = Adam([*body.parameters(), *head.parameters()], learning_rate=5e-3)
    for _ in range(given.steps):
        x, labels = pictures(8, rng)
        _, gradient = cross_entropy(head(body(x)), labels)
        for part in (body, head):
            part.zero_grad()
        body.backward(head.backward(gradient))
        adam.step()
    x, labels = pictures(64, np.random.default_rng(1))
    coarse = body(x)
    scores = {
        "nearest": intersection_over_union(convt.upsample(coarse, 4), labels),
        "head": intersection_over_union(head(coarse), labels),
    }
    for name, score in scores.items():
        print(f"{name:<8} {score:.3f}")
    if given.output:
        from PIL import Image

        found = head(coarse[:4]).argmax(axis=1)
        grey = np.clip(x[:4, 0, :, :, None].repeat(3, axis=3) * 160 + 40, 0, 255).astype(np.uint8)
        apart = [(0, 0), (0, 2), (0, 2), (0, 0)]
        rows = [np.pad(row, apart, constant_values=255) for row in (grey, COLOURS[found], COLOURS[labels[:4]])]
        picture = np.concatenate([np.concatenate(row, axis=1) for row in rows]).repeat(3, axis=0).repeat(3, axis=1)
        Image.fromarray(picture).save(given.output)
    return scores


if __name__ == "__main__":
    main()
