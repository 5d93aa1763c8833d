"""__main__: the command line."""

import os
import re
import subprocess
import sys
import warnings

import pytest

import convt.__main__
from convt.__main__ import main


@pytest.fixture
def small(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (6, 4), "teal").save(tmp_path / "small.png")
    return tmp_path / "small.png"


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, timeout=60)


def failure(capsys, *arguments):
    """The exit status and the one line on standard error."""
    status = main([str(argument) for argument in arguments])
    printed, errors = capsys.readouterr()
    assert printed == ""
    assert errors.count("\n") == 1
    return status, errors.strip()


def test_without_a_command_it_shows_the_configuration():
    shown = python("-m", "convt")
    assert shown.returncode == 0
    assert "versions" in shown.stdout
    assert "numpy" in shown.stdout


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CONVT_BACKEND", "numpi", "wrong: CONVT_BACKEND must be one of .*, got 'numpi'; did you mean 'numpy'\\?"),
        ("CONVT_WORKSPACE_LIMIT", "much", "wrong: CONVT_WORKSPACE_LIMIT must be a number of bytes or 'inf', got 'much'"),
        ("CONVT_NUM_THREADS", "0", "wrong: CONVT_NUM_THREADS must be an integer from 1 to 1024, got '0'"),
        ("CONVT_CPU_ISA", "sse", "wrong: CONVT_CPU_ISA must be one of .* on this processor, got 'sse'"),
        ("CONVT_CPU_ALGORITHM", "fft", "wrong: CONVT_CPU_ALGORITHM must be one of .*, got 'fft'"),
        ("CONVT_CPU_MACHINE", "abacus", "wrong: CONVT_CPU_MACHINE must begin with one of .*, got 'abacus'"),
        ("CONVT_CPU_THREADING", "loom", "wrong: CONVT_CPU_THREADING must be pool or openmp, got 'loom'"),
    ],
)
def test_a_wrong_variable_is_shown_in_the_table_with_all_the_rest(monkeypatch, capsys, name, value, message):
    monkeypatch.setenv(name, value)
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert re.search(message, shown)
    assert re.search(r"^  numpy\n    state +usable", shown, re.MULTILINE)
    assert re.search(r"^    blas +\S", shown, re.MULTILINE)


@pytest.mark.parametrize("arguments", [[], ["--help"], ["bench", "--list"]])
def test_a_closed_pipe_is_no_error(arguments):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "convt", *arguments]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_output_that_cannot_be_written_is_one_line():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "convt"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("convt: error: ")


def test_an_error_is_one_line_without_a_traceback(tmp_path):
    pytest.importorskip("PIL")
    failed = python("-m", "convt", "upscale", "none.png", "--output", str(tmp_path / "large.png"))
    assert failed.returncode == 2
    assert failed.stderr == "convt: error: image must be an existing file, got 'none.png'\n"


def test_importing_convt_imports_no_command():
    code = "import sys, convt; print({'argparse', 'PIL', 'convt.demo', 'convt.images', 'convt.filters'} & set(sys.modules))"
    assert python("-c", code).stdout == "set()\n"


@pytest.mark.parametrize(("arguments", "words"), [(["--version"], convt.__version__), (["--help"], "upscale")])
def test_version_and_help(capsys, arguments, words):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("columns", ["120", "40", "1"])
@pytest.mark.parametrize("command", [[], ["demo"], ["upscale"], ["bench"]])
def test_help_has_examples_and_the_exit_status_in_any_terminal(capsys, monkeypatch, command, columns):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as stop:
        main([*command, "--help"])
    shown, errors = capsys.readouterr()
    assert (stop.value.code, errors) == (0, "")
    assert "\x1b" not in shown
    example = re.search(r"^examples:\n  python -m convt ?(\w*)", shown, re.MULTILINE)
    assert [name for name in [example[1]] if name] == command
    words = " ".join(shown.split())
    assert "exit status: 0, done; 1, a package is missing; 2, wrong arguments" in words
    if columns == "40":
        assert max(len(line) for line in shown.splitlines() if not line.startswith("  ")) <= 40


def test_examples_in_the_help_are_arguments_that_are_understood():
    parser, _ = convt.__main__._parser()
    examples = [*convt.__main__._DEMO_EXAMPLES, *convt.__main__._UPSCALE_EXAMPLES, *convt.__main__._BENCH_EXAMPLES]
    for example in examples:
        parser.parse_args(example.partition("<")[0].split())


@pytest.mark.skipif(os.name != "posix", reason="needs descriptors of POSIX")
@pytest.mark.parametrize(("arguments", "status"), [("", 0), ("upscale none.png --output a.png", 2), ("--help", 0)])
def test_closed_streams_are_no_error(arguments, status):
    script = f"{sys.executable} -m convt {arguments} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", script], check=False, timeout=60).returncode == status


