"""What can be compared over the whole history: the operators, on arrays that are made here, by names that all versions have.

The other modules know more of convt than its first versions had. This one imports `convt` alone, and of it uses `conv`,
`conv_transpose`, their gradients, and options that never changed. `landmarks.txt` beside the configuration lists versions
to run it on.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

import convt


class Layer(NamedTuple):
    """Shapes of x and w of a conv_transpose, and its options."""

    x: tuple[int, ...]
    w: tuple[int, ...]
    options: dict[str, int]


LAYERS = {
    "tiny": Layer((1, 3, 8, 8), (3, 3, 3, 3), {"stride": 2}),
    "decoder 4x4": Layer((4, 128, 16, 16), (128, 64, 4, 4), {"stride": 2, "padding": 1}),
    "decoder 2x2": Layer((1, 128, 64, 64), (128, 64, 2, 2), {"stride": 2}),
    "plain 3x3": Layer((1, 64, 64, 64), (64, 64, 3, 3), {"padding": 1}),
    "depthwise 4x4": Layer((1, 64, 64, 64), (64, 1, 4, 4), {"stride": 2, "padding": 1, "groups": 64}),
    "long 1-D": Layer((1, 257, 200), (257, 1, 512), {"stride": 128}),
}


class History:
    """A layer of each kind, float32: its map, its gradients, and its dual."""

    params: Any = (list(LAYERS),)
    param_names = ("layer",)
    repeat = 5
    rounds = 1
    sample_time = 0.03
    timeout = 300

    def setup(self, layer: str) -> None:
        """Arrays, and first calls that are not timed."""
        shapes = LAYERS[layer]
        rng = np.random.default_rng(0)
        self.options = shapes.options
        self.x, self.w = (rng.standard_normal(shape).astype(np.float32) for shape in (shapes.x, shapes.w))
        self.y = convt.conv_transpose(self.x, self.w, **self.options)
        self.time_conv_transpose_backward(layer)
        self.time_conv(layer)

    def time_conv_transpose(self, layer: str) -> None:
        convt.conv_transpose(self.x, self.w, **self.options)

    def time_conv_transpose_backward(self, layer: str) -> None:
        convt.conv_transpose_backward(self.x, self.w, None, self.y, **self.options)

    def time_conv(self, layer: str) -> None:
        convt.conv(self.y, self.w, **self.options)


def timeraw_first_call() -> str:
    """Import convt in a fresh interpreter, and make its first call."""
    return "import numpy, convt; convt.conv_transpose(numpy.ones((1, 1, 2)), numpy.ones((1, 1, 2)))"


timeraw_first_call.rounds = 1  # type: ignore[attr-defined]
timeraw_first_call.repeat = 3  # type: ignore[attr-defined]
