"""The terms of what is not finite, added to a result where an engine has replaced it.

An engine has zeros where the definition has no term: around an array, or behind a filter's taps. What is not finite makes
NaN of them, in results that it does not reach. So a second run replaces it by 1 or -1 (``kernels/call.h``), and what is
here adds its terms, those of the definition and no others: a result that it reaches becomes infinite or NaN, whatever the
1 has given to it, and the others have all their terms already. ``_plan.pyx`` makes the plans, ``terms.h`` does the work;
`mend.py` says when.
"""

from __future__ import annotations

from ._plan import find_plan, terms_plan

__all__ = ["find_plan", "terms_plan"]
