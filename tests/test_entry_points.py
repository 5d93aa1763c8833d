"""entry_points.py: what the standard library finds, found faster."""

import importlib.metadata
import sys
import zipfile
from types import SimpleNamespace

import pytest

from convt.entry_points import EntryPoint, _only_folders, entry_points
from convt.registry import DEVICE_GROUP, GROUP


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder where packages are installed by ``site(package, entry points)``; nothing else is on the path."""
    monkeypatch.setattr(sys, "path", [str(tmp_path / "first"), str(tmp_path / "second"), str(tmp_path / "missing")])
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path[-1:]])

    def install(package, text, folder="first"):
        metadata = tmp_path / folder / package
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: A-Package\nVersion: 1.2\n")
        (metadata / "entry_points.txt").write_text(text)
        return str(metadata)

    return install


def told(points):
    return sorted((point.group, point.name, point.value) for point in points)


@pytest.mark.parametrize("groups", [(GROUP, DEVICE_GROUP), ("console_scripts", "pytest11"), ("nobody.has.this",)])
def test_the_standard_library_finds_the_same(groups):
    standard = [point for group in groups for point in importlib.metadata.entry_points(group=group)]
    assert told(set(entry_points(*groups))) == told(set(standard))


TEXTS = [
    "[mine]\na = m:a\n\n[other]\nb = m:b\n",
    "# a comment\n[ mine ]\nd = m:d\n[mine]\n  a=m\nlong name = m.n : o.p\n# c = m:c\n[other]\n",
    "[mine]\na = m:a [extra, more]\n[mine]\nb = m:b\n",
    "\n",
    "[mine]\r\na = m:a\r\n",
]


@pytest.mark.parametrize("text", TEXTS)
def test_files_are_read_as_the_standard_library_reads_them(site, text):
    site("a_package-1.2.dist-info", text)
    assert _only_folders()
    expected = importlib.metadata.entry_points(group="mine")
    assert told(entry_points("mine")) == told(expected)


def test_of_two_packages_with_one_name_the_first_counts(site):
    site("A.Package-1.2.dist-info", "[mine]\na = m:second\n", "second")
    site("another-1.0.egg-info", "[mine]\nb = m:b\n", "second")
    folder = site("a_package-1.3.dist-info", "[mine]\na = m:first\n")
    (found, other) = entry_points("mine")
    assert (found.value, found.folder, other.value) == ("m:first", folder, "m:b")
    assert told(importlib.metadata.entry_points(group="mine")) == told([found, other])


def test_groups_come_in_the_order_they_are_asked_for(site):
    site("a_package-1.2.dist-info", "[mine]\na = m:a\n[other]\nb = m:b\n[mine]\nc = m:c")
    assert [point.name for point in entry_points("other", "mine")] == ["b", "a", "c"]
    assert [point.name for point in entry_points("mine", "other")] == ["a", "c", "b"]


def test_a_package_is_named(site):
    site("a_package-1.2.dist-info", "[mine]\na = m:a\n")
    (point,) = entry_points("mine")
    assert (point.dist.name, point.dist.version) == ("A-Package", "1.2")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("os", "os"), ("os.path:join", "join"), ("os : path.join [extra]", "join"), ("collections:OrderedDict.keys", "keys")],
)
def test_objects_are_loaded(value, expected):
    loaded = EntryPoint("a", value, "mine", "").load()
    assert loaded.__name__ == expected
    assert loaded is importlib.metadata.EntryPoint("a", value.replace(" : ", ":"), "mine").load()


def test_a_missing_object_is_an_error():
    with pytest.raises(AttributeError, match="no_such"):
        EntryPoint("a", "os:no_such", "mine", "").load()
    with pytest.raises(ModuleNotFoundError, match="no_such"):
        EntryPoint("a", "no_such:a", "mine", "").load()


def test_in_a_zip_file_the_standard_library_looks(site, tmp_path, monkeypatch):
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("zipped-1.0.dist-info/METADATA", "Name: zipped\nVersion: 1.0\n")
        file.writestr("zipped-1.0.dist-info/entry_points.txt", "[mine]\nz = m:z\n")
    monkeypatch.setattr(sys, "path", [str(archive), *sys.path])
    assert not _only_folders()
    assert [point.value for point in entry_points("mine", "other")] == ["m:z"]


def test_an_importer_with_packages_of_its_own_is_asked(site, monkeypatch):
    class Own(importlib.metadata.Distribution):
        def read_text(self, name):
            return {"METADATA": "Name: own\nVersion: 1\n", "entry_points.txt": "[mine]\no = m:o\n"}.get(name)

        def locate_file(self, path):
            raise NotImplementedError

    importer = SimpleNamespace(find_distributions=lambda context: [Own()], find_spec=lambda *_: None)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, importer])
    assert not _only_folders()
    assert [point.value for point in entry_points("mine")] == ["m:o"]
