"""convt in PyTorch: functions with PyTorch's signatures, layers, and the conversion of whole models.

===================  ================================================================================================
`convert`, `revert`  let convt compute the layers of a model, or not again
`use`                a block in which PyTorch's own functions are computed by convt
functions            as in `torch.nn.functional`: `conv_transpose2d`, `conv2d`, `interpolate`, `max_pool2d`,
                     `max_unpool2d`, and those of 1 and 3 axes
layers               as in `torch.nn`, with its state_dicts: `ConvTranspose2d`, `Conv2d`, `Upsample`, `MaxPool2d`,
                     `MaxUnpool2d`, and those of 1 and 3 axes
===================  ================================================================================================

Gradients of any order, ``torch.func``, ``torch.compile``, export and autocast work as with PyTorch's own. What convt does
not compute, such as tensors on a GPU, PyTorch does itself; `choice.py` says what that is. PyTorch's own threads
compute (`threads.py`), as many as `torch.get_num_threads` says.

Where to read on: `maps.py` has the three maps that all convolutions and their derivatives are, `operation.py` how PyTorch
learns of them, `functional.py` and `sampling.py` how its arguments become theirs.
"""

from typing import TYPE_CHECKING, Any

from ..hints import no_attribute
from ..optional import require

require("convt.torch", "torch", extra="torch")

import torch  # noqa: E402

from .versions import check_version  # noqa: E402

check_version(torch.__version__)

from .conversion import convert, revert  # noqa: E402
from .functional import conv1d, conv2d, conv3d, conv_transpose1d, conv_transpose2d, conv_transpose3d  # noqa: E402
from .mode import use  # noqa: E402
from .modules import (  # noqa: E402
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
    MaxPool1d,
    MaxPool2d,
    MaxPool3d,
    MaxUnpool1d,
    MaxUnpool2d,
    MaxUnpool3d,
    Upsample,
    UpsamplingBilinear2d,
    UpsamplingNearest2d,
)
from .sampling import (  # noqa: E402
    interpolate,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
)

__all__ = [
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
    "Upsample",
    "UpsamplingBilinear2d",
    "UpsamplingNearest2d",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convert",
    "interpolate",
    "max_pool1d",
    "max_pool2d",
    "max_pool3d",
    "max_unpool1d",
    "max_unpool2d",
    "max_unpool3d",
    "revert",
    "use",
]


if not TYPE_CHECKING:  # with a __getattr__, a type checker would accept every misspelt name

    def __getattr__(name: str) -> Any:
        raise no_attribute(__name__, name, __all__)
