"""Arrays of a library that only its own module can open, and such a module."""

import numpy as np
from numpy.testing import assert_array_equal


class Tank:
    """An array that only its library's module can open."""

    __module__ = "tank.arrays"

    def __init__(self, held):
        self.held = np.asarray(held)

    def __array__(self, *args, **kwargs):
        raise AssertionError("opened without its library")


class Barrel(Tank):
    """A subclass that somebody made in another package."""

    __module__ = "somebody"


class Vat:
    __module__ = "vat"

    def __init__(self, held):
        self.held = np.asarray(held)


class Kind:
    """The functions of a library; `calls` are those of `put`."""

    def __init__(self, made):
        self.made = made
        self.calls = []
        self.share = True

    def accepts(self, x):
        return isinstance(x, self.made)

    def take(self, x):
        return x.held if self.share else x.held.copy()

    def give(self, array, like):
        return type(like)(array)

    def put(self, array, out):
        self.calls.append(array)
        out.held[...] = array


def tanks(arrays, kind=Tank):
    return {name: kind(array) for name, array in arrays.items()}


def check(given, expected, kind=Tank):
    assert type(given) is kind
    assert given.held.dtype == expected.dtype
    assert_array_equal(given.held, expected)
