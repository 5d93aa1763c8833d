"""What users call: the operators with their derivatives, upsampling, pooling, and how evenly a kernel covers its output.

Each function documents its arguments and hands them to the road of every call, `convt.core`.
"""
