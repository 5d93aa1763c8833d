"""The steps of every call: take in the arrays, check the arguments, select a backend, run it, return the result.

`execution.py` has these steps for the operators, on which MatConvNet's functions and the layers are built; `sampling.py` has
them for upsampling and pooling.
"""
