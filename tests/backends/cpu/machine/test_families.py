"""families.py: the table."""

from dataclasses import FrozenInstanceError, fields

import pytest

from convt_cpu.machine.families import DEFAULTS, FAMILIES, LIMITS, Machine, arm_family, x86_family


def test_limits_are_those_of_all_numbers_of_the_record():
    assert {field.name for field in fields(Machine)} - LIMITS.keys() == {"family", "source"}
    assert LIMITS.keys() < {field.name for field in fields(Machine)}


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_is_within_the_limits_and_consistent(name):
    record = FAMILIES[name]
    assert record.family == name
    for field, (least, most) in LIMITS.items():
        assert least <= getattr(record, field) <= most, field
    assert record.l1 < record.l2 <= record.l3
    assert record.fma128 >= record.fma256 / 2 >= record.fma512 / 4
    assert record.fma256 <= 2 * record.fma512
    assert record.copy <= record.stream


def test_every_default_is_in_the_table():
    assert {*DEFAULTS.values(), "other"} <= FAMILIES.keys()


def test_a_record_does_not_change():
    with pytest.raises(FrozenInstanceError):
        FAMILIES["zen4"].l2 = 1


def test_every_family_is_some_processors_and_the_other_way_round():
    vendors = [("GenuineIntel", 6), ("AuthenticAMD", 23), ("AuthenticAMD", 25), ("AuthenticAMD", 26), ("HygonGenuine", 24)]
    brands = ["", "Xeon(R) Silver 4210"]
    x86 = {x86_family(*vendor, model, brand) for vendor in vendors for model in range(256) for brand in brands}
    arm = {arm_family(implementer, part) for implementer in (0x41, 0x51, 0x61, 0xC0) for part in range(0x1000)}
    assert None in x86
    assert None in arm
    assert (x86 | arm | {*DEFAULTS.values(), "other"}) - {None} == FAMILIES.keys()


def test_another_vendors_model_is_not_known():
    assert x86_family("GenuineIntel", 25, 17) is None
    assert x86_family("CentaurHauls", 6, 85) is None
    assert arm_family(0x61, 0xD0C) is None


@pytest.mark.parametrize(("brand", "units"), [
    ("Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz", 2), ("Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", 2),
    ("Intel(R) Xeon(R) Gold 5122 CPU", 2), ("Intel(R) Xeon(R) Gold 5222 CPU", 2), ("Intel(R) Xeon(R) CPU @ 2.00GHz", 2),
    ("", 2), ("Intel(R) Xeon(R) Gold 5118 CPU @ 2.30GHz", 1), ("Intel(R) Xeon(R) Gold 5218 CPU @ 2.30GHz", 1),
    ("Intel(R) Xeon(R) Silver 4214 CPU", 1), ("Intel(R) Xeon(R) Bronze 3104 CPU", 1),
])  # fmt: skip
def test_some_xeons_have_one_512_bit_unit(brand, units):
    assert FAMILIES[x86_family("GenuineIntel", 6, 85, brand)].fma512 == units


def test_a_record_is_one_line_for_people():
    assert str(FAMILIES["zen4"]) == "zen4, L1 32 KB, L2 1 MB, L3 32 MB for 8 cores (from the table)"
    alone = Machine("other", 1, 1, 1, 32768, 1310720, 2097152, 1, 1, 1, smt=2, source="sysfs")
    assert str(alone) == "other, L1 32 KB, L2 1.25 MB, L3 2 MB, 2 threads to a core (from sysfs)"
