"""ConvOperator: a convolution as one of SciPy's linear operators, computed by the backends."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import LinearOperator

from ..core.arrays import as_operand, outline
from ..core.constant import Filters
from ..core.containers import as_numpy
from ..core.memory import ContainerMemory, HostMemory, host_memory_of
from ..functions.operators import conv, conv_backward
from ..selection import BackendRequest, check_request
from .arguments import MatrixArguments
from .sparse import conv_matrix

if TYPE_CHECKING:
    from ..typing import ArrayLike, LayoutName, PaddingLike, ShapeLike, SizesLike

__all__ = ["ConvOperator"]

Array = np.ndarray[Any, np.dtype[Any]]


class _Operator(LinearOperator):  # type: ignore[misc]
    """Base of both directions: its products say what x must be, where SciPy's errors say "dimension mismatch"."""

    def dot(self, x: Any) -> Any:
        """``A @ x``."""
        if isinstance(x, LinearOperator) or np.isscalar(x):
            return super().dot(x)
        if scipy.sparse.issparse(x):
            raise TypeError(f"x must be a dense array, got {type(x).__name__} (x.toarray(), or use tosparse() @ x)")
        memory, length = host_memory_of(x), self.shape[1]
        array = memory.take_in("x", x)
        if array.ndim not in (1, 2) or array.shape[0] != length:
            hint = " (pass x.ravel())" if array.size == length else ""
            raise ValueError(
                f"x must be a vector of {length} elements or a matrix of {length} rows, got shape {array.shape}{hint}"
            )
        return _given_back(memory, super().dot(array))

    def matvec(self, x: Any) -> Any:
        """``A @ x`` for a vector."""
        memory, array = _taken(x)
        return _given_back(memory, super().matvec(array))

    def rmatvec(self, x: Any) -> Any:
        """``A.H @ x`` for a vector."""
        memory, array = _taken(x)
        return _given_back(memory, super().rmatvec(array))

    def matmat(self, X: Any) -> Any:  # noqa: N803  (SciPy's name)
        """``A @ X`` for a matrix."""
        memory, array = _taken(X)
        return _given_back(memory, super().matmat(array))

    def rmatmat(self, X: Any) -> Any:  # noqa: N803
        """``A.H @ X`` for a matrix."""
        memory, array = _taken(X)
        return _given_back(memory, super().rmatmat(array))


def _taken(x: Any) -> tuple[HostMemory, Any]:
    """The memory for a product's result, and x as SciPy's checks take it."""
    memory = host_memory_of(x)
    return memory, memory.take_in("x", x) if isinstance(memory, ContainerMemory) else x


def _given_back(memory: HostMemory, product: Any) -> Any:
    return memory.give_back(product, None, product.dtype)


