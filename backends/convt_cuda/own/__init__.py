"""The engines of our own kernels: ``tile`` (implicit matrix products) and ``direct`` (no tiles, for groups of few channels).

``plan.py`` says which kernels run and estimates their cost, ``parameters.py`` fills the structs of
``../kernels/geometry.cuh``.
"""
