"""detect.py: dozens of machines, as their files and CPUID describe them, and what is not to be believed."""

import os
import platform
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from convt_cpu.machine import FAMILIES
from convt_cpu.machine._record import cpuid
from convt_cpu.machine.detect import Processor, detect, from_files, from_sysctl, sysctl

KB, MB = 2**10, 2**20


def x86(vendor, family, model, brand="", cpus=2):
    """A text as /proc/cpuinfo has it."""
    lines = f"vendor_id\t: {vendor}\ncpu family\t: {family}\nmodel\t\t: {model}\nmodel name\t: {brand}\nflags\t\t: avx2\n"
    return "".join(f"processor\t: {cpu}\n{lines}\n" for cpu in range(cpus))


def arm(*parts, implementer=0x41):
    lines = "BogoMIPS\t: 50.00\nCPU implementer\t: 0x{:02x}\nCPU architecture: 8\nCPU part\t: 0x{:03x}\n"
    return "".join(f"processor\t: {cpu}\n{lines.format(implementer, part)}\n" for cpu, part in enumerate(parts))


def make_root(root, cpuinfo=None, caches=(), siblings=None, cpu=0):
    """A folder with the files of a machine; caches are (level, type, size, shared_cpu_list)."""
    if cpuinfo is not None:
        (root / "proc").mkdir(parents=True)
        (root / "proc/cpuinfo").write_text(cpuinfo)
    folder = root / f"sys/devices/system/cpu/cpu{cpu}"
    for index, values in enumerate(caches):
        (folder / f"cache/index{index}").mkdir(parents=True)
        for name, value in zip(("level", "type", "size", "shared_cpu_list"), values, strict=True):
            (folder / f"cache/index{index}" / name).write_text(f"{value}\n")
    if siblings is not None:
        (folder / "topology").mkdir(parents=True)
        (folder / "topology/thread_siblings_list").write_text(f"{siblings}\n")
    return root


def caches(l1, l2, l3, core="0", l3_cpus="0-7", l2_cpus=None):
    """As most processors have them: sizes in KB, 0 for none."""
    rows = [(1, "Data", l1, core), (1, "Instruction", 32, core), (2, "Unified", l2, l2_cpus or core)]
    rows += [(3, "Unified", l3, l3_cpus)]
    return [(level, kind, f"{size}K", cpus) for level, kind, size, cpus in rows if size]


