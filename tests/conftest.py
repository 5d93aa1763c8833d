"""Fixtures: a selection that no test leaves behind, and plugins that exist for one test only."""

import signal
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import installed  # noqa: F401  # before convt
import numpy as np
import pytest
from contract import Remembered
from hypothesis import settings
from threadpoolctl import threadpool_limits

import convt
from convt.registry import GROUP, Registry, registry
from convt.testing import bounds, naive

settings.register_profile("convt", deadline=None)  # no test is about time, on machines that others use too
settings.load_profile("convt")


@pytest.fixture(autouse=True, scope="session")
def _one_thread_for_numpy() -> Iterator[None]:
    """The products of the NumPy backend are small here: threads would spend their time waiting for one another."""
    with threadpool_limits(1, user_api="blas"):
        yield


@pytest.fixture(autouse=True, scope="session")
def _ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts programs in the background deaf to Ctrl-C, and so are their children."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(autouse=True)
def _nobody_asks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every test starts, and leaves, with no backend asked for."""
    monkeypatch.delenv("CONVT_BACKEND", raising=False)
    convt.set_backend(None)
    yield
    convt.set_backend(None)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture(scope="session")
def _definition() -> dict[str, Remembered]:
    return {"naive.apply": Remembered(naive.apply), "bounds.bound": Remembered(bounds.bound)}


@pytest.fixture
def remembered_definition(monkeypatch: pytest.MonkeyPatch, _definition: dict[str, Remembered]) -> None:
    """`convt.testing.check_backend` computes the definition of a problem and its numbers once for all tests."""
    for name, remembered in _definition.items():
        monkeypatch.setattr(f"convt.testing.{name}", remembered)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
    """Make hand-made plugins the only ones: ``install(name=backend, other="module:attribute", ...)``.

    A string is an entry point's value as it is; anything else becomes the ``backend`` of a module of its own.
    """

    def install(*points: EntryPoint, **plugins: Any) -> Registry:
        made = list(points)
        for name, plugin in plugins.items():
            value = plugin
            if not isinstance(plugin, str):
                module = ModuleType(f"plugin_{name}")
                module.backend = plugin
                monkeypatch.setitem(sys.modules, module.__name__, module)
                value = f"{module.__name__}:backend"
            made.append(EntryPoint(name, value, GROUP))
        monkeypatch.setattr("convt.registry.entry_points", lambda *groups: made)
        monkeypatch.setattr("convt.registry._installed", None)
        return registry()

    return install
