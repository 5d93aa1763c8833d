"""The thin engine: maps of few positions and very many weights, which are moved once, where they lie.

``../kernels/thin.h`` has the formulas, ``../kernels/thin_stages.h`` what a task does, `_plan.pyx` the sizes.
"""
