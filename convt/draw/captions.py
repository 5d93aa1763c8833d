"""The words around a picture of convolution arithmetic."""

from __future__ import annotations

from .geometry import Arithmetic, Index, View

__all__ = ["element", "formula", "headline", "options", "outlined", "panel"]

_LINES = 3


def element(name: str, index: Index) -> str:
    """An element as one writes it in Python: ``x[0, 2]``."""
    return f"{name}[{', '.join(map(str, index))}]"


def panel(name: str, shape: Index) -> str:
    """The title of one array: ``input x, 3 × 3``."""
    return f"{name}, {' × '.join(map(str, shape))}"


def headline(arithmetic: Arithmetic, view: View) -> str:
    """The title: what the picture shows."""
    kind = "Transposed convolution" if arithmetic.transposed else "Convolution"
    count = len(view.partners)
    if view.follow == "output":
        return f"{kind}: {_count(count, 'input')} {'reaches' if count == 1 else 'reach'} {element('y', view.position)}"
    return f"{kind}: {element('x', view.position)} reaches {_count(count, 'output')}"


def options(arithmetic: Arithmetic) -> str:
    """The options, without those that have no effect: ``stride 2, padding 1``."""
    told = {name: value for name, value in arithmetic.options.items() if name in ("stride", "padding") or _acts(name, value)}
    return ", ".join(f"{name} {value}" for name, value in told.items())


def outlined(arithmetic: Arithmetic) -> str:
    """What outlined cells are."""
    if arithmetic.transposed:
        return "outlined: what the padding crops"
    return "outlined: zeros of the padding"


def formula(arithmetic: Arithmetic, view: View, characters: int) -> list[str]:
    """The sum that the picture shows, in at most 3 lines of that many characters; if it is longer, terms are left out."""
    one = element("y" if view.follow == "output" else "x", view.position)
    partners = sorted(view.partners.items())
    if not partners:
        return [f"{one} = 0: no input reaches it" if view.follow == "output" else f"{one} reaches no output"]
    if view.follow == "output":
        begin, between = f"{one} = ", " + "
        terms = [f"{element('x', partner)}·{letter}" for partner, letter in partners]
    else:
        begin, between = "", ",  "
        terms = [f"{element('y', partner)} += {one}·{letter}" for partner, letter in partners]
    shown, lines = terms, _packed(begin, between, terms, characters)
    while len(lines) > _LINES:
        shown = shown[:-1]
        lines = _packed(begin, between, [*shown, "…", terms[-1]], characters)
    return lines


def _packed(begin: str, between: str, terms: list[str], characters: int) -> list[str]:
    """Break the terms into lines, but none of them."""
    lines = [begin + terms[0]]
    for term in terms[1:]:
        if len(lines[-1]) + len(between) + len(term) <= characters:
            lines[-1] += between + term
        else:
            lines[-1] += between.rstrip()
            lines.append(term)
    return lines


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"


def _acts(name: str, value: object) -> bool:
    neutral = 1 if name == "dilation" else 0
    return any(each != neutral for each in (value if isinstance(value, tuple) else (value,)))
