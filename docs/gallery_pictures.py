"""The gallery's pictures: each example is run with ``--output``, and what it writes is shown on its page."""

import shutil
from pathlib import Path
from tempfile import gettempdir

from sphinx_gallery.scrapers import figure_rst

PICTURE = Path(gettempdir()) / "convt-gallery.png"
SMALLER = {"deblur": ["--size", "256"], "super_resolution": ["--size", "256"]}  # seconds count when these pages are built


def arguments(gallery_conf, script_vars):
    """What an example is called with."""
    return [*SMALLER.get(Path(script_vars["src_file"]).stem, []), "--output", str(PICTURE)]


def scraper(block, block_vars, gallery_conf):
    """Take the picture that a block has written."""
    if not PICTURE.is_file():
        return ""
    place = next(block_vars["image_path_iterator"])
    shutil.move(PICTURE, place)
    size = " ".join(SMALLER.get(Path(block_vars["src_file"]).stem, []))
    said = f"Run with ``{size} --output picture.png``:\n\n" if size else ""
    return said + figure_rst([place], gallery_conf["src_dir"])
