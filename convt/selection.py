"""Selection: which backend computes a call.

The first of these that is set decides: the ``backend`` argument, `use_backend`, `set_backend`, the environment variable
``CONVT_BACKEND`` (read at every call). A requested backend is never replaced by another; of a list ("cuda,cpu"), the first
that can do the call is used. If none is requested, arrays on a device are computed by the backend that owns them, arrays in
the host's memory by the backend with the highest priority that can do the problem, except those for devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeAlias

from .adapter import as_backend, missing_members
from .backend import Backend, BackendUnavailable, Variable
from .core.problem import Problem
from .registry import BackendState, Registry, registry

__all__ = [
    "BackendRequest",
    "backends",
    "block_request",
    "check_request",
    "choose",
    "environment_request",
    "named",
    "owner",
    "set_backend",
    "standing_request",
    "use_backend",
]

BackendRequest: TypeAlias = "str | Sequence[str] | Backend | None"

_Request: TypeAlias = "tuple[str, ...] | Backend | None"

_context: ContextVar[_Request] = ContextVar("convt_backend", default=None)
_process: _Request = None

_VARIABLE = Variable("CONVT_BACKEND")


def backends() -> dict[str, BackendState]:
    """Return all registered backends, and whether they can be used.

    Each is loaded to find out, once per process.

    Returns
    -------
    dict of str to BackendState
        With ``usable``, ``reason`` (why not, or None), ``priority`` and ``source``.

    Examples
    --------
    >>> import convt
    >>> convt.backends()["numpy"].usable
    True
    """
    known = registry()
    return {name: known.state(name) for name in known.names()}


@contextmanager
def use_backend(backend: BackendRequest) -> Iterator[None]:
    """Use a backend for the calls inside a ``with`` block, in this thread or task only.

    Parameters
    ----------
    backend : str, sequence of str, Backend or None
        A registered name; several names, as a sequence or "cuda,cpu", are tried in order; None undoes an outer block.

    Raises
    ------
    LookupError
        On entry, for a name that is not registered.

    Examples
    --------
    >>> import numpy as np, convt
    >>> with convt.use_backend("numpy"):
    ...     convt.conv_transpose(np.ones((1, 1, 2)), np.ones((1, 1, 2)), stride=2)
    array([[[1., 1., 1., 1.]]])
    """
    token = _context.set(_as_request(backend))
    try:
        yield
    finally:
        _context.reset(token)


def set_backend(backend: BackendRequest) -> None:
    """Use a backend for the whole process, until this function is called again; None undoes it.

    `use_backend` and the ``backend`` argument take precedence over it; it takes precedence over the environment variable
    ``CONVT_BACKEND``.

    Parameters
    ----------
    backend : str, sequence of str, Backend or None
        As for `use_backend`.
    """
    global _process
    _process = _as_request(backend)


def named(request: BackendRequest) -> _Request:
    """Return the names in the ``backend`` argument of a call, or the backend that it is."""
    return _as_request(request)


def check_request(request: BackendRequest) -> None:
    """Raise for a value that cannot be the ``backend`` argument of any call."""
    _as_request(request)


def choose(problem: Problem, request: BackendRequest, held_by: Backend | None = None) -> Backend:
    """Return the backend for a call.

    Parameters
    ----------
    problem : Problem
    request : str, sequence of str, Backend or None
        The call's ``backend`` argument.
    held_by : Backend, optional
        The `owner` of the call's arrays; None for the host's memory.

    Raises
    ------
    LookupError
        A name is not registered.
    BackendUnavailable
        None of the requested backends can do the call.
    """
    asked = _as_request(request) if request is not None else standing_request()
    if asked is None:
        return _unasked(problem, held_by)
    if not isinstance(asked, tuple):
        reason = _refusal(asked, problem, held_by)
        if reason is not None:
            raise BackendUnavailable(f"backend {asked.name!r} cannot do this call: {reason}")
        return asked
    reasons = []
    for name in asked:
        try:
            backend = registry().get(name)
        except BackendUnavailable as failure:
            if len(asked) == 1:
                raise
            reasons.append(str(failure))
            continue
        reason = _refusal(backend, problem, held_by)
        if reason is None:
            return backend
        reasons.append(f"backend {name!r} cannot do this call: {reason}")
    raise BackendUnavailable("; ".join(reasons))


def owner(array: Any) -> Backend | None:
    """Return the backend on whose device an array lies, or None."""
    for backend in registry().ranked():
        if backend.owns(array):
            return backend
    return None


def _unasked(problem: Problem, held_by: Backend | None) -> Backend:
    candidates = registry().hosts() if held_by is None else [held_by]
    reasons = []
    for backend in candidates:
        reason = backend.why_not(problem)
        if reason is None:
            return backend
        reasons.append(f"{backend.name}: {reason}")
    raise BackendUnavailable(f"no backend can do this call: {'; '.join(reasons) or 'none is installed'}")


def _refusal(backend: Backend, problem: Problem, held_by: Backend | None) -> str | None:
    """Return why a backend cannot do a call, in words for the user, or None if it can."""
    if held_by is not None and backend is not held_by:
        return f"its arrays lie on backend {held_by.name!r} (copy them to the host first)"
    return backend.why_not(problem)


def standing_request() -> _Request:
    """Return what `use_backend`, `set_backend` or ``CONVT_BACKEND`` requests, or None."""
    request = _context.get()
    if request is None:
        request = _process
    return environment_request() if request is None else request


def block_request() -> _Request:
    """Return what `use_backend` requests in this thread or task, or None."""
    return _context.get()


def environment_request() -> _Request:
    """Return the backends that ``CONVT_BACKEND`` requests, or None if it is not set."""
    text = _VARIABLE.get()
    return _parsed(text.strip(), _VARIABLE.name, registry()) if text and text.strip() else None


def _as_request(request: BackendRequest) -> _Request:
    if request is None:
        return None
    if isinstance(request, str):
        return _parsed(request, "backend", registry())
    if isinstance(request, Sequence):
        return _names(request, "backend", registry())
    if isinstance(request, Backend) or not missing_members(request):
        return as_backend(request)
    likely = f" (a class: pass {request.__name__}())" if isinstance(request, type) else ""
    raise TypeError(f"backend must be a name, a sequence of names or a Backend, got {request!r}{likely}")


@lru_cache(maxsize=64)
def _parsed(text: str, source: str, known: Registry) -> tuple[str, ...]:
    return _names(text.split(","), source, known)


def _names(parts: Sequence[Any], source: str, known: Registry) -> tuple[str, ...]:
    names = tuple(part.strip() if isinstance(part, str) else part for part in parts)
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{source} must be a name or a sequence of names, got {parts!r}")
    for name in names:
        known.check_name(name, source)
    return names
