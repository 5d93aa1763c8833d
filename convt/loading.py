"""`loading`: the lock for imports that happen inside a call.

If one thread forks while another imports a module, that module stays locked for ever in the child, where importing it hangs.
Therefore everything that a call imports when it is first needed is imported under this one lock, and a fork waits for it.
The lock is reentrant, so that a module may fork while it is imported.

Functions registered to run before a fork run in reverse order of registration. One registered after ours may hold a lock
that the importing thread needs; then the fork waits for `PATIENCE` seconds, and goes on without the lock. `logging` has such
a function, and is imported here so that it is registered earlier.
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


# Functions in C, so that no signal handler can raise between the lock and the fork, or between the fork and the release.
os.register_at_fork(
    before=partial(loading.acquire, timeout=PATIENCE), after_in_parent=loading.release, after_in_child=_in_child
)
