"""loading.py: a process may fork while another of its threads imports a backend."""

import os
import subprocess
import sys
from textwrap import dedent

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

START = """
import logging, os, signal, sys, threading, time
from importlib.metadata import EntryPoint

def run_child(call):
    child = os.fork()
    if child == 0:
        call()
        os._exit(0)
    return child

def wait(child):
    "The child's exit status, or 'hangs'."
    for _ in range(500):
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return "hangs"
"""
PLUGIN = """
import numpy as np, convt
from convt.registry import GROUP
from convt.numpy_backend import NumpyBackend

convt.registry.entry_points = lambda *groups: [EntryPoint("slow", "slow:backend", GROUP)]
begun, forking = threading.Event(), threading.Event()
call = lambda: convt.conv(np.ones((1, 1, 5)), np.ones((1, 1, 3)), backend="slow")
os.register_at_fork(before=forking.set)  # registered last, therefore first
"""
SLOW = """
import logging, sys
from convt.numpy_backend import NumpyBackend
main = sys.modules["__main__"]
main.begun.set()
{body}
class Slow(NumpyBackend):
    name = "slow"
backend = Slow()
"""


def run_script(tmp_path, body, script):
    """The output of a script with a plugin whose import does something."""
    (tmp_path / "slow.py").write_text(SLOW.format(body=dedent(body)))
    command = [sys.executable, "-W", "ignore", "-c", START + dedent(script)]
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONPATH": path})
    assert not done.stderr, done.stderr
    return done.stdout.split()


def test_a_fork_waits_for_a_thread_that_imports_a_backend(tmp_path):
    body = """
    assert main.forking.wait(30)
    logging.getLogger("slow")  # its lock is taken before a fork, too
    """
    script = f"""{PLUGIN}
thread = threading.Thread(target=call)
thread.start()
begun.wait()
child = run_child(call)
print(wait(child))
thread.join()
print(wait(run_child(call)), call().sum() == 9)
"""
    assert run_script(tmp_path, body, script) == ["0", "0", "True"]


def test_a_backend_may_fork_while_it_is_imported(tmp_path):
    body = """
    import os
    child = os.fork()
    main.status = None if child == 0 else main.wait(child)
    """
    script = f"""{PLUGIN}
print(call().sum(), status, flush=True)
if status is None:
    os._exit(0)
"""
    assert run_script(tmp_path, body, script) == ["9.0", "None", "9.0", "0"]


def test_a_fork_that_an_import_waits_for_does_not_wait_for_ever(tmp_path):
    body = "assert main.forked.wait(30)"
    script = f"""
from functools import partial
register = os.register_at_fork
def hasty(**functions):
    before = functions.get("before")
    if isinstance(before, partial):
        functions["before"] = partial(before.func, timeout=0.05)
    register(**functions)
os.register_at_fork = hasty
{PLUGIN}
from convt.loading import loading
sys.unraisablehook = lambda reason: None  # the parent gives back what it has not got
forked = threading.Event()
thread = threading.Thread(target=call)
thread.start()
begun.wait()
child = run_child(lambda: loading.acquire(timeout=1) or os._exit(3))
forked.set()
print(wait(child))
thread.join()
print(call().sum(), loading.acquire(blocking=False))
"""
    assert run_script(tmp_path, body, script) == ["0", "9.0", "True"]


def test_a_child_may_import_what_its_parent_has_not(tmp_path):
    script = f"""{PLUGIN}
print(wait(run_child(call)))
print(wait(run_child(lambda: wait(run_child(call)) and os._exit(3))))
"""
    assert run_script(tmp_path, "", script) == ["0", "0"]
