"""How far a right result may be from the exact one: `bound`, per element, and `judge`, which compares by it.

An element of a result is right if it is off by at most ``c * eps`` of its bound, where c is a small number that every engine
states. The bound counts only what the element reaches::

    scatter, gather    sum over channels:  (largest magnitude reached in the channel) * (sum of magnitudes of the taps met)
    correlate          sum over images and positions:  (largest magnitude near the partner) * (magnitude at the position)

It allows an engine to transform whole windows of the data, as Winograd's do, but not to let in what the definition leaves
out: a hot pixel, a fill value or an infinity that an element does not reach adds nothing to its bound. What only moves
values, or compares them, has a bound of 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Problem
from . import naive, naive_sampling

__all__ = ["NEAR", "TOLERANCE", "Verdict", "bound", "judge"]

Array = np.ndarray[Any, np.dtype[Any]]

TOLERANCE = 32.0  # c, unless a backend states another
NEAR = 8  # coarse elements along each axis: no engine sums larger tiles of a filter gradient in another form


def bound(operation: str, problem: Problem, *arguments: Any, bias: Array | None = None) -> Array:
    """The bound of each element of a result; it may be off by ``c * eps`` of that, eps being that of the problem's dtype.

    Parameters
    ----------
    operation : str
        A member of a backend that computes: "scatter", "gather", "correlate", "channel_sums", "upsample",
        "upsample_backward", "max_pool", "max_pool_backward", "max_unpool" or "max_unpool_backward".
    problem : Problem
    *arguments
        What that member of a backend is given between the problem and its results, without any bias.
    bias : ndarray, optional
        For scatter and gather.

    Returns
    -------
    ndarray of float64
        Of the result's shape. Infinity or NaN for what reaches an infinity or a NaN, where `judge` wants what is exact.

    Examples
    --------
    A hot element matters to what reaches it, and to nothing else:

    >>> import numpy as np
    >>> from convt.testing import make_problem
    >>> from convt.testing.bounds import bound
    >>> problem = make_problem(4, 2, stride=2, channels=(1, 1))
    >>> coarse = np.array([[[1.0, -2.0, 1e30, 0.0]]])
    >>> bound("scatter", problem, coarse, np.array([[[1.0, -0.5]]]))
    array([[[1.e+00, 5.e-01, 2.e+00, 1.e+00, 1.e+30, 5.e+29, 0.e+00, 0.e+00]]])
    """
    magnitudes = [_magnitude(each) for each in arguments]
    if operation in ("scatter", "gather"):
        result = _of_data_map(operation, problem, *magnitudes)
        if bias is not None:
            result += _magnitude(bias).reshape(-1, *[1] * len(problem.stride))
    elif operation == "correlate":
        result = _of_correlate(problem, *magnitudes)
    elif operation == "channel_sums":
        result = magnitudes[0].sum(axis=(0, *range(2, magnitudes[0].ndim)))
    elif operation in ("upsample", "upsample_backward"):
        result = _of_upsampling(operation, problem, *magnitudes)
    elif operation == "max_pool_backward":
        result = naive_sampling.max_pool_backward(problem, *magnitudes)
    else:
        role = "fine" if operation == "max_unpool" else "coarse"
        result = np.zeros(naive.array_shape(problem, role))
    return result


@dataclass(frozen=True)
class Verdict:
    """What `judge` found.

    Attributes
    ----------
    largest : float
        The largest error in units of eps of the bound, of the elements that are right: the c that was needed.
    wrong : int
        How many elements are wrong.
    words : str
        The worst of these, where it is, and what would have been allowed.
    """

    largest: float
    wrong: int = 0
    words: str = ""


def judge(got: Array, want: Array, limit: Array, *, c: float = TOLERANCE, terms: int = 1) -> Verdict:
    """Compare a result with the exact one.

    Parameters
    ----------
    got : ndarray of float32 or float64
    want : ndarray of float64
    limit : ndarray of float64
        What `bound` gives; 0 for what must be equal.
    c : float
        Allowed error in units of eps of the bound. Where infinity or NaN is right, nothing else is.
    terms : int
        How many products are summed, each of which may lose what is smaller than the type's smallest number.

    Returns
    -------
    Verdict
    """
    info = np.finfo(got.dtype)
    with np.errstate(all="ignore"):
        error = np.abs(got - want)
        lost = np.where(limit > 0, terms * float(info.smallest_subnormal), 0.0)
        same = (got == want) | (np.isnan(got) & np.isnan(want))
        allowed = c * float(info.eps) * limit + lost
        wrong = ~(same | (np.isfinite(got) & np.isfinite(want) & (error <= allowed)))
        units = np.where(same | (error <= lost), 0.0, (error - lost) / (float(info.eps) * limit))
    if not wrong.any():
        return Verdict(float(units.max(initial=0.0)))
    at = tuple(map(int, np.argwhere(wrong)[np.nan_to_num(units[wrong], nan=np.inf).argmax()]))
    return Verdict(
        float(units[~wrong].max(initial=0.0)),
        int(wrong.sum()),
        f"wrong at {wrong.sum()} of {wrong.size} elements, worst at {at}: got {got[at]!r}, expected {want[at]!r}, an "
        f"error of {error[at]:.3g} where {allowed[at]:.3g} is allowed ({units[at]:.3g} eps of the bound, at most {c:g})",
    )


def _magnitude(value: Any) -> Any:
    """Of data, in float64; indices and options are what they are."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return np.abs(value.astype(np.float64))
    return value


