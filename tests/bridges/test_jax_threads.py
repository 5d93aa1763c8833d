"""convt.jax beside threads: XLA's, Python's and convt's own, forks, and the end of a process."""

import os
import subprocess
import sys

import numpy as np
import pytest

import convt

jax = pytest.importorskip("jax")
import convt.jax  # noqa: E402

BEGIN = """
import ctypes, os, sys, threading
import jax, jax.numpy as jnp, numpy as np
import convt, convt.jax
from convt.jax import handler, lowering
if sys.argv[1] == "callback":
    lowering.handler = lambda: handler.Handler(None, "a test")
elif handler.handler().why_not is not None:
    sys.exit("no handler")
rng = np.random.default_rng(0)
x, w = rng.standard_normal((4, 16, 64, 64)).astype("f4"), rng.standard_normal((16, 16, 3, 3)).astype("f4")
expected = convt.conv_transpose(x, w, padding=1)
"""


def run(program, way, **environment):
    """Run it to its end; one that hangs fails."""
    command = [sys.executable, "-W", "ignore", "-c", BEGIN + program, way]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, timeout=180)
    if result.stderr.strip() == "no handler":
        pytest.skip("there is no compiled handler")
    assert result.returncode == 0, result.stderr
    return result.stdout


both_ways = pytest.mark.parametrize("way", ["ffi", "callback"])


@both_ways
@pytest.mark.parametrize("threads", ["1", "4"])
def test_many_threads_at_once(way, threads):
    """Each runs programs with several independent maps, which XLA may call from several threads of its own."""
    run(
        "program = jax.jit(lambda x, w: [convt.jax.conv_transpose(x * 2.0**k, w, padding=1) for k in range(4)])\n"
        "wrong = []\n"
        "def work():\n"
        "    for _ in range(5):\n"
        "        results = program(x, w)\n"
        "        convt.conv_transpose(x, w, padding=1)\n"
        "        wrong.extend(k for k, y in enumerate(results) if not (np.asarray(y) == expected * 2.0**k).all())\n"
        "workers = [threading.Thread(target=work) for _ in range(4)]\n"
        "for worker in workers: worker.start()\n"
        "for worker in workers: worker.join()\n"
        "assert not wrong\n",
        way,
        CONVT_NUM_THREADS=threads,
    )


@both_ways
def test_programs_that_are_not_waited_for(way):
    """Python goes on, and needs its lock, while XLA waits for it; results of one program are operands of the next."""
    run(
        "w /= 100\n"
        "program = jax.jit(lambda x: convt.jax.conv_transpose(x, w, padding=1))\n"
        "y, plain = jnp.asarray(x), x\n"
        "for _ in range(20):\n"
        "    y = program(y)\n"
        "    plain = convt.conv_transpose(plain, w, padding=1)\n"
        "assert (np.asarray(y) == plain).all()\n",
        way,
    )


@pytest.mark.parametrize("step", ["1e-6", "1e-2"])
def test_a_process_may_end_while_a_program_runs(step):
    """No thread of XLA's asks for Python's lock when Python has gone."""
    run(
        f"sys.setswitchinterval({step})\n"
        "step = lambda _, y: convt.jax.conv_transpose(y, w, padding=1)\n"
        "program = jax.jit(lambda x: jax.lax.fori_loop(0, 3000, step, x))\n"
        "program.lower(x).compile()\n"
        "kept = [program(x) for _ in range(3)]\n",
        "ffi",
    )


@both_ways
def test_a_forked_child_computes_with_numpy(way):
    """JAX itself cannot be used in a child; convt can, whatever the parent's threads were doing, and the child may end."""
    run(
        "step = lambda _, y: convt.jax.conv_transpose(y, w / 100, padding=1)\n"
        "program = jax.jit(lambda x: jax.lax.fori_loop(0, 40, step, x))\n"
        "program(x).block_until_ready()\n"
        "for _ in range(5):\n"
        "    running = program(x)\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        right = (convt.conv_transpose(x, w, padding=1) == expected).all()\n"
        "        if sys.argv[1] == 'ffi':\n"
        "            ctypes.CDLL(handler.handler().path).convt_jax_close()\n"
        "        os._exit(0 if right else 3)\n"
        "    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
        "    running.block_until_ready()\n",
        way,
        CONVT_NUM_THREADS="3",
    )


def test_only_python_is_needed_in_a_callback(monkeypatch):
    """Arrays reach a callback as NumPy's; one of JAX's could wait there for the program that waits for the callback."""
    from convt.jax import handler, lowering, work

    seen = []
    run_ = work.Work.run
    monkeypatch.setattr(work.Work, "run", lambda self, *arrays: (seen.extend(map(type, arrays)), run_(self, *arrays))[1])
    monkeypatch.setattr(lowering, "handler", lambda: handler.Handler(None, "a test"))
    jax.clear_caches()
    jax.jit(lambda x: convt.jax.conv(x, np.ones((3, 2, 3))))(np.ones((1, 2, 5))).block_until_ready()
    jax.clear_caches()
    assert seen == [np.ndarray] * 3


@pytest.mark.parametrize("raising", ["work.Buffers.run", "handler.ctypes.memmove"])
def test_ctrl_c_interrupts_the_program(raising):
    """Whatever thread sees it; also where Python cannot tell XLA, which must not take what is in memory for a result."""
    out = run(
        "from convt.jax import work\n"
        "def interrupted(*arguments): raise KeyboardInterrupt\n"
        f"{raising} = interrupted\n"
        "try:\n"
        "    try:\n"
        "        jax.block_until_ready(convt.jax.conv_transpose(x, w, backend='numpy'))\n"
        "        print('a result')\n"
        "    except RuntimeError as error:\n"
        "        assert 'KeyboardInterrupt' in str(error)\n"
        "    for _ in range(10**8): pass\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n",
        "ffi",
    )
    assert out.strip() == "interrupted"
