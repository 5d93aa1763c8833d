"""The record, and the table of processor families.

A family is named after the core's design, or after the processor that introduced it. Numbers of vector instructions are
those commonly known of the designs, neither measured nor compared with the manufacturers' guides. What copying takes is an
order of magnitude: it depends on the memory. A wrong number costs time, never a right result.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

__all__ = ["DEFAULTS", "FAMILIES", "LIMITS", "Machine", "arm_family", "x86_family"]

KB, MB = 2**10, 2**20


@dataclass(frozen=True)
class Machine:
    """What a processor adds to an instruction set.

    Attributes
    ----------
    family : str
        A name in `FAMILIES`.
    fma128, fma256, fma512 : float
        Multiply-adds that a core begins in a cycle, in vectors of so many bits. The 128-bit ones of x86-64 are a
        multiplication and an addition, since the baseline has no instruction for both. Where a processor has no vectors of a
        width, they count as two of half the width.
    l1, l2 : int
        Bytes of a core's data caches; of an L2 cache that cores share, a core's part.
    l3, l3_cores : int
        Bytes of the last cache, and the cores that share it. Without an L3 cache it is the L2 cache.
    line : int
        Bytes of a cache line. Scratch memory is aligned to 64 bytes on any machine.
    smt : int
        Threads of a core, as far as the system tells.
    copy, stream : float
        Bytes that a core copies in a cycle where neither array is in a cache; and with stores that bypass the caches. Rough.
    source : str
        Where the sizes of the caches are from.
    """

    family: str
    fma128: float
    fma256: float
    fma512: float
    l1: int
    l2: int
    l3: int
    l3_cores: int
    copy: float
    stream: float
    line: int = 64
    smt: int = 1
    source: str = field(default="the table", compare=False)

    def __str__(self) -> str:
        """One line for people."""
        cores = f" for {self.l3_cores} cores" if self.l3_cores > 1 else ""
        threads = f", {self.smt} threads to a core" if self.smt > 1 else ""
        caches = f"L1 {_size(self.l1)}, L2 {_size(self.l2)}, L3 {_size(self.l3)}{cores}{threads}"
        return f"{self.family}, {caches} (from {self.source})"


LIMITS: dict[str, tuple[float, float]] = {
    "fma128": (0.25, 16),
    "fma256": (0.25, 16),
    "fma512": (0.25, 16),
    "l1": (8 * KB, 256 * KB),
    "l2": (64 * KB, 64 * MB),
    "l3": (64 * KB, 4096 * MB),
    "l3_cores": (1, 1024),
    "copy": (0.1, 100),
    "stream": (0.1, 100),
    "line": (16, 256),
    "smt": (1, 8),
}
"""The least and the most that a field may be, whoever says so."""

DEFAULTS = {"x86_64": "x86_64", "AMD64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
"""The family of an unknown processor, by what the system calls its architecture; "other" for those that are not here."""


def x86_family(vendor: str, family: int, model: int, brand: str = "") -> str | None:
    """The name of the family of what CPUID says; None if it is not in the table."""
    for each_vendor, each_family, models, name in _X86:
        if (vendor, family) == (each_vendor, each_family) and any(model in each for each in models):
            return "skylake_silver" if name == "skylake_server" and _ONE_UNIT.search(brand) else name
    return None


def arm_family(implementer: int, part: int) -> str | None:
    """The name of the family of what the register MIDR says; None if it is not in the table."""
    return _ARM.get((implementer, part))


def _size(count: int) -> str:
    return f"{count / MB:.4g} MB" if count >= MB else f"{count / KB:.4g} KB"


def _table(*rows: tuple[str, float, float, float, int, int, int, int, float, float]) -> dict[str, Machine]:
    return {
        name: Machine(name, fma128, fma256, fma512, l1 * KB, l2 * KB, l3 * KB, l3_cores, copy, stream)
        for name, fma128, fma256, fma512, l1, l2, l3, l3_cores, copy, stream in rows
    }


# fmt: off
FAMILIES = _table(
    # name                128-bit 256 512    L1    L2      L3 cores copy stream      Caches in KB.
    # Intel. On a server two 512-bit units, the first of which is two 256-bit ones together; on a client that one alone.
    ("haswell",             1,    2,   1,    32,   256,   8192,   4, 3.0, 4.5),
    ("broadwell",           1,    2,   1,    32,   256,   8192,   4, 3.0, 4.5),
    ("skylake",             1,    2,   1,    32,   256,   8192,   4, 3.5, 5.0),
    ("skylake_server",      1,    2,   2,    32,  1024,  33792,  24, 2.0, 3.0),  # and Cascade Lake, Cooper Lake
    ("skylake_silver",      1,    2,   1,    32,  1024,  11264,   8, 2.0, 3.0),  # those of them with one 512-bit unit
    ("icelake",             1,    2,   1,    48,   512,   8192,   4, 4.0, 6.0),  # and Rocket Lake
    ("tigerlake",           1,    2,   1,    48,  1280,  12288,   4, 4.0, 6.0),
    ("icelake_server",      1,    2,   2,    48,  1280,  49152,  32, 2.0, 3.0),
    ("sapphirerapids",      1.5,  2,   2,    48,  2048, 107520,  56, 2.0, 3.0),
    ("emeraldrapids",       1.5,  2,   2,    48,  2048, 307200,  60, 2.0, 3.0),
    ("graniterapids",       1.5,  2,   2,    48,  2048, 491520, 120, 2.0, 3.0),
    ("alderlake",           1.5,  2,   1,    48,  1280,  30720,   8, 5.0, 7.0),  # the larger cores, and those to Meteor Lake
    ("arrowlake",           1.5,  2,   1,    48,  3072,  36864,   8, 5.0, 7.0),  # the larger cores, and Lunar Lake's
    ("gracemont",           1,    1,   0.5,  32,   512,   6144,   4, 2.0, 3.0),  # processors of smaller cores alone
    # AMD. Zen computes 256 bits in two halves, Zen 4 512 bits.
    ("zen",                 2,    1,   0.5,  32,   512,   8192,   4, 3.0, 4.5),  # and Zen+
    ("zen2",                2,    2,   1,    32,   512,  16384,   4, 3.5, 5.0),
    ("zen3",                2,    2,   1,    32,   512,  32768,   8, 4.0, 6.0),
    ("zen4",                2,    2,   1,    32,  1024,  32768,   8, 4.0, 6.0),
    ("zen5",                2,    2,   2,    48,  1024,  32768,   8, 5.0, 7.5),
    ("zen5_mobile",         2,    2,   1,    48,  1024,  16384,   4, 4.0, 6.0),
    # Arm
    ("cortex_a53",          1,    0.5, 0.25, 32,   128,    512,   4, 0.7, 0.7),  # and what is in its place to Cortex-A520
    ("cortex_a72",          1,    0.5, 0.25, 32,   512,   2048,   4, 1.0, 1.0),  # and Cortex-A57, Cortex-A73
    ("cortex_a76",          2,    1,   0.5,  64,   512,   2048,   4, 2.0, 2.0),  # and what is in its place to Cortex-A725
    ("cortex_x1",           4,    2,   1,    64,  1024,   8192,   8, 4.0, 4.0),  # and its successors
    ("neoverse_n1",         2,    1,   0.5,  64,  1024,  32768,  64, 4.0, 4.0),  # Graviton 2, Altra
    ("neoverse_n2",         2,    1,   0.5,  64,  1024,  65536,  64, 4.0, 4.0),  # and Neoverse N3
    ("neoverse_v1",         4,    2,   1,    64,  1024,  32768,  64, 6.0, 6.0),  # Graviton 3
    ("neoverse_v2",         4,    2,   1,    64,  2048,  65536,  96, 6.0, 6.0),  # Graviton 4, Grace; and Neoverse V3
    ("ampere1",             2,    1,   0.5,  64,  2048,  65536, 192, 4.0, 4.0),
    ("oryon",               4,    2,   1,    96,  3072,  12288,   4, 6.0, 6.0),
    ("apple",               4,    2,   1,   128,  3072,  12288,   4, 9.0, 9.0),  # the larger cores, from M1 on
    ("apple_efficiency",    2,    1,   0.5,  64,  1024,   4096,   4, 3.0, 3.0),  # the smaller ones
    # What is not known
    ("x86_64",              1,    2,   2,    32,  1024,   8192,   4, 3.0, 4.5),
    ("arm64",               2,    1,   0.5,  64,  1024,   4096,   4, 3.0, 3.0),
    ("other",               1,    0.5, 0.25, 32,   512,   2048,   4, 2.0, 2.0),
)
# fmt: on
"""The records by name, with one thread to a core."""

_ONE_UNIT = re.compile("Bronze|Silver|Gold 5(?!.22)")  # Gold 5122 and 5222 have two

_X86 = (
    # vendor, family, models
    ("GenuineIntel", 6, [{0x3C, 0x3F, 0x45, 0x46}], "haswell"),
    ("GenuineIntel", 6, [{0x3D, 0x47, 0x4F, 0x56}], "broadwell"),
    ("GenuineIntel", 6, [{0x4E, 0x5E, 0x8E, 0x9E, 0xA5, 0xA6}], "skylake"),
    ("GenuineIntel", 6, [{0x55}], "skylake_server"),
    ("GenuineIntel", 6, [{0x7D, 0x7E, 0xA7}], "icelake"),
    ("GenuineIntel", 6, [{0x8C, 0x8D}], "tigerlake"),
    ("GenuineIntel", 6, [{0x6A, 0x6C}], "icelake_server"),
    ("GenuineIntel", 6, [{0x8F}], "sapphirerapids"),
    ("GenuineIntel", 6, [{0xCF}], "emeraldrapids"),
    ("GenuineIntel", 6, [{0xAD, 0xAE}], "graniterapids"),
    ("GenuineIntel", 6, [{0x97, 0x9A, 0xB7, 0xBA, 0xBF, 0xAA, 0xAC}], "alderlake"),
    ("GenuineIntel", 6, [{0xB5, 0xBD, 0xC5, 0xC6}], "arrowlake"),
    ("GenuineIntel", 6, [{0xAF, 0xB6, 0xBE, 0xDD}], "gracemont"),
    ("AuthenticAMD", 0x17, [range(0x30)], "zen"),
    ("AuthenticAMD", 0x17, [range(0x30, 0x100)], "zen2"),
    ("AuthenticAMD", 0x19, [range(0x10), range(0x20, 0x60)], "zen3"),
    ("AuthenticAMD", 0x19, [range(0x10, 0x20), range(0x60, 0xB0)], "zen4"),
    ("AuthenticAMD", 0x1A, [range(0x20, 0x30), range(0x60, 0x70)], "zen5_mobile"),
    ("AuthenticAMD", 0x1A, [range(0x20), range(0x40, 0x50), range(0x70, 0x80)], "zen5"),
    ("HygonGenuine", 0x18, [range(0x100)], "zen"),
)


def _parts() -> dict[tuple[int, int], str]:
    families = {
        "cortex_a53": (0x41, (0xD03, 0xD04, 0xD05, 0xD46, 0xD80)),
        "cortex_a72": (0x41, (0xD07, 0xD08, 0xD09)),
        "cortex_a76": (0x41, (0xD0A, 0xD0B, 0xD0D, 0xD41, 0xD42, 0xD47, 0xD4B, 0xD4D, 0xD81, 0xD87)),
        "cortex_x1": (0x41, (0xD44, 0xD48, 0xD4C, 0xD4E, 0xD82, 0xD85)),
        "neoverse_n1": (0x41, (0xD0C,)),
        "neoverse_n2": (0x41, (0xD49, 0xD8E)),
        "neoverse_v1": (0x41, (0xD40,)),
        "neoverse_v2": (0x41, (0xD4F, 0xD83, 0xD84)),
        "ampere1": (0xC0, (0xAC3, 0xAC4, 0xAC5)),
        "oryon": (0x51, (0x001,)),
        "apple": (0x61, (0x023, 0x025, 0x029, 0x033, 0x035, 0x039)),
        "apple_efficiency": (0x61, (0x022, 0x024, 0x028, 0x032, 0x034, 0x038)),
    }
    return {(implementer, part): name for name, (implementer, parts) in families.items() for part in parts}


_ARM = _parts()
