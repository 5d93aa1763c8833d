"""`convert` and `revert`: the layers of a model become convt's, in place, and PyTorch's again.

Only a layer's class changes: parameters, buffers, hooks, what an optimizer refers to, and the state_dict stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import nn
from torch.nn.utils import parametrize

from ..core.arguments import as_flag
from . import modules
from .frozen import Frozen

__all__ = ["convert", "revert"]

Model = TypeVar("Model", bound=nn.Module)

_CONV = {getattr(nn, name): getattr(modules, name) for name in modules.__all__ if name.startswith("Conv")}
_SAMPLING = {getattr(nn, name): getattr(modules, name) for name in modules.__all__ if not name.startswith("Conv")}
_TRANSPOSED = {old: new for old, new in _CONV.items() if "Transpose" in old.__name__}
_BACK = {new: old for old, new in (_CONV | _SAMPLING).items()}


def convert(
    model: Model,
    *,
    conv: bool = True,
    sampling: bool = True,
    freeze: bool = False,
    where: Callable[[str, nn.Module], bool] | None = None,
) -> Model:
    """Let convt compute the layers of a model.

    Parameters
    ----------
    model : torch.nn.Module
        Its transposed convolutions become convt's; a model that is a layer itself too. Layers of classes derived from
        PyTorch's are left alone, as they may compute something else.
    conv : bool
        Whether ordinary convolutions are converted too.
    sampling : bool
        Whether upsampling, max pooling and its inverse are.
    freeze : bool
        Whether the weights are constant in evaluation mode without grad: they are copied at the first such call, and again
        after ``train()``, ``load_state_dict`` or ``to``. Otherwise they are read at every call.
    where : callable, optional
        ``where(name, layer)`` tells whether a layer is converted.

    Returns
    -------
    torch.nn.Module
        The model itself.

    Raises
    ------
    TypeError
        An argument is of another type; the message names it.

    See Also
    --------
    revert

    Examples
    --------
    >>> import torch, convt.torch
    >>> net = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.ConvTranspose2d(8, 3, 3))
    >>> convt.torch.convert(net, conv=False)[2].__class__.__module__
    'convt.torch.modules'
    >>> convt.torch.revert(net)[2].__class__.__module__
    'torch.nn.modules.conv'
    """
    _check_model(model)
    if where is not None and not callable(where):
        raise TypeError(f"where must be a function of a name and a layer, got {where!r}")
    freeze = as_flag("freeze", freeze)
    table = _TRANSPOSED | (_CONV if as_flag("conv", conv) else {}) | (_SAMPLING if as_flag("sampling", sampling) else {})
    for name, layer in list(model.named_modules()):
        if where is not None and not where(name, layer):
            continue
        _exchange(layer, table)
        if isinstance(layer, Frozen):
            layer.freeze(freeze)
    return model


def revert(model: Model) -> Model:
    """Undo `convert`, and return the model itself.

    Parameters
    ----------
    model : torch.nn.Module
        Those of its layers that are convt's become PyTorch's.

    Returns
    -------
    torch.nn.Module
        The model itself.
    """
    _check_model(model)
    for layer in model.modules():
        _exchange(layer, _BACK)
        if not isinstance(layer, Frozen):
            for name in ("freezes", "_constant"):
                vars(layer).pop(name, None)
    return model


def _check_model(model: object) -> None:
    if not isinstance(model, nn.Module):
        given = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise TypeError(f"model must be a torch.nn.Module, got {given}")


def _exchange(layer: nn.Module, table: dict[type, type]) -> None:
    """Set a layer's class to the one in the table, if its class is there."""
    kind = type(layer)
    if parametrize.is_parametrized(layer) and len(kind.__bases__) == 1:  # a class of its own, derived from the layer's
        new = table.get(kind.__bases__[0])
        if new is not None:
            inner = {name: value for name, value in vars(kind).items() if name not in ("__dict__", "__weakref__")}
            layer.__class__ = type(kind.__name__, (new,), inner)
    elif kind in table:
        layer.__class__ = table[kind]
