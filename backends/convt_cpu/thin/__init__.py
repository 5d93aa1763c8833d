"""The thin engine: maps of few positions and very many weights, which are moved once, where they lie.

``../kernels/thin.h`` has the formulas, `_plan.pyx` the sizes, `_engine.pyx` runs a plan in parallel.
"""