AMD, INTEL = "AuthenticAMD", "GenuineIntel"
MACHINES = {  # cpuinfo, caches, the threads of the first core; what is shown of them
    "Ryzen 7 1800X": (
        x86(AMD, 23, 1), caches(32, 512, 8192, "0-1"), "0-1",
        "zen, L1 32 KB, L2 512 KB, L3 8 MB for 4 cores, 2 threads to a core (from sysfs)",
    ),
    "Hygon C86": (
        x86("HygonGenuine", 24, 0), caches(32, 512, 8192, "0", "0-3"), "0",
        "zen, L1 32 KB, L2 512 KB, L3 8 MB for 4 cores (from sysfs)",
    ),
    "EPYC 7742": (
        x86(AMD, 23, 49), caches(32, 512, 16384, "0,128", "0-3,128-131"), "0,128",
        "zen2, L1 32 KB, L2 512 KB, L3 16 MB for 4 cores, 2 threads to a core (from sysfs)",
    ),
    "Ryzen 9 5950X": (
        x86(AMD, 25, 33), caches(32, 512, 32768, "0,16", "0-7,16-23"), "0,16",
        "zen3, L1 32 KB, L2 512 KB, L3 32 MB for 8 cores, 2 threads to a core (from sysfs)",
    ),
    "EPYC 7763 whose threads are not told": (
        x86(AMD, 25, 1), caches(32, 512, 32768), None,
        "zen3, L1 32 KB, L2 512 KB, L3 32 MB for 8 cores (from sysfs)",
    ),
    "EPYC 9654": (
        x86(AMD, 25, 17), caches(32, 1024, 32768, "0,96", "0-7,96-103"), "0,96",
        "zen4, L1 32 KB, L2 1 MB, L3 32 MB for 8 cores, 2 threads to a core (from sysfs)",
    ),
    "EPYC 9684X": (
        x86(AMD, 25, 17), caches(32, 1024, 98304), "0",
        "zen4, L1 32 KB, L2 1 MB, L3 96 MB for 8 cores (from sysfs)",
    ),
    "two CPUs of an EPYC 9654": (
        x86(AMD, 25, 17), caches(32, 1024, 32768, "0-1", "0-1"), "0-1",
        "zen4, L1 32 KB, L2 1 MB, L3 32 MB for 8 cores, 2 threads to a core (from sysfs and the table)",
    ),
    "Ryzen 9 9950X": (
        x86(AMD, 26, 68), caches(48, 1024, 32768, "0,16", "0-7,16-23"), "0,16",
        "zen5, L1 48 KB, L2 1 MB, L3 32 MB for 8 cores, 2 threads to a core (from sysfs)",
    ),
    "Ryzen AI 9 HX 370": (
        x86(AMD, 26, 36), caches(48, 1024, 16384, "0-1"), "0-1",
        "zen5_mobile, L1 48 KB, L2 1 MB, L3 16 MB for 4 cores, 2 threads to a core (from sysfs)",
    ),
    "Core i7-4770": (
        x86(INTEL, 6, 60), caches(32, 256, 8192, "0,4"), "0,4",
        "haswell, L1 32 KB, L2 256 KB, L3 8 MB for 4 cores, 2 threads to a core (from sysfs)",
    ),
    "Xeon E5-2698 v4": (
        x86(INTEL, 6, 79), caches(32, 256, 51200, "0", "0-19"), "0",
        "broadwell, L1 32 KB, L2 256 KB, L3 50 MB for 20 cores (from sysfs)",
    ),
    "Core i7-8700K": (
        x86(INTEL, 6, 158), caches(32, 256, 12288, "0,6", "0-11"), "0,6",
        "skylake, L1 32 KB, L2 256 KB, L3 12 MB for 6 cores, 2 threads to a core (from sysfs)",
    ),
    "Xeon Platinum 8168": (
        x86(INTEL, 6, 85, "Intel(R) Xeon(R) Platinum 8168 CPU @ 2.70GHz"), caches(32, 1024, 33792, "0", "0-23"), "0",
        "skylake_server, L1 32 KB, L2 1 MB, L3 33 MB for 24 cores (from sysfs)",
    ),
    "Xeon Silver 4114": (
        x86(INTEL, 6, 85, "Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz"), caches(32, 1024, 14080, "0,10", "0-19"), "0,10",
        "skylake_silver, L1 32 KB, L2 1 MB, L3 13.75 MB for 10 cores, 2 threads to a core (from sysfs)",
    ),
    "Core i7-1065G7": (
        x86(INTEL, 6, 126), caches(48, 512, 8192, "0,4"), "0,4",
        "icelake, L1 48 KB, L2 512 KB, L3 8 MB for 4 cores, 2 threads to a core (from sysfs)",
    ),
    "Core i7-1185G7": (
        x86(INTEL, 6, 140), caches(48, 1280, 12288, "0,4"), "0,4",
        "tigerlake, L1 48 KB, L2 1.25 MB, L3 12 MB for 4 cores, 2 threads to a core (from sysfs)",
    ),
    "Xeon Platinum 8380": (
        x86(INTEL, 6, 106), caches(48, 1280, 61440, "0,40", "0-79"), "0,40",
        "icelake_server, L1 48 KB, L2 1.25 MB, L3 60 MB for 40 cores, 2 threads to a core (from sysfs)",
    ),
    "Core i9-13900K": (  # of its 24 cores 8 have two threads
        x86(INTEL, 6, 183), caches(48, 2048, 36864, "0-1", "0-31"), "0-1",
        "alderlake, L1 48 KB, L2 2 MB, L3 36 MB for 16 cores, 2 threads to a core (from sysfs)",
    ),
    "Core Ultra 9 285K": (
        x86(INTEL, 6, 198), caches(48, 3072, 36864, "0", "0-23"), "0",
        "arrowlake, L1 48 KB, L2 3 MB, L3 36 MB for 24 cores (from sysfs)",
    ),
    "N100": (
        x86(INTEL, 6, 190), caches(32, 2048, 6144, "0", "0-3", "0-3"), "0",
        "gracemont, L1 32 KB, L2 512 KB, L3 6 MB for 4 cores (from sysfs)",
    ),
    "Xeon Platinum 8480+": (
        x86(INTEL, 6, 143), caches(48, 2048, 107520, "0,56", "0-111"), "0,56",
        "sapphirerapids, L1 48 KB, L2 2 MB, L3 105 MB for 56 cores, 2 threads to a core (from sysfs)",
    ),
    "two CPUs of a Xeon Platinum 8580": (
        x86(INTEL, 6, 207), caches(48, 2048, 307200, "0", "0-1"), "0",
        "emeraldrapids, L1 48 KB, L2 2 MB, L3 300 MB for 60 cores (from sysfs and the table)",
    ),
    "Skylake with the caches that an emulator makes up": (
        x86(INTEL, 6, 94), caches(32, 4096, 16384, "0", "0"), "0",
        "skylake, L1 32 KB, L2 256 KB, L3 8 MB for 4 cores (from the table)",
    ),
    "Sapphire Rapids with these": (
        x86(INTEL, 6, 143), caches(32, 4096, 16384, "0", "0"), "0",
        "sapphirerapids, L1 48 KB, L2 2 MB, L3 105 MB for 56 cores (from the table)",
    ),
    "four CPUs of a Graviton 2": (
        arm(*[0xD0C] * 4), caches(64, 1024, 32768, "0", "0-3"), "0",
        "neoverse_n1, L1 64 KB, L2 1 MB, L3 32 MB for 64 cores (from sysfs and the table)",
    ),
    "Graviton 3": (
        arm(*[0xD40] * 64), caches(64, 1024, 32768, "0", "0-63"), "0",
        "neoverse_v1, L1 64 KB, L2 1 MB, L3 32 MB for 64 cores (from sysfs)",
    ),
    "Graviton 4": (
        arm(*[0xD4F] * 96), caches(64, 2048, 36864, "0", "0-95"), "0",
        "neoverse_v2, L1 64 KB, L2 2 MB, L3 36 MB for 96 cores (from sysfs)",
    ),
    "Grace": (
        arm(*[0xD4F] * 72), caches(64, 1024, 116736, "0", "0-71"), "0",
        "neoverse_v2, L1 64 KB, L2 1 MB, L3 114 MB for 72 cores (from sysfs)",
    ),
    "Cobalt 100 without caches": (
        arm(0xD49), (), None, "neoverse_n2, L1 64 KB, L2 1 MB, L3 64 MB for 64 cores (from the table)",
    ),
    "AmpereOne without caches": (
        arm(0xAC3, implementer=0xC0), (), None, "ampere1, L1 64 KB, L2 2 MB, L3 64 MB for 192 cores (from the table)",
    ),
    "Raspberry Pi 4": (
        arm(*[0xD08] * 4), caches(32, 1024, 0, "0", l2_cpus="0-3"), "0",
        "cortex_a72, L1 32 KB, L2 256 KB, L3 1 MB for 4 cores (from sysfs)",
    ),
    "Raspberry Pi 5": (
        arm(*[0xD0B] * 4), caches(64, 512, 2048, "0", "0-3"), "0",
        "cortex_a76, L1 64 KB, L2 512 KB, L3 2 MB for 4 cores (from sysfs)",
    ),
    "M1 under Linux": (
        arm(0x22, 0x22, 0x23, 0x23, implementer=0x61), (), None,
        "apple, L1 128 KB, L2 3 MB, L3 12 MB for 4 cores (from the table)",
    ),
    "an x86-64 to come": (
        x86(INTEL, 19, 1), caches(64, 4096, 65536, "0-1", "0-31"), "0-1",
        "x86_64, L1 64 KB, L2 4 MB, L3 64 MB for 16 cores, 2 threads to a core (from sysfs)",
    ),
    "an x86-64 to come without caches": (
        x86(AMD, 99, 1), (), None, "x86_64, L1 32 KB, L2 1 MB, L3 8 MB for 4 cores (from the table)",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MACHINES)
def test_machines(tmp_path, name):
    cpuinfo, cache, siblings, expected = MACHINES[name]
    root = make_root(tmp_path, cpuinfo, cache, siblings)
    record = from_files(root, None, "aarch64" if "CPU part" in cpuinfo else "x86_64")
    assert str(record) == expected
    as_told = {"l1": 0, "l2": 0, "l3": 0, "l3_cores": 0, "smt": 0}
    assert replace(record, **as_told) == replace(FAMILIES[record.family], **as_told)


NO_PROCESSOR = [
    None,
    "",
    "processor: 0\nuarch: sifive,u74-mc\n",
    "vendor_id",
    "\x00\xff" * 9,
    "processor: 0\nvendor_id: x\n",
]
DEFAULTS = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64", "riscv64": "other"}


@pytest.mark.parametrize(("architecture", "family"), DEFAULTS.items())
@pytest.mark.parametrize("cpuinfo", NO_PROCESSOR)
def test_a_processor_that_is_not_known_is_its_architectures_default(tmp_path, architecture, family, cpuinfo):
    assert from_files(make_root(tmp_path, cpuinfo), None, architecture) == FAMILIES[family]


@pytest.mark.parametrize(
    "text", ["CPU implementer: 0x41\nCPU part: 0x", "vendor_id: GenuineIntel\ncpu family: six\nmodel: 85"]
)
def test_a_number_that_is_none_leaves_the_default(tmp_path, text):
    assert from_files(make_root(tmp_path, f"processor: 0\n{text}\n"), None, "x86_64") == FAMILIES["x86_64"]


def test_cpuinfo_need_not_be_text(tmp_path):
    root = make_root(tmp_path)
    (root / "proc").mkdir()
    (root / "proc/cpuinfo").write_bytes(b"\xff\xfe\x00processor: 0\n")
    assert from_files(root, None, "x86_64") == FAMILIES["x86_64"]
    (root / "proc/cpuinfo").unlink()
    (root / "proc/cpuinfo").mkdir()
    assert from_files(root, None, "x86_64") == FAMILIES["x86_64"]


def test_where_cores_differ_the_fastest_one_and_its_caches_count(tmp_path):
    root = make_root(tmp_path, arm(0xD05, 0xD05, 0xD05, 0xD05, 0xD0B, 0xD0B), caches(32, 128, 0))
    make_root(root, caches=caches(64, 512, 3072, "4", "0-5"), siblings="4", cpu=4)
    record = from_files(root, None, "aarch64")
    assert (record.family, record.l1, record.l2, record.l3) == ("cortex_a76", 64 * KB, 512 * KB, 3 * MB)


def test_an_unknown_core_among_known_ones_does_not_decide(tmp_path):
    root = make_root(tmp_path, arm(0xFFF, 0xD44))
    assert from_files(root, None, "aarch64").family == "cortex_x1"


BAD = ["", "-1K", "K", "48", "0K", "1e3K", "99999999999K", "1T", "48K\n48K", "٤٨K", "\x00"]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize(("family", "model"), [(6, 143), (77, 1)])
def test_sizes_that_are_none_or_not_plausible_are_the_tables(tmp_path, bad, family, model):
    root = make_root(
        tmp_path, x86(INTEL, family, model), [(1, "Data", bad, "0"), (2, "Unified", bad, "0"), (3, "Unified", bad, "0")]
    )
    table = FAMILIES["sapphirerapids" if family == 6 else "x86_64"]
    record = from_files(root, None, "x86_64")
    assert record == table
    assert record.source == "the table"


@pytest.mark.parametrize("cpus", ["", "x", "0-", "3-0", "0-99999999", "0;1", "-1"])
def test_a_list_of_cpus_that_is_none_counts_as_one(tmp_path, cpus):
    root = make_root(tmp_path, x86(INTEL, 6, 143), caches(48, 2048, 0, cpus), siblings=cpus)
    record = from_files(root, None, "x86_64")
    assert (record.smt, record.l2) == (1, 2 * MB)


def test_more_threads_in_a_core_than_there_are_anywhere_count_as_one(tmp_path):
    assert from_files(make_root(tmp_path, x86(AMD, 25, 17), siblings="0-63"), None, "x86_64").smt == 1


@pytest.mark.parametrize(("size", "taken"), [(511, False), (512, True), (1024, True), (2047, True), (2048, False)])
def test_an_l2_of_a_known_family_is_within_a_factor_of_2(tmp_path, size, taken):
    record = from_files(make_root(tmp_path, x86(AMD, 25, 17), caches(32, size, 0)), None, "x86_64")
    assert record.l2 == (size if taken else 1024) * KB


@pytest.mark.parametrize(("size", "taken"), [(8192, False), (8200, True), (131000, True), (131072, False)])
def test_a_cores_part_of_an_l3_is_within_a_factor_of_4(tmp_path, size, taken):
    record = from_files(make_root(tmp_path, x86(AMD, 25, 17), caches(32, 1024, size)), None, "x86_64")
    assert (record.l3, record.l3_cores) == ((size if taken else 32768) * KB, 8)


def test_no_l1_is_larger_than_its_l2(tmp_path):
    record = from_files(make_root(tmp_path, "", caches(256, 128, 0)), None, "x86_64")
    assert (record.l1, record.l2) == (256 * KB, 1 * MB)


def test_cpuid_goes_before_cpuinfo(tmp_path):
    root = make_root(tmp_path, x86(INTEL, 6, 143))
    assert from_files(root, Processor(AMD, 25, 97), "x86_64").family == "zen4"
    assert from_files(root, Processor("VirtualApple", 6, 44), "x86_64").family == "x86_64"


@pytest.mark.skipif(platform.machine() != "x86_64" or sys.platform != "linux", reason="compares with Linux's answer")
def test_cpuid_says_what_the_system_says():
    text = Path("/proc/cpuinfo").read_text()
    values = dict(map(str.strip, line.split(":", 1)) for line in text.split("\n\n")[0].splitlines())
    family, model = int(values["cpu family"]), int(values["model"])
    assert cpuid() == (values["vendor_id"], family, model, values["model name"])
    assert detect(cpuid()) == from_files(Path("/"), None, platform.machine())


APPLE = {  # an M2
    "hw.perflevel0.l1dcachesize": 131072, "hw.perflevel0.l2cachesize": 16777216, "hw.perflevel0.cpusperl2": 4,
    "hw.perflevel0.physicalcpu": 4, "hw.perflevel0.logicalcpu": 4, "hw.cachelinesize": 128, "hw.l1dcachesize": 65536,
    "hw.l2cachesize": 4194304, "hw.physicalcpu": 8, "hw.logicalcpu": 8,
}  # fmt: skip
MAC = {
    "hw.l1dcachesize": 32768,
    "hw.l2cachesize": 262144,
    "hw.l3cachesize": 12582912,
    "hw.physicalcpu": 6,
    "hw.logicalcpu": 12,
    "hw.cachelinesize": 64,
}


def test_macos_on_its_own_processors():
    record = from_sysctl(APPLE.get, None, "arm64")
    assert (record.family, record.l1, record.l2, record.line, record.smt) == ("apple", 128 * KB, 4 * MB, 128, 1)
    assert (record.l3, record.l3_cores, record.source) == (16 * MB, 4, "sysctl")


def test_macos_on_intels_processors():
    record = from_sysctl(MAC.get, Processor(INTEL, 6, 158), "x86_64")
    assert (record.family, record.l1, record.l2, record.line, record.smt) == ("skylake", 32 * KB, 256 * KB, 64, 2)
    assert (record.l3, record.l3_cores, record.source) == (12 * MB, 6, "sysctl")


@pytest.mark.parametrize("answer", [None, 0, -1, 7, 2**62])
def test_macos_without_a_plausible_answer(answer):
    assert from_sysctl(lambda name: answer, None, "arm64").l2 == FAMILIES["apple"].l2
    assert from_sysctl(lambda name: answer, Processor(INTEL, 255, 0), "x86_64").l1 == FAMILIES["x86_64"].l1


@pytest.mark.skipif(sys.platform == "darwin", reason="there it has an answer")
def test_where_there_is_no_sysctl_it_says_nothing():
    assert sysctl("hw.l2cachesize") is None


def test_this_machine_has_a_record():
    record = detect(cpuid())
    assert record.family in FAMILIES
    assert detect(cpuid()) == record
    assert os.uname().machine != "x86_64" or cpuid() is not None
