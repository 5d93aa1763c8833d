"""For tests that ask `convt.testing.check_backend` many times: definitions computed once."""

from collections.abc import Callable
from typing import Any

import numpy as np


class Remembered:
    """A function of the kit, which keeps its results: every check of a backend draws the same numbers."""

    def __init__(self, function: Callable[..., np.ndarray]) -> None:
        self._function = function
        self._results: dict[Any, np.ndarray] = {}

    def __call__(self, *arguments: Any) -> np.ndarray:
        key = tuple(each.tobytes() if isinstance(each, np.ndarray) else each for each in arguments)
        if key not in self._results:
            self._results[key] = self._function(*arguments)
            self._results[key].flags.writeable = False
        return self._results[key]
