"""variable.py and _record.pyx: CONVT_CPU_MACHINE, and the record that holds."""

import re
from dataclasses import replace

import pytest

import convt
from convt_cpu.machine import FAMILIES, machine_key, record
from convt_cpu.machine._record import as_plans_see_it, cpuid
from convt_cpu.machine.detect import detect
from convt_cpu.machine.families import LIMITS
from convt_cpu.machine.variable import overridden

KB, MB = 2**10, 2**20


@pytest.fixture
def variable(monkeypatch):
    """Sets it."""
    monkeypatch.delenv("CONVT_CPU_MACHINE", raising=False)
    return lambda text: monkeypatch.setenv("CONVT_CPU_MACHINE", text)


def here():
    raise AssertionError("a family needs no look at the processor")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_by_name(variable, name):
    variable(name)
    assert record() == FAMILIES[name]
    assert overridden(f" {name} ", here) == FAMILIES[name]


def test_fields_of_a_family():
    expected = replace(FAMILIES["zen4"], l2=512 * KB, smt=2, fma512=1.5)
    for text in (
        "zen4,l2=524288,smt=2,fma512=1.5",
        "zen4, smt = 2, l2 = 512K ,fma512=1.5",
        "zen4,fma512=1.50,l2=512k,smt=02",
    ):
        assert overridden(text, here) == expected


def test_fields_of_this_machine(variable):
    variable("l1=16K,l2=3M,l3=1G,l3_cores=128,line=32,copy=0.5,stream=7,fma128=3,fma256=2.5,fma512=1,smt=4")
    expected = {
        "l1": 16 * KB, "l2": 3 * MB, "l3": 1024 * MB, "l3_cores": 128, "line": 32, "copy": 0.5, "stream": 7,
        "fma128": 3, "fma256": 2.5, "fma512": 1, "smt": 4,
    }  # fmt: skip
    assert expected.keys() == LIMITS.keys()
    assert record() == replace(detect(cpuid()), **expected)


@pytest.mark.parametrize("text", ["zen9", "ZEN4", "zen4 zen4", ",", ",l2=1M", " ", "zen_", "\udcff"])
def test_a_name_that_is_none(variable, text):
    names = f"begin with one of {', '.join(FAMILIES)}, or with a field such as l2=1M"
    with pytest.raises(ValueError, match=f"^CONVT_CPU_MACHINE must {re.escape(names)}, got {re.escape(repr(text))}$"):
        overridden(text, here)


@pytest.mark.parametrize("text", [
    "zen4,", "zen4,l4=1M", "zen4,zen4", "zen4,family=zen3", "zen4,source=me", "zen4,=1", "=", "zen4,,l2=1M",
    "l2=1M,zen4", "zen4 l2=1M",
])  # fmt: skip
def test_a_field_that_is_none(text):
    names = f"set fields among {', '.join(LIMITS)}, as in l2=1M"
    with pytest.raises(ValueError, match=f"^CONVT_CPU_MACHINE must {re.escape(names)}, got {re.escape(repr(text))}$"):
        overridden(text, lambda: FAMILIES["zen4"])


@pytest.mark.parametrize(("field", "rule"), [
    ("l1", "bytes from 8K to 256K"), ("l2", "bytes from 64K to 64M"), ("l3", "bytes from 64K to 4096M"),
    ("l3_cores", "an integer from 1 to 1024"), ("smt", "an integer from 1 to 8"), ("line", "an integer from 16 to 256"),
    ("fma512", "a number from 0.25 to 16"), ("copy", "a number from 0.1 to 100"),
])  # fmt: skip
@pytest.mark.parametrize(
    "value", ["", "0", "-1", "x", "1T", "nan", "inf", "1e3", "0x10", "1_0", "٣", "9" * 40, "99999999999"]
)
def test_a_value_that_is_none(field, rule, value):
    text = f"zen4,{field}={value}"
    with pytest.raises(ValueError, match=f"^CONVT_CPU_MACHINE must set {field} to {rule}, got {re.escape(repr(text))}$"):
        overridden(text, here)


