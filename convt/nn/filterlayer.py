"""FilterLayer: what the six layers with filters have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np

from ..core.arguments import as_count, as_flag, as_padding, as_sizes, per_axis, per_axis_pairs
from ..core.execution import Gradients
from ..core.layout import layout_for
from ..selection import BackendRequest, check_request
from .checks import as_rng, no_forward, take_gradient, take_real
from .initializers import BIAS_NAMES, WEIGHT_NAMES, Bank, accept, draw_bias, draw_weight, is_array
from .layer import Layer
from .parameter import Array, Parameter

if TYPE_CHECKING:
    from ..typing import ArrayLike, BiasInitializer, FloatDTypeLike, LayoutName, PaddingLike, SizesLike, WeightInitializer

__all__ = ["FilterLayer"]

_DTYPES = (np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64))


class _Start(NamedTuple):
    """What `initialize` was asked for, kept until the number of channels is known."""

    init: Any
    rng: np.random.Generator
    dtype: np.dtype[Any]


class FilterLayer(Layer):
    """Base class of `Conv2D` and the other five, which document the arguments.

    A subclass has the number of spatial axes in `axes`, and in `transposed` whether its output is the fine side; `call` and
    `call_backward` apply its operator and that operator's gradients.
    """

    axes: ClassVar[int]
    transposed: ClassVar[bool]

    def __init__(
        self,
        channels: int,
        kernel_size: SizesLike,
        strides: SizesLike = 1,
        padding: PaddingLike = 0,
        output_padding: SizesLike = 0,
        dilation: SizesLike = 1,
        groups: int = 1,
        layout: LayoutName | None = None,
        *,
        use_bias: bool = True,
        weight_initializer: WeightInitializer | None = None,
        bias_initializer: BiasInitializer = "zeros",
        in_channels: int = 0,
        backend: BackendRequest = None,
    ) -> None:
        def sizes(name: str, value: Any, least: int) -> tuple[int, ...]:
            return per_axis(name, as_sizes(name, value), self.axes, least=least)

        self.channels = as_count("channels", channels)
        self.kernel_size = sizes("kernel_size", kernel_size, 1)
        self.strides = sizes("strides", strides, 1)
        self.padding = as_padding(padding)
        per_axis_pairs(self.padding, self.axes)
        self.output_padding = sizes("output_padding", output_padding, 0)
        self.dilation = sizes("dilation", dilation, 1)
        self.groups = as_count("groups", groups)
        self._layout = layout_for(layout, self.axes)
        check_request(backend)
        self.backend = backend
        self._init = None if weight_initializer is None else accept("weight_initializer", weight_initializer, WEIGHT_NAMES)
        self._bias_init = accept("bias_initializer", bias_initializer, BIAS_NAMES)
        given = as_count("in_channels", in_channels, least=0)
        for name, value in (("channels", self.channels), ("in_channels", given)):
            if value % self.groups:
                raise ValueError(f"groups must divide {name} ({value}), got {self.groups}")
        self.weight = Parameter("weight", self._weight_shape(given))
        self.bias = Parameter("bias", (self.channels,)) if as_flag("use_bias", use_bias) else None
        self._start: _Start | None = None
        self._latest: tuple[Array, Any, dict[str, Any]] | None = None  # x, like what it was given, and the options

    @property
    def layout(self) -> str:
        """The order of x's axes."""
        return self._layout.name

    @property
    def in_channels(self) -> int:
        """The channels of x; 0 until they are known."""
        coarse, fine = (self.weight.shape[axis] for axis in self._layout.kernel[:2])
        return coarse if self.transposed else fine * self.groups

    def initialize(
        self,
        init: WeightInitializer | None = None,
        *,
        rng: int | np.random.Generator | None = None,
        dtype: FloatDTypeLike = np.float32,
    ) -> Self:
        """Give the filters and the bias their first values, and set their gradients to zero.

        While in_channels is 0, the filters are made at the first call, unless init is an array, whose shape has the number.

        Parameters
        ----------
        init : str, number, array_like or callable, optional
            For the filters, unless the layer has a weight_initializer; "xavier" by default. A name of
            `convt.nn.initializers`; an array of weight's shape; or a function of a shape and a `numpy.random.Generator`.
        rng : int or numpy.random.Generator, optional
            Where random numbers come from; an int is a seed.
        dtype : dtype
            float16, float32 or float64.

        Returns
        -------
        Layer
            The layer itself.

        Raises
        ------
        ValueError, TypeError
            There is no such initialiser, or it does not fit; nothing is changed then.

        Examples
        --------
        >>> from convt import nn
        >>> layer = nn.Conv1DTranspose(1, 2, use_bias=False).initialize([[[1.0, 10.0]]])
        >>> layer([[1.0, 2.0]])
        array([[ 1., 12., 20.]])
        """
        chosen = self._init
        if chosen is None:
            chosen = accept("init", "xavier" if init is None else init, WEIGHT_NAMES)
        start = _Start(chosen, as_rng(rng), _as_dtype(dtype))
        known = is_array(start.init) or self.in_channels > 0
        weight = self._first_weight(start, self.weight.shape) if known else None
        bias = self._first_bias(start)
        if weight is None:
            self._start = start
        else:
            self.weight.reset(weight)
            self._start = None
        if self.bias is not None and bias is not None:
            self.bias.reset(bias)
        return self

    def forward(self, x: ArrayLike) -> Array:
        """Compute the output.

        Parameters
        ----------
        x : array_like, (N, C, *spatial) or (C, *spatial), in the layer's layout
            Real numbers. Kept, without a copy, until the next call. Another library's array gives results of its kind.

        Returns
        -------
        ndarray
            Of the type promoted from x and the filters.

        Raises
        ------
        RuntimeError
            The layer is not initialised.
        ValueError, TypeError
            x does not fit.
        """
        return self.compute(x, self.options())

    def backward(self, dy: ArrayLike) -> Array:
        """Return the gradient of the latest x; add the gradients of the filters and the bias to their ``grad``.

        Parameters
        ----------
        dy : array_like
            The gradient of the output.

        Returns
        -------
        ndarray, of x's shape

        Raises
        ------
        RuntimeError
            There was no `forward`.
        ValueError, TypeError
            dy does not have the output's shape, or holds no real numbers.
        """
        if self._latest is None:
            raise no_forward(self)
        x, like, options = self._latest
        bias = None if self.bias is None else self.bias.data
        memory, dy = take_gradient(like, dy)
        gradients = self.call_backward(x, self.weight.operand, bias, dy, options)
        self.weight.grad += gradients.w
        if self.bias is not None:
            self.bias.grad += gradients.bias
        dx: Array = memory.give_back(gradients.x, None, gradients.x.dtype)
        return dx

    def named_parameters(self) -> dict[str, Parameter]:
        """The filters as "weight" and, where there is one, the bias as "bias"."""
        return {"weight": self.weight} | ({} if self.bias is None else {"bias": self.bias})

    def __repr__(self) -> str:
        one, none = (1,) * self.axes, (0,) * self.axes
        options = {
            "strides": (self.strides, one),
            "padding": (self.padding, 0),
            "output_padding": (self.output_padding, none),
            "dilation": (self.dilation, one),
            "groups": (self.groups, 1),
            "layout": (self.layout, layout_for(None, self.axes).name),
            "use_bias": (self.bias is not None, True),
            "in_channels": (self.in_channels, 0),
        }
        given = [f"{name}={value!r}" for name, (value, default) in options.items() if value != default]
        return f"{type(self).__name__}({', '.join([f'{self.channels}', f'kernel_size={self.kernel_size}', *given])})"

    def _weight_shape(self, in_channels: int) -> tuple[int, ...]:
        """The shape of the filter bank, in the caller's order, for that many channels of x (0: not known)."""
        if self.transposed:
            shape = (in_channels, self.channels // self.groups, *self.kernel_size)
        else:
            shape = (self.channels, in_channels // self.groups, *self.kernel_size)
        return tuple(shape[axis] for axis in self._layout.kernel_back)

    def _channels_of(self, x: Any) -> int:
        if x.ndim not in (self.axes + 1, self.axes + 2):
            raise ValueError(f"x must have the axes {', '.join(self.layout)}, or the same without N, got {x.ndim} axes")
        axis = self._layout.letters(x.ndim).index("C")
        channels: int = x.shape[axis]
        if self.in_channels not in (0, channels):
            raise ValueError(f"x must have {self.in_channels} channels (axis {axis}), got {channels} in shape {x.shape}")
        if channels < 1 or channels % self.groups:
            raise ValueError(f"x must have a multiple of {self.groups} channels, at least 1 (axis {axis}), got {channels}")
        return channels

    def _ensure_initialized(self, in_channels: int) -> None:
        """Make the filters if `initialize` could not yet; an error if it was not called."""
        if self.weight.initialized:
            return
        if self._start is None:
            raise RuntimeError(f"the layer must be initialised before it is called: {self!r}.initialize()")
        self.weight.reset(self._first_weight(self._start, self._weight_shape(in_channels)))
        self._start = None

    def _first_weight(self, start: _Start, shape: tuple[int, ...]) -> Array:
        if isinstance(start.init, str):
            standard = tuple(shape[axis] for axis in self._layout.kernel)
            bank = Bank(standard, self.strides, self.dilation, self.groups, self.transposed)
            values: Any = draw_weight(start.init, bank, start.rng).transpose(self._layout.kernel_back)
        else:
            values = _first_values(start.init, shape, start.rng)
        return self.weight.check(values).astype(start.dtype, order="C")

    def _first_bias(self, start: _Start) -> Array | None:
        if self.bias is None:
            return None
        init, shape = self._bias_init, self.bias.shape
        values = draw_bias(init, shape, start.rng) if isinstance(init, str) else _first_values(init, shape, start.rng)
        return self.bias.check(values).astype(start.dtype)

    def compute(self, x: Any, options: dict[str, Any]) -> Array:
        """The output of one call, which `backward` then belongs to."""
        memory, x, like = take_real(x)
        self._ensure_initialized(self._channels_of(x))
        y = self.call(x, self.weight.operand, None if self.bias is None else self.bias.data, options)
        self._latest = x, like, options
        given: Array = memory.give_back(y, None, y.dtype)
        return given

    def options(self) -> dict[str, Any]:
        """The options of this layer's operator."""
        return {
            "stride": self.strides,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
            "layout": self.layout,
            "backend": self.backend,
        }

    @abstractmethod
    def call(self, x: Any, w: Any, bias: Any, options: dict[str, Any]) -> Any:
        """Apply the operator."""

    @abstractmethod
    def call_backward(self, x: Any, w: Any, bias: Any, dy: Any, options: dict[str, Any]) -> Gradients:
        """Compute the operator's gradients."""


def _first_values(init: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    """What a number, an array or a function of the user gives."""
    if callable(init):
        return init(shape, rng)
    return np.full(shape, init) if isinstance(init, float) else init


def _as_dtype(dtype: Any) -> np.dtype[Any]:
    for known in _DTYPES:
        if isinstance(dtype, str | type | np.dtype) and known == dtype:
            return known
    raise TypeError(f"dtype must be float16, float32 or float64, got {dtype!r}")
