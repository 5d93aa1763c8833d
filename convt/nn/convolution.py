"""The layers with filters: convolution and its transpose, over 1, 2 and 3 spatial axes, with Gluon's arguments.

What all of them have in common is in `filterlayer.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.arguments import Sizes, as_sizes
from ..core.execution import Gradients
from ..functions.operators import conv, conv_backward, conv_transpose, conv_transpose_backward
from ..selection import BackendRequest
from .checks import take_real
from .filterlayer import FilterLayer
from .parameter import Array

if TYPE_CHECKING:
    from ..typing import ArrayLike, BiasInitializer, LayoutName, PaddingLike, SizesLike, WeightInitializer

__all__ = ["Conv1D", "Conv1DTranspose", "Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose"]


class _Conv(FilterLayer):
    transposed = False

    def __init__(
        self,
        channels: int,
        kernel_size: SizesLike,
        strides: SizesLike = 1,
        padding: PaddingLike = 0,
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
        super().__init__(
            channels,
            kernel_size,
            strides,
            padding,
            0,
            dilation,
            groups,
            layout,
            use_bias=use_bias,
            weight_initializer=weight_initializer,
            bias_initializer=bias_initializer,
            in_channels=in_channels,
            backend=backend,
        )

    def call(self, x: Any, w: Any, bias: Any, options: dict[str, Any]) -> Any:
        """Apply `convt.conv`."""
        return conv(x, w, bias, **options)

    def call_backward(self, x: Any, w: Any, bias: Any, dy: Any, options: dict[str, Any]) -> Gradients:
        """Apply `convt.conv_backward`."""
        return conv_backward(x, w, bias, dy, **options)


class _ConvTranspose(FilterLayer):
    transposed = True

    def __call__(self, x: ArrayLike, output_size: SizesLike | None = None) -> Array:
        """The same as `forward`."""
        return self.forward(x, output_size)

    def forward(self, x: ArrayLike, output_size: SizesLike | None = None) -> Array:
        """Compute the output.

        Parameters
        ----------
        x : array_like, (N, C, *spatial) or (C, *spatial), in the layer's layout
            Real numbers. Kept, without a copy, until the next call. Another library's array gives results of its kind.
        output_size : int or sequence of int, optional
            The output's spatial size, in this call and its `backward`, in place of what output_padding would make it. A
            strided convolution takes several sizes to the same one; this tells which of them to go back to. The output's
            whole shape is accepted too, such as the ``shape`` of the array that it is to be added to.

        Returns
        -------
        ndarray
            Of the type promoted from x and the filters.

        Raises
        ------
        RuntimeError
            The layer is not initialised.
        ValueError, TypeError
            x does not fit, or the layer cannot make an output of that size from it; the message has the sizes it can.
        """
        options = self.options()
        if output_size is not None:
            del options["output_padding"]
            options["output_size"] = self._spatial_size(take_real(x)[1], output_size)
        return self.compute(x, options)

    def options(self) -> dict[str, Any]:
        """The options of `convt.conv_transpose`."""
        return super().options() | {"output_padding": self.output_padding}

    def call(self, x: Any, w: Any, bias: Any, options: dict[str, Any]) -> Any:
        """Apply `convt.conv_transpose`."""
        return conv_transpose(x, w, bias, **options)

    def call_backward(self, x: Any, w: Any, bias: Any, dy: Any, options: dict[str, Any]) -> Gradients:
        """Apply `convt.conv_transpose_backward`."""
        return conv_transpose_backward(x, w, bias, dy, **options)

    def _spatial_size(self, x: Array, output_size: SizesLike) -> Sizes:
        """The spatial sizes in output_size, which may be the output's whole shape."""
        size = as_sizes("output_size", output_size)
        if isinstance(size, int) or len(size) == self.axes or len(size) != x.ndim:
            return size
        names = self.layout if x.ndim == self.axes + 2 else self.layout.replace("N", "")
        fixed = {"N": x.shape[names.find("N")], "C": self.channels}
        if any(entry != fixed.get(name, entry) for name, entry in zip(names, size, strict=True)):
            whole = ", ".join(str(fixed.get(name, name)) for name in names)
            raise ValueError(f"output_size must be the spatial size or the whole shape ({whole}) of the output, got {size}")
        return tuple(entry for name, entry in zip(names, size, strict=True) if name not in fixed)


