"""convt's cuda backend: PyCUDA, kernels of its own, and cuDNN.

=================  ==================================================================
``backend.py``     the backend: where the data is, which engine, run it
``driver.py``      PyCUDA and the driver, or the exact reason why not;
                   ``presence.py``: whether there is a GPU, without CUDA
``device.py``      one GPU: its primary context, kernels, memory
``kinds.py``       the callers' arrays on a GPU, without a copy; ``tensors.py``:
                   those of PyTorch; ``arrays.py``: what they become
``staging.py``     NumPy arrays: to the GPU and back
``pieces.py``      and in large batches, copied beside the computing
``memory.py``      a pool of device memory; errors that name bytes
``running.py``     a map on addresses; a call that is made again
``choice.py``      which engine, by its cost, or by the clock (``tuning.py``);
                   ``engine.py`` says what one is, ``launch.py`` what it launches
``own/``           the engines that launch kernels of ``kernels/``
``cudnn/``         the engine that calls cuDNN
``sampling/``      upsampling and pooling, by kernels of ``kernels/``
``compiled.py``    the kernels as code: built ahead of time, or by ``nvrtc.py``;
                   ``counts.py``: what they divide by
=================  ==================================================================

``kernels/README.md`` says how a call flows.
"""

from .backend import CudaBackend  # before `backend` is defined: a submodule's import would replace it
from .driver import load_driver

__all__ = ["CudaBackend", "backend"]


def backend() -> CudaBackend:
    """The backend, if this machine can run it.

    Raises
    ------
    BackendUnavailable
        With what is missing, and how to get it.
    """
    return CudaBackend(load_driver())
