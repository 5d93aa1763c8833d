"""installation: the advice to install what is missing is one that works for this copy of convt."""

import json
from importlib.metadata import PathDistribution
from pathlib import Path

import pytest

import convt
from convt import installation
from convt.installation import install_command

HERE = Path(convt.__file__).resolve().parents[1]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Make a convt installed like this the only one; a call without `home` is about this copy."""

    def install(installer="pip", home=HERE, **place):
        made = tmp_path / "convt-1.dist-info"
        made.mkdir()
        (made / "METADATA").write_text("Name: convt\nVersion: 1\n")
        if installer:
            (made / "INSTALLER").write_text(f"{installer}\n")
        if place:
            (made / "direct_url.json").write_text(json.dumps(place))
        distribution = PathDistribution(made)
        monkeypatch.setattr(distribution, "locate_file", lambda path: Path(home) / path)
        monkeypatch.setattr(installation, "distributions", lambda name: [distribution])

    return install


@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_from_an_index(installed, installer):
    installed(installer)
    assert install_command("draw", ["matplotlib"]) == 'pip install "convt[draw]"'
    assert install_command("draw", ["matplotlib"], upgrade=True) == 'pip install "convt[draw]"'


def test_from_a_folder(installed, tmp_path):
    source = tmp_path / "my source"
    source.mkdir()
    installed(url=source.as_uri(), dir_info={})
    assert install_command("draw", ["matplotlib"]) == f'pip install "{source}[draw]"'


def test_from_a_folder_that_is_gone(installed, tmp_path):
    installed(url=(tmp_path / "gone").as_uri(), dir_info={})
    assert install_command("draw", ["matplotlib", "pillow"]) == "pip install matplotlib pillow"


def test_as_editable(installed):
    installed(home="/site-packages", url=HERE.as_uri(), dir_info={"editable": True})
    assert install_command("draw", ["matplotlib"]) == f'pip install -e "{HERE}[draw]"'


@pytest.mark.parametrize(
    ("installer", "home", "place"),
    [
        ("conda", HERE, {}),
        (None, HERE, {}),
        ("pip", "/another", {}),
        ("pip", HERE, {"url": "file:///tmp/convt-1-cp311.whl", "archive_info": {}}),
        ("pip", HERE, {"url": "https://example.org/convt.git", "vcs_info": {"vcs": "git", "commit_id": "0"}}),
        ("pip", HERE, {"url": "file:///another", "dir_info": {"editable": True}}),
    ],
    ids=["by another tool", "from no index", "another copy", "a file", "a repository", "another copy's source"],
)
def test_whatever_else_it_is_the_packages_are_named(installed, installer, home, place):
    installed(installer, home, **place)
    assert install_command("demo", ["pillow", "dask[array]"]) == 'pip install pillow "dask[array]"'
    assert install_command("demo", ["pillow"], upgrade=True) == "pip install --upgrade pillow"


def test_a_copy_that_was_never_installed(monkeypatch):
    monkeypatch.setattr(installation, "distributions", lambda name: [])
    assert install_command("demo", ["pillow"]) == "pip install pillow"
