"""The engine that calls cuDNN, NVIDIA's library, through ctypes.

===================  ====================================================================
``engine.py``        cuDNN's entry in the list of engines: the plans that it has for a map
``geometry.py``      which problems cuDNN can express, and with what padding
``operands.py``      the arrays as cuDNN wants them: which are used as they lie, which copied
``maps.py``          the three maps and the functions that compute them
``algorithms.py``    which algorithms: those that keep what convt promises
``guarded.py``       a plan that weights which are not finite would spoil, made good
``described.py``     one map in cuDNN's words
``plan.py``          a plan: an algorithm, its workspace, the copies; runs them
``cost.py``          what a plan takes, roughly
``handles.py``       cuDNN's handles, each used by one thread at a time
``descriptors.py``   cuDNN's descriptors, which destroy themselves
``library.py``       where cuDNN is; its functions, bound one by one
``signatures.py``    what these functions take
===================  ====================================================================

The functions are those of cuDNN 8 and 9 that take descriptors of a convolution. Start with `engine.py`.
"""

from .algorithms import Wishes
from .engine import Cudnn, cudnn
from .library import CudnnError, CudnnUnavailable

__all__ = ["Cudnn", "CudnnError", "CudnnUnavailable", "Wishes", "cudnn"]
