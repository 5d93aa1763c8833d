"""convt.jax: in programs with loops, kept parts, several devices; and in another process than the one that compiled them."""

import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.testing import assert_allclose

import convt

jax = pytest.importorskip("jax")
import convt.jax  # noqa: E402
from convt.jax.handler import handler  # noqa: E402

jnp = jax.numpy


@pytest.fixture
def arrays(rng):
    return rng.standard_normal((3, 2, 6)).astype("f4"), rng.standard_normal((2, 2, 3)).astype("f4")


def test_loops_and_conditions(arrays, way):
    x, w = arrays

    def step(x, _):
        y = convt.jax.conv_transpose(x, w, padding=1)
        return jax.lax.cond(y.sum() > 0, jnp.tanh, lambda y: -y, y), None

    expected = x
    for _ in range(4):
        expected = step(expected, None)[0]
    scanned = jax.jit(lambda x: jax.lax.scan(step, x, length=4)[0])
    assert_allclose(scanned(x), expected, atol=1e-5)
    remembered, kept = (jax.jit(jax.grad(lambda x, f=f: f(x).sum())) for f in (scanned, jax.checkpoint(scanned)))
    assert_allclose(kept(x), remembered(x), atol=1e-5)


def test_linear_in_each_operand(arrays):
    x, w = arrays
    y, map_ = jax.linearize(lambda x: convt.jax.conv(x, w), x)
    assert_allclose(map_(x), y, atol=1e-5)
    (back,) = jax.linear_transpose(lambda x: convt.jax.conv(x, w), x)(y)
    assert_allclose(back, convt.conv_transpose(np.asarray(y), w), atol=1e-4)


def test_several_devices():
    program = (
        "import jax, numpy as np, convt.jax\n"
        "from jax.sharding import Mesh, NamedSharding, PartitionSpec as P\n"
        "from jax.experimental.shard_map import shard_map\n"
        "x, w = np.arange(48, dtype='f4').reshape(4, 2, 6), np.ones((2, 3, 3), 'f4')\n"
        "mesh = Mesh(jax.devices(), ('batch',))\n"
        "y = np.asarray(convt.conv_transpose(x, w))\n"
        "specs = {'in_specs': (P('batch'), P()), 'out_specs': P('batch'), 'check_rep': False}\n"
        "inside = shard_map(convt.jax.conv_transpose, mesh=mesh, **specs)\n"
        "placed = jax.device_put(x, NamedSharding(mesh, P('batch')))\n"
        "for function in (convt.jax.conv_transpose, inside):\n"
        "    assert (np.asarray(jax.jit(function)(placed, w)) == y).all()\n"
        "    dw = jax.jit(jax.grad(lambda w: (function(placed, w) ** 2).sum()))(w)\n"
        "    assert np.allclose(dw, convt.conv_transpose_backward(x, w, None, 2 * y).w)\n"
        "assert len(jax.devices()) == 2\n"
    )
    run(program, XLA_FLAGS="--xla_force_host_platform_device_count=2")


def test_a_kept_program_runs_in_another_process(tmp_path):
    """JAX's cache of compiled programs: what they call must not depend on what the process has called before."""
    if handler().why_not is not None:
        pytest.skip(handler().why_not)
    program = (
        "import sys, jax, numpy as np, convt.jax\n"
        "jax.config.update('jax_compilation_cache_dir', sys.argv[1])\n"
        "jax.config.update('jax_persistent_cache_min_compile_time_secs', 0)\n"
        "jax.config.update('jax_persistent_cache_min_entry_size_bytes', 0)\n"
        "x, w = np.ones((1, 1, 4), 'f4'), np.ones((1, 1, 2), 'f4')\n"
        "for stride in map(int, sys.argv[2:]):\n"
        "    y = jax.jit(lambda x, w: convt.jax.conv_transpose(x, w, stride=stride, padding=1))(x, w)\n"
        "    assert (np.asarray(y) == convt.conv_transpose(x, w, stride=stride, padding=1)).all(), y\n"
    )
    run(program, tmp_path, 1, 2, 3)
    kept = sorted(tmp_path.rglob("*"))
    assert kept
    run(program, tmp_path, 3, 2, 1)
    assert [path for path in sorted(tmp_path.rglob("*")) if "-atime" not in path.name] == [
        path for path in kept if "-atime" not in path.name
    ]


def run(program, *arguments, **environment):
    subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], check=True, env=os.environ | environment, timeout=300
    )
