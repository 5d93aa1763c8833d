"""MatConvNet's ``vl_nnconvt`` and ``vl_nnconv`` for NumPy arrays, called as in MATLAB or with Python's keywords.

::

    y = vl_nnconvt(x, f, b, 'Upsample', [2, 2], 'Crop', [1, 1, 1, 1], 'NumGroups', 2)
    y = vl_nnconvt(x, f, b, upsample=2, crop=1, num_groups=2)
    dzdx, dzdf, dzdb = vl_nnconvt(x, f, b, dzdy, upsample=2, crop=1, num_groups=2)

Arrays have MATLAB's shapes, H x W x D x N; those in MATLAB's memory order, Fortran's, are not copied. Read `functions.py`
for the two functions, `call.py` for the steps they share, `options.py` for how options are written, `tensors.py` for which
arrays are accepted, `geometry.py` for the rules on sizes.
"""

from .functions import vl_nnconv, vl_nnconvt

__all__ = ["vl_nnconv", "vl_nnconvt"]
