"""Time of upsampling, pooling and their gradients, per backend and case."""

from __future__ import annotations

import convt
from convt.bench.jobs import SamplingJob, sampling_jobs
from convt.bench.ours import sampling_call

_JOBS: dict[str, SamplingJob] = {f"{job.case.name} {job.task}": job for job in sampling_jobs(None, "float32")}


class Sampling:
    """Each of the benchmark's jobs."""

    params = (["cpu", "numpy"], list(_JOBS))
    param_names = ("backend", "job")
    timeout = 300

    def setup(self, backend: str, job: str) -> None:
        """Arrays, and a first call that is not timed."""
        convt.set_backend(backend)
        self.call = sampling_call(_JOBS[job])
        self.call()

    def teardown(self, backend: str, job: str) -> None:
        convt.set_backend(None)

    def time_call(self, backend: str, job: str) -> None:
        self.call()
