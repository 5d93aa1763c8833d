"""Optimisers: rules that move parameters against their gradients."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import numpy as np

from .checks import in_range
from .parameter import Array, Parameter

__all__ = ["SGD", "Adam", "Optimizer"]


class Optimizer(ABC):
    """Base class of the optimisers. One of your own defines `move`, and ``memories`` if it needs arrays from step to step.

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
    memories : int
        How many arrays of a parameter's shape and type `move` is given for it; they start as zeros and are kept.
    """

    memories = 0

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
            A parameter has no data yet, or is frozen; none is moved.
        """
        for parameter in self.parameters:
            parameter.require_unfrozen()
        data = [parameter.data for parameter in self.parameters]
        self.steps += 1
        for place, (parameter, numbers) in enumerate(zip(self.parameters, data, strict=True)):
            if place not in self._memory:
                self._memory[place] = [np.zeros_like(numbers) for _ in range(self.memories)]
            self.move(parameter, *self._memory[place])

    @abstractmethod
    def move(self, parameter: Parameter, *memory: Array) -> None:
        """Change one parameter's data, and its ``memories`` arrays, in place; ``steps`` counts this step already."""

    def options(self) -> dict[str, float | tuple[float, float]]:
        """The numbers that it was made with, by name."""
        return {"learning_rate": self.learning_rate}

    def __repr__(self) -> str:
        count = len(self.parameters)
        options = "".join(f", {name}={value!r}" for name, value in self.options().items())
        return f"{type(self).__name__}({count} parameter{'' if count == 1 else 's'}{options})"

    def zero_grad(self) -> None:
        """Set the gradients of all parameters to zero."""
        for parameter in self.parameters:
            parameter.zero_grad()


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for: ``v = momentum * v + grad``, ``data -= learning_rate * v``.

    Parameters
    ----------
    parameters, learning_rate
        As in `Optimizer`.
    momentum : float
        How much of the previous step is added to the next one, from 0 to below 1.

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

    def options(self) -> dict[str, float | tuple[float, float]]:
        """The learning rate and the momentum."""
        return super().options() | {"momentum": self.momentum}

    def move(self, parameter: Parameter, *memory: Array) -> None:
        """Make one step of one parameter."""
        step = parameter.grad
        for velocity in memory:
            velocity *= self.momentum
            velocity += parameter.grad
            step = velocity
        parameter.data -= self.learning_rate * step


class Adam(Optimizer):
    """Steps along the running mean of the gradients, divided by the root of their running mean square.

    Parameters
    ----------
    parameters, learning_rate
        As in `Optimizer`.
    betas : tuple of float
        How much of the running mean, and of the running mean square, is kept at each step; both from 0 to below 1.
    epsilon : float
        Added to the root of the mean square that steps are divided by.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", arXiv:1412.6980.

    Examples
    --------
    >>> from convt import nn
    >>> bias = nn.Parameter("bias", (2,))
    >>> bias.data = [1.0, 2.0]
    >>> bias.grad = [5.0, -0.01]
    >>> adam = nn.Adam([bias], learning_rate=0.25)
    >>> adam
    Adam(1 parameter, learning_rate=0.25, betas=(0.9, 0.999), epsilon=1e-08)
    >>> adam.step()
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

    def options(self) -> dict[str, float | tuple[float, float]]:
        """The learning rate, betas and epsilon."""
        return super().options() | {"betas": self.betas, "epsilon": self.epsilon}

    def move(self, parameter: Parameter, *memory: Array) -> None:
        """Make one step of one parameter."""
        mean, square = memory
        a, b = self.betas
        mean += (1 - a) * (parameter.grad - mean)
        square += (1 - b) * (parameter.grad**2 - square)
        size = np.sqrt(square / (1 - b**self.steps)) + self.epsilon
        parameter.data -= self.learning_rate / (1 - a**self.steps) * mean / size
