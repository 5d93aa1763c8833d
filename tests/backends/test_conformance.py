"""Every registered backend that can be used here keeps the contract; a plugin of somebody else's can be checked likewise."""

import pytest
from fakes import FakeDevice, Recorder

import convt
from convt.testing import TOPICS, check_backend

pytestmark = pytest.mark.usefixtures("remembered_definition")

USABLE = [name for name, state in convt.backends().items() if state.usable]
FAULTS = {
    ("cuda", "not finite"): "kernels multiply a filter's infinity with the zeros outside of an array",
}


def topics_of(name):
    """All of them; what is known to fail is marked."""
    for topic in TOPICS:
        fault = FAULTS.get((name, topic))
        marks = pytest.mark.xfail(raises=AssertionError, strict=True, reason=fault) if fault else ()
        yield pytest.param(name, topic, marks=marks)


@pytest.mark.parametrize(("name", "topic"), [case for name in USABLE for case in topics_of(name)])
def test_registered_backends_keep_the_contract(name, topic):
    report = check_backend(name, topics=[topic])
    assert report.checked > 0 or topic == "device"
    assert set(report.largest_error) <= {"float32", "float64"}


def test_numpy_is_always_there():
    assert "numpy" in USABLE


@pytest.mark.parametrize("plugin", [Recorder, FakeDevice])
def test_a_third_party_plugin_can_be_checked_by_its_name(install, plugin):
    install(other=plugin("other"))
    assert check_backend("other", quick=True).backend == "other"
