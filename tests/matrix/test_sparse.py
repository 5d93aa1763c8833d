"""conv_matrix: textbook matrices, and the operators' numbers for any options."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from strategies import plain_calls

import convt
from convt.core.layout import LAYOUTS
from convt.matrix import sparse


def dense(x_shape, w, **options):
    """The matrix, column by column, as the operator's answers to unit vectors."""
    size = int(np.prod(x_shape))
    units = np.eye(size).reshape(*x_shape, size)
    if options.get("layout") not in ("WCN", "HWCN", "DHWCN"):
        units = np.moveaxis(units, -1, 0)
        return convt.conv(units, w, **options).reshape(size, -1).T
    return convt.conv(units, w, **options).reshape(-1, size)


def assert_canonical(matrix):
    assert isinstance(matrix, scipy.sparse.csr_array)
    matrix.check_format()
    fresh = scipy.sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=matrix.shape)
    assert fresh.has_canonical_format
    assert matrix.has_canonical_format
    assert matrix.has_sorted_indices


def test_the_textbook_matrix_of_a_3x3_filter_on_a_4x4_image():
    """Dumoulin and Visin, section 4.1: rows of y's 4 elements, the filter's rows 4 columns apart."""
    w = np.arange(1.0, 10).reshape(3, 3)
    matrix = convt.conv_matrix((4, 4), w)
    assert_array_equal(
        matrix.toarray(),
        [
            [1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0, 0],
            [0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0, 0, 0, 0],
            [0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0],
            [0, 0, 0, 0, 0, 1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9],
        ],
    )
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int32
    y = np.array([[1.0, 2], [3, 4]])
    assert_array_equal((matrix.T @ y.ravel()).reshape(1, 4, 4), convt.conv_transpose(y[None], w[None, None]))


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, [[1, 10, 100, 0, 0], [0, 1, 10, 100, 0], [0, 0, 1, 10, 100]]),
        ({"stride": 2}, [[1, 10, 100, 0, 0], [0, 0, 1, 10, 100]]),
        ({"stride": 2, "padding": 1}, [[10, 100, 0, 0, 0], [0, 1, 10, 100, 0], [0, 0, 0, 1, 10]]),
        ({"padding": [(2, -2)]}, [[100, 0, 0, 0, 0], [10, 100, 0, 0, 0], [1, 10, 100, 0, 0]]),
        ({"dilation": 2}, [[1, 0, 10, 0, 100]]),
        ({"stride": 3, "padding": "same"}, [[1, 10, 100, 0, 0], [0, 0, 0, 1, 10]]),
        ({"stride": 3, "padding": "same_lower"}, [[10, 100, 0, 0, 0], [0, 0, 1, 10, 100]]),
    ],
)
def test_options_in_one_dimension(options, rows):
    assert_array_equal(convt.conv_matrix([5], [1, 10, 100], **options).toarray(), rows)


@given(plain_calls(), st.sampled_from([0, 1, 2]), st.integers(0, 2**32 - 1))
def test_the_matrix_is_the_operator_for_any_options_and_layout(call, order, seed):
    axes = len(call["w_shape"]) - 2
    layout = [each for each in LAYOUTS.values() if each.axes == axes][order]
    w = np.random.default_rng(seed).standard_normal(call["w_shape"]).transpose(layout.kernel_back)
    x_shape = layout.data_shape((1, *call["x_shape"][-axes - 1 :]), batched=False)
    options = {**call["options"], "layout": layout.name}
    matrix = convt.conv_matrix(x_shape, w, **options)
    assert_canonical(matrix)
    assert_array_equal(matrix.toarray(), dense(x_shape, w, **options))
    assert matrix.nnz == np.count_nonzero(matrix.toarray())


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize(
    ("x_shape", "w_shape", "options"),
    [
        ((4, 70, 60), (6, 2, 3, 5), {"padding": ((1, 0), (2, 3)), "groups": 2}),  # stretches of image rows
        ((2, 5, 3000), (3, 2, 3, 9), {"padding": "same", "stride": (1, 2)}),  # stretches within rows
        ((1, 3000), (2, 1, 900), {"padding": 500, "dilation": 2}),  # many short stretches, long ones among them
        ((3, 40, 9, 50), (4, 1, 3, 3, 3), {"padding": 1, "groups": 1, "stride": (1, 2, 3)}),
        ((1, 1), (1, 1, 2000), {"padding": 1999}),  # each position meets another tap
        ((1, 2), (1, 1, 3000), {"padding": 9000, "dilation": 3, "stride": 2}),  # every other position meets none
    ],
)
def test_large_ones_in_blocks_of_every_kind(rng, x_shape, w_shape, options, order):
    axes = len(w_shape) - 2
    layout = [each for each in LAYOUTS.values() if each.axes == axes][order]
    if len(x_shape) == 4:
        w_shape = (4, 3, 3, 3, 3)
    w = rng.standard_normal(w_shape).transpose(layout.kernel_back)
    x_shape = layout.data_shape((1, *x_shape), batched=False)
    options = {**options, "layout": layout.name}
    matrix = convt.conv_matrix(x_shape, w, **options)
    assert_canonical(matrix)
    x = rng.standard_normal(x_shape)
    y = convt.conv(x, w, **options)
    assert_allclose(matrix @ x.ravel(), y.ravel(), atol=1e-12)
    back = convt.conv_backward(x, w, None, y, needs="x", **options).x
    assert_allclose(matrix.T @ y.ravel(), back.ravel(), atol=1e-10)
    assert matrix.data.all()
    assert matrix.nnz == convt.conv_matrix(x_shape, np.ones_like(w), **options).sum()


