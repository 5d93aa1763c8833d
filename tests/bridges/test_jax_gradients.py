"""convt.jax: derivatives beside those of JAX's own convolutions, and beside differences."""

import pytest
from numpy.testing import assert_allclose

jax = pytest.importorskip("jax")
import convt.jax  # noqa: E402

jnp, lax = jax.numpy, jax.lax
SPATIAL = {1: (7,), 2: (5, 4), 3: (3, 4, 2)}
KERNEL = {1: (3,), 2: (3, 2), 3: (2, 3, 2)}
CASES = {
    "strided": {"stride": 2, "padding": 1},
    "groups": {"stride": 2, "dilation": 2, "groups": 2, "padding": 1, "output_padding": 1},
    "uneven": {"stride": 3, "padding": [(2, -1)]},
}


def by_lax(name, x, w, bias=None, *, stride=1, padding=0, output_padding=0, dilation=1, groups=1):
    """The operator by JAX's convolution; the transposed one with zeros between the elements of x, and w turned round."""
    axes = w.ndim - 2
    pads = padding * axes if isinstance(padding, list) else [(padding, padding)] * axes
    same = {"rhs_dilation": (dilation,) * axes, "feature_group_count": groups}
    if name == "conv":
        y = lax.conv_general_dilated(x, w, (stride,) * axes, pads, **same)
    else:
        reaches = [dilation * (size - 1) for size in w.shape[2:]]
        pads = [(reach - a, reach - b + output_padding) for reach, (a, b) in zip(reaches, pads, strict=True)]
        turned = jnp.flip(w.reshape(groups, -1, *w.shape[1:]), range(3, w.ndim + 1)).swapaxes(1, 2)
        turned = turned.reshape(-1, *turned.shape[2:])
        y = lax.conv_general_dilated(x, turned, (1,) * axes, pads, lhs_dilation=(stride,) * axes, **same)
    return y if bias is None else y + bias.reshape(-1, *[1] * axes)


def problem(rng, name, axes, case):
    options = dict(CASES[case])
    if name == "conv":
        options.pop("output_padding", None)
    if "padding" in options and isinstance(options["padding"], list):
        options["padding"] = options["padding"] * axes
    groups = options.get("groups", 1)
    x = rng.standard_normal((2, 4, *(3 * size if name == "conv" else size for size in SPATIAL[axes])))
    w = rng.standard_normal((*((4, 3) if name == "conv_transpose" else (6, 4 // groups)), *KERNEL[axes]))
    bias = rng.standard_normal(3 * groups if name == "conv_transpose" else 6)
    reference = dict(options)
    if isinstance(options.get("padding"), list):
        reference["padding"] = options["padding"][:1]
    functions = [lambda *args: getattr(convt.jax, name)(*args, **options), lambda *args: by_lax(name, *args, **reference)]
    return [jnp.asarray(array) for array in (x, w, bias)], functions


def check(computed, expected):
    jax.tree.map(lambda one, other: assert_allclose(one, other, atol=1e-10), computed, expected)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_derivatives_of_first_and_second_order_are_those_of_lax(rng, x64, name, axes, case):
    """A loss that is not linear in the result; its gradients, their directional derivatives, and the value's."""
    arrays, functions = problem(rng, name, axes, case)
    directions = [jnp.asarray(rng.standard_normal(array.shape)) for array in arrays]

    def all_of(function):
        gradients = jax.grad(lambda *args: jnp.sin(function(*args)).sum(), (0, 1, 2))
        return jax.jit(lambda *pair: (jax.jvp(function, *pair), jax.jvp(gradients, *pair)))

    check(*(all_of(function)(tuple(arrays), tuple(directions)) for function in functions))


@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_hessians_by_either_way(rng, way, x64, name):
    arrays, functions = problem(rng, name, 1, "groups")
    hessians = [jax.jit(jax.hessian(lambda *args, f=f: jnp.sin(f(*args)).sum(), (0, 1, 2))) for f in functions]
    check(*(hessian(*arrays) for hessian in hessians))


@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_derivatives_by_differences(rng, x64, name):
    from jax.test_util import check_grads

    arrays, (ours, _) = problem(rng, name, 1, "strided")
    check_grads(jax.jit(ours), arrays, order=2, modes=["fwd", "rev"])


@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_laxs_conv_transpose_with_the_same_filters(rng, x64, axes, padding):
    """As the guide's table says: transpose_kernel=True, channels last."""
    spatial = "DHW"[3 - axes :]
    x = jnp.asarray(rng.standard_normal((2, *SPATIAL[axes], 4)))
    w = jnp.asarray(rng.standard_normal((*(3,) * axes, 3, 4)))

    def ours(x, w):
        return convt.jax.conv_transpose(x, w, stride=2, padding=padding.lower(), layout=f"N{spatial}C")

    def theirs(x, w):
        numbers = (f"N{spatial}C", f"{spatial}IO", f"N{spatial}C")
        return lax.conv_transpose(x, w, (2,) * axes, padding, dimension_numbers=numbers, transpose_kernel=True)

    both = [jax.jit(jax.value_and_grad(lambda x, w, f=f: jnp.sin(f(x, w)).sum(), (0, 1)))(x, w) for f in (ours, theirs)]
    check(*both)


def test_derivatives_of_complex_numbers(rng, x64):
    """JAX's rule, by which the other operand is not conjugated."""
    real = [rng.standard_normal((2, *shape)) for shape in ((1, 2, 5), (3, 2, 3), (3,))]
    x, w, bias = (first + 1j * second for first, second in real)

    def lax_conv(x, w, bias):
        return by_lax("conv", x.astype(complex), w.astype(complex), bias)

    for arrays in ((x, w, bias), (x.real, w, bias.real), (x, w.real, bias.real), (x.real, w.real, bias)):
        both = [
            jax.jit(jax.value_and_grad(lambda *args, f=f: jnp.abs(f(*args)).sum(), (0, 1, 2)))(*arrays)
            for f in (convt.jax.conv, lax_conv)
        ]
        check(*both)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_gradients_have_the_dtypes_of_the_arguments(rng, dtype):
    x, w, bias = (rng.standard_normal(shape).astype("f4") for shape in ((1, 2, 5), (2, 3, 3), (3,)))
    arrays = jnp.asarray(x, dtype), jnp.asarray(w), jnp.asarray(bias, dtype)
    gradients = jax.grad(lambda *args: (convt.jax.conv_transpose(*args) ** 2).sum(), (0, 1, 2))
    given = gradients(*arrays)
    assert [each.dtype for each in given] == [jnp.dtype(dtype), jnp.float32, jnp.dtype(dtype)]
    for each, expected in zip(given, gradients(*(array.astype("float32") for array in arrays)), strict=True):
        assert_allclose(each.astype("float32"), expected, rtol=0.01)


def test_what_is_kept_for_the_gradient_is_in_the_short_dtype():
    x, w = jnp.ones((1, 2, 64), "bfloat16"), jnp.ones((2, 3, 3), "bfloat16")
    _, pull = jax.vjp(convt.jax.conv_transpose, x, w)
    assert {leaf.dtype for leaf in jax.tree.leaves(pull) if leaf.size > 1} == {jnp.dtype("bfloat16")}
