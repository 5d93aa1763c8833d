"""The direct engine: scatter and gather by kernels that keep their sums in registers; no column matrix, no BLAS.

`_plan.pyx` turns a problem into tables; ``../kernels/direct_stages.h`` has its stages. ``../kernels/README.md`` says how the
kernels work.
"""
