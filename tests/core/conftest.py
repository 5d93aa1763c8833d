"""Libraries of arrays that are registered for a test."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest
from tanks import Kind, Tank, Vat

from convt.core import containers
from convt.core.containers import GROUP


@pytest.fixture
def register(monkeypatch):
    """Register modules for arrays: ``register(package=module)``; a string is an entry point's value as it is."""

    def register(**modules):
        points = []
        for name, made in modules.items():
            value = made
            if not isinstance(made, str):
                module = ModuleType(f"kind_of_{name}")
                vars(module).update({each: getattr(made, each) for each in dir(made) if not each.startswith("_")})
                monkeypatch.setitem(sys.modules, module.__name__, module)
                value = module.__name__
            points.append(EntryPoint(name, value, GROUP))
        monkeypatch.setattr(containers, "entry_points", lambda *groups: points)
        monkeypatch.setattr(containers, "_installed", None)

    return register


@pytest.fixture
def tank(register):
    kind = Kind(Tank)
    register(tank=kind, vat=Kind(Vat))
    return kind


@pytest.fixture
def arrays(rng):
    return {"x": rng.standard_normal((2, 4, 5)), "w": rng.standard_normal((4, 3, 3)), "bias": rng.standard_normal(3)}
