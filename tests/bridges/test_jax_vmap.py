"""convt.jax: what is mapped over becomes one call, of more images, channels or groups."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

jax = pytest.importorskip("jax")
import convt.jax  # noqa: E402

jnp = jax.numpy
AXES = [(0, None), (None, -1), (1, 0)]


def gradient_of_w(x, dy, **options):
    """The map correlate, in its two operands."""
    shape = (4, 6 // options.get("groups", 1), 3)
    return jax.linear_transpose(lambda w: convt.jax.conv(x, w, **options), jax.ShapeDtypeStruct(shape, x.dtype))(dy)[0]


FUNCTIONS = {
    "scatter": (convt.jax.conv_transpose, (2, 4, 5), (4, 3, 3)),
    "gather": (convt.jax.conv, (2, 6, 9), (4, 3, 3)),
    "correlate": (gradient_of_w, (2, 6, 9), (2, 4, 5)),
}


def maps(program):
    """The names of convt's maps in a program, with their problems."""
    calls = [call for call in _equations(program.jaxpr) if call.primitive.name.startswith("convt")]
    return [(call.primitive.name, call.params["problem"]) for call in calls]


def _equations(jaxpr):
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(list(equation.params.values()), is_leaf=lambda value: hasattr(value, "jaxpr")):
            if hasattr(inner, "jaxpr"):
                yield from _equations(inner.jaxpr)


@pytest.mark.parametrize("in_axes", AXES)
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_map_over_each_operand(rng, x64, name, groups, in_axes):
    function, *shapes = FUNCTIONS[name]
    if name != "correlate" and groups == 1:
        shapes[1] = (4, 6, 3) if name == "gather" else shapes[1]
    single = [rng.standard_normal(shape) for shape in shapes]
    mapped = [
        array if axis is None else np.stack([array, -2 * array, array**2], axis)
        for array, axis in zip(single, in_axes, strict=True)
    ]

    def one(*args):
        return function(*args, stride=2, padding=1, groups=groups)

    def row(number):
        return [a if axis is None else np.take(a, number, axis) for a, axis in zip(mapped, in_axes, strict=True)]

    given, apart = jax.jit(jax.vmap(one, in_axes))(*mapped), jax.jit(one)
    assert_allclose(given, [apart(*row(number)) for number in range(3)], atol=1e-12)
    program = jax.make_jaxpr(jax.vmap(one, in_axes))(*mapped)
    (problem,) = [problem for primitive, problem in maps(program) if primitive == f"convt_{name}"]
    assert problem.groups == groups * (3 if None not in in_axes else 1)


@pytest.mark.parametrize("layout", ["NCW", "NHWC"])
def test_gradients_within_and_around(rng, x64, layout):
    """vmap of grad, grad of vmap, and two maps one within the other."""
    shapes = ((3, 2, 4, 3), (3, 4, 2, 3)) if layout == "NCW" else ((3, 2, 3, 4, 4), (3, 2, 3, 2, 4))
    x, w = (rng.standard_normal(shape) for shape in shapes)

    def loss(x, w):
        return jnp.sin(convt.jax.conv_transpose(x, w, stride=2, padding="same", layout=layout)).sum()

    gradients = jax.grad(loss, (0, 1))

    @jax.jit
    def all_at_once(x, w):
        around = jax.grad(lambda x, w: jax.vmap(loss)(x, w).sum(), (0, 1))(x, w)
        return jax.vmap(gradients)(x, w), around, jax.vmap(jax.vmap(gradients, (None, 0)), (0, None))(x, w)

    within, around, pairs = all_at_once(x, w)
    for number in range(3):
        for each, expected in enumerate(jax.jit(gradients)(x[number], w[number])):
            for given in (within[each][number], around[each][number], pairs[each][number, number]):
                assert_allclose(given, expected, atol=1e-12)
    assert_allclose(pairs[0][1, 2], jax.jit(gradients)(x[1], w[2])[0], atol=1e-12)


def test_a_hessian_calls_each_map_for_all_directions_at_once(rng, x64):
    x, w = jnp.asarray(rng.standard_normal((1, 2, 4))), jnp.asarray(rng.standard_normal((2, 1, 2)))
    program = jax.make_jaxpr(jax.hessian(lambda w: jnp.sin(convt.jax.conv_transpose(x, w)).sum()))(w)
    assert sorted(name for name, _ in maps(program)) == ["convt_correlate"] * 2 + ["convt_scatter"] * 2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_over_nothing(name):
    function, *shapes = FUNCTIONS[name]
    y = jax.vmap(lambda *args: function(*args, stride=2, padding=1, groups=2))(*(np.ones((0, *shape)) for shape in shapes))
    assert y.shape[0] == 0
    assert y.ndim == 4


def test_under_either_way(rng, way):
    x, w = rng.standard_normal((3, 2, 5)).astype("f4"), rng.standard_normal((3, 2, 4, 3)).astype("f4")
    given = jax.vmap(lambda x, w: convt.jax.conv_transpose(x, w, stride=2))(x, w)
    assert_allclose(given[1], convt.conv_transpose(x[1], w[1], stride=2), rtol=1e-5, atol=1e-5)
    assert isinstance(np.asarray(given), np.ndarray)
