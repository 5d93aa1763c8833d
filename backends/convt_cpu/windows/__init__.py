"""The windows engine: gather with long filters, as dot products over windows of packed rows.

``../kernels/windows.h`` has the formula, ``../kernels/windows_stages.h`` what a task does, `_plan.pyx` the sizes.
"""
