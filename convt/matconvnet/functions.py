"""``vl_nnconvt`` and ``vl_nnconv``: their documentation, and how they differ. Read `call.py` for how they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from ..core.call import CONV, CONV_TRANSPOSE
from ..selection import BackendRequest
from .call import Function, run
from .geometry import conv_geometry, conv_transpose_geometry, identity_filters
from .options import ConvOptions, ConvTransposeOptions

if TYPE_CHECKING:
    from ..typing import ArrayLike, ArrayT, NumbersLike, NumPyLike

__all__ = ["vl_nnconv", "vl_nnconvt"]


@overload
def vl_nnconvt(
    x: ArrayT | NumPyLike,
    f: ArrayLike,
    b: ArrayLike | None,
    dzdy: str | None = None,
    *options: str | NumbersLike,
    upsample: NumbersLike | None = None,
    crop: NumbersLike | None = None,
    num_groups: NumbersLike | None = None,
    no_der_data: bool | None = None,
    no_der_filters: bool | None = None,
    no_der_biases: bool | None = None,
    cudnn: bool | None = None,
    cudnn_workspace_limit: float | None = None,
    verbose: bool | None = None,
    backend: BackendRequest = None,
) -> ArrayT: ...
@overload
def vl_nnconvt(
    x: ArrayT | NumPyLike,
    f: ArrayLike,
    b: ArrayLike | None,
    dzdy: ArrayLike,
    *options: str | NumbersLike,
    upsample: NumbersLike | None = None,
    crop: NumbersLike | None = None,
    num_groups: NumbersLike | None = None,
    no_der_data: bool | None = None,
    no_der_filters: bool | None = None,
    no_der_biases: bool | None = None,
    cudnn: bool | None = None,
    cudnn_workspace_limit: float | None = None,
    verbose: bool | None = None,
    backend: BackendRequest = None,
) -> tuple[ArrayT, ArrayT, ArrayT]: ...
def vl_nnconvt(
    x: ArrayT | NumPyLike,
    f: ArrayLike,
    b: ArrayLike | None,
    dzdy: ArrayLike | str | None = None,
    *options: str | NumbersLike,
    upsample: NumbersLike | None = None,
    crop: NumbersLike | None = None,
    num_groups: NumbersLike | None = None,
    no_der_data: bool | None = None,
    no_der_filters: bool | None = None,
    no_der_biases: bool | None = None,
    cudnn: bool | None = None,
    cudnn_workspace_limit: float | None = None,
    verbose: bool | None = None,
    backend: BackendRequest = None,
) -> Any:
    """Compute MatConvNet's transposed convolution, or its derivatives if dzdy is given.

    It is called as in MATLAB: options follow the arrays as ``'Name', value`` and bare flags, in upper or lower case, also in
    the place of dzdy. The same options are available as keywords. If an option is given several times, the last one counts;
    keywords come after the others.

    Parameters
    ----------
    x : array_like, H x W x D x N
        float32 or float64, the same for all arrays that are not empty. Missing dimensions at the end are 1, those after the
        fourth are folded into it. Arrays in Fortran order are not copied. If x lies on a GPU, all arrays that are not empty
        must, and may also be float16 or bfloat16; the results are of x's kind.
    f : array_like, FH x FW x K x D
        K filters for each group. The last dimension is D for any number of groups.
    b : array_like
        K * num_groups biases in any shape; empty or None for none.
    dzdy : array_like, optional
        The derivative of a scalar with respect to y, in the shape of y.
    *options
        MATLAB's spelling: 'Upsample', 'Crop', 'NumGroups' and 'CudnnWorkspaceLimit', each followed by its value, and the
        flags 'NoDerData', 'NoDerFilters', 'NoDerBiases', 'CuDNN', 'NoCuDNN' and 'Verbose'.
    upsample : number or [UPY, UPX], default 1
        Distance in y, in pixels, between neighbouring elements of x. Here and in the options below, fractions are cut off.
    crop : number or [TOP, BOTTOM, LEFT, RIGHT], default 0
        Number of pixels to crop from the borders of y.
    num_groups : number, default 1
        Number of independent groups of channels; must divide D. Output channel ``g * K + k`` is filter k of group g.
    no_der_data, no_der_filters, no_der_biases : bool
        Leave out a derivative; no effect on the forward pass.
    cudnn : bool
        'CuDNN' or 'NoCuDNN': whether the cuda backend may use cuDNN. This setting and the next last for later calls of this
        function until they are set again. Until they are first set, `convt.options` decides.
    cudnn_workspace_limit : float, default 512 MB
        In bytes; inf for no limit. It applies to the cuda backend with or without cuDNN.
    verbose : bool
        Print the sizes, the options, the backend and the settings of cuDNN; the cuda backend adds its engine, algorithm and
        workspace.
    backend : str, sequence of str or Backend, optional
        The backend of this call, or several to try in turn; see `convt.use_backend`.

    Returns
    -------
    y : ndarray, YH x YW x (K * num_groups) x N
        If dzdy is not given. ``YH = UPY * (H - 1) + FH - TOP - BOTTOM`` and ``YW = UPX * (W - 1) + FW - LEFT - RIGHT``. In
        Fortran order, always with four dimensions, in the dtype of the arrays.
    (dzdx, dzdf, dzdb) : tuple of ndarray
        If dzdy is given. dzdx and dzdf have four dimensions and Fortran order, dzdb has the shape of b. A derivative that is
        left out, and dzdb without biases, is an empty 0 x 0 array.

    Raises
    ------
    ValueError, TypeError
        An argument breaks a rule; the message names it.
    LookupError, BackendUnavailable, MemoryError
        As in `convt.conv_transpose`.

    See Also
    --------
    vl_nnconv : the convolution that this is the transpose of.
    convt.conv_transpose : the same operator for NumPy's axis orders.

    References
    ----------
    .. [1] A. Vedaldi and K. Lenc, "MatConvNet: Convolutional Neural Networks for MATLAB", arXiv:1412.4564, VL_NNCONVT.

    Examples
    --------
    >>> import numpy as np
    >>> from convt.matconvnet import vl_nnconvt
    >>> x = np.array([[1.0, 2.0]])                       # one image, 1 x 2 pixels, one channel
    >>> f = np.array([[1.0, 10.0, 100.0]])               # one filter, 1 x 3
    >>> y = vl_nnconvt(x, f, [], 'Upsample', [1, 2], 'Crop', [0, 0, 1, 0])
    >>> y.shape
    (1, 4, 1, 1)
    >>> y[:, :, 0, 0]
    array([[ 10., 102.,  20., 200.]])
    >>> dzdx, dzdf, dzdb = vl_nnconvt(x, f, [], np.ones_like(y), upsample=[1, 2], crop=[0, 0, 1, 0])
    >>> dzdx[:, :, 0, 0]
    array([[110., 111.]])
    """
    keywords = {
        "upsample": upsample,
        "crop": crop,
        "num_groups": num_groups,
        "no_der_data": no_der_data,
        "no_der_filters": no_der_filters,
        "no_der_biases": no_der_biases,
        "cudnn": cudnn,
        "cudnn_workspace_limit": cudnn_workspace_limit,
        "verbose": verbose,
    }
    return run(_CONV_TRANSPOSE, x, f, b, dzdy, options, keywords, backend)


@overload
def vl_nnconv(
    x: ArrayT | NumPyLike,
    f: ArrayLike | None,
    b: ArrayLike | None,
    dzdy: str | None = None,
    *options: str | NumbersLike,
    pad: NumbersLike | None = None,
    stride: NumbersLike | None = None,
    dilate: NumbersLike | None = None,
    no_der_data: bool | None = None,
    no_der_filters: bool | None = None,
    no_der_biases: bool | None = None,
    cudnn: bool | None = None,
    cudnn_workspace_limit: float | None = None,
    verbose: bool | None = None,
    backend: BackendRequest = None,
) -> ArrayT: ...
@overload
def vl_nnconv(
    x: ArrayT | NumPyLike,
    f: ArrayLike | None,
    b: ArrayLike | None,
    dzdy: ArrayLike,
    *options: str | NumbersLike,
    pad: NumbersLike | None = None,
    stride: NumbersLike | None = None,
    dilate: NumbersLike | None = None,
    no_der_data: bool | None = None,
    no_der_filters: bool | None = None,
    no_der_biases: bool | None = None,
    cudnn: bool | None = None,
    cudnn_workspace_limit: float | None = None,
    verbose: bool | None = None,
    backend: BackendRequest = None,
) -> tuple[ArrayT, ArrayT, ArrayT]: ...
def vl_nnconv(
    x: ArrayT | NumPyLike,
    f: ArrayLike | None,
    b: ArrayLike | None,
    dzdy: ArrayLike | str | None = None,
    *options: str | NumbersLike,
    pad: NumbersLike | None = None,
    stride: NumbersLike | None = None,
    dilate: NumbersLike | None = None,
    no_der_data: bool | None = None,
    no_der_filters: bool | None = None,
    no_der_biases: bool | None = None,
    cudnn: bool | None = None,
    cudnn_workspace_limit: float | None = None,
    verbose: bool | None = None,
    backend: BackendRequest = None,
) -> Any:
    """Compute MatConvNet's convolution, or its derivatives if dzdy is given.

    Options are written as in `vl_nnconvt`, after the arrays or as keywords.

    Parameters
    ----------
    x : array_like, H x W x D x N
        As in `vl_nnconvt`.
    f : array_like, FH x FW x FC x K
        K filters. If FC is less than D, the channels form ``D / FC`` groups, which must divide K. Empty or None means no
        filtering: y is every STRIDE-th pixel of the padded x, plus the biases; dilate must then be 1.
    b : array_like
        K biases in any shape (D if f is empty); empty or None for none.
    dzdy : array_like, optional
        The derivative of a scalar with respect to y, in the shape of y.
    *options
        MATLAB's spelling: 'Pad', 'Stride', 'Dilate' and 'CudnnWorkspaceLimit', each followed by its value, and the flags
        of `vl_nnconvt`.
    pad : number or [TOP, BOTTOM, LEFT, RIGHT], default 0
        Number of zeros to put at the borders of x. Here and in the options below, fractions are cut off.
    stride : number or [STRIDEY, STRIDEX], default 1
        Distance in x, in pixels, between the windows of neighbouring elements of y.
    dilate : number or [DILATEY, DILATEX], default 1
        Distance in x, in pixels, between neighbouring elements of a filter.
    no_der_data, no_der_filters, no_der_biases, cudnn, cudnn_workspace_limit, verbose, backend
        As in `vl_nnconvt`. The settings that last are separate from those of `vl_nnconvt`.

    Returns
    -------
    y : ndarray, YH x YW x K x N
        If dzdy is not given. ``YH = floor((H + TOP + BOTTOM - DILATEY * (FH - 1) - 1) / STRIDEY) + 1``, and likewise YW. In
        Fortran order, always with four dimensions, in the dtype of the arrays.
    (dzdx, dzdf, dzdb) : tuple of ndarray
        If dzdy is given; as in `vl_nnconvt`. Without filters, dzdf is an empty 0 x 0 array.

    Raises
    ------
    ValueError, TypeError, LookupError, BackendUnavailable, MemoryError
        As in `vl_nnconvt`.

    See Also
    --------
    vl_nnconvt, convt.conv

    References
    ----------
    .. [1] A. Vedaldi and K. Lenc, "MatConvNet: Convolutional Neural Networks for MATLAB", arXiv:1412.4564, VL_NNCONV.

    Examples
    --------
    >>> import numpy as np
    >>> from convt.matconvnet import vl_nnconv
    >>> x = np.array([[1.0, 2.0, 3.0, 4.0, 5.0]])
    >>> f = np.array([[1.0, 10.0, 100.0]])
    >>> vl_nnconv(x, f, [], 'Stride', [1, 2])[:, :, 0, 0]
    array([[321., 543.]])
    >>> vl_nnconv(x, [], [], 'Stride', [1, 2])[:, :, 0, 0]
    array([[1., 3., 5.]])
    """
    keywords = {
        "pad": pad,
        "stride": stride,
        "dilate": dilate,
        "no_der_data": no_der_data,
        "no_der_filters": no_der_filters,
        "no_der_biases": no_der_biases,
        "cudnn": cudnn,
        "cudnn_workspace_limit": cudnn_workspace_limit,
        "verbose": verbose,
    }
    return run(_CONV, x, f, b, dzdy, options, keywords, backend)


_CONV_TRANSPOSE = Function(
    name="vl_nnconvt",
    options=ConvTransposeOptions,
    geometry=conv_transpose_geometry,
    operator=CONV_TRANSPOSE,
    without_filters=None,
)
_CONV = Function(
    name="vl_nnconv",
    options=ConvOptions,
    geometry=conv_geometry,
    operator=CONV,
    without_filters=identity_filters,
)
