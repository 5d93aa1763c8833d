"""Which engine computes a map: the list of engines, and the rule.

Each engine offers the plans that it has for a problem. The cheapest whose workspace stays within the limit is taken, by
the cost models, or by the clock where `convt.options(autotune=True)`; "direct" needs no workspace and can do
everything. "cudnn" takes part where its library is found and `convt.options` allow it, "tensor" where the GPU has
tensor cores for TF32 and they round nothing, or may. ``CONVT_CUDA_ALGORITHM`` forces an engine for all that it can do;
the rest goes to "direct".

What cuDNN accepts when it is asked for algorithms it may still refuse when it runs. Such a plan is not taken again.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from convt.backend import Settings, Variable, settings

from .cudnn import CudnnUnavailable, Wishes, cudnn
from .cudnn.guarded import guarded
from .engine import Engine, Map, Plan, Strides
from .own.plan import direct_plans, tensor_plans, tile_plans
from .tuning import fastest

if TYPE_CHECKING:
    from convt.backend import Problem

    from .device import Device

__all__ = ["ALIGNMENT", "ENGINES", "choose", "refuse", "standing_rules", "words", "workspace_limit"]

ALIGNMENT = 16  # bytes: cuDNN's kernels may read so many at a time, ours look at addresses


def _cudnn_plans(
    problem: Problem, data_map: Map, strides: Strides, storage: str, device: Device, wishes: Wishes
) -> Iterable[Plan]:
    plans = cudnn().plans(problem, data_map, strides, device, wishes, storage)
    return guarded(plans, problem, data_map, strides, storage)


ENGINES = {
    "tile": Engine(tile_plans),
    "tensor": Engine(tensor_plans),
    "direct": Engine(direct_plans),
    "cudnn": Engine(_cudnn_plans, of_device=True),
}
_FALLBACK = "direct"
_FORCED = Variable("CONVT_CUDA_ALGORITHM")
_TENSOR_CORES = (8, 0)  # the first GPUs that have them for TF32
_NONE: frozenset[str] = frozenset()
_refused: dict[tuple[Problem, Map, Strides, str], frozenset[str]] = {}  # labels of plans
_MOST_REFUSED = 1024


def standing_rules() -> tuple[Settings, str | None]:
    """What the choice depends on besides the call: settings, and the engine that is forced."""
    return settings(), _FORCED.get() or None


def choose(
    problem: Problem,
    data_map: Map,
    strides: Strides,
    device: Device | None = None,
    storage: str | None = None,
    rules: tuple[Settings, str | None] | None = None,
    aligned: bool = True,
) -> tuple[str, Plan]:
    """The engine's name, and its plan.

    Parameters
    ----------
    problem : Problem
    data_map : {"scatter", "gather", "correlate"}
    strides : tuple
        Of the map's left input, right input and output, in elements.
    device : Device, optional
        Its context is current. Without one, engines whose plans depend on it take no part.
    storage : str, optional
        The arrays' type in memory; the problem's dtype unless given.
    rules : tuple, optional
        What `standing_rules` has just told.
    aligned : bool, optional
        Whether all arrays begin at multiples of `ALIGNMENT`; else cuDNN takes no part.

    Raises
    ------
    ValueError
        An environment variable has a value that it cannot have.
    CudnnUnavailable
        "cudnn" is forced, and there is none.
    """
    now, forced = rules or standing_rules()
    if forced is not None and forced not in ENGINES:
        raise ValueError(f"{_FORCED.name} must be one of {', '.join(ENGINES)}, got {forced!r}")
    storage = storage or problem.dtype.name
    wishes = _wishes(now) if device and aligned else None
    refused = _refused.get((problem, data_map, strides, storage), _NONE) if _refused else _NONE
    tensor = device is not None and device.capability >= _TENSOR_CORES and (storage != "float32" or now.allow_tf32)
    tune = device is not None and now.autotune
    rest = (tensor, forced, now.workspace_limit, device, wishes, tune, refused)
    return _choose(problem, data_map, strides, storage, *rest)


def refuse(plan: Plan, problem: Problem, data_map: Map, strides: Strides, storage: str) -> None:
    """Do not choose a plan again: it has been refused when it ran."""
    if len(_refused) >= _MOST_REFUSED:
        _refused.clear()
    key = (problem, data_map, strides, storage)
    _refused[key] = _refused.get(key, _NONE) | {plan.label}


def words(name: str, plan: Plan) -> str:
    """A plan in words for the user."""
    return getattr(plan, "words", None) or f"engine {name}, {plan.label}, workspace {plan.workspace} bytes"


def workspace_limit() -> float:
    """Bytes of workspace that a call may use."""
    return settings().workspace_limit


@lru_cache(maxsize=256)
def _wishes(now: Settings) -> Wishes | None:
    """What cuDNN may do; None where it may nothing."""
    return Wishes(now.workspace_limit, now.allow_tf32, now.deterministic) if now.cudnn else None


@lru_cache(maxsize=1024)
def _choose(
    problem: Problem,
    data_map: Map,
    strides: Strides,
    storage: str,
    tensor: bool,
    forced: str | None,
    limit: float,
    device: Device | None = None,
    wishes: Wishes | None = None,
    tune: bool = False,
    refused: frozenset[str] = _NONE,
) -> tuple[str, Plan]:
    offers: list[tuple[str, Plan]] = []
    for name in ENGINES if forced is None else (forced, _FALLBACK):
        engine = ENGINES[name]
        if name == "tensor" and not tensor:
            continue
        plans: Iterable[Plan] = ()
        if not engine.of_device:
            plans = engine.plans(problem, data_map, strides, storage)
        elif device is not None and wishes is not None:
            try:
                plans = engine.plans(problem, data_map, strides, storage, device, wishes)
            except CudnnUnavailable:
                if forced is not None:
                    raise
        allowed = (plan for plan in plans if plan.label not in refused)
        offers += [(name, plan) for plan in allowed if plan.workspace <= limit or name == _FALLBACK]
        if offers and forced is not None:
            break
    if tune and device is not None and len(offers) > 1:
        return fastest(offers, problem, data_map, strides, storage, device)
    return min(offers, key=lambda offer: offer[1].cost)
