"""The matrix of a convolution: stored, as `conv_matrix`, and applied without storing it, as `ConvOperator`.

Needs SciPy, and is therefore imported when first used. Read `arguments.py` for the arguments that both take, `pattern.py`
for the geometry as index arithmetic, `sparse.py` and `operator.py` for the two forms.
"""

from .operator import ConvOperator
from .sparse import conv_matrix

__all__ = ["ConvOperator", "conv_matrix"]
