"""The gallery's pictures: each example is run with ``--output``, and what it writes is shown on its page."""

import shutil
from pathlib import Path
from tempfile import gettempdir

from skimage import data_dir
from sphinx_gallery.scrapers import figure_rst

PICTURE = Path(gettempdir()) / "convt-gallery.png"
OPTIONS = {  # a part of the picture, for the sake of the seconds
    "deblur": ["--size", "256"],
    "super_resolution": ["--size", "256", "--image", str(Path(data_dir) / "chelsea.png")],
}


def arguments(gallery_conf, script_vars):
    """What an example is called with."""
    return [*OPTIONS.get(Path(script_vars["src_file"]).stem, []), "--output", str(PICTURE)]


def scraper(block, block_vars, gallery_conf):
    """Take the picture that a block has written."""
    if not PICTURE.is_file():
        return ""
    place = next(block_vars["image_path_iterator"])
    shutil.move(PICTURE, place)
    options = " ".join(Path(each).name for each in OPTIONS.get(Path(block_vars["src_file"]).stem, []))
    said = f"With ``{options}``:\n\n" if options else ""
    return said + figure_rst([place], gallery_conf["src_dir"])
