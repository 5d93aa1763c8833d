"""Backends whose results are right, and which touch memory beside an array: `check_backend` may not survive them."""

import ctypes

from sane import Sane


def beside(array, place):
    """Memory so many elements from the beginning of an array that is contiguous; anything inside it of another one."""
    kind = ctypes.c_float if array.itemsize == 4 else ctypes.c_double
    return kind.from_address(array.ctypes.data + (place if array.flags.c_contiguous else 0) * array.itemsize)


class ReadsBehindTheKernel(Sane):
    def gather(self, problem, fine, kernel, bias, coarse):
        super().gather(problem, fine, kernel, bias, coarse)
        return beside(kernel, kernel.size).value


class ReadsBehindTheBias(Sane):
    def scatter(self, problem, coarse, kernel, bias, fine):
        super().scatter(problem, coarse, kernel, bias, fine)
        return None if bias is None else beside(bias, bias.size).value


class ReadsBeforeTheFineArray(Sane):
    def correlate(self, problem, fine, coarse, kernel):
        super().correlate(problem, fine, coarse, kernel)
        return beside(fine, -1).value


class WritesBackWhatLiesBehindItsOutput(Sane):
    def scatter(self, problem, coarse, kernel, bias, fine):
        super().scatter(problem, coarse, kernel, bias, fine)
        behind = beside(fine, fine.size)
        behind.value = behind.value  # no comparison finds this


class ReadsBehindWhatItPools(Sane):
    def max_pool(self, problem, fine, coarse, indices):
        super().max_pool(problem, fine, coarse, indices)
        return beside(fine, fine.size).value


TABLE = [
    ("memory", ReadsBehindTheKernel),
    ("memory", ReadsBehindTheBias),
    ("memory", ReadsBeforeTheFineArray),
    ("memory", WritesBackWhatLiesBehindItsOutput),
    ("sampling", ReadsBehindWhatItPools),
]
