"""run: the whole demo, cut short."""

import re
import sys

import numpy as np
import pytest

for package in ("matplotlib", "PIL", "tqdm"):
    pytest.importorskip(package)

from PIL import Image  # noqa: E402

from convt.demo.run import run  # noqa: E402
from convt.images.methods import from_network  # noqa: E402
from convt.optional import MissingPackage  # noqa: E402


@pytest.fixture
def photograph(tmp_path):
    noise = np.random.default_rng(0).integers(256, size=(100, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "photograph.png")
    return tmp_path / "photograph.png"


def test_it_prints_the_scores_and_draws_the_picture(photograph, tmp_path, capsys):
    run(photograph, tmp_path / "result.png", steps=2)
    printed, bar = capsys.readouterr()
    assert re.search(r"on the lower two fifths \(120 x 40 pixels\), never seen in training", printed)
    table = printed.partition("method")[2].partition("\n\n")[0].splitlines()[1:]
    assert [line.split()[0] for line in table] == ["nearest", "bilinear", "bicubic", "lanczos", "learned"]
    assert re.search(r"backend \w+, 2 steps in \d+\.\d s; picture in .*result\.png", printed)
    assert "2/2" in bar
    assert (tmp_path / "result.png").stat().st_size > 10_000


def test_it_writes_the_network_for_other_pictures(photograph, tmp_path, capsys):
    run(photograph, tmp_path / "result.png", steps=1, save=tmp_path / "net.npz")
    assert "net.npz, for python -m convt upscale --network" in capsys.readouterr().out
    from_network(tmp_path / "net.npz")


def test_everything_is_checked_before_the_work(photograph, tmp_path, monkeypatch):
    monkeypatch.setattr("convt.demo.training.train", lambda *_: pytest.fail("trained"))
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        run(photograph, tmp_path / "result.png", steps=0)
    with pytest.raises(ValueError, match="output must end in a known extension"):
        run(photograph, tmp_path / "result.xyz")
    with pytest.raises(FileNotFoundError, match=r"save must be a file in an existing directory, got '.*none/net"):
        run(photograph, tmp_path / "result.png", save=tmp_path / "none" / "net.npz")
    with pytest.raises(FileNotFoundError, match="image must be an existing file"):
        run(tmp_path / "none.png", tmp_path / "result.png")


def test_only_the_sample_needs_scikit_image(photograph, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage", None)
    run(photograph, tmp_path / "result.png", steps=1)
    with pytest.raises(MissingPackage, match="the demo needs scikit-image"):
        run(None, tmp_path / "result.png", steps=1)
