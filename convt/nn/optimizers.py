"""Optimisers: how parameters follow their gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np

from .checks import in_range
from .parameter import Array, Parameter

__all__ = ["SGD", "Adam", "Optimizer"]


class Optimizer(ABC):
    """What the optimisers share; one of your own needs `move`.

    Parameters
    ----------
    parameters : iterable of Parameter
        What to learn; changed in place by `step`.
    learning_rate : float
        The length of the steps; may be assigned between them.

    Attributes
    ----------
    steps : int
        How many were made.
    """

    memories = 0  # arrays like the data that each parameter needs from step to step

    def __init__(self, parameters: Iterable[Parameter], learning_rate: float) -> None:
        if not isinstance(parameters, Iterable) or getattr(parameters, "ndim", 1) == 0:
            raise TypeError(f"parameters must be a sequence of convt.nn.Parameter, got {parameters!r}")
        self.parameters = list(parameters)
        for parameter in self.parameters:
            if not isinstance(parameter, Parameter):
                raise TypeError(f"parameters must be instances of convt.nn.Parameter, got {parameter!r}")
        if len({id(parameter) for parameter in self.parameters}) < len(self.parameters):
            raise ValueError("parameters must each be there once, got one twice")
        self.learning_rate = in_range("learning_rate", learning_rate, np.inf)
        self.steps = 0
        self._memory: dict[int, list[Array]] = {}

    def step(self) -> None:
        """Move each parameter against its gradient.

        Raises
        ------
        RuntimeError
            A parameter has no data yet; none is moved.
        """
        data = [parameter.data for parameter in self.parameters]
        self.steps += 1
        for place, (parameter, numbers) in enumerate(zip(self.parameters, data, strict=True)):
            if place not in self._memory:
                self._memory[place] = [np.zeros_like(numbers) for _ in range(self.memories)]
            self.move(parameter, *self._memory[place])

    @abstractmethod
    def move(self, parameter: Parameter, *memory: Array) -> None:
        """Change one parameter's data, and its memory, in place; `steps` counts this step already."""

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters:
            parameter.zero_grad()


class SGD(Optimizer):
    """Gradient descent, with momentum where wanted: ``v = momentum * v + grad``, ``data -= learning_rate * v``.

    Parameters
    ----------
    parameters, learning_rate
        As in `Optimizer`.
    momentum : float
        From 0 to below 1.

    Examples
    --------
    >>> from convt import nn
    >>> bias = nn.Parameter("bias", (2,))
    >>> bias.data = [1.0, 2.0]
    >>> bias.grad = [0.5, -0.5]
    >>> nn.SGD([bias], learning_rate=0.5).step()
    >>> bias.data
    array([0.75, 2.25])
    """

    def __init__(self, parameters: Iterable[Parameter], learning_rate: float = 0.01, momentum: float = 0.0) -> None:
        super().__init__(parameters, learning_rate)
        self.momentum = in_range("momentum", momentum, 1)
        self.memories = 1 if momentum else 0

    def move(self, parameter: Parameter, *memory: Array) -> None:
        """One step of one parameter."""
        step = parameter.grad
        for velocity in memory:
            velocity *= self.momentum
            velocity += parameter.grad
            step = velocity
        parameter.data -= self.learning_rate * step


class Adam(Optimizer):
    """Steps along the running mean of the gradients, divided by their running size.

    Parameters
    ----------
    parameters, learning_rate
        As in `Optimizer`.
    betas : tuple of float
        How much of the mean, and of the mean square, one step keeps; each from 0 to below 1.
    epsilon : float
        Added to the size.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.

    Examples
    --------
    >>> from convt import nn
    >>> bias = nn.Parameter("bias", (2,))
    >>> bias.data = [1.0, 2.0]
    >>> bias.grad = [5.0, -0.01]
    >>> nn.Adam([bias], learning_rate=0.25).step()
    >>> bias.data.round(5)
    array([0.75, 2.25])
    """

    memories = 2

    def __init__(
        self,
        parameters: Iterable[Parameter],
        learning_rate: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(parameters, learning_rate)
        if not isinstance(betas, Sequence) or isinstance(betas, str | bytes) or len(betas) != 2:
            raise TypeError(f"betas must be two numbers, got {betas!r}")
        self.betas = in_range("betas[0]", betas[0], 1), in_range("betas[1]", betas[1], 1)
        self.epsilon = in_range("epsilon", epsilon, np.inf)

    def move(self, parameter: Parameter, *memory: Array) -> None:
        """One step of one parameter."""
        mean, square = memory
        a, b = self.betas
        mean += (1 - a) * (parameter.grad - mean)
        square += (1 - b) * (parameter.grad**2 - square)
        size = np.sqrt(square / (1 - b**self.steps)) + self.epsilon
        parameter.data -= self.learning_rate / (1 - a**self.steps) * mean / size
