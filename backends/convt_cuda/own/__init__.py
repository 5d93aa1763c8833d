"""The engines of our own kernels: ``tile`` (implicit matrix products), ``tensor`` (by tensor cores), ``direct`` (no tiles).

``plan.py`` says which kernels run, ``cost.py`` what they take, ``parameters.py`` fills the structs of
``../kernels/geometry.cuh``. ``moves.py`` has the copies for the engine that calls cuDNN.
"""
