"""enlarging: strips make the image that the whole would make, in little memory."""

import subprocess
import sys

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

from convt.demo import network  # noqa: E402
from convt.images import METHODS, enlarging, methods  # noqa: E402 - needs Pillow


@pytest.mark.parametrize("name", [*METHODS, "network"])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_strips_make_the_whole(rng, monkeypatch, tmp_path, name, rows):
    network.build().save(tmp_path / "net.npz")
    method = methods.from_network(tmp_path / "net.npz") if name == "network" else methods.named(name)
    image = Image.fromarray(rng.integers(256, size=(23, 11, 3), dtype=np.uint8))
    whole = np.asarray(enlarging.enlarge(image, 2, method)).astype(int)
    monkeypatch.setattr(enlarging, "_STRIP", 11 * rows)
    done = []
    strips = np.asarray(enlarging.enlarge(image, 2, method, done.append)).astype(int)
    assert len(done) == -(-23 // rows)
    assert sum(done) == 22 * 46
    assert np.abs(strips - whole).max() <= (1 if name in ("convt", "network") else 0)  # of sums in another order


def test_an_image_wider_than_a_strip_is_done_row_by_row(rng, monkeypatch):
    monkeypatch.setattr(enlarging, "_STRIP", 1)
    image = Image.fromarray(rng.integers(256, size=(3, 40), dtype=np.uint8))
    done = []
    enlarging.enlarge(image, 3, methods.named("lanczos"), done.append)
    assert done == [120 * 3] * 3


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux does")
def test_little_memory_is_needed_beside_the_image_and_the_result():
    code = """
from PIL import Image
from convt.images import upscale_image

def most():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))

upscale_image(Image.new("RGB", (8, 8)), 2)
before = most()
image = Image.new("RGB", (2000, 1500), "teal")
result = upscale_image(image, 2)
print(most() - before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    held = (3 + 12) * 4000  # KB: Pillow keeps 4 bytes a pixel
    assert held / 2 < int(done.stdout) < held + 50_000
