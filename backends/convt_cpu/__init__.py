"""convt's cpu backend: Cython, with kernels and a pool of threads in C.

=================  ==================================================================
``backend.py``     the protocol: chooses an engine and runs it
``choice.py``      which engine, by its cost; ``_cost.pyx`` has the model
``_job.pyx``       what engines are asked to plan; ``_plan.pyx`` what all plans have
``direct/``        scatter and gather straight from registers, for most problems
``im2col/``        all three maps as tiled matrix products, for the others
``kernels/``       the direct engine's inner loops, one table per instruction set
``resampling/``    upsampling and its adjoint
``pooling/``       max pooling, its inverse and their gradients
``blocks.py``      how these two see an array's memory
``isa.py``         which instruction set
``machine/``       what the processor adds to it: caches, multiply-adds per cycle
``pool/``          the threads; ``_layers.pyx`` says whether they or OpenMP's run the tasks
``_threads.pyx``   how many; ``limits.py`` tells threadpoolctl
``blas.py``        which BLAS im2col calls; ``_blas_limit.pyx`` keeps it to one thread
``_sums.pyx``      the gradient of a bias
=================  ==================================================================
"""

from . import limits  # noqa: F401  (threadpoolctl learns of the pool)
from .backend import CpuBackend

__all__ = ["CpuBackend", "backend"]

backend = CpuBackend()
