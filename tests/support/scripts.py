"""Python in a process of its own."""

import os
import subprocess
import sys


def run_script(source: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program, with these variables added to the environment; what it printed is text."""
    command = [sys.executable, "-c", source]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=600)
