"""What a peer offers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, nullcontext

from ..jobs import Job, LayerJob, SamplingJob
from ..timing import Run

__all__ = ["Peer", "Run", "Unsupported"]


class Unsupported(Exception):
    """The peer cannot do a job; the message completes "it ..."."""


class Peer(ABC):
    """A framework that computes the same as convt.

    Attributes
    ----------
    name : str
        As on the command line.
    version : str
    """

    name: str
    version: str

    def session(self) -> AbstractContextManager[None]:
        """What must hold while jobs are prepared and run, such as a number of threads; undone at the end."""
        return nullcontext()

    def prepare(self, job: Job) -> Run:
        """A call without arguments that does the job once; whatever can be done beforehand, has been.

        Returns
        -------
        callable
            It returns an array, or for gradients a tuple of those of x, w and bias, None where not needed; of any type
            that `numpy.asarray` takes.

        Raises
        ------
        Unsupported
            It has no means for this job. Errors of the framework itself count as the same.
        """
        return job.call(self)

    @abstractmethod
    def layer(self, job: LayerJob) -> Run:
        """That of an operator or of its gradients."""

    def sampling(self, job: SamplingJob) -> Run:
        """That of upsampling, pooling or one of their gradients."""
        raise Unsupported("is not asked for upsampling and pooling")
