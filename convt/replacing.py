"""`replacing`: how files are written. The one that was there is replaced when its successor is complete, and not before."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EACCES
from typing import BinaryIO

__all__ = ["replacing"]


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Open a new file beside `path`, for writing and reading; it takes that name when the block ends without an error.

    Else, as on a full disk, it is removed, and what was at `path` stays. A file keeps its permissions, a link its goal. What
    is no file (a pipe, a device such as ``/dev/stdout``) has no successor and is written to.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    OSError
        Its folder is missing, one of both must not be written, or the disk is full.

    Examples
    --------
    >>> from convt.replacing import replacing
    >>> with replacing("results.txt") as file:  # doctest: +SKIP
    ...     file.write(b"all of them")
    """
    target = os.path.realpath(path)
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):  # of a folder, open tells
        with open(path, "wb") as file:
            yield file
        return
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(EACCES, os.strerror(EACCES), os.fspath(path))
    name = os.path.join(os.path.dirname(target), f".convt-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with open(name, "x+b") as file:
            if mode is not None:
                os.chmod(name, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())  # some file systems tell only now that there is no room
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
