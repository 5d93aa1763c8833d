"""Arrays of JAX in the host's memory."""

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scripts import run_script

import convt
from convt.matconvnet import vl_nnconvt

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")


@pytest.fixture
def arrays(rng):
    made = {"x": rng.standard_normal((2, 4, 5)), "w": rng.standard_normal((4, 3, 3)), "bias": rng.standard_normal(3)}
    return {name: array.astype("f4") for name, array in made.items()}


def jaxes(arrays):
    return {name: jnp.asarray(array) for name, array in arrays.items()}


def check(given, expected):
    assert isinstance(given, jax.Array)
    assert given.dtype == expected.dtype
    assert_array_equal(np.asarray(given), expected)


def test_operators(arrays):
    y = convt.conv_transpose(**arrays)
    check(convt.conv_transpose(**jaxes(arrays)), y)
    check(convt.conv_transpose(jnp.asarray(arrays["x"]), arrays["w"], arrays["bias"]), y)
    given = convt.conv_transpose_backward(**jaxes(arrays | {"dy": y}))
    for each, expected in zip(given, convt.conv_transpose_backward(**arrays, dy=y), strict=True):
        check(each, expected)
    seconds = {"ddx": arrays["x"], "ddw": arrays["w"]}
    given = convt.conv_transpose_double_backward(**jaxes(arrays | {"dy": y} | seconds))
    for each, expected in zip(given, convt.conv_transpose_double_backward(**arrays, dy=y, **seconds), strict=True):
        check(each, expected)


def test_upsampling_pooling_and_matconvnet(rng):
    x = rng.standard_normal((2, 3, 4, 6)).astype("f4")
    check(convt.upsample(jnp.asarray(x), 2), convt.upsample(x, 2))
    y, indices = convt.max_pool(x, 2)
    given = convt.max_pool(jnp.asarray(x), 2)
    check(given.y, y)
    assert_array_equal(given.indices, indices)
    check(convt.max_unpool(*given, 2), convt.max_unpool(y, indices, 2))
    x, f = rng.standard_normal((5, 4, 3)).astype("f4"), rng.standard_normal((3, 2, 2, 3)).astype("f4")
    check(vl_nnconvt(jnp.asarray(x), jnp.asarray(f), []), vl_nnconvt(x, f, []))


def test_without_x64_results_have_32_bits(arrays):
    w = arrays["w"].astype("f8")
    y = convt.conv_transpose(jnp.asarray(arrays["x"]), w)
    assert y.dtype == jnp.float32
    check(y, convt.conv_transpose(arrays["x"], w).astype("f4"))
    with jax.enable_x64(True):
        check(convt.conv_transpose(jnp.asarray(arrays["x"]), w), convt.conv_transpose(arrays["x"], w))


def test_integers_that_32_bits_do_not_hold_are_no_result():
    from convt.kinds import jax as kind

    like = jnp.ones(2)
    with pytest.raises(ValueError, match=r"^must hold integers of at most 2147483647 without .*, got 2147483648$"):
        kind.give(np.array([0, 2**31]), like)
    assert_array_equal(kind.give(np.array([0, 2**31 - 1]), like), [0, 2**31 - 1])


def test_nothing_is_copied_on_the_way_in():
    from convt.kinds import jax as kind

    x = jnp.ones((16, 16))
    assert kind.take(x).ctypes.data == x.unsafe_buffer_pointer()


def test_results_lie_on_xs_device_if_that_is_one_alone():
    source = (
        "import jax, numpy as np, convt\n"
        "from jax.sharding import Mesh, NamedSharding, PartitionSpec as P\n"
        "x, w = np.ones((2, 1, 4), 'f4'), np.ones((1, 1, 2), 'f4')\n"
        "devices = jax.devices()\n"
        "assert len(devices) == 2\n"
        "for device in devices:\n"
        "    assert convt.conv_transpose(jax.device_put(x, device), w).devices() == {device}\n"
        "both = jax.device_put(x, NamedSharding(Mesh(devices, ('batch',)), P('batch')))\n"
        "assert convt.conv_transpose(both, w).devices() == {devices[0]}\n"
    )
    done = run_script(source, XLA_FLAGS="--xla_force_host_platform_device_count=2")
    assert done.returncode == 0, done.stderr


def test_an_out_of_jaxs_cannot_be_written(arrays):
    out = jnp.ones((2, 3, 7))
    with pytest.raises(TypeError, match=r"^out must be an array that can be written, got a ArrayImpl of jaxlib$"):
        convt.conv_transpose(**jaxes(arrays), out=out)
    numpys = np.empty((2, 3, 7), "f4")
    assert convt.conv_transpose(**jaxes(arrays), out=numpys) is numpys
    assert_array_equal(numpys, convt.conv_transpose(**arrays))


def test_an_array_of_another_platform_without_a_backend_is_refused():
    from convt.kinds import jax as kind

    elsewhere = SimpleNamespace(devices=lambda: [SimpleNamespace(platform="tpu")])
    with pytest.raises(TypeError, match=r"^must lie in the host's memory .*, got an array on tpu \(jax.device_get"):
        kind.take(elsewhere)
