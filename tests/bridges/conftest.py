"""What the tests of JAX share."""

import pytest

from convt.registry import registry


@pytest.fixture
def x64():
    """JAX with types of 64 bits."""
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


@pytest.fixture(params=["ffi", "callback"])
def way(request, monkeypatch):
    """The way in which a program calls convt; without a compiler there is one."""
    jax = pytest.importorskip("jax")
    from convt.jax import handler, lowering

    jax.clear_caches()
    if request.param == "callback":
        monkeypatch.setattr(lowering, "handler", lambda: handler.Handler(None, "a test"))
    elif handler.handler().why_not is not None:
        pytest.skip(handler.how())
    yield request.param
    jax.clear_caches()


@pytest.fixture
def recorded(monkeypatch):
    """The names of the backends that have computed a gather or a scatter, in turn."""
    seen = []
    for name in ("numpy", "cpu"):
        backend = registry().get(name)
        for member in ("gather", "scatter"):
            monkeypatch.setattr(type(backend), member, _recording(getattr(type(backend), member), name, seen))
    return seen


def _recording(function, name, seen):
    def record(*arguments):
        seen.append(name)
        return function(*arguments)

    return record
