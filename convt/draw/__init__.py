"""Pictures that explain transposed convolution: needs matplotlib, which the extra ``draw`` brings.

`arithmetic` shows which inputs reach which output, `animation` walks through all of them, `matrix` shows the matrix that is
transposed, `overlap` the checkerboard, `compare` five ways to enlarge a picture. Each returns a `matplotlib.figure.Figure`
(`animation` writes a file), which notebooks show; ``figure=plt.figure()`` draws into one that pyplot knows.

Read `geometry.py` for what is shown, `page.py` for how it looks.
"""

from ..optional import require

require("convt.draw", "matplotlib", extra="draw")

from .evenness import overlap  # noqa: E402 - only with matplotlib
from .methods import compare  # noqa: E402
from .sparsity import matrix  # noqa: E402
from .walk import animation, arithmetic  # noqa: E402

__all__ = ["animation", "arithmetic", "compare", "matrix", "overlap"]
