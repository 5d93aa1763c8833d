"""`loading`: the lock for imports that happen inside a call.

A module that one thread is importing stays locked for ever in a child that another thread forks meanwhile: importing it
there would hang. Backends and whatever else a call imports when it is first needed are therefore imported under this lock,
and a fork waits for it. It is one lock for all; who holds it may take it again, so a module may fork while it is imported.

Of the functions that run before a fork, the last one registered runs first. One that was registered after ours may hold a
lock that the importing thread needs: then a fork waits for `PATIENCE` seconds, and the child is on its own. Logging has such
a lock, and is imported here so that it is registered earlier.
"""

from __future__ import annotations

import logging  # noqa: F401
import os
import threading
from functools import partial

__all__ = ["PATIENCE", "loading"]

PATIENCE = 10  # seconds

loading = threading.RLock()


def _in_child() -> None:
    if loading._is_owned():  # type: ignore[attr-defined]
        loading.release()
    else:
        loading._at_fork_reinit()  # type: ignore[attr-defined]


# Functions in C alone before and after: a signal handler that raises cannot come between lock and fork, or fork and unlock.
os.register_at_fork(
    before=partial(loading.acquire, timeout=PATIENCE), after_in_parent=loading.release, after_in_child=_in_child
)
