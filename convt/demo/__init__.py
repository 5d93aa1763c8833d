"""The demo: a network with a transposed convolution learns, on one part of a photograph, to enlarge the other part.

Read `run.py` first, it tells the story in order: a `photograph` is split, a `network` of layers from `convt.nn` is put
through `training`, its result and what `convt.upsample` makes of the same picture get `scores` and a `picture`. Nothing here
but NumPy and convt computes.
"""
