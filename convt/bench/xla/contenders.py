"""The contenders: `convt.jax` and each form of XLA, compiled when they are asked for a call."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import jax
import numpy as np

from ... import jax as bridge
from ...version import __version__
from ..jobs import LayerJob
from ..ours import selected
from ..peers.peer import Peer, Run, Unsupported
from .forms import Form, forms
from .layouts import Layout
from .results import OURS

__all__ = ["Answer", "Asked", "Compiled", "contenders", "on_host", "quantity_of", "versions"]

Announce = Callable[[str], None]


class Answer(NamedTuple):
    """An array of JAX that is computed, and how to see it as the bench's."""

    array: Any
    layout: Layout
    kernel: bool


class Asked(NamedTuple):
    """A program in JAX.

    Attributes
    ----------
    name : str
    layout : Layout
    compute : callable
        As in `forms.Form`, but the forward map takes the bias too.
    written : bool
        Whether users of XLA write it so.
    """

    name: str
    layout: Layout
    compute: Callable[..., Any]
    written: bool


class Compiled(Peer):
    """One program, a contender like the peers.

    Parameters
    ----------
    asked : Asked
    announce : callable
        Told the name before the program is compiled; it may raise `Unsupported`.

    Attributes
    ----------
    seconds : float
        What the latest call took.
    """

    version = str(jax.__version__)

    def __init__(self, asked: Asked, announce: Announce) -> None:
        self.name = asked.name
        self.asked = asked
        self.seconds = float("inf")
        self._announce = announce

    def layer(self, job: LayerJob) -> Run:
        """One call on arrays of JAX, until its result is there."""
        self._announce(self.name)
        quantity, layout = quantity_of(job), self.asked.layout
        arguments = [jax.device_put(array) for array in _arrays(job, layout)]
        program = jax.jit(self.asked.compute).lower(*arguments).compile()
        kernel = quantity == "w"

        def call() -> Answer:
            begin = perf_counter()
            array = jax.block_until_ready(program(*arguments))
            self.seconds = perf_counter() - begin
            return Answer(array, layout, kernel)

        return call


def contenders(job: LayerJob, announce: Announce) -> list[Compiled]:
    """`convt.jax`, and all forms of XLA that suit a job."""
    quantity = quantity_of(job)
    asked = [_ours(job), *(_theirs(form, job) for form in forms(job.case, quantity))]
    return [Compiled(each, announce) for each in asked]


def on_host(answer: Any) -> Any:
    """NumPy's arrays of an answer, with channels first."""
    if not isinstance(answer, Answer):
        return answer
    return answer.layout.give(np.asarray(answer.array), kernel=answer.kernel)


def quantity_of(job: LayerJob) -> str:
    """What a job computes: y, or the gradient of x or of w.

    Raises
    ------
    Unsupported
        Several gradients, or the operator is conv.
    """
    if job.task.operator != "conv_transpose" or len(job.task.needs) > 1:
        raise Unsupported("is asked for conv_transpose and single gradients")
    return job.task.needs[0] if job.task.needs else "y"


def versions(dtype: str) -> str:
    """Who, in one line."""
    return f"{OURS} {__version__} (backend {selected(dtype).name}), XLA of JAX {jax.__version__}"


def _arrays(job: LayerJob, layout: Layout) -> list[np.ndarray]:
    quantity = quantity_of(job)
    if quantity == "y":
        bias = [] if job.bias is None else [job.bias]
        return [layout.take_data(job.x), layout.take_kernel(job.w), *bias]
    if quantity == "x":
        return [layout.take_data(job.dy), layout.take_kernel(job.w)]
    return [layout.take_data(job.x), layout.take_data(job.dy)]


def _ours(job: LayerJob) -> Asked:
    quantity, options, case = quantity_of(job), job.options, job.case

    def forward(x: Any, w: Any, bias: Any = None) -> Any:
        return bridge.conv_transpose(x, w, bias, **options)

    def gradient(first: Any, second: Any) -> Any:
        known, cotangent = (second, first) if quantity == "x" else (first, second)
        place = jax.numpy.zeros(case.x_shape if quantity == "x" else case.w_shape, known.dtype)
        _, pull = jax.vjp((lambda x: forward(x, known)) if quantity == "x" else (lambda w: forward(known, w)), place)
        return pull(cotangent)[0]

    return Asked(OURS, Layout(False, len(case.size)), forward if quantity == "y" else gradient, False)


def _theirs(form: Form, job: LayerJob) -> Asked:
    compute = form.compute
    if quantity_of(job) == "y":

        def compute(x: Any, w: Any, bias: Any = None) -> Any:
            y = form.compute(x, w)
            return y if bias is None else y + bias.reshape(-1, *[1] * (0 if form.layout.last else form.layout.axes))

    return Asked(form.name, form.layout, compute, form.written)