@pytest.mark.parametrize("layout", ["NCW", "NWC"])
def test_many_channels_of_one_element(rng, layout):
    w = rng.standard_normal((20000, 2, 1))
    matrix = convt.conv_matrix(
        (2, 1) if layout == "NCW" else (1, 2), w if layout == "NCW" else w.transpose(2, 1, 0), layout=layout
    )
    assert_canonical(matrix)
    assert_array_equal(matrix.toarray(), w[:, :, 0])


@pytest.mark.parametrize("shape", [(7,), (6, 5), (4, 3, 5)])
def test_without_channels_it_is_that_of_one_channel(rng, shape):
    w = rng.standard_normal((3, 2, 2)[: len(shape)])
    alone = convt.conv_matrix(shape, w, stride=2, padding=1)
    one = convt.conv_matrix((1, *shape), w[None, None], stride=2, padding=1)
    assert_array_equal(alone.toarray(), one.toarray())


@pytest.mark.parametrize(
    ("given_type", "result"),
    [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("i4", "f8"), ("?", "f8"), ("c8", "c8"), ("c16", "c16"), (">f4", "f4")],
)
def test_types(given_type, result):
    w = np.array([1, 0, 1], given_type)
    matrix = convt.conv_matrix((4,), w)
    assert matrix.dtype == np.dtype(result)
    assert matrix.dtype.isnative
    assert matrix.nnz == 6  # zero taps are stored: the pattern does not depend on the values


def test_complex_filters_are_not_conjugated_by_the_transpose(rng):
    w = rng.standard_normal((2, 1, 3)) + 1j * rng.standard_normal((2, 1, 3))
    matrix, y = convt.conv_matrix((1, 6), w), rng.standard_normal((2, 4))
    assert_allclose((matrix.T @ y.ravel()).reshape(1, 6), convt.conv_transpose(y, w), rtol=1e-13)


def test_indices_are_of_64_bits_where_32_are_too_few():
    matrix = convt.conv_matrix((2**31 + 5,), [1.0, 2.0], stride=2**30)
    assert matrix.indices.dtype == matrix.indptr.dtype == np.int64
    assert_array_equal(matrix.indices, [0, 1, 2**30, 2**30 + 1, 2**31, 2**31 + 1])
    assert_array_equal(matrix.data, [1, 2] * 3)
    assert convt.conv_matrix((2**31 - 1,), [1.0], stride=2**31 - 2).indices.dtype == np.int32


def test_nothing_of_the_callers_is_changed_or_shared(rng):
    w, padding, x_shape = rng.standard_normal((3, 3)), [[1, 0], [0, 1]], [5, 4]
    before = w.copy()
    matrix = convt.conv_matrix(x_shape, w, padding=padding)
    matrix.data[:] = 0
    assert_array_equal(w, before)
    assert (padding, x_shape) == ([[1, 0], [0, 1]], [5, 4])


