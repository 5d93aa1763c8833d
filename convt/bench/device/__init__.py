"""The benchmark on a device: ``python -m convt bench --backend cuda``, whose story is told in `run.py`.

Arrays lie on the device before the clock starts, and the clock is the device's own (`convt.backend.DeviceBackend.seconds`).
Cases are enlarged until they fill a large GPU (`sizes.py`). Where PyTorch sees a GPU, its tensors are what everybody
computes with, and PyTorch is the peer, under the same settings (`settings.py`); else the arrays are the backend's own
(`arrays.py`).
"""