def test_a_warning_is_a_line(small, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("convt.images.command.run", lambda *_, **__: warnings.warn("take care", stacklevel=1))
    assert main(["upscale", str(small), "--output", "x.png"]) == 0
    assert capsys.readouterr() == ("", "convt: warning: take care\n")


def test_a_method_and_a_network_exclude_each_other(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["upscale", "a.png", "--output", "b.png", "--method", "lanczos", "--network", "net.npz"])
    assert stop.value.code == 2
    assert "not allowed with" in capsys.readouterr().err


def test_upscale_writes_the_file(small, tmp_path):
    image = pytest.importorskip("PIL.Image")
    arguments = ["upscale", str(small), "--scale", "3", "--output", str(tmp_path / "large.png"), "--backend", "numpy"]
    assert main(arguments) == 0
    with image.open(tmp_path / "large.png") as large:
        assert large.size == (18, 12)
        assert large.getpixel((0, 0)) == (0, 128, 128)


def test_upscale_computes_with_the_backend_that_is_named(small, tmp_path, monkeypatch):
    used = []
    monkeypatch.setattr("convt.images.command.run", lambda *_, **__: used.append(convt.selection._context.get()))
    main(["upscale", str(small), "--output", "x.png", "--backend", "numpy"])
    main(["upscale", str(small), "--output", "x.png"])
    assert used == [("numpy",), None]


def test_wrong_files_and_numbers_are_errors(small, tmp_path, capsys):
    large = tmp_path / "large.png"
    cases = [
        (["upscale", small, "--scale", 0, "--output", large], "scale must be at least 1, got 0"),
        (["upscale", __file__, "--output", large], "image must be a file that Pillow can read"),
        (["upscale", small, "--output", tmp_path / "large.xyz"], "output must end in a known extension"),
        (["upscale", small, "--output", tmp_path / "none" / "large.png"], "output must be a file in an existing directory"),
        (["upscale", small, "--output", large, "--backend", "nunpy"], "did you mean 'numpy'?"),
    ]
    for arguments, message in cases:
        status, line = failure(capsys, *arguments)
        assert status == 2
        assert line.startswith("convt: error: ")
        assert message in line
    assert not large.exists()


def test_a_backend_that_cannot_be_used_is_an_error(small, tmp_path, capsys, monkeypatch):
    def unavailable(*_, **__):
        raise convt.BackendUnavailable("backend 'cuda' cannot be used:\nno GPU")

    monkeypatch.setattr("convt.images.command.run", unavailable)
    status, line = failure(capsys, "upscale", small, "--output", tmp_path / "large.png")
    assert (status, line) == (2, "convt: error: backend 'cuda' cannot be used: no GPU")


@pytest.mark.parametrize(
    "arguments", [["upscale", "a.png"], ["upscale", "a.png", "--scale", "1.5", "--output", "b.png"], ["no"]]
)
def test_wrong_arguments_end_with_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "prog", "end"),
    [
        (["upscle", "a.png"], "convt", "COMMAND must be one of demo, upscale, bench, got 'upscle'; did you mean 'upscale'?"),
        (["Demo"], "convt", "got 'Demo'; did you mean 'demo'?"),
        (["quaternion"], "convt", "COMMAND must be one of demo, upscale, bench, got 'quaternion'"),
        (["--verison"], "convt", "an option must be one of --help, --version, got '--verison'; did you mean '--version'?"),
        (["upscale", "a.png", "--metod", "lanczos", "--output", "b.png"], "convt upscale", "did you mean '--method'?"),
        (["upscale", "a.png", "--outptu=b.png"], "convt upscale", "got '--outptu'; did you mean '--output'?"),
        (["upscale", "a.png", "--netwrok", "net.npz"], "convt upscale", "got '--netwrok'; did you mean '--network'?"),
        (["bench", "--bakcward"], "convt bench", "got '--bakcward'; did you mean '--backward'?"),
    ],
)
def test_a_misspelt_command_or_option_is_told_the_likely_one(capsys, monkeypatch, arguments, prog, end):
    monkeypatch.setenv("COLUMNS", "40")
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2
    *_, line = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{prog}: error: ")
    assert line.endswith(end)


def test_options_may_be_shortened(capsys):
    assert main(["bench", "--li", "--cas=dcgan-16"]) == 0
    assert capsys.readouterr().out.startswith("dcgan-16 ")


def test_behind_two_dashes_nothing_is_an_option(capsys, tmp_path):
    pytest.importorskip("PIL")
    status, line = failure(capsys, "upscale", "--output", tmp_path / "b.png", "--", "--metod")
    assert (status, line) == (2, "convt: error: image must be an existing file, got '--metod'")


def test_a_missing_package_is_one_line_and_status_1(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    status, line = failure(capsys, "upscale", "a.png", "--output", "b.png")
    assert status == 1
    assert line.startswith("upscale needs pillow: pip install ")
