"""PyTorch."""
from .functional import *
