"""The examples run, on a small part of the photograph, and improve it."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("skimage", reason="the photograph comes with the extra demo")
pytest.importorskip("PIL", reason="the photograph is read by the extra demo")

EXAMPLES = Path(__file__).parents[2] / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="only in a checkout")


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("name", "before", "after"), [("deblur", "blurred", "restored"), ("super_resolution", "bilinear", "burst")]
)
def test_the_picture_comes_nearer_to_the_original(name, before, after, capsys, tmp_path):
    from PIL import Image

    output = tmp_path / "pictures.png"
    scores = load(name).main(["--size", "96", "--iterations", "20", "--output", str(output)])
    assert scores[after] > scores[before] + 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [before, after]
    assert lines[1].split()[1] == f"{scores[after]:.2f}"
    with Image.open(output) as image:
        assert image.mode == "RGB"
        assert image.width > 3 * 80


def test_a_disk_covers_its_area():
    disk = load("deblur").disk(3.5)
    assert disk.shape == (9, 9)
    assert disk.sum() == pytest.approx(1)
    assert disk[4, 4] == pytest.approx(1 / (3.14159 * 3.5**2), rel=0.01)
    assert disk[0, 0] == 0


def test_a_burst_needs_different_shifts(capsys):
    with pytest.raises(SystemExit):
        load("super_resolution").main(["--frames", "17"])
    assert "--frames must be from 1 to scale * scale (16), got 17" in capsys.readouterr().err


def test_the_inverse_stft_is_that_of_scipy(capsys, tmp_path):
    output = tmp_path / "chirp.wav"
    differences = load("inverse_stft").main(["--seconds", "0.5", "--size", "256", "--hop", "64", "--output", str(output)])
    assert max(differences.values()) < 1e-12
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert output.stat().st_size == 44 + 2 * 11_025


def test_the_inverse_stft_is_drawn(tmp_path):
    pytest.importorskip("matplotlib")
    load("inverse_stft").main(["--seconds", "0.5", "--output", str(tmp_path / "chirp.png")])
    assert (tmp_path / "chirp.png").stat().st_size > 10_000


def test_the_head_of_the_segmentation_learns(capsys, tmp_path):
    scores = load("segmentation").main(["--steps", "60", "--output", str(tmp_path / "masks.png")])
    assert scores["head"] > 0.5
    assert capsys.readouterr().out.split()[::2] == ["nearest", "head"]
    assert (tmp_path / "masks.png").stat().st_size > 1000
