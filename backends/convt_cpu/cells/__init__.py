"""The cells engine: scatter with large strides, as a matrix product whose lanes run along the filter.

A fine array with large strides falls into cells of stride elements, and an output channel's cells are coarse positions x
filter places: filters are read as they lie in memory, and cells are written in whole rows. ``../kernels/cells.h`` has the
formula, ``../kernels/cells_stages.h`` what a task does, `_plan.pyx` the sizes.
"""
