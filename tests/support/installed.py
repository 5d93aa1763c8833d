"""Imported first: the tests are about the package that is installed, wherever they are started.

``python -m pytest`` puts the folder in which it runs before all others, and Python does so for each ``python -c`` and
``python -m``. In a checkout they would find the sources, with which no extension lies. So that folder goes, here and for the
programs that tests start.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

sys.path[:] = [folder for folder in sys.path if Path(folder).resolve() != ROOT]
os.environ["PYTHONSAFEPATH"] = "1"
