"""The direct engine: scatter and gather by kernels that keep their sums in registers; no column matrix, no BLAS.

`_plan.pyx` turns a problem into tables, `_engine.pyx` runs them in parallel. ``../kernels/README.md`` says how the kernels
work.
"""