class ConvOperator(_Operator):
    """A convolution as a linear operator of vectors, for the solvers of `scipy.sparse.linalg`.

    ``A @ x.ravel()`` is ``conv(x, w, ...).ravel()``, and ``A.H @ y.ravel()`` is `conv_transpose` of y with the conjugated w
    and x's size as output_size, so that ``<A x, y> == <x, A.H y>`` also for complex filters. No matrix is stored.

    Parameters
    ----------
    x_shape : sequence of int, (C, *spatial) or (*spatial)
        The shape of one x, without a batch. As many axes as w has mean that there are no channels.
    w : array_like, (K, C // groups, *kernel) or (*kernel)
        As in `conv`; copied.
    stride, padding, dilation, groups, layout
        As in `conv`; x and y are ravelled in the layout's order.
    backend : str, sequence of str or Backend, optional
        The backend; selected anew at each product, see `use_backend`.

    Attributes
    ----------
    shape : tuple of int
        (y.size, x.size).
    dtype : numpy.dtype
        The type that w is computed in; products have the type promoted from it and the vector's.
    x_shape, y_shape : tuple of int
        Shapes of the arrays that the vectors stand for; without channels if x_shape was given without.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it.

    See Also
    --------
    conv_matrix : the same map as a sparse matrix.

    Notes
    -----
    ``A @ X`` with a matrix X of several columns is a single call, with the columns as a batch.

    Examples
    --------
    >>> import numpy as np, convt
    >>> from scipy.sparse.linalg import lsqr
    >>> A = convt.ConvOperator((5,), [1, 2, 1], padding=1)
    >>> A @ np.array([0.0, 0, 1, 0, 0])
    array([0., 1., 2., 1., 0.])
    >>> blurred = A @ np.array([1.0, 5, 2, 0, 3])
    >>> lsqr(A, blurred, atol=1e-12, btol=1e-12)[0].round(6) + 0.0
    array([1., 5., 2., 0., 3.])
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]

    def __init__(
        self,
        x_shape: ShapeLike,
        w: ArrayLike,
        *,
        stride: SizesLike = 1,
        padding: PaddingLike = 0,
        dilation: SizesLike = 1,
        groups: int = 1,
        layout: LayoutName | None = None,
        backend: BackendRequest = None,
    ) -> None:
        arguments = MatrixArguments.accept(
            x_shape, w, stride=stride, padding=padding, dilation=dilation, groups=groups, layout=layout
        )
        self._arguments = arguments
        given = as_operand(as_numpy("w", w), arguments.dtype)
        self._w = Filters(given.reshape(arguments.w_shape))
        self._given_w = self._w.array.reshape(given.shape)
        check_request(backend)
        self._backend = backend
        channels = self._given_w.ndim > len(x_shape)
        self.x_shape, self.y_shape = (shape if channels else shape[1:] for shape in (arguments.x_shape, arguments.y_shape))
        super().__init__(arguments.dtype, (prod(self.y_shape), prod(self.x_shape)))

    def _adjoint(self) -> _Adjoint:
        return _Adjoint(self)

    def _transpose(self) -> LinearOperator:
        return super()._transpose() if self.dtype.kind == "c" else self._adjoint()

    def tosparse(self) -> scipy.sparse.csr_array:
        """The matrix, by `conv_matrix`."""
        return conv_matrix(self.x_shape, self._given_w, **self._arguments.options)

    def _matvec(self, x: Array) -> Array:
        y: Array = conv(x.reshape(self._arguments.x_shape), self._w, backend=self._backend, **self._arguments.options)
        return y.ravel()

    def _rmatvec(self, y: Array) -> Array:
        return self._back(y.reshape(self._arguments.y_shape), self._arguments.x_shape).ravel()

    def _matmat(self, x: Array) -> Array:
        images = self._images(x, self._arguments.x_shape)
        return self._columns(conv(images, self._w, backend=self._backend, **self._arguments.options))

    def _rmatmat(self, y: Array) -> Array:
        images = self._images(y, self._arguments.y_shape)
        shape = self._images(outline((self.shape[1], y.shape[1]), np.dtype(np.int8)), self._arguments.x_shape).shape
        return self._columns(self._back(images, shape))

    def _back(self, y: Array, x_shape: tuple[int, ...]) -> Array:
        """Apply the adjoint, which is the gradient of x; the values of x do not matter."""
        x = outline(x_shape, self._w.dtype)
        result: Array = conv_backward(x, self._w, None, y, needs=("x",), backend=self._backend, **self._arguments.options).x
        return result

    def _images(self, columns: Array, shape: tuple[int, ...]) -> Array:
        """The columns of a matrix as a batch; if the layout has the batch last, this is a view."""
        if self._arguments.batch_last:
            return columns.reshape(*shape, -1)
        return columns.T.reshape(-1, *shape)

    def _columns(self, images: Array) -> Array:
        if self._arguments.batch_last:
            return images.reshape(prod(images.shape[:-1]), images.shape[-1])
        return images.reshape(len(images), prod(images.shape[1:])).T


class _Adjoint(_Operator):
    """The transposed convolution with the conjugated filters."""

    def __init__(self, forward: ConvOperator) -> None:
        super().__init__(forward.dtype, forward.shape[::-1])
        self._forward = forward

    def __repr__(self) -> str:
        rows, columns = self.shape
        return f"<{rows}x{columns} adjoint of ConvOperator with dtype={self.dtype}>"

    def _matvec(self, x: Array) -> Array:
        return self._forward._rmatvec(x)

    def _rmatvec(self, y: Array) -> Array:
        return self._forward._matvec(y)

    def _matmat(self, x: Array) -> Array:
        return self._forward._rmatmat(x)

    def _rmatmat(self, y: Array) -> Array:
        return self._forward._matmat(y)

    def _adjoint(self) -> ConvOperator:
        return self._forward

    def _transpose(self) -> LinearOperator:
        return super()._transpose() if self.dtype.kind == "c" else self._forward
