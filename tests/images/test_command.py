"""command: several files, folders, standard input and output, the progress bar, Ctrl-C."""

import io
import os
import subprocess
import sys

import pytest

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("tqdm")

from convt.demo import network  # noqa: E402
from convt.images import command  # noqa: E402


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Three images, a folder to write to, and a file that is no image."""
    monkeypatch.chdir(tmp_path)
    for name, colour in (("a.png", "red"), ("b.jpg", "lime"), ("c.tif", "blue")):
        Image.new("RGB", (8, 6), colour).save(name)
    (tmp_path / "large").mkdir()
    (tmp_path / "text.png").write_text("none")
    return ["a.png", "b.jpg", "c.tif"]


def run(images, output, scale=2, limit=500.0, **options):
    command.run(images, output, scale, limit=limit, **options)


def convt(*arguments, **streams):
    """The command line in a process of its own, whose streams are pipes of bytes."""
    return subprocess.run(
        [sys.executable, "-m", "convt", *arguments], capture_output=True, check=False, timeout=60, **streams
    )


def test_several_files_go_to_a_folder(files):
    run(files, "large")
    assert sorted(os.listdir("large")) == files
    assert {Image.open(f"large/{name}").size for name in files} == {(16, 12)}


def test_a_format_is_for_all_of_them(files):
    run(files, "large/", format="PNG")
    assert sorted(os.listdir("large")) == ["a.png", "b.png", "c.png"]
    assert {Image.open(f"large/{name}").format for name in os.listdir("large")} == {"PNG"}


def test_one_that_fails_does_not_keep_the_others_from_it(files, capsys):
    with pytest.raises(ValueError, match="all images must be such as can be enlarged, got 2 of 5 that could not"):
        run(["a.png", "text.png", "none.png", "b.jpg", "c.tif"], "large")
    assert sorted(os.listdir("large")) == files
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors.splitlines() == [
        "convt: error: image must be a file that Pillow can read, got 'text.png', which is none",
        "convt: error: image must be an existing file, got 'none.png'",
    ]


@pytest.mark.parametrize(
    ("images", "output", "options", "message"),
    [
        (["a.png", "b.jpg"], "large.png", {}, "output must be an existing folder for several images, got 'large.png'"),
        (["a.png"], ".", {}, "output must be another folder than that of 'a.png', which would be replaced, got '.'"),
        (
            ["a.png", "large/a.png"],
            "large",
            {},
            "output must be another folder than that of 'a.png', which would be replaced",
        ),
        (["a.png", "x/a.png"], "large", {}, "images must have different names for a folder, got 'a.png' and 'x/a.png'"),
        (["a.png", "a.jpg"], "large", {"format": "png"}, "images must have different names for a folder"),
        (["-"], "large", {}, "output must be a file or - for standard input, got the folder 'large'"),
        (["a.png"], "none/", {}, "output must be a file in an existing directory, got 'none/a.png'"),
        (["a.png"], "x.png", {"scale": 0}, "scale must be at least 1, got 0"),
        (["a.png"], "x.png", {"limit": 0}, "limit must be above 0, got 0"),
        (["a.png"], "x.png", {"limit": float("nan")}, "limit must be above 0, got nan"),
        (["a.png"], "x.png", {"quality": 101}, "quality must be from 1 to 100, got 101"),
        (["a.png"], "x.png", {"format": "text"}, "format must be a known extension such as png, got 'text'"),
        (["a.png"], "x.png", {"method": "cubic"}, "method must be one of .*, got 'cubic'; did you mean 'bicubic'?"),
        (["a.png"], "x.png", {"network": "none.npz"}, "network must be an existing file, got 'none.npz'"),
        (
            ["a.png"],
            "x.png",
            {"network": "text.png"},
            "network must be a file that `demo --save` has written, got 'text.png'",
        ),
        (["a.png"], "x.png", {"limit": 1e-4}, "image must make at most 0.0001 megapixels .* got 16 x 12 of 'a.png'"),
    ],
)
def test_wrong_options_are_told_before_anything_is_written(files, images, output, options, message):
    before = sorted(os.listdir()), os.listdir("large")
    with pytest.raises((ValueError, OSError), match=message.replace("(", r"\(").replace("?", r"\?")):
        run(images, output, **options)
    assert (sorted(os.listdir()), os.listdir("large")) == before


def test_a_network_doubles(files):
    network.build().save("net.npz")
    run(["a.png"], "large.png", network="net.npz")
    assert Image.open("large.png").size == (16, 12)
    with pytest.raises(ValueError, match="scale must be 2 for a network, got 3"):
        run(["a.png"], "larger.png", 3, network="net.npz")


def test_from_standard_input_to_standard_output(files):
    with open("b.jpg", "rb") as image:
        done = convt("upscale", "-", "--output", "-", "--backend", "numpy", stdin=image)
    assert (done.returncode, done.stderr) == (0, b"")
    enlarged = Image.open(io.BytesIO(done.stdout))
    assert (enlarged.format, enlarged.size) == ("JPEG", (16, 12))


def test_types_that_must_be_sought_go_through_a_pipe_too(files):
    done = convt("upscale", "a.png", "--output", "-", "--format", "tif", "--method", "lanczos")
    assert Image.open(io.BytesIO(done.stdout)).format == "TIFF"


@pytest.mark.parametrize("data", [b"", b"no image"])
def test_standard_input_that_is_no_image(files, data):
    done = convt("upscale", "-", "--output", "large.png", input=data)
    assert done.returncode == 2
    assert done.stderr.startswith(b"convt: error: image must be a file that Pillow can read, got '-'")
    assert done.stderr.count(b"\n") == 1


def test_a_terminal_is_neither_read_nor_written(files, monkeypatch):
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    with pytest.raises(ValueError, match="image must be a file, or come through a pipe, got '-' and no pipe"):
        run(["-"], "large.png")
    monkeypatch.setattr("sys.stdout", None)
    with pytest.raises(ValueError, match="output must be a file, or go through a pipe, got '-' and no pipe"):
        run(["a.png"], "-")


def test_a_reader_that_wants_no_more_is_no_error(files):
    reader, writer = os.pipe()
    os.close(reader)
    arguments = [sys.executable, "-m", "convt", "upscale", "a.png", "--output", "-"]
    done = subprocess.run(arguments, stdout=writer, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(os.name != "posix", reason="needs a terminal of POSIX")
@pytest.mark.parametrize("columns", [80, 20])
def test_on_a_terminal_there_is_a_bar_of_its_width_without_colours(files, columns):
    import termios

    main, end = os.openpty()
    termios.tcsetwinsize(end, (24, columns))
    arguments = [sys.executable, "-m", "convt", "upscale", "a.png", "--output", "large.png"]
    done = subprocess.run(arguments, stderr=end, stdout=subprocess.PIPE, check=False, timeout=60)
    os.close(end)
    shown = os.read(main, 10_000).decode()
    os.close(main)
    assert (done.returncode, done.stdout) == (0, b"")
    assert "a.png: 100%" in shown
    assert max(map(len, shown.splitlines())) <= columns
    assert "\x1b[3" not in shown


def test_without_a_terminal_there_is_none(files, capfd):
    run(["a.png"], "large.png")
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(os.name != "posix", reason="needs descriptors of POSIX")
def test_standard_streams_may_be_closed(files):
    script = f"{sys.executable} -m convt upscale a.png --output large.png <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", script], check=False, timeout=60).returncode == 0
    assert Image.open("large.png").size == (16, 12)


@pytest.mark.skipif(os.name != "posix", reason="needs signals of POSIX")
def test_ctrl_c_leaves_what_was_there(files):
    """Pressed when the first strip is done."""
    code = """
import os, signal, sys
from convt import __main__
from convt.images import methods
strip = methods._by_convt
def interrupted(image, scale):
    os.kill(os.getpid(), signal.SIGINT)
    return strip(image, scale)
methods._by_convt = interrupted
sys.exit(__main__.main(["upscale", "a.png", "--output", "b.jpg"]))
"""
    with open("b.jpg", "rb") as file:
        before = file.read()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "convt: interrupted\n")
    with open("b.jpg", "rb") as file:
        assert file.read() == before
    assert sorted(os.listdir()) == ["a.png", "b.jpg", "c.tif", "large", "text.png"]


@pytest.mark.skipif(os.name != "posix", reason="needs permissions of POSIX")
def test_no_home_directory_is_needed(files):
    environment = {name: value for name, value in os.environ.items() if name not in ("HOME", "XDG_CACHE_HOME")}
    for home in ({}, {"HOME": "/nonexistent"}):
        for arguments in (["upscale", "a.png", "--output", "large.png"], []):
            done = convt(*arguments, env=environment | home)
            assert (done.returncode, done.stderr) == (0, b"")
