"""The windows engine: gather with long filters, as dot products over windows of packed rows.

``../kernels/windows.h`` has the formula, `_plan.pyx` the sizes, `_engine.pyx` runs a plan in parallel.
"""
