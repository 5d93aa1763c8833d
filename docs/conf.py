"""How the documentation is built: `tox -e docs`. Every notebook cell runs; an error or a warning fails the build."""

import re

import convt

project = "convt"
author = "the convt developers"
copyright = "the convt developers"  # noqa: A001
version = release = convt.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
html_theme = "furo"
html_title = "convt"
html_static_path = []
exclude_patterns = ["_build"]
nitpicky = False

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False


def escape_stars(app, what, name, obj, options, lines):
    """Shapes such as (N, C, *spatial) are no emphasis."""
    lines[:] = [re.sub(r"(?<=[(,\[ ])\*(?=[a-z])", r"\\*", line) for line in lines]


def setup(app):
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", escape_stars)
