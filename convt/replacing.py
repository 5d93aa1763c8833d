"""`replacing`: write a file so that the old one is replaced only when the new one is complete."""

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
    """Open a new file beside `path` for writing and reading, and rename it to `path` when the ``with`` block has succeeded.

    If the block raises, as on a full disk, the new file is removed and the old one stays. The permissions of the old file
    are kept, and symbolic links are followed. A pipe or a device such as ``/dev/stdout`` is written to directly.

    Parameters
    ----------
    path : str or path-like

    Raises
    ------
    OSError
        The folder is missing, the file or the folder is not writable, or the disk is full.

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
    if mode is not None and not stat.S_ISREG(mode):  # for a folder, open raises
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
            os.fsync(file.fileno())  # some file systems report a full disk only now
        os.replace(name, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
