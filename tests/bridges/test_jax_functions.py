"""convt.jax: results, by both ways to be called, beside convt's own and beside those of JAX."""

import inspect

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import convt

jax = pytest.importorskip("jax")
import convt.jax  # noqa: E402

jnp = jax.numpy
SPATIAL = {1: (9,), 2: (6, 5), 3: (4, 3, 5)}
LETTERS = {1: "W", 2: "HW", 3: "DHW"}
CASES = {
    "plain": {},
    "stride": {"stride": 2, "padding": 1},
    "uneven": {"stride": 3, "dilation": 2, "padding": (2, 0)},
    "negative": {"padding": (-2, 1), "stride": 2},
    "same": {"padding": "same", "stride": 2},
    "groups": {"groups": 2, "dilation": 2, "padding": 1},
}


def problem(rng, name, axes, case):
    """Arrays for an operator, and its options, with a pair of paddings for each axis."""
    options = dict(CASES[case])
    if isinstance(options.get("padding"), tuple):
        options["padding"] = [options["padding"]] * axes
    groups = options.get("groups", 1)
    channels = (4, 3 * groups) if name == "conv_transpose" else (6, 4)
    w = (4, 3) if name == "conv_transpose" else (channels[1], 6 // groups)
    shapes = (2, channels[0], *SPATIAL[axes]), (*w, *(3, 2, 3)[:axes]), (channels[1],)
    return [rng.standard_normal(shape) for shape in shapes], options


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_the_results_are_convts(rng, x64, name, axes, case):
    (x, w, bias), options = problem(rng, name, axes, case)
    function, expected = getattr(convt.jax, name), getattr(convt, name)(x, w, bias, **options)
    y = function(jnp.asarray(x), w, jnp.asarray(bias), **options)
    assert isinstance(y, jax.Array)
    assert y.dtype == jnp.float64
    assert_allclose(y, expected, atol=1e-12)
    assert_allclose(function(x[0], w, bias, **options), expected[0], atol=1e-12)
    compiled = jax.jit(lambda x, w: function(x, w, **options))
    assert_array_equal(compiled(x, w), getattr(convt, name)(x, w, **options))


@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_by_either_way(rng, way, x64, name):
    (x, w, bias), options = problem(rng, name, 2, "groups")
    y = getattr(convt, name)(x, w, bias, **options)
    assert_allclose(getattr(convt.jax, name)(x, w, bias, **options), y, atol=1e-12)
    x, w = np.moveaxis(x, 1, -1), np.transpose(w, (2, 3, 1, 0))
    given = getattr(convt.jax, name)(x, w, bias, layout="NHWC", **options)
    assert_allclose(given, np.moveaxis(y, 1, -1), atol=1e-12)


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("order", ["NC*", "N*C", "*CN"])
@pytest.mark.parametrize("name", ["conv_transpose", "conv"])
def test_layouts(rng, x64, name, order, axes):
    (x, w, bias), options = problem(rng, name, axes, "groups")
    layout = order.replace("*", LETTERS[axes])
    if order != "NC*":
        w = np.transpose(w, (*range(2, axes + 2), 1, 0))
    x = np.moveaxis(x, (0, 1), (layout.index("N"), layout.index("C")))
    options["layout"] = layout
    expected = getattr(convt, name)(x, w, bias, **options)
    assert_allclose(getattr(convt.jax, name)(x, w, bias, **options), expected, atol=1e-12)
    one = x.take(0, layout.index("N"))
    assert_allclose(getattr(convt.jax, name)(one, w, **options), getattr(convt, name)(one, w, **options), atol=1e-12)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "HWCN"])
def test_a_layout_copies_nothing(rng, layout):
    """The transpositions to the order of the problem and back are gone from the compiled program."""
    shape = {"NCHW": (2, 3, 8, 8), "NHWC": (2, 8, 8, 3), "HWCN": (8, 8, 3, 2)}[layout]
    w = (3, 3, 2, 2) if layout == "NCHW" else (2, 2, 3, 3)

    def loss(x, w):
        return convt.jax.conv_transpose(convt.jax.conv_transpose(x, w, stride=2, layout=layout), w, layout=layout).sum()

    program = jax.jit(jax.grad(loss, (0, 1))).lower(jnp.ones(shape), jnp.ones(w)).compile().as_text()
    assert program.count('custom_call_target="convt_jax_map"') >= 4
    assert "transpose(" not in program.replace("transpose(jvp", "")
    assert " copy(" not in program


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_short_floats_are_rounded_once(rng, dtype):
    x, w, bias = (jnp.asarray(rng.standard_normal(shape), dtype) for shape in ((2, 4, 6), (4, 3, 3), (3,)))
    wide = [array.astype("float32") for array in (x, w, bias)]
    for given, computed in (
        (convt.jax.conv_transpose(x, w), convt.jax.conv_transpose(*wide[:2])),
        (convt.jax.conv_transpose(x, w, bias), convt.jax.conv_transpose(*wide)),
    ):
        assert given.dtype == jnp.dtype(dtype)
        assert_array_equal(given, computed.astype(dtype))
    assert_array_equal(convt.jax.conv_transpose(x, w), convt.conv_transpose(x, w))


