"""What is said when matplotlib is missing."""

import subprocess
import sys


def test_what_to_install_is_named():
    script = "import sys; sys.modules['matplotlib'] = None\nimport convt\nconvt.conv_shape\nconvt.draw"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    last = run.stderr.splitlines()[-1]
    assert last.startswith("convt.optional.MissingPackage: convt.draw needs matplotlib: pip install ")