@pytest.mark.parametrize("field", ["smt", "l2"])
def test_what_is_counted_has_no_fractions(field):
    with pytest.raises(ValueError, match=f"must set {field} to "):
        overridden(f"zen4,{field}=1.5", here)


def test_both_ends_of_the_limits_are_within():
    for end in (0, 1):
        values = {field: limit[end] for field, limit in LIMITS.items()}
        text = ",".join(f"{field}={value:.12g}" for field, value in values.items())
        assert overridden(f"zen4,{text}", here) == replace(FAMILIES["zen4"], **values)


def test_a_field_twice():
    with pytest.raises(ValueError, match=r"^CONVT_CPU_MACHINE must set l2 once, got 'l2=1M,l2=1M'$"):
        overridden("l2=1M,l2=1M", lambda: FAMILIES["zen4"])


def test_an_l1_larger_than_the_l2():
    rule = r"leave l1 \(here 262144\) at most as large as l2 \(here 131072\), got 'zen4,l2=128K,l1=256K'"
    with pytest.raises(ValueError, match=f"^CONVT_CPU_MACHINE must {rule}$"):
        overridden("zen4,l2=128K,l1=256K", here)


def test_an_empty_variable_is_none(variable):
    unset = record()
    variable("")
    assert record() == unset == detect(cpuid())


def test_the_variable_is_read_at_every_call(variable, monkeypatch):
    before, key = record(), machine_key()
    variable("zen4")
    zen4 = machine_key()
    variable("zen4,l2=2M")
    assert record().l2 == 2 * MB
    assert len({machine_key(), zen4}) == 2
    variable("zen4")
    assert machine_key() == zen4
    monkeypatch.delenv("CONVT_CPU_MACHINE")
    assert (record(), machine_key()) == (before, key)


def test_a_bad_value_is_an_error_until_it_is_gone(variable):
    variable("zen4")
    key = machine_key()
    variable("zen9")
    for _ in range(2):
        with pytest.raises(ValueError, match="CONVT_CPU_MACHINE must begin with"):
            machine_key()
    with pytest.raises(ValueError, match="CONVT_CPU_MACHINE must begin with"):
        as_plans_see_it(16, 4)
    variable("zen4")
    assert machine_key() == key


def test_the_key_tells_all_numbers_apart(variable):
    keys = []
    for field in (None, *LIMITS):
        variable("zen4" if field is None else f"zen4,{field}={2 * getattr(FAMILIES['zen4'], field):.12g}")
        keys.append(machine_key())
    assert len(set(keys)) == len(keys) == 1 + len(LIMITS)


@pytest.mark.parametrize("name", FAMILIES)
def test_plans_see_the_same_record(variable, name):
    variable(f"{name},smt=3,line=16,copy=1.25")
    seen = as_plans_see_it(16, 4)
    assert {field: getattr(seen, field) for field in LIMITS} == {field: getattr(record(), field) for field in LIMITS}
    assert (seen.l1_half, seen.l2_third) == (record().l1 // 2, record().l2 // 3)
    assert seen.usable_l2 == min(record().l2, 2 * MB)
    assert seen.l3_share == record().l3 // record().l3_cores


@pytest.mark.parametrize(
    ("lanes", "size", "expected"), [(16, 4, 16), (8, 8, 8), (8, 4, 24), (4, 8, 12), (4, 4, 20), (2, 8, 10)]
)
def test_multiply_adds_are_counted_in_vectors_of_their_width(variable, lanes, size, expected):
    variable("zen4,fma128=5,fma256=3,fma512=1")
    assert as_plans_see_it(lanes, size).multiply_adds == expected


def test_the_configuration_shows_the_record(variable):
    variable("zen4")
    info = convt.show_config("dicts")["backends"]["cpu"]
    assert info["machine"] == f"{FAMILIES['zen4']}"[:-1] + "; CONVT_CPU_MACHINE sets it)"
