"""The depthwise engine: the three maps where groups have one channel, or few, on each side, and memory is the limit.

Each input element is read once and each output element written once; what happens in between fits the caches. `_plan.pyx`
turns a problem into tables, `_engine.pyx` runs them in parallel. Start with ``../kernels/depthwise.h``.
"""