def _of_data_map(operation: str, problem: Problem, data: Array, kernel: Array) -> Array:
    """In place of an element, each product takes the largest that the result reaches in that channel."""
    data = naive.flat(problem, naive.INPUTS[operation][0], data)
    kernel = naive.flat(problem, "kernel", kernel)
    role = naive.OUTPUT[operation]
    shape = naive.array_shape(problem, role)
    result = naive.flat(problem, role, np.zeros(shape))
    reached = np.zeros((*data.shape[:3], result.shape[-1]))
    meetings = [(tap, q, f) if operation == "gather" else (tap, f, q) for tap, q, f in naive.meetings(problem)]
    for _tap, there, here in meetings:
        reached[..., there] = np.maximum(reached[..., there], data[..., here])
    subscripts = "ngcq,gcf->ngfq" if operation == "scatter" else "ngfq,gcf->ngcq"
    for tap, there, _here in meetings:
        result[..., there] += np.einsum(subscripts, reached[..., there], kernel[..., tap])
    return result.reshape(shape)


def _of_correlate(problem: Problem, fine: Array, coarse: Array) -> Array:
    fine, coarse = naive.flat(problem, "fine", fine), naive.flat(problem, "coarse", coarse)
    shape = naive.array_shape(problem, "kernel")
    result = naive.flat(problem, "kernel", np.zeros(shape))
    for tap, q, f in naive.meetings(problem):
        partners = np.zeros((*fine.shape[:3], coarse.shape[-1]))
        partners[..., q] = fine[..., f]
        near = _largest_near(partners.reshape(*fine.shape[:3], *problem.coarse_shape)).reshape(partners.shape)
        result[..., tap] = np.einsum("ngfq,ngcq->gcf", near[..., q], coarse[..., q])
    return result.reshape(shape)


def _largest_near(array: Array) -> Array:
    """For each element the largest of those at most `NEAR` away along every axis behind the third."""
    for axis in range(3, array.ndim):
        if array.shape[axis] <= NEAR + 1:
            array = np.broadcast_to(array.max(axis=axis, keepdims=True), array.shape)
        else:
            around = np.pad(array, [(NEAR * (each == axis),) * 2 for each in range(array.ndim)])
            array = np.lib.stride_tricks.sliding_window_view(around, 2 * NEAR + 1, axis=axis).max(axis=-1)
    return array


def _of_upsampling(operation: str, problem: Problem, mode: str, align_corners: bool, array: Array) -> Array:
    """The largest magnitude that is reached, times the sum of the weights; exactly what is moved for one alone."""
    backward = operation == "upsample_backward"
    shape = naive.array_shape(problem, "coarse" if backward else "fine")
    if mode == "bed_of_nails" or (mode == "nearest" and not backward):
        return np.zeros(shape)
    if mode == "nearest":
        return naive_sampling.upsample_backward(problem, mode, align_corners, array)
    fine, coarse, weight = naive_sampling.meetings(problem, mode, align_corners)
    there, here = (coarse, fine) if backward else (fine, coarse)
    data = array.reshape(*array.shape[:2], -1)
    result = np.zeros((*shape[:2], int(np.prod(shape[2:]))))
    places: Any = (..., there)
    np.maximum.at(result, places, data[..., here])
    sums = np.zeros(result.shape[-1])
    np.add.at(sums, there, weight)
    return (result * sums).reshape(shape)
