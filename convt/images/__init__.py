"""Read, enlarge and write images; needs Pillow.

`upscale_image` enlarges an image of Pillow; `upscale_file` a file with all its frames and what it says about itself, as
``python -m convt upscale`` does, whose work is in `command.py`. Read `enlarging.py` for the bands in which it is done,
`methods.py` for how, `modes.py` for which pixels may be mixed, `deep.py` for 16 bits for each colour; `reading.py`,
`about.py` (what is kept beside the pixels) and `writing.py` for the files.
"""

from ..optional import require

require("convt.images", "PIL")

from .enlarging import upscale_image  # noqa: E402 - only with Pillow
from .files import upscale_file  # noqa: E402
from .methods import METHODS  # noqa: E402
from .reading import read  # noqa: E402
from .writing import check_output, check_writable, write  # noqa: E402

__all__ = ["METHODS", "check_output", "check_writable", "read", "upscale_file", "upscale_image", "write"]
