"""convt's cpu backend: Cython, with kernels and a pool of threads in C.

=================  ==================================================================
``backend.py``     the backend: chooses an engine, plans once and runs it
``choice.py``      which engine: whose plan costs least; ``_cost.pxd`` has the model
``reach.py``       which taps reach something: only those are planned
``_job.pyx``       what engines are asked to plan
``_plan.pyx``      what all plans are: a list of stages, each a number of tasks
``_runner.pyx``    runs any plan; memory, alignment and threads are known here alone
``mend.py``        what happens where something is not finite
``keeping.py``     what is kept for constant filters: what ``_packing.pyx`` holds
``direct/`` ...    the engines, each a folder with its plan and its stages: ``winograd/``,
                   ``depthwise/``, ``cells/``, ``thin/``, ``windows/``, ``correlate/``,
                   ``winograd_correlate/``; ``kernels/engines.h`` is their list
``im2col/``        the three maps as tiled matrix products, for what the others cannot do
``kernels/``       what the stages of several engines do, in C, for each instruction set
``resampling/``    upsampling and its adjoint
``pooling/``       max pooling, its inverse and their gradients
``blocks.py``      how these two see an array's memory
``caches.py``      how plans are kept
``isa.py``         which instruction set
``machine/``       what the processor adds to it: caches, multiply-adds per cycle
``pool/``          the threads; ``_layers.pyx`` says whether they, OpenMP's or a caller's run the tasks
``_threads.pyx``   how many; ``limits.py`` tells threadpoolctl
``blas.py``        which BLAS im2col calls; ``_blas_limit.pyx`` keeps it to one thread
``_sums.pyx``      the gradient of a bias
=================  ==================================================================
"""

from importlib.util import find_spec

from convt.backend import BackendUnavailable

if find_spec("._runner", __name__) is None:
    raise BackendUnavailable("it was not compiled (CONVT_BUILD_CPU=0 when convt was installed)")

from . import limits  # noqa: F401  (threadpoolctl learns of the pool)
from .backend import CpuBackend

__all__ = ["CpuBackend", "backend"]

backend = CpuBackend()
