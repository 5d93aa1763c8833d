"""ConvOperator: its products, its adjoint, and SciPy's solvers on it."""

import pickle

import numpy as np
import pytest
from fakes import Recorder
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, aslinearoperator, cg, lsqr, svds
from strategies import plain_calls

import convt
from convt.core.layout import LAYOUTS


def draw(rng, *shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@given(plain_calls(), st.sampled_from([0, 1, 2]), st.booleans(), st.integers(0, 2**32 - 1))
def test_all_products_are_those_of_the_matrix(call, order, is_complex, seed):
    rng = np.random.default_rng(seed)
    axes = len(call["w_shape"]) - 2
    layout = [each for each in LAYOUTS.values() if each.axes == axes][order]
    w = draw(rng, *call["w_shape"]).transpose(layout.kernel_back)
    w = w if is_complex else w.real
    x_shape = layout.data_shape((1, *call["x_shape"][-axes - 1 :]), batched=False)
    operator = convt.ConvOperator(x_shape, w, **{**call["options"], "layout": layout.name})
    matrix = operator.tosparse()
    assert operator.shape == matrix.shape
    assert operator.dtype == matrix.dtype == w.dtype
    rows, columns = matrix.shape
    x, y = draw(rng, columns), draw(rng, rows)
    several_x, several_y = draw(rng, columns, 3), draw(rng, rows, 3)
    for got, want in [
        (operator @ x, matrix @ x),
        (operator.H @ y, matrix.conj().T @ y),
        (operator.T @ y, matrix.T @ y),
        (operator @ several_x, matrix @ several_x),
        (operator.H @ several_y, matrix.conj().T @ several_y),
        (operator.T @ several_y, matrix.T @ several_y),
        (operator.matvec(x[:, None]), (matrix @ x)[:, None]),
        (operator @ several_x.real, matrix @ several_x.real),
    ]:
        assert got.shape == want.shape
        assert_allclose(got, want, atol=1e-12 * (1 + abs(w).sum()) * 10)
    assert_allclose(np.vdot(operator @ x, y), np.vdot(x, operator.H @ y), atol=1e-11 * (1 + abs(w).sum()) * columns)


def test_shapes_are_those_of_the_callers_arrays():
    operator = convt.ConvOperator((7, 5), np.ones((3, 3)), stride=2, padding=1)
    assert isinstance(operator, LinearOperator)
    assert (operator.x_shape, operator.y_shape, operator.shape) == ((7, 5), (4, 3), (12, 35))
    operator = convt.ConvOperator((7, 5, 2), np.ones((3, 3, 2, 4)), layout="NHWC")
    assert (operator.x_shape, operator.y_shape) == ((7, 5, 2), (5, 3, 4))


def test_the_adjoint_is_conv_transpose(rng):
    w, y = rng.standard_normal((4, 2, 3, 3)), rng.standard_normal((4, 4, 4))
    operator = convt.ConvOperator((2, 8, 7), w, stride=2, padding=1)
    want = convt.conv_transpose(y, w, stride=2, padding=1, output_size=(8, 7))
    assert_allclose(operator.H @ y.ravel(), want.ravel(), rtol=1e-12, atol=1e-13)


def test_types_are_promoted_from_w_and_the_vector():
    operator = convt.ConvOperator((5,), np.ones(3, np.float32))
    assert operator.dtype == np.float32
    assert (operator @ np.ones(5, np.float32)).dtype == np.float32
    assert (operator @ np.ones(5)).dtype == np.float64
    assert (operator.H @ np.ones(3, np.complex64)).dtype == np.complex64
    assert convt.ConvOperator((5,), [1, 2]).dtype == np.float64
    assert convt.ConvOperator((5,), np.ones(3, np.float16)).dtype == np.float32


def test_several_columns_are_one_call_and_the_backend_is_the_one_asked_for():
    recorder = Recorder()
    operator = convt.ConvOperator((1, 6), np.ones((1, 1, 3)), backend=recorder)
    operator @ np.ones((6, 4))
    operator.H @ np.ones((4, 5))
    operator @ np.ones(6)
    operator.T @ np.ones(4)
    assert recorder.calls == ["gather", "scatter", "gather", "scatter"]
    assert [problem.batch for problem in recorder.problems] == [4, 5, 1, 1]


@pytest.mark.parametrize(("layout", "w_shape"), [("NCW", (2, 1, 3)), ("NWC", (3, 1, 2)), ("WCN", (3, 1, 2))])
def test_no_columns_give_no_columns(layout, w_shape):
    operator = convt.ConvOperator((6, 1)[:: -1 if layout == "NCW" else 1], np.ones(w_shape), layout=layout)
    assert (operator @ np.ones((6, 0))).shape == (8, 0)
    assert (operator.H @ np.ones((8, 0))).shape == (6, 0)


def test_each_direction_shows_what_it_is():
    operator = convt.ConvOperator((5,), [1, 2, 1])
    assert repr(operator) == "<3x5 ConvOperator with dtype=float64>"
    assert repr(operator.H) == repr(operator.T) == "<5x3 adjoint of ConvOperator with dtype=float64>"


def test_it_can_be_pickled(rng):
    operator, x = convt.ConvOperator((6,), [1.0, 2.0], stride=2), rng.standard_normal(6)
    assert_array_equal(pickle.loads(pickle.dumps(operator)) @ x, operator @ x)


def test_w_is_copied_and_no_argument_is_changed(rng):
    w, x = rng.standard_normal((3, 3)), rng.standard_normal(25)
    operator = convt.ConvOperator((5, 5), w)
    first, copy = operator @ x, x.copy()
    w[:] = 0
    assert_array_equal(operator @ x, first)
    assert_array_equal(x, copy)
    assert (operator @ x).flags.writeable


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.ones(8), ValueError, r"x must be a vector of 9 elements or a matrix of 9 rows, got shape \(8,\)"),
        (np.ones((3, 3)), ValueError, r"x must be a vector of 9 .*, got shape \(3, 3\) \(pass x.ravel\(\)\)"),
        (np.ones((1, 3, 3)), ValueError, r"x must be a vector of 9 .*, got shape \(1, 3, 3\) \(pass x.ravel\(\)\)"),
        (None, TypeError, "x must be an array of numbers, got None"),
        (["a"] * 9, TypeError, "x.dtype must be .*, got <U1"),
        (np.ma.masked_array(np.ones(9)), TypeError, "x must be a plain array, got a masked array .*"),
        (csr_array(np.ones((9, 1))), TypeError, "x must be a dense array, got csr_array .*"),
    ],
)
def test_a_wrong_operand_is_told(x, error, message):
    operator = convt.ConvOperator((3, 3), np.ones((3, 3)), padding=1)
    for each in (operator, operator.H, operator.T, operator.H.H):
        with pytest.raises(error, match=f"^{message}$"):
            each @ x


