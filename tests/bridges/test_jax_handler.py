"""The handler that XLA calls: compiled once and kept, or done without."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import convt

pytest.importorskip("jax")
from convt.jax import handler


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """The compiler's command, for tests that need one, and an empty cache."""
    monkeypatch.setenv("CONVT_CACHE", str(tmp_path / "cache"))
    try:
        return handler._compiler()
    except handler.NoHandler as reason:
        return pytest.skip(str(reason))


def script(path, text):
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_it_is_compiled_once(tmp_path, monkeypatch, compiled):
    counting = script(tmp_path / "counting", f'echo once >> "{tmp_path}/count"\nexec {" ".join(compiled)} "$@"')
    monkeypatch.setenv("CXX", f"{counting} -DUNUSED='a b'")
    first, second = handler._loaded(), handler._loaded()
    assert first[0] == second[0]
    assert (tmp_path / "count").read_text().split() == ["once"]
    assert list((tmp_path / "cache").iterdir()) == [Path(first[0])]


@pytest.mark.parametrize("content", [b"", b"\x7fELF"])
def test_one_that_is_not_whole_is_not_loaded(tmp_path, compiled, content):
    (tmp_path / "cache").mkdir()
    part = tmp_path / "cache" / f"jax-{handler._digest()}-{handler._sum(b'whole')}.so"
    part.write_bytes(content)
    path, library = handler._loaded()
    assert path != str(part)
    assert library.convt_jax_map


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, compiled):
    (tmp_path / "cache").write_text("")
    path, library = handler._loaded()
    assert path == "not kept, as the cache cannot be written"
    assert library.convt_jax_map


@pytest.mark.parametrize(
    ("compiler", "message"),
    [
        ("echo 'no such header' >&2; exit 3", "broken failed with status 3 (no such header)"),
        ("exit 0", "broken failed with status 0 (it said nothing)"),
        ('while [ "$1" != -o ]; do shift; done; echo wrong > "$2"', "what was compiled cannot be loaded ("),
        (None, "broken cannot be run ("),
    ],
)
def test_a_compiler_that_fails(tmp_path, monkeypatch, compiler, message):
    monkeypatch.setenv("CONVT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", str(tmp_path / "broken"))
    if compiler is not None:
        script(tmp_path / "broken", compiler)
    with pytest.raises(handler.NoHandler, match=re.escape(message)):
        handler._loaded()


def test_a_wrong_command(monkeypatch):
    monkeypatch.setenv("CXX", "c++ 'a")
    with pytest.raises(handler.NoHandler, match=r"^CXX must be a command, got \"c\+\+ 'a\" \(No closing quotation\)$"):
        handler._compiler()


def test_no_folder_for_what_is_temporary(monkeypatch, tmp_path, compiled):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    assert "No such file or directory" in handler._handler.__wrapped__().why_not


def test_no_compiler(monkeypatch):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(handler.NoHandler, match=r"^there is no C\+\+ compiler \(CXX may name one\)$"):
        handler._compiler()


def test_without_a_handler_python_is_called_and_show_config_tells_why(tmp_path):
    program = (
        "import numpy as np, convt, convt.jax\n"
        "x, w = np.arange(8, dtype='f4').reshape(1, 2, 4), np.ones((2, 1, 3), 'f4')\n"
        "y = convt.jax.conv_transpose(x, w, stride=2)\n"
        "assert (np.asarray(y) == convt.conv_transpose(x, w, stride=2)).all()\n"
        "print(convt.show_config('dicts')['bridges']['jax'])\n"
    )
    broken = script(tmp_path / "broken", "exit 3")
    environment = os.environ | {"CONVT_CACHE": str(tmp_path), "CXX": broken}
    command = [sys.executable, "-c", program]
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=300).stdout
    assert said == f"by callback, which is slower: {broken} failed with status 3 (it said nothing)\n"


def test_other_versions_have_a_handler_of_their_own(monkeypatch):
    digests = {handler._digest()}
    monkeypatch.setattr(handler.jax, "__version__", "9.9")
    digests.add(handler._digest())
    monkeypatch.setattr(handler, "_FLAGS", ("-O0",))
    digests.add(handler._digest())
    assert len(digests) == 3


def test_show_config_tells_the_way():
    assert convt.show_config("dicts")["bridges"]["jax"] == handler.how()


def test_what_a_backend_raises_is_told_by_xla(way, monkeypatch):
    import jax

    from convt.numpy_backend import backend

    def fail(*arguments):
        raise MemoryError("no room")

    monkeypatch.setattr(type(backend), "gather", fail)
    jnp = jax.numpy
    with pytest.raises(Exception, match="MemoryError: no room" + ": raised by backend 'numpy'" * (way == "ffi")):
        convt.jax.conv(jnp.ones((1, 2, 5)), jnp.ones((3, 2, 3)), backend="numpy").block_until_ready()


def test_a_long_message_is_cut():
    from ctypes import addressof, create_string_buffer

    said = create_string_buffer(b"x" * 40)
    text = create_string_buffer(b"{")
    handler._run(addressof(text), 1, 0, 0, 0, addressof(said), 20)
    assert said.value.startswith(b"JSONDecodeError: Ex")
    assert len(said.value) == 19
