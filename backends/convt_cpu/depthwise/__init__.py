"""The depthwise engine: the three maps where groups have one channel, or few, on each side, and memory is the limit.

Each input element is read once and each output element written once; what happens in between fits the caches. `_plan.pyx`
turns a problem into tables; ``../kernels/depthwise_stages.h`` has its stages. Start with ``../kernels/depthwise.h``.
"""