@pytest.mark.parametrize(
    ("dtypes", "expected"),
    [
        (("float32", "float16", "float16"), "float32"),
        (("bfloat16", "float16", "bfloat16"), "float32"),
        (("float32", "float32", "float64"), "float64"),
        (("int32", "float32", "bool"), "float32"),
        (("int8", "int8", "int8"), "float64"),
        (("float32", "complex64", "float32"), "complex64"),
        (("complex64", "complex64", "complex128"), "complex128"),
        (("float64", "float64", "complex128"), "complex128"),
    ],
)
def test_dtypes_are_promoted_as_in_jax(rng, x64, dtypes, expected):
    arrays = [5 * rng.standard_normal(shape) for shape in ((2, 4, 6), (4, 3, 3), (3,))]
    arrays = [array + 1j * array[::-1] if dtype[0] == "c" else array for array, dtype in zip(arrays, dtypes, strict=True)]
    arrays = [jnp.asarray(array).astype(dtype) for array, dtype in zip(arrays, dtypes, strict=True)]
    y = convt.jax.conv_transpose(*arrays)
    assert y.dtype == jnp.dtype(expected)
    wide = [np.asarray(array.astype("complex128" if array.dtype.kind == "c" else "float64")) for array in arrays]
    assert_allclose(y, convt.conv_transpose(*wide), rtol=1e-5, atol=1e-4)


def test_without_x64_there_are_32_bits(rng):
    assert convt.jax.conv(np.ones((1, 2, 5)), np.ones((3, 2, 3))).dtype == jnp.float32
    assert convt.jax.conv([[1.0, 2.0]], [[[1.0]]]).dtype == jnp.float32


def test_bytes_in_the_other_order(rng):
    x, w = rng.standard_normal((1, 2, 5)).astype(">f4"), rng.standard_normal((3, 2, 3)).astype("f4")
    assert_array_equal(convt.jax.conv(x, w), convt.conv(x.astype("f4"), w))


def test_filters_that_are_declared_constant(rng):
    x, w = rng.standard_normal((1, 2, 5)).astype("f4"), rng.standard_normal((3, 2, 3)).astype("f4")
    filters = convt.Filters(w)
    dx = jax.jit(jax.grad(lambda x: (convt.jax.conv(x, filters) ** 2).sum()))(x)
    assert_array_equal(dx, jax.jit(jax.grad(lambda x: (convt.jax.conv(x, w) ** 2).sum()))(x))


def test_no_images():
    x, w = jnp.ones((0, 2, 5)), jnp.ones((2, 3, 3))
    y, pull = jax.vjp(convt.jax.conv_transpose, x, w)
    assert y.shape == (0, 3, 7)
    dx, dw = pull(y)
    assert dx.shape == x.shape
    assert_array_equal(dw, np.zeros(w.shape))


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
def test_a_backend_is_named_by_argument_block_or_process(rng, recorded, backend):
    x, w = jnp.ones((1, 2, 5)), jnp.ones((3, 2, 3))
    convt.jax.conv(x, w, backend=backend)
    with convt.use_backend([backend]):
        convt.jax.conv(x, w)
    convt.set_backend(backend)
    try:
        convt.jax.conv(x, w)
    finally:
        convt.set_backend(None)
    assert recorded == [backend] * 3


def test_a_block_counts_when_the_program_is_traced(rng, recorded):
    x, w = jnp.ones((1, 2, 5)), jnp.ones((3, 2, 3))
    program = jax.jit(jax.grad(lambda x, w: convt.jax.conv(x, w).sum()))
    with convt.use_backend("numpy"):
        program(x, w)
    with convt.use_backend("cpu"):
        program(x, w).block_until_ready()
    assert set(recorded) == {"numpy"}


def test_options_of_a_block_reach_the_backend(monkeypatch, way):
    from convt.backend import requested_threads, settings
    from convt.numpy_backend import backend

    seen, gather = [], type(backend).gather

    def seeing(*operands):
        seen.append((requested_threads(), settings().verbose))
        gather(*operands)

    monkeypatch.setattr(type(backend), "gather", seeing)
    with convt.options(threads=3, verbose=True):
        convt.jax.conv(jnp.ones((1, 2, 5)), jnp.ones((3, 2, 3)), backend="numpy").block_until_ready()
    convt.jax.conv(jnp.ones((1, 2, 5)), jnp.ones((3, 2, 3)), backend="numpy").block_until_ready()
    assert seen == [(3, True), (None, False)]


@pytest.mark.parametrize("name", ["conv", "conv_transpose"])
def test_parameters_and_what_they_are_where_not_given_are_those_of_convts_functions(name):
    ours, convts = (inspect.signature(getattr(module, name)).parameters for module in (convt.jax, convt))
    assert convts.keys() - ours.keys() == {"out"}
    for each in ours:
        assert (ours[each].kind, ours[each].default) == (convts[each].kind, convts[each].default)