@pytest.mark.parametrize("is_complex", [False, True])
def test_the_adjoint_and_the_transpose_are_operators_of_their_own(rng, is_complex):
    w = draw(rng, 3, 2, 3) if is_complex else rng.standard_normal((3, 2, 3))
    operator = convt.ConvOperator((2, 7), w, stride=2)
    matrix = operator.tosparse().toarray()
    ways = {
        "H": (operator.H, matrix.conj().T),
        "T": (operator.T, matrix.T),
        "HH": (operator.H.H, matrix),
        "TT": (operator.T.T, matrix),
        "HT": (operator.H.T, matrix.conj()),
        "TH": (operator.T.H, matrix.conj()),
    }
    for each, dense in ways.values():
        right, left = draw(rng, each.shape[1], 3), draw(rng, each.shape[0], 3)
        assert_allclose(each @ right, dense @ right)
        assert_allclose(each.rmatmat(left), dense.conj().T @ left)
        assert_allclose(each.rmatvec(left[:, 0]), dense.conj().T @ left[:, 0])
    assert operator.H.H is operator


@pytest.mark.parametrize(("backend", "error"), [("nobody", LookupError), (3, TypeError), ([], TypeError)])
def test_a_wrong_backend_is_told_at_once(backend, error):
    with pytest.raises(error, match=r"^backend must be .*"):
        convt.ConvOperator((4,), [1.0, 2.0], backend=backend)


def test_it_composes_as_linear_operators_do(rng):
    first = convt.ConvOperator((9,), [1.0, 2.0, 1.0], padding=1)
    second = convt.ConvOperator((9,), [1.0, -1.0])
    x = rng.standard_normal(9)
    assert_allclose((second * first + 2 * second) @ x, second @ (first @ x) + 2 * (second @ x))


def test_lsqr_finds_what_was_blurred(rng):
    x = rng.standard_normal((2, 12, 11))
    operator = convt.ConvOperator(x.shape, rng.standard_normal((4, 2, 3, 3)), padding=1)
    found = lsqr(operator, operator @ x.ravel(), atol=1e-13, btol=1e-13)[0]
    assert_allclose(found.reshape(x.shape), x, atol=1e-8)


def test_lsqr_with_a_complex_filter(rng):
    x, w = draw(rng, 1, 20), draw(rng, 3, 1, 4)
    operator = convt.ConvOperator(x.shape, w)
    found = lsqr(operator, operator @ x.ravel(), atol=1e-13, btol=1e-13)[0]
    assert_allclose(found.reshape(x.shape), x, atol=1e-8)


def test_cg_solves_the_normal_equations(rng):
    x = rng.standard_normal((10, 9))
    operator = convt.ConvOperator(x.shape, [[0.0, 0.1, 0.0], [0.1, 1.0, 0.1], [0.0, 0.1, 0.0]], padding="same")
    found, info = cg(operator.H @ operator, operator.H @ (operator @ x.ravel()), atol=0.0)
    assert info == 0
    assert_allclose(found.reshape(x.shape), x, atol=1e-3)


@pytest.mark.parametrize("is_complex", [False, True])
def test_svds_finds_the_largest_singular_values(rng, is_complex):
    w = draw(rng, 3, 2, 3) if is_complex else rng.standard_normal((3, 2, 3))
    operator = convt.ConvOperator((2, 15), w, stride=2, padding=1)
    values = svds(operator, k=3, return_singular_vectors=False, v0=np.ones(min(operator.shape)))
    want = np.linalg.svd(operator.tosparse().toarray(), compute_uv=False)[:3]
    assert_allclose(np.sort(values)[::-1], want, rtol=1e-8)


def test_it_is_an_operator_to_scipy():
    operator = convt.ConvOperator((4,), [1.0, 1.0])
    assert aslinearoperator(operator) is operator
    assert repr(operator) == "<3x4 ConvOperator with dtype=float64>"
