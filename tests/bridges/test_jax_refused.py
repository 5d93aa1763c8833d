"""convt.jax: wrong arguments are told when a program is traced, in convt's words; JAX may add its own after them."""

import re

import numpy as np
import pytest

import convt

jax = pytest.importorskip("jax")
import convt.jax  # noqa: E402
from convt.jax.versions import OLDEST, check_version  # noqa: E402

jnp = jax.numpy
X, W = jnp.ones((1, 2, 5)), jnp.ones((2, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ((X, jnp.ones((3, 2, 3))), {}),
        ((X, W, jnp.ones(2)), {}),
        ((X, W[0]), {}),
        ((X[0, 0], W), {}),
        ((X, W), {"stride": 0}),
        ((X, W), {"stride": 1.5}),
        ((X, W), {"padding": "full"}),
        ((X, W), {"padding": [(9, 9)]}),
        ((X, W), {"output_size": 40}),
        ((X, W), {"groups": 3}),
        ((X, W), {"layout": "NHWC"}),
        ((X, W), {"backend": "no_such_backend"}),
        ((X, W), {"backend": 3}),
        ((X, W, None), {"output_padding": 2}),
        ((X.astype("float8_e4m3fn"), W), {}),
        (("text", W), {}),
        ((None, W), {}),
    ],
)
def test_the_same_errors_as_convts(arguments, options):
    with pytest.raises((TypeError, ValueError, LookupError)) as expected:
        convt.conv_transpose(*arguments, **options)
    with pytest.raises(expected.type, match=f"^{re.escape(str(expected.value))}$"):
        convt.jax.conv_transpose(*arguments, **options)


def test_errors_are_raised_while_a_program_is_traced():
    with pytest.raises(ValueError, match=r"^w\.shape\[0\] must equal x's 2 channels, got 3 "):
        jax.make_jaxpr(convt.jax.conv_transpose)(X, W.transpose(1, 0, 2))
    with pytest.raises(ValueError, match=r"^x must have 3 axes to go with w's 1 spatial ones, or 2 without a batch, got 1"):
        jax.vmap(lambda x: convt.jax.conv_transpose(x, W))(X[0])


@pytest.mark.parametrize("make", [lambda s: s, lambda s: (s,), lambda s: [(s, 1)]])
@pytest.mark.parametrize("name", ["stride", "padding", "dilation", "groups"])
def test_a_tracer_where_a_value_is_needed(name, make):
    message = rf"^{name} must be known when a program is traced, got a \w*Tracer \(name it in jax\.jit's static_argnames\)"
    with pytest.raises(TypeError, match=message):
        jax.jit(lambda value: convt.jax.conv_transpose(X, W, **{name: make(value)}))(1)


def test_an_option_may_be_an_array_with_a_value():
    assert convt.jax.conv_transpose(X, W, stride=jnp.int32(2), padding=np.array([1])).shape == (1, 3, 9)


def test_shapes_that_are_not_known():
    export = pytest.importorskip("jax.export")
    (size,) = export.symbolic_shape("n")
    unknown = jax.ShapeDtypeStruct((size, 2, 5), "float32")
    with pytest.raises(TypeError, match=r"^x\.shape must be known when a program is traced, got \(n, 2, 5\)"):
        jax.eval_shape(lambda x: convt.jax.conv_transpose(x, W), unknown)


def test_arrays_without_numbers():
    with pytest.raises(TypeError, match=r"^x\.dtype must be one of numbers, got key<"):
        convt.jax.conv_transpose(jax.random.key(0), W)
    with pytest.raises(TypeError, match=r"^w must be an array of numbers, got None$"):
        convt.jax.conv_transpose(X, None)


def test_arrays_of_another_library():
    torch = pytest.importorskip("torch")
    x, w, bias = torch.ones(1, 2, 5), torch.ones(2, 3, 3), torch.ones(3)
    for arguments, name in (((x, W), "x"), ((X, w), "w"), ((X, W, bias), "bias")):
        with pytest.raises(TypeError, match=f"^{name} must be an array of JAX or NumPy, got a Tensor of torch$"):
            convt.jax.conv_transpose(*arguments)


def test_a_backend_that_is_an_object():
    from convt.numpy_backend import backend

    message = r"^backend must be a name or a sequence of names within JAX, got <convt backend 'numpy'"
    with pytest.raises(TypeError, match=message):
        convt.jax.conv_transpose(X, W, backend=backend)
    with convt.use_backend(backend), pytest.raises(TypeError, match=message):
        convt.jax.conv_transpose(X, W)


def test_another_platform_than_the_processor():
    from convt.jax import lowering

    with pytest.raises(TypeError, match=r"^x must lie in the host's memory, got an array or a program of another platform"):
        lowering.refuse()
    export = pytest.importorskip("jax.export")
    with pytest.raises(TypeError, match=r"^x must lie in the host's memory, got an array or a program of another platform"):
        export.export(jax.jit(convt.jax.conv_transpose), platforms=["cuda"])(X, W)


def test_convts_own_functions_name_the_bridge():
    with pytest.raises(TypeError, match=r"^x must have values, got a \w*Tracer, .*use convt\.jax\.conv_transpose and"):
        jax.jit(convt.conv_transpose)(X, W)


@pytest.mark.parametrize("version", ["0.4.38", "0.4.38.dev20250101", "0.4", "0.5.0rc1.dev", "0.5.0", "0.10.2", "1.0"])
def test_versions(version):
    if version.startswith("0.4"):
        with pytest.raises(ImportError, match=rf"^convt\.jax needs jax {OLDEST} or newer, got {version}: pip install"):
            check_version(version)
    else:
        check_version(version)


def test_a_misspelt_function():
    with pytest.raises(AttributeError, match=r"^module 'convt\.jax' has no attribute 'conv2d'; did you mean 'conv'\?"):
        convt.jax.conv2d  # noqa: B018
    with pytest.raises(AttributeError, match=r"^module 'convt\.jax' has no attribute 'upsample'$"):
        convt.jax.upsample  # noqa: B018
