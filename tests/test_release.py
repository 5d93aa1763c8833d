"""What a release says of itself: one version everywhere, and links that lead somewhere from an index too."""

import json
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

import convt

ROOT = Path(__file__).parents[1]
ADDRESSED = ("setup.cfg", "README.md", "CITATION.cff", "asv_benchmarks/asv.conf.json", ".ci/address.py")


def test_the_changelog_and_the_citation_have_the_version():
    sections = re.findall(r"(?m)^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert sections[0] == convt.__version__
    assert len(set(sections)) == len(sections)
    assert f"\nversion: {convt.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.fixture
def addressed(tmp_path):
    """A copy of what an address is written into, and who writes it."""
    for name in ADDRESSED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)

    def write(*arguments):
        command = [sys.executable, tmp_path / ".ci/address.py", *arguments]
        return tmp_path, subprocess.run(command, capture_output=True, text=True, check=False)

    return write


def test_an_address_is_written_wherever_one_is_needed(addressed):
    place, done = addressed("https://example.org/someone/convt", "v1")
    assert done.returncode == 0, done.stderr
    settings = ConfigParser()
    settings.read(place / "setup.cfg")
    links = dict(line.split(" = ") for line in settings["metadata"]["project_urls"].split("\n") if line)
    assert links["Changelog"] == "https://example.org/someone/convt/blob/v1/CHANGELOG.md"
    assert set(links) == {"Source", "Changelog", "Issues"}
    configuration = json.loads((place / "asv_benchmarks/asv.conf.json").read_text())
    assert configuration["show_commit_url"] == "https://example.org/someone/convt/commit/"
    assert "repository-code: https://example.org/someone/convt\n" in (place / "CITATION.cff").read_text()


def test_links_and_pictures_of_the_long_description_are_absolute_then(addressed):
    place, _ = addressed("https://example.org/someone/convt", "v1")
    before, after = ((folder / "README.md").read_text(encoding="utf-8") for folder in (ROOT, place))
    outside = re.sub(r"(?ms)^```.*?^```$", "", after)
    targets = re.findall(r"\]\(([^)\s]+)\)", outside)
    assert len(targets) > 5
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert "](https://example.org/someone/convt/raw/v1/docs/images/" in outside
    assert "](https://example.org/someone/convt/blob/v1/CONTRIBUTING.md" in outside
    assert re.findall(r"(?ms)^```.*?^```$", after) == re.findall(r"(?ms)^```.*?^```$", before)


@pytest.mark.parametrize("address", ["someone/convt", "https://example.org", "http://example.org/someone/convt", ""])
def test_what_is_no_address_is_refused_before_a_file_is_changed(addressed, address):
    place, done = addressed(address, "v1")
    assert done.returncode == 1
    assert "address must be https://host/owner/name" in done.stderr
    assert (place / "setup.cfg").read_text() == (ROOT / "setup.cfg").read_text()


def test_an_address_is_not_written_twice(addressed):
    addressed("https://example.org/someone/convt", "v1")
    _, done = addressed("https://example.org/someone/convt", "v1")
    assert done.returncode == 1
