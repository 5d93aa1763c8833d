"""Work for the process of `convt.bench.xla.child`, which imports it by name."""

import os
import time
from pathlib import Path

from convt.bench.peers.peer import Unsupported

LONG = 600.0


def work(job, announce, marks):
    """Announce each name of the marks and do what stands there; return who did it, who was left out, and the process."""
    done, left_out = [], {}
    for name, mark in marks.items():
        try:
            announce(name, 1.0 if mark == "sleep" else LONG)
        except Unsupported as reason:
            left_out[name] = str(reason)
            continue
        if mark == "sleep":
            time.sleep(LONG)
        if mark == "die":
            os._exit(1)
        if mark == "raise":
            raise LookupError("no such thing")
        done.append(name)
    announce("", LONG)
    return done, left_out, os.getpid()


def silent(job, announce):
    """Die before anything is announced."""
    os._exit(1)


def cores(job, announce):
    """Tell how many cores the process may use."""
    return len(os.sched_getaffinity(0))


def exists(process):
    """Whether there is a process."""
    return Path(f"/proc/{process}").exists()
