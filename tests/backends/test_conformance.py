"""Every registered backend that can be used here keeps the contract; a plugin of somebody else's can be checked likewise."""

import pytest
from fakes import FakeDevice, Recorder

import convt
from convt.testing import TOPICS, check_backend

pytestmark = pytest.mark.usefixtures("remembered_definition")

SPOILS = pytest.mark.xfail(raises=AssertionError, strict=True, reason="the cpu's Winograd engines spoil what shares a tile")
USABLE = [name for name, state in convt.backends().items() if state.usable]


@pytest.mark.parametrize("name", USABLE)
def test_registered_backends_keep_the_contract(name):
    report = check_backend(name, topics={*TOPICS} - {"hot elements"})
    assert report.checked > 0
    assert set(report.largest_error) <= {"float32", "float64"}


@pytest.mark.parametrize("name", [pytest.param(name, marks=SPOILS if name == "cpu" else ()) for name in USABLE])
def test_hot_elements_change_only_what_they_reach(name):
    assert check_backend(name, topics=["hot elements"]).checked > 0


def test_numpy_is_always_there():
    assert "numpy" in USABLE


@pytest.mark.parametrize("plugin", [Recorder, FakeDevice])
def test_a_third_party_plugin_can_be_checked_by_its_name(install, plugin):
    install(other=plugin("other"))
    assert check_backend("other", quick=True).backend == "other"
