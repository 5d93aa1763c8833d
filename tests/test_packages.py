"""setup.cfg: every package of the source is in the wheel."""

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOMES = (ROOT, ROOT / "backends")


def test_setup_lists_every_package_of_the_source():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    roots = {name for name in listed if "." not in name}
    sources = {
        ".".join(init.parent.relative_to(home).parts)
        for home in HOMES
        for root in roots
        for init in (home / root).rglob("__init__.py")
    }
    assert sources == listed
