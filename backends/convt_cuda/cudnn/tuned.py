"""What has been measured: one choice for each problem on each kind of GPU, kept, saved and loaded.

``CONVT_CUDNN_TUNED`` names a file that is read before the first search and written after each.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .algorithms import Choice, Wishes

if TYPE_CHECKING:
    from convt.problem import Problem

    from ..engine import Map
    from .operands import Operands

__all__ = ["Tuned", "key_of"]

VARIABLE = "CONVT_CUDNN_TUNED"
_FORMAT = "convt cuDNN algorithms 1"


def key_of(problem: Problem, storage: str, data_map: Map, operands: Operands, wishes: Wishes, gpu: str, version: int) -> str:
    """All that a choice depends on, as text."""
    shapes = {each.name: getattr(problem, each.name) for each in fields(problem) if each.name != "dtype"}
    options = {"allow_tf32": wishes.allow_tf32, "deterministic": wishes.deterministic, "limit": str(wishes.workspace_limit)}
    copies = sorted(role for role, operand in operands.by_role.items() if operand.staged)
    where = {
        "map": data_map,
        "order": operands.order,
        "copies": copies,
        "dtype": storage,
        "gpu": gpu,
        "cudnn": version,
    }
    return json.dumps({**shapes, **options, **where}, sort_keys=True)


class Tuned:
    """Choices by key; every method may be called by several threads."""

    def __init__(self) -> None:
        self._choices: dict[str, Choice] = {}
        self._lock = threading.Lock()
        self._read: str | None = None

    def __len__(self) -> int:
        return len(self._choices)

    def get(self, key: str) -> Choice | None:
        """What was measured, here or by whoever wrote the file."""
        file = os.environ.get(VARIABLE)
        if file and file != self._read:
            self._read = file
            if Path(file).exists():
                self.load(file)
        return self._choices.get(key)

    def put(self, key: str, choice: Choice) -> None:
        """Remember a choice."""
        with self._lock:
            self._choices[key] = choice
        file = os.environ.get(VARIABLE)
        if file:
            with suppress(OSError):  # a full disk must not stop a computation
                self.save(file)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._choices.clear()
            self._read = None

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all choices to a JSON file, at once or not at all.

        Parameters
        ----------
        path : path-like
        """
        with self._lock:
            choices = {key: choice._asdict() for key, choice in sorted(self._choices.items())}
            target = Path(path)
            draft = target.with_name(f"{target.name}.{os.getpid()}")
            try:
                draft.write_text(json.dumps({"format": _FORMAT, "choices": choices}, indent=1))
                draft.replace(target)
            finally:
                draft.unlink(missing_ok=True)

    def load(self, path: str | os.PathLike[str]) -> None:
        """Add the choices of a file; those of the same key are replaced.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        ValueError
            It is no such file.
        OSError
        """
        try:
            content = json.loads(Path(path).read_text())
            choices = {key: _as_choice(value) for key, value in _choices_of(content).items()}
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"path must be a file that Tuned.save has written, got {os.fspath(path)!r} ({error})"
            ) from error
        with self._lock:
            self._choices.update(choices)


def _choices_of(content: Any) -> dict[str, Any]:
    if content["format"] != _FORMAT:
        raise ValueError(f"its format is {content['format']!r}")
    choices: dict[str, Any] = content["choices"]
    return choices


def _as_choice(value: Any) -> Choice:
    choice = Choice(**value)
    if not all(type(number) is int and number >= 0 for number in choice):
        raise ValueError(f"{value} is no choice")
    return choice
