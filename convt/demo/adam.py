"""Adam: gradient descent with a step of its own for each number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .network import Parameter

__all__ = ["Adam"]


class Adam:
    """Steps along the running mean of the gradients, divided by their running size.

    Parameters
    ----------
    parameters : sequence of Parameter
        What to learn; changed in place.
    decay : float
        How much of the mean one step keeps.
    decay_of_square : float
        How much of the mean square one step keeps.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.
    """

    def __init__(self, parameters: Sequence[Parameter], decay: float = 0.9, decay_of_square: float = 0.99) -> None:
        self._parameters = parameters
        self._decays = decay, decay_of_square
        self._means = [np.zeros_like(parameter.value) for parameter in parameters]
        self._squares = [np.zeros_like(parameter.value) for parameter in parameters]
        self._steps = 0

    def step(self, rate: float) -> None:
        """Move each parameter against its gradient.

        Parameters
        ----------
        rate : float
            The length of the step, in units of the parameters.
        """
        self._steps += 1
        a, b = self._decays
        for parameter, mean, square in zip(self._parameters, self._means, self._squares, strict=True):
            mean += (1 - a) * (parameter.gradient - mean)
            square += (1 - b) * (parameter.gradient**2 - square)
            size = np.sqrt(square / (1 - b**self._steps)) + 1e-8
            parameter.value -= rate / (1 - a**self._steps) * mean / size