WITHOUT_BATCH = r"x_shape must be the shape of one x without a batch: one axis less than w .*, or as many as w .*, got "
BAD = [
    ({"x_shape": (2, 3, 8, 8)}, ValueError, WITHOUT_BATCH + r"\(2, 3, 8, 8\) with w.shape \(4, 3, 3, 3\)"),
    ({"x_shape": (8,)}, ValueError, WITHOUT_BATCH + ".*"),
    ({"x_shape": ()}, ValueError, WITHOUT_BATCH + ".*"),
    ({"x_shape": (1, 2, 3, 8, 8)}, ValueError, WITHOUT_BATCH + ".*"),
    ({"x_shape": 8}, TypeError, "x_shape must be a sequence of integers, got 8"),
    ({"x_shape": (3, 8, 8.0)}, TypeError, r"x_shape\[2\] must be an integer, got 8.0"),
    ({"x_shape": (3, -8, 8)}, ValueError, r"x_shape must have no negative sizes, got \(3, -8, 8\)"),
    ({"x_shape": (3, 0, 8)}, ValueError, "x must have at least 1 channel and 1 element along each spatial axis, .*"),
    ({"x_shape": (4, 8, 8)}, ValueError, r"w.shape\[1\] must equal x's 4 channels // groups \(4\), got 3 .*"),
    (
        {"x_shape": (3, 2, 8)},
        ValueError,
        "w must fit into x: on spatial axis 0 the dilated filter spans 3 elements, got 2 .*",
    ),
    ({"w": "w"}, TypeError, "w.dtype must be .*"),
    ({"w": None}, TypeError, "w must be an array of numbers, got None"),
    ({"w": 1.0}, ValueError, WITHOUT_BATCH + ".*"),
    ({"w": np.ones((4, 3, 3, 0))}, ValueError, "w must have at least 1 element along each axis, .*"),
    ({"stride": 0}, ValueError, "stride must be at least 1, got 0"),
    ({"stride": 1.5}, TypeError, "stride must be an integer or a sequence of integers, got 1.5"),
    ({"padding": "full"}, ValueError, "padding must be an integer, .*, got 'full'"),
    ({"dilation": 0}, ValueError, "dilation must be at least 1, got 0"),
    ({"groups": 2}, ValueError, "groups must divide x's 3 channels, got 2"),
    ({"layout": "NCW"}, ValueError, "layout must be one of 'NCHW', .*, got 'NCW'.*"),
    (
        {"x_shape": (8, 8), "w": np.ones((3, 3)), "layout": "NCHW"},
        ValueError,
        "layout must be None for an x_shape without .*",
    ),
    ({"x_shape": (8, 8), "w": np.ones((3, 3)), "groups": 2}, ValueError, "groups must divide x's 1 channels, got 2"),
]


@pytest.mark.parametrize("make", [convt.conv_matrix, convt.ConvOperator])
@pytest.mark.parametrize(("changes", "error", "message"), BAD, ids=lambda value: None)
def test_bad_input_is_one_clear_error(make, changes, error, message):
    arguments = {"x_shape": (3, 8, 8), "w": np.ones((4, 3, 3, 3)), **changes}
    with pytest.raises(error, match=f"^{message}$"):
        make(arguments.pop("x_shape"), arguments.pop("w"), **arguments)


@pytest.mark.parametrize(
    ("x_shape", "w", "options"),
    [
        ((2**40,), [1.0, 2.0], {}),
        ((2**20, 2**20), np.ones((3, 3)), {}),
        ((5,), [1.0], {"padding": 2**50}),
        ((2**57,), np.ones(100), {}),
        ((64, 2**17, 2**17), np.broadcast_to(1.0, (64, 64, 3, 3)), {"padding": 1}),
    ],
)
def test_what_cannot_be_allocated_is_a_memory_error_before_any_work(x_shape, w, options):
    message = (
        r"^Unable to allocate a matrix of \d+ x \d+ with \d+ elements, .* GiB; ConvOperator applies it without storing it$"
    )
    with pytest.raises(MemoryError, match=message):
        convt.conv_matrix(x_shape, w, **options)


@pytest.mark.parametrize(
    ("x_shape", "w_shape", "layout"), [((3, 8, 8), (3, 3, 2, 2), "NCHW"), ((8, 8, 3), (2, 2, 3, 3), "NHWC")]
)
def test_a_ufunc_without_memory_is_a_memory_error(monkeypatch, x_shape, w_shape, layout):
    def refused(*_arguments):
        raise SystemError("a ufunc returned NULL without setting an exception")

    monkeypatch.setattr(sparse, "expand", refused)
    with pytest.raises(MemoryError, match=r"^cannot allocate the memory to make the matrix with$"):
        convt.conv_matrix(x_shape, np.ones(w_shape), layout=layout)
