"""For tests of `convt.testing.check_backend`: backends that break one rule each, and which of the kit's alarms they trip."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import convt.testing
from convt.testing import check_backend

Alarm = tuple[str, int]  # a file of the kit, and a line of it

_SOURCES = [path for path in Path(convt.testing.__file__).parent.glob("*.py") if path.name != "gradients.py"]
_RAISING = ("fail", "_require")


class Tripped:
    """What the kit says about a backend.

    Attributes
    ----------
    message : str
    alarm : tuple
        Where in the kit's source it is said.
    """

    def __init__(self, error: AssertionError) -> None:
        self.message = str(error)
        frames = []
        trace = error.__traceback__
        while trace is not None:
            frames.append((trace.tb_frame.f_code.co_name, trace.tb_frame.f_code.co_filename, trace.tb_lineno))
            trace = trace.tb_next
        while frames[-1][0] in _RAISING:
            frames.pop()
        _, file, line = frames[-1]
        self.alarm = _alarm_at(Path(file), line)


@cache
def tripped(mutant: type, *topics: str) -> Tripped | None:
    """What the kit says about such a backend, asked those topics; None if it finds nothing.

    Its attribute ``kinds`` has functions that make arrays of the callers' kinds.
    """
    made: Any = mutant()
    try:
        check_backend(made, quick=True, topics=topics, kinds=getattr(mutant, "kinds", ()))
    except AssertionError as error:
        return Tripped(error)
    return None


@cache
def alarms() -> frozenset[Alarm]:
    """Every place of the kit's source that says that something is wrong."""
    return frozenset((path.name, call.lineno) for path in _SOURCES for call in _calls(path))


def _alarm_at(path: Path, line: int) -> Alarm:
    """The call that raises, of which the line is one."""
    return next((path.name, call.lineno) for call in _calls(path) if call.lineno <= line <= (call.end_lineno or 0))


@cache
def _calls(path: Path) -> list[ast.Call | ast.Raise]:
    """Calls of what raises, and raised AssertionErrors that are not those of such a function itself."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in _RAISING
        for node in ast.walk(function)
    }
    return [node for node in ast.walk(tree) if id(node) not in inside and _raises(node)]


def _raises(node: ast.AST) -> bool:
    if isinstance(node, ast.Raise):
        node = node.exc
        return isinstance(node, ast.Call) and getattr(node.func, "id", None) == "AssertionError"
    return isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", None)) in _RAISING
