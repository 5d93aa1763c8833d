"""The environment: where things that were compiled are kept."""

from pathlib import Path

from convt.environment import cache_folder


def test_the_folder_for_what_is_compiled(monkeypatch, tmp_path):
    for name in ("CONVT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "convt"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache" / "convt"
    monkeypatch.setenv("CONVT_CACHE", "kept")
    assert cache_folder() == Path("kept")
