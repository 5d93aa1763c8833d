"""What is imported when, and what is told where PyTorch is missing or too old."""

import subprocess
import sys

import pytest


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_a_missing_pytorch():
    code = """
import sys
sys.modules["torch"] = None
try:
    import convt.torch
except ModuleNotFoundError as error:
    print(error)
"""
    assert python(code).startswith("convt.torch needs torch: pip install ")


def test_a_pytorch_that_is_too_old():
    code = """
import sys, types
old = sys.modules["torch"] = types.ModuleType("torch")
old.__version__ = "2.12.1+cpu"
try:
    import convt.torch
except ImportError as error:
    print(error)
"""
    assert python(code).startswith("torch must be 2.13 or newer for convt.torch, got 2.12.1+cpu: pip install ")


ORDERS = ["import torch, convt, convt.torch", "import convt.torch, torch", "import convt, torch, convt.torch"]


@pytest.mark.parametrize("order", ORDERS)
def test_both_orders_of_import(order):
    pytest.importorskip("torch")
    code = f"{order}; x = torch.ones(1, 4, 5); print(float(convt.torch.conv1d(x, torch.ones(2, 4, 3)).sum()))"
    assert python(code) == "72.0"


def test_the_bridge_is_imported_when_it_is_needed():
    pytest.importorskip("torch")
    code = """
import sys, torch, convt
x, w = torch.ones(1, 4, 5), torch.ones(4, 2, 3)
convt.conv_transpose(x, w)
before = "convt.torch" in sys.modules
convt.conv_transpose(x, w.requires_grad_())
print(before, "convt.torch" in sys.modules)
"""
    assert python(code) == "False True"
