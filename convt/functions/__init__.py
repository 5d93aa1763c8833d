"""What users call: the operators with their derivatives, upsampling, pooling, and how evenly a kernel covers its output.

Each function documents its arguments and passes them to `convt.core`, which has the steps of every call.
"""
