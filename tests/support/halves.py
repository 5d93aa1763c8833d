"""The half types by arithmetic, for tests: what the nearest number is, and its bits."""

import numpy as np

EPS = {"float16": 2.0**-10, "bfloat16": 2.0**-7}
LEAST = {"float16": 2.0**-24, "bfloat16": 2.0**-133}  # the smallest denormal number
LARGEST = {"float16": 65504.0, "bfloat16": float.fromhex("0x1.fep127")}
TYPES = list(EPS)


def rounded(values, storage):
    """Numbers of a half type that are the nearest to others, by arithmetic; float64."""
    values = np.asarray(values, np.float64)
    finite = np.where(np.isfinite(values), values, 0)
    exponent = np.frexp(finite)[1]
    step = np.maximum(np.ldexp(EPS[storage], exponent - 1), LEAST[storage])
    nearest = np.rint(finite / step) * step
    nearest = np.where(abs(nearest) > LARGEST[storage], np.copysign(np.inf, nearest), nearest)
    return np.where(np.isfinite(values), nearest, values)


def bits_of(values, storage):
    """What such numbers, already rounded, are in memory."""
    if storage == "float16":
        bits = np.asarray(values, np.float16).view(np.uint16)
    else:
        bits = (np.asarray(values, np.float32).view(np.uint32) >> 16).astype(np.uint16)
    return np.where(np.isnan(values), 0x7FFF, bits).astype(np.uint16)


def values_of(bits, storage):
    """And back, in float64."""
    if storage == "float16":
        return bits.view(np.float16).astype(np.float64)
    with np.errstate(invalid="ignore"):  # NaN that signal
        return (bits.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
