"""The words around a picture of convolution arithmetic."""

from __future__ import annotations

from textwrap import shorten, wrap

from .geometry import Arithmetic, Index, View

__all__ = ["element", "formula", "headline", "options", "outlined", "panel"]

_TERMS = 16
_LINES = 3


def element(name: str, index: Index) -> str:
    """An element as one writes it in Python: ``x[0, 2]``."""
    return f"{name}[{', '.join(map(str, index))}]"


def panel(name: str, shape: Index) -> str:
    """The title of one array: ``input x, 3 × 3``."""
    return f"{name}, {' × '.join(map(str, shape))}"


def headline(arithmetic: Arithmetic, view: View) -> str:
    """What the picture says."""
    kind = "Transposed convolution" if arithmetic.transposed else "Convolution"
    count = len(view.partners)
    if view.follow == "output":
        return f"{kind}: {_count(count, 'input')} {'reaches' if count == 1 else 'reach'} {element('y', view.position)}"
    return f"{kind}: {element('x', view.position)} reaches {_count(count, 'output')}"


def options(arithmetic: Arithmetic) -> str:
    """The options: ``stride 2, padding 1``; those that do nothing are left out."""
    told = {name: value for name, value in arithmetic.options.items() if name in ("stride", "padding") or _acts(name, value)}
    return ", ".join(f"{name} {value}" for name, value in told.items())


def outlined(arithmetic: Arithmetic) -> str:
    """What cells beyond the border are."""
    if arithmetic.transposed:
        return "outlined: what the padding crops"
    return "outlined: zeros of the padding"


def formula(arithmetic: Arithmetic, view: View, characters: int) -> list[str]:
    """The sum that the picture shows, in lines of at most that many characters."""
    one = element("y" if view.follow == "output" else "x", view.position)
    other = "x" if view.follow == "output" else "y"
    terms = [(element(other, partner), letter) for partner, letter in sorted(view.partners.items())]
    if view.follow == "output":
        products = [f"{name}·{letter}".replace(" ", "\N{NO-BREAK SPACE}") for name, letter in terms]
        text = f"{one} = " + (" + ".join(_first(products)) or "0: no input reaches it (only a bias would)")
    else:
        sums = [f"{name} += {one}·{letter}".replace(" ", "\N{NO-BREAK SPACE}") for name, letter in terms]
        text = ",  ".join(_first(sums)) or f"{one} reaches no output"
    lines = wrap(text, characters, break_long_words=False)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], shorten(" ".join(lines[_LINES - 1 :]), characters, placeholder=" …")]
    return lines


def _first(terms: list[str]) -> list[str]:
    return terms if len(terms) <= _TERMS else [*terms[: _TERMS - 1], "…", terms[-1]]


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _acts(name: str, value: object) -> bool:
    neutral = 1 if name == "dilation" else 0
    return any(each != neutral for each in (value if isinstance(value, tuple) else (value,)))
