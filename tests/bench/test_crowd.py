"""crowd: other processes begin, and end however the block or this process ends."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convt.bench.crowd import crowd

PARENT = """
import time
from convt.bench.crowd import crowd
with crowd(2) as pids:
    print(*pids, flush=True)
    time.sleep(600)
"""


def gone(pid):
    """Whether a process has ended; one that nobody has waited for counts as ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except ProcessLookupError:
        return True
    except FileNotFoundError:  # a system without /proc
        return False


def test_they_live_as_long_as_the_block():
    with crowd(2) as pids:
        assert len(set(pids)) == 2
        assert not any(map(gone, pids))
    assert all(map(gone, pids))


def test_they_end_with_an_error():
    with pytest.raises(KeyboardInterrupt), crowd(1) as pids:
        raise KeyboardInterrupt
    assert gone(pids[0])


def test_they_end_when_their_parent_dies():
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        pids = list(map(int, parent.stdout.readline().split()))
        parent.send_signal(signal.SIGKILL)
    assert len(pids) == 2
    give_up = time.monotonic() + 60
    while not all(map(gone, pids)) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert all(map(gone, pids))


def test_one_that_cannot_be_started_is_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(OSError, match="could not be started"), crowd(1):
        pass


def test_an_empty_crowd():
    with crowd(0) as pids:
        assert pids == []
