"""check_backend finds what it should find: each mutant breaks one rule, and every alarm of the kit has one that trips it."""

import re

import device_mutants
import host_mutants
import pytest
import sampling_mutants
from device_mutants import Device
from mutants import alarms, tripped
from sane import Sane

from convt.testing import TOPICS

pytestmark = pytest.mark.usefixtures("remembered_definition")

TABLE = [*host_mutants.TABLE, *sampling_mutants.TABLE, *device_mutants.TABLE]
IDS = [f"{topic}-{getattr(next(iter(vars(mutant).values())), '__name__', 'member')}" for topic, mutant, _ in TABLE]


@pytest.mark.parametrize(("topic", "mutant", "message"), TABLE, ids=IDS)
def test_a_backend_that_breaks_a_rule_is_found(topic, mutant, message):
    found = tripped(mutant, topic)
    assert found is not None
    assert re.search(message, found.message), found.message


def test_every_alarm_has_a_mutant_that_trips_it():
    found = {tripped(mutant, topic).alarm for topic, mutant, _ in TABLE}
    assert found | {tripped(object, "maps").alarm} == alarms()


@pytest.mark.parametrize("backend", [Sane, Device])
def test_a_sane_backend_passes(backend):
    assert tripped(backend, *TOPICS) is None
