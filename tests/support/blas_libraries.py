"""Libraries of BLAS that are really Python, for tests of `convt_cpu.blas` and of the limit around a task."""

import ctypes
import threading

from convt_cpu._blas_limit import use_library

GET, SET = ctypes.CFUNCTYPE(ctypes.c_int), ctypes.CFUNCTYPE(None, ctypes.c_int)
EXCHANGE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)


class FakeBlas:
    """A library that keeps one number, or one for each thread, and a list of what was set."""

    def __init__(self, kind, before=5):
        self.numbers = threading.local() if kind != "shared" else type("Shared", (), {})()
        self.before, self.history = before, []
        self.get, self.set, self.exchange = GET(self.number), SET(self.change), EXCHANGE(self.exchanged)
        addresses = {name: ctypes.cast(getattr(self, name), ctypes.c_void_p).value for name in ("get", "set", "exchange")}
        use_library(kind, **addresses)

    def number(self):
        return getattr(self.numbers, "value", self.before)

    def change(self, value):
        self.history.append(value)
        self.numbers.value = value

    def exchanged(self, value):
        before = self.number()
        self.change(value)
        return before
