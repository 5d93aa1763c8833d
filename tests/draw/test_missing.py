"""What is said when matplotlib is missing."""

import subprocess
import sys


def test_the_extra_is_named():
    script = "import sys; sys.modules['matplotlib'] = None\nimport convt\nconvt.conv_shape\nconvt.draw"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        'convt.optional.MissingPackage: convt.draw needs matplotlib: pip install "convt[draw]"'
    )