class Conv2D(_Conv):
    """Convolution over 2 spatial axes, with filters that are learnt.

    Parameters
    ----------
    channels : int
        The channels of the output.
    kernel_size, strides, padding, dilation, groups
        As w's spatial shape and the options of `convt.conv`.
    layout : str, optional
        "NCHW" (the default), "NHWC" or "HWCN"; the filters are ordered as `convt.conv` takes them.
    use_bias : bool
    weight_initializer, bias_initializer : str, number, array_like or callable
        First values, which take precedence over the init of `initialize`; see there. By default init decides for the
        filters, and the bias is 0.
    in_channels : int
        The channels of x; 0 to take the number from the first call.
    backend : str, sequence of str or Backend, optional
        The backend, or several to try in turn; see `convt.use_backend`.

    Attributes
    ----------
    weight, bias : Parameter
        bias is None without one.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it.

    References
    ----------
    .. [1] MXNet, ``gluon.nn.Conv2D``.

    Examples
    --------
    >>> import numpy as np
    >>> from convt import nn
    >>> down = nn.Conv2D(10, kernel_size=4, strides=2, padding=1).initialize(rng=0)
    >>> x = np.zeros((1, 3, 64, 64), np.float32)
    >>> down(x).shape
    (1, 10, 32, 32)
    >>> down.weight
    Parameter(weight, (10, 3, 4, 4), float32)
    """

    axes = 2


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over 2 spatial axes, with filters that are learnt.

    Parameters
    ----------
    channels : int
        The channels of the output.
    kernel_size, strides, padding, output_padding, dilation, groups
        As w's spatial shape and the options of `convt.conv_transpose`: padding is what is cropped from the output. A call
        may ask for an output_size instead of an output_padding; see `forward`.
    layout, use_bias, weight_initializer, bias_initializer, in_channels, backend
        As in `Conv2D`.

    Attributes
    ----------
    weight, bias : Parameter
        bias is None without one.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it.

    References
    ----------
    .. [1] MXNet, ``gluon.nn.Conv2DTranspose``.

    Examples
    --------
    >>> import numpy as np
    >>> from convt import nn
    >>> up = nn.Conv2DTranspose(3, kernel_size=4, strides=2, padding=1).initialize(rng=0)
    >>> x = np.ones((1, 10, 32, 32), np.float32)
    >>> y = up(x)
    >>> y.shape
    (1, 3, 64, 64)
    >>> up.backward(np.ones_like(y)).shape
    (1, 10, 32, 32)
    >>> up.bias.grad
    array([4096., 4096., 4096.], dtype=float32)
    >>> up(x, output_size=65).shape
    (1, 3, 65, 65)
    """

    axes = 2


class Conv1D(_Conv):
    """As `Conv2D`, over 1 spatial axis; the layouts are "NCW", "NWC" and "WCN".

    Examples
    --------
    >>> from convt import nn
    >>> layer = nn.Conv1D(1, 2, strides=2, weight_initializer=1.0).initialize()
    >>> layer([[1.0, 2.0, 3.0, 4.0]])
    array([[3., 7.]])
    """

    axes = 1


class Conv1DTranspose(_ConvTranspose):
    """As `Conv2DTranspose`, over 1 spatial axis; the layouts are "NCW", "NWC" and "WCN".

    Examples
    --------
    >>> from convt import nn
    >>> layer = nn.Conv1DTranspose(1, 2, strides=2, weight_initializer=1.0).initialize()
    >>> layer([[3.0, 7.0]])
    array([[3., 3., 7., 7.]])
    """

    axes = 1


class Conv3D(_Conv):
    """As `Conv2D`, over 3 spatial axes; the layouts are "NCDHW", "NDHWC" and "DHWCN".

    Examples
    --------
    >>> import numpy as np
    >>> from convt import nn
    >>> layer = nn.Conv3D(4, 3, padding=1).initialize()
    >>> layer(np.zeros((1, 2, 8, 9, 10))).shape
    (1, 4, 8, 9, 10)
    """

    axes = 3


class Conv3DTranspose(_ConvTranspose):
    """As `Conv2DTranspose`, over 3 spatial axes; the layouts are "NCDHW", "NDHWC" and "DHWCN".

    Examples
    --------
    >>> import numpy as np
    >>> from convt import nn
    >>> layer = nn.Conv3DTranspose(4, 2, strides=2).initialize()
    >>> layer(np.zeros((1, 2, 8, 9, 10))).shape
    (1, 4, 16, 18, 20)
    """

    axes = 3
