"""The options of the operators, in all the forms in which they may be written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from .geometry import Geometry


def written(rng: np.random.Generator, values: tuple[int, ...]) -> Any:
    """Numbers, one for each axis, in some form."""
    same = len(set(values)) == 1
    forms = [values, list(values), np.array(values), tuple(np.int32(each) for each in values)]
    if same:
        forms += [values[0]] * 4 + [np.int64(values[0])]
    return forms[int(rng.integers(len(forms)))]


def draw_options(rng: np.random.Generator, g: Geometry, *, transposed: bool) -> tuple[Geometry, dict[str, Any]]:
    """The options of a call, and its geometry, which the names of paddings change."""
    options: dict[str, Any] = {}
    names = ("same", "same_lower") if rng.random() < 0.15 else ("valid",) if rng.random() < 0.05 else ()
    if names:
        name = str(rng.choice(names))
        g = _named(g, name, transposed=transposed)
        options["padding"] = name
        if transposed and name == "valid" and rng.random() < 0.5:
            options["output_size"] = written(rng, g.fine)
    else:
        extra = _extra(rng, g, transposed=transposed)
        after = tuple(a + o for a, o in zip(g.after, extra, strict=True))
        options |= _paddings(rng, tuple(zip(g.before, after, strict=True)))
        if transposed and (any(extra) or rng.random() < 0.2):
            options |= (
                {"output_size": written(rng, g.fine)} if rng.random() < 0.5 else {"output_padding": written(rng, extra)}
            )
    for name, values in (("stride", g.stride), ("dilation", g.dilation)):
        if set(values) != {1} or rng.random() < 0.3:
            options[name] = written(rng, values)
    if g.groups > 1 or rng.random() < 0.2:
        options["groups"] = np.int64(g.groups) if rng.random() < 0.2 else g.groups
    return g, options


def _extra(rng: np.random.Generator, g: Geometry, *, transposed: bool) -> tuple[int, ...]:
    """Elements that the fine array goes on beyond what padding leaves of it."""
    if rng.random() < 0.5:
        return (0,) * g.axes
    limits = [max(s, d) if transposed else s for s, d in zip(g.stride, g.dilation, strict=True)]
    return tuple(int(rng.integers(limit)) for limit in limits)


def _paddings(rng: np.random.Generator, pairs: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    forms: list[Any] = [pairs, [list(pair) for pair in pairs], np.array(pairs)]
    if all(before == after for before, after in pairs):
        forms += [written(rng, tuple(before for before, _after in pairs))] * 3
        forms.append(tuple(pair if rng.random() < 0.5 else pair[0] for pair in pairs))
    if not any(map(any, pairs)) and rng.random() < 0.5:
        return {}
    return {"padding": forms[int(rng.integers(len(forms)))]}


def _named(g: Geometry, name: str, *, transposed: bool) -> Geometry:
    """The geometry that a name of a padding makes of the coarse size (of conv_transpose), or of the fine one."""
    if name == "valid":
        return g.cropped((0,) * g.axes, (0,) * g.axes)
    if transposed:
        fine = tuple(c * s for c, s in zip(g.coarse, g.stride, strict=True))
    else:
        fine = g.fine
        g = replace(g, coarse=tuple(-(-f // s) for f, s in zip(fine, g.stride, strict=True)))
    totals = [max(e - f, 0) for e, f in zip(g.full, fine, strict=True)]
    before = tuple(total // 2 if name == "same" else total - total // 2 for total in totals)
    return replace(g, before=before, fine=fine)
