"""The road of every call: take the arrays in, check, select a backend, run, give back.

`execution.py` is the road. Upsampling and pooling add rules to it, MatConvNet's functions and the layers call what goes it.
"""
