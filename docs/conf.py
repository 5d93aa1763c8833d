"""How the documentation is built: `tox -e docs`. Every cell and every example runs; an error or a warning fails the build.

Nothing that a page needs is loaded from elsewhere: formulas become MathML here, and scripts and fonts lie beside the pages.
"""

import re
import sys
from pathlib import Path

from docutils import nodes

import convt

sys.path.insert(0, str(Path(__file__).parent))  # the modules beside this file

from stand_ins import stand_ins

with stand_ins("jax", "torch"):  # gigabytes, of which no docstring needs anything
    import convt.jax
    import convt.torch

project = "convt"
author = "the convt developers"
copyright = "the convt developers"  # noqa: A001
version = release = convt.__version__

extensions = [
    "mathml",
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
html_theme = "furo"
html_title = "convt"
html_static_path = ["static"]
html_css_files = ["convt.css"]
html_math_renderer = "mathml"
exclude_patterns = ["_build", "jupyter_execute", "gallery/*.ipynb"]

default_role = "py:obj"
nitpicky = True  # a name in backticks that leads nowhere fails the build
nitpick_ignore_regex = [("py:.*", r"(faulthandler|jax|matplotlib|numpy|scipy|torch)\b.*")]  # not of this site

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3
copybutton_exclude = ".linenos, .gp, .go"

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "image_scrapers": ("gallery_pictures.scraper",),
    "reset_argv": "gallery_pictures.arguments",
    "reset_modules": (),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
    "abort_on_example_error": True,
}


PLAIN = {
    r"(?<=[(,\[ ])\*(?=[a-z])": r"\\*",  # shapes such as (N, C, *spatial) are no emphasis
    r"^(\.\. \[\d+\] [A-Z])\. ": r"\1\\. ",  # initials of authors are no numbers of a list
    r"(?<!`)`([\w/]+\.(?:cc|py)|convt/\w+)`(?!`)": r"``\1``",  # files are no names of Python's
}


def readable(app, what, name, obj, options, lines):
    """Make a docstring say to Sphinx what it says to readers."""
    for pattern, plain in PLAIN.items():
        lines[:] = [re.sub(pattern, plain, line) for line in lines]


def number(app, doctree):
    """References of modules get their numbers back, which numpydoc has made distinct for whole pages."""
    for text in list(doctree.findall(nodes.Text)):
        if found := re.fullmatch(r"(\[?)[Rr][0-9a-f]{12}-(\d+)(\]?)", text):
            text.parent.replace(text, nodes.Text("".join(found.groups())))


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", readable, priority=400)  # before numpydoc
    app.connect("doctree-read", number, priority=900)  # after it
