"""Settings for backends: callers set them with `options`, backends read them with `settings`.

Settings change how a result is computed, not what it is. A backend ignores those that do not concern it.
"""

from __future__ import annotations

from contextlib import ContextDecorator
from contextvars import ContextVar
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from math import isnan
from typing import Any

from .core.arguments import as_count, as_flag, as_size
from .environment import Variable

__all__ = [
    "Settings",
    "bridge_threads",
    "changed_settings",
    "is_verbose",
    "lent_threads",
    "most_threads",
    "options",
    "requested_threads",
    "settings",
]

_LIMIT = Variable("CONVT_WORKSPACE_LIMIT")
MOST_THREADS = 1024


@dataclass(frozen=True)
class Settings:
    """The settings of a call; `options` documents them."""

    workspace_limit: float = 512 * 2**20
    allow_tf32: bool = False
    deterministic: bool = True
    autotune: bool = False
    cudnn: bool = True
    device: int | None = None
    verbose: bool = False
    threads: int | None = None

    def __post_init__(self) -> None:
        # Kept, because backends look up plans by their settings at every call. Not a cached property: before Python 3.12 it
        # takes a lock, which may never be released in a forked child.
        object.__setattr__(self, "_hash", hash(tuple(getattr(self, each.name) for each in fields(self))))

    def __hash__(self) -> int:
        kept: int = vars(self)["_hash"]
        return kept


_context: ContextVar[tuple[tuple[str, Any], ...]] = ContextVar("convt_settings", default=())
_threads: ContextVar[int | None] = ContextVar("convt_threads", default=None)  # a copy, for a quick look at every call
bridge_threads: ContextVar[tuple[int | None, int | None]] = ContextVar("convt_bridge_threads", default=(None, None))
# Of a bridge's library: how many at most, and `lent_threads`.
_outer: ContextVar[tuple[Any, ...] | None] = ContextVar("convt_outer_settings", default=None)  # what open blocks restore


class OptionsBlock(ContextDecorator):
    """A ``with`` block in which settings are changed; `options` makes it.

    It may be entered several times, even within itself, and may decorate a function.
    """

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    def __enter__(self) -> None:
        chosen = {**dict(_context.get()), **self._given}
        _outer.set((_outer.get(), _context.get(), _threads.get()))
        _context.set(tuple(chosen.items()))
        _threads.set(chosen.get("threads"))

    def __exit__(self, *error: object) -> None:
        outer = _outer.get()
        if outer is None:
            raise RuntimeError(f"{self!r} must end in the thread or task in which it began")
        before, given, threads = outer
        _outer.set(before)
        _context.set(given)
        _threads.set(threads)

    def __repr__(self) -> str:
        return f"convt.options({', '.join(f'{name}={value!r}' for name, value in self._given.items())})"


def options(
    *,
    workspace_limit: float | None = None,
    allow_tf32: bool | None = None,
    deterministic: bool | None = None,
    autotune: bool | None = None,
    cudnn: bool | None = None,
    device: int | None = None,
    verbose: bool | None = None,
    threads: int | None = None,
) -> OptionsBlock:
    """Change settings for the calls inside a ``with`` block, in this thread or task only. None leaves a setting as it is.

    Parameters
    ----------
    workspace_limit : float, default 512 MB
        Bytes of scratch memory that a call may use on a GPU; inf for no limit. Outside of such blocks, the environment
        variable ``CONVT_WORKSPACE_LIMIT`` sets it.
    allow_tf32 : bool, default False
        Whether a GPU may round the factors of float32 products to TF32, with 10 bits of mantissa.
    deterministic : bool, default True
        Whether a call must give the same bits run after run.
    autotune : bool, default False
        Whether to measure, the first time that a problem is computed on a GPU, which algorithm is fastest, and to keep that.
    cudnn : bool, default True
        Whether cuDNN may be used.
    device : int, optional
        The GPU for arrays in the host's memory; the first one unless set.
    verbose : bool, default False
        Whether a backend that chooses among engines prints which one computes, and with how much scratch memory.
    threads : int, optional
        Number of CPU threads that a call may use, from 1 to 1024; it may exceed the number of cores. By default the
        environment variable ``CONVT_NUM_THREADS``, else the first number of ``OMP_NUM_THREADS``, else the number of cores
        that this process may use. A limit set by threadpoolctl caps all of these. Results do not depend on it.

    Returns
    -------
    context manager

    Raises
    ------
    TypeError, ValueError
        A value is not allowed; the message names the setting.

    Examples
    --------
    >>> import convt
    >>> from convt.backend import settings
    >>> with convt.options(workspace_limit=2**20, deterministic=False):
    ...     settings().workspace_limit, settings().deterministic
    (1048576.0, False)
    """
    flags = {
        "allow_tf32": allow_tf32,
        "deterministic": deterministic,
        "autotune": autotune,
        "cudnn": cudnn,
        "verbose": verbose,
    }
    given: dict[str, Any] = {name: as_flag(name, value) for name, value in flags.items() if value is not None}
    if workspace_limit is not None:
        given["workspace_limit"] = _as_limit("workspace_limit", workspace_limit)
    if device is not None:
        given["device"] = as_count("device", device, least=0)
    if threads is not None:
        given["threads"] = _as_threads(threads)
    return OptionsBlock(given)


def settings() -> Settings:
    """Return the settings that apply now in this thread or task.

    Raises
    ------
    ValueError
        ``CONVT_WORKSPACE_LIMIT`` is not a number of bytes.
    """
    return _settings(_context.get(), _LIMIT.get())


def changed_settings() -> tuple[tuple[str, Any], ...]:
    """Return the names and values of the settings that open blocks of `options` have changed."""
    return _context.get()


def requested_threads() -> int | None:
    """Return ``settings().threads``, faster."""
    return _threads.get()


def most_threads() -> int | None:
    """Return the number of threads that no call may exceed, whatever `requested_threads` says, or None."""
    return bridge_threads.get()[0]


def lent_threads() -> int | None:
    """Return the address of ``GOMP_parallel`` in the OpenMP library whose threads the caller lends to this call, or None.

    Inside PyTorch, say, whose own threads spin between its regions: threads of another pool would only get what they leave.
    """
    return bridge_threads.get()[1]


def is_verbose() -> bool:
    """Return ``settings().verbose``, faster."""
    given = _context.get()
    return bool(given) and any(name == "verbose" and value for name, value in given)


@lru_cache(maxsize=256)
def _settings(given: tuple[tuple[str, Any], ...], limit: str | None) -> Settings:
    chosen = dict(given)
    if limit and "workspace_limit" not in chosen:
        chosen["workspace_limit"] = _limit_of_text(limit)
    return replace(Settings(), **chosen)


def _limit_of_text(text: str) -> float:
    try:
        limit = float(text)
    except ValueError:
        limit = -1.0
    if isnan(limit) or limit < 0:
        raise ValueError(f"{_LIMIT.name} must be a number of bytes or 'inf', got {text!r}")
    return limit


def _as_limit(name: str, value: Any) -> float:
    if isinstance(value, bool | str):
        raise TypeError(f"{name} must be a number of bytes, inf for no limit, got {value!r}")
    try:
        limit = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"{name} must be a number of bytes, inf for no limit, got {value!r}") from None
    if not limit >= 0:
        raise ValueError(f"{name} must be at least 0, got {value!r}")
    return limit


def _as_threads(value: Any) -> int:
    rule = f"an integer from 1 to {MOST_THREADS}"
    threads = as_size("threads", value, rule)
    if not 1 <= threads <= MOST_THREADS:
        raise ValueError(f"threads must be {rule}, got {value!r}")
    return threads
