"""replacing: what was there stays until its successor is complete."""

import os
import stat
import subprocess
import sys
from contextlib import suppress

import numpy as np
import pytest

from convt import nn
from convt.bench import export
from convt.replacing import replacing


def test_a_file_is_replaced_at_the_end(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [OSError("No space left on device"), KeyboardInterrupt(), ValueError()])
def test_an_error_leaves_what_was_there_and_nothing_beside_it(tmp_path, error):
    path = tmp_path / "file"
    for content in (None, b"old"):
        if content:
            path.write_bytes(content)
        before = os.listdir(tmp_path)
        with suppress(type(error)), replacing(path) as file:
            file.write(b"half")
            raise error
        assert os.listdir(tmp_path) == before
    assert path.read_bytes() == b"old"


def test_permissions_are_kept_and_new_files_have_the_usual_ones(tmp_path):
    usual = tmp_path / "usual"
    usual.touch()
    for name, mode in (("new", stat.S_IMODE(usual.stat().st_mode)), ("old", 0o640)):
        path = tmp_path / name
        if name == "old":
            path.touch()
            path.chmod(mode)
        with replacing(path):
            pass
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_link_leads_where_it_led(tmp_path):
    (tmp_path / "folder").mkdir()
    for goal in ("folder/there", "folder/missing"):
        (tmp_path / "folder" / "there").write_bytes(b"old")
        link = tmp_path / "link"
        link.unlink(missing_ok=True)
        link.symlink_to(goal)
        with replacing(link) as file:
            file.write(b"new")
        assert link.is_symlink()
        assert (tmp_path / goal).read_bytes() == b"new"


def test_what_is_no_file_is_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"from convt.replacing import replacing\nwith replacing({str(pipe)!r}) as file: file.write(b'through')"
    with subprocess.Popen([sys.executable, "-c", code]) as writer:
        assert pipe.read_bytes() == b"through"
    assert writer.returncode == 0
    assert os.listdir(tmp_path) == ["pipe"]
    with pytest.raises(IsADirectoryError), replacing(tmp_path):
        pass


def test_a_file_that_may_not_be_written_is_not_replaced(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match="file"), replacing(path):
        pass
    assert path.read_bytes() == b"old"


def _save(path):
    net = nn.Conv2D(64, 3).initialize(rng=0)
    net(np.ones((1, 64, 4, 4), np.float32))
    net.save(path)


def _picture(path):
    image = pytest.importorskip("PIL.Image")
    from convt import images

    noise = np.random.default_rng(0).integers(256, size=(300, 300), dtype=np.uint8)
    images.write(image.fromarray(noise), path)


def _figure(path):
    pytest.importorskip("matplotlib")
    from convt.demo import picture

    noise = np.random.default_rng(0).random((3, 200, 200))
    picture.draw(noise, {"learned": noise, "bilinear": noise, "nearest": noise}, path)


WRITERS = {
    "net.npz": _save,
    "photo.png": _picture,
    "demo.png": _figure,
    "results.json": lambda path: export.write(path, list(range(20_000))),
}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs limits of a process")
@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_destroys_nothing(tmp_path, name):
    """In a child, whose files have 50 KB at most."""
    path = tmp_path / name
    WRITERS[name](path)
    before = path.read_bytes()
    assert len(before) > 50_000
    code = f"""
import resource, signal, sys
sys.path.insert(0, {os.path.dirname(__file__)!r})
from test_replacing import WRITERS
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    WRITERS[{name!r}]({str(path)!r})
except OSError as error:
    print("File too large" in str(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == "True\n", done.stderr
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [name]
