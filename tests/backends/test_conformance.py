"""Every registered backend that can be used here keeps the contract; a plugin of somebody else's can be checked likewise."""

import pytest
from fakes import FakeDevice, Recorder
from scripts import run_script

import convt
from convt.testing import TOPICS, check_backend

pytestmark = pytest.mark.usefixtures("remembered_definition")

USABLE = [name for name, state in convt.backends().items() if state.usable]
MAY_CRASH = ("memory", "sampling")  # whose arrays lie beside pages that nobody may read
FAULTS = {
    ("cuda", "not finite"): "kernels multiply a filter's infinity with the zeros outside of an array",
}


def topics_of(name):
    """All of them; what is known to fail is marked."""
    for topic in sorted({*TOPICS} - {*MAY_CRASH}):
        fault = FAULTS.get((name, topic))
        marks = pytest.mark.xfail(raises=AssertionError, strict=True, reason=fault) if fault else ()
        yield pytest.param(name, topic, marks=marks)


@pytest.mark.parametrize(("name", "topic"), [case for name in USABLE for case in topics_of(name)])
def test_registered_backends_keep_the_contract(name, topic):
    report = check_backend(name, topics=[topic])
    assert report.checked > 0 or topic == "device"
    assert set(report.largest_error) <= {"float32", "float64"}


@pytest.mark.parametrize("topic", MAY_CRASH)
@pytest.mark.parametrize("name", USABLE)
def test_registered_backends_touch_no_memory_but_their_arrays(name, topic):
    call = f"check_backend({name!r}, topics=[{topic!r}]).checked > 0"
    done = run_script(f"from convt.testing import check_backend; print({call})")
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr


def test_numpy_is_always_there():
    assert "numpy" in USABLE


@pytest.mark.parametrize("plugin", [Recorder, FakeDevice])
def test_a_third_party_plugin_can_be_checked_by_its_name(install, plugin):
    install(other=plugin("other"))
    assert check_backend("other", quick=True).backend == "other"
