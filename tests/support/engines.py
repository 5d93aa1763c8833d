"""What tests of the cpu backend's engines repeat: arrays of a problem, a plan that runs on them, the definition."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from convt.backend import Problem
from convt.numpy_backend import backend as reference
from convt_cpu._job import Job
from convt_cpu._kernels import instruction_sets
from convt_cpu._runner import DONE, run
from convt_cpu.choice import ENGINES

MAPS = ("scatter", "gather", "correlate")
RESULT = {"scatter": "fine", "gather": "coarse", "correlate": "kernel"}
BEST = instruction_sets()[0]
SINGLE, DOUBLE = np.dtype("f4"), np.dtype("f8")
TOLERANCE = {4: 2e-5, 8: 4e-14}  # of the largest result
THREADS = (1, 2, 3, 7)
MANY = (1, 2, 3, 7, 16, 64)  # threads by whose number runs of tasks get all lengths
ALONE = 20_000  # cycles of a round of a stage that one thread does


class Operands(NamedTuple):
    """The arrays of one map, in the order in which `run` takes them; one of them is the result."""

    fine: np.ndarray
    coarse: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray | None

    def exact(self) -> "Operands":
        """Copies in float64."""
        return Operands(*(None if array is None else array.astype("f8") for array in self))


def plan_of(
    engine: str,
    problem: Problem,
    data_map: str,
    isa: str = BEST,
    order: tuple[int, ...] | None = None,
    *,
    channels_last: bool = False,
) -> Any:
    """An engine's plan, or None; the axes are walked in their own order unless another one is given."""
    order = tuple(range(len(problem.stride))) if order is None else order
    return ENGINES[engine].plan(Job(problem, data_map, order, isa, channels_last))


def operands(problem: Problem, data_map: str, seed: int = 0) -> Operands:
    """Random arrays and a bias of 0, 1, 2, ... (none for correlate); the result is NaN."""
    inputs, result = _inputs(problem, data_map, seed), RESULT[data_map]
    shape = getattr(problem, f"{result}_array_shape")
    bias = None if data_map == "correlate" else np.arange(shape[1]).astype(problem.dtype)
    arrays = {role: array.copy() for role, array in inputs.items()}
    return Operands(**arrays, **{result: np.full(shape, np.nan, problem.dtype)}, bias=bias)


@lru_cache(maxsize=2)  # the same problem is done by all instruction sets, and by many numbers of threads
def _inputs(problem: Problem, data_map: str, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    roles = [role for role in RESULT.values() if role != RESULT[data_map]]
    return {role: rng.standard_normal(getattr(problem, f"{role}_array_shape"), problem.dtype) for role in roles}


def spread(arrays: Operands, layout: Any) -> Operands:
    """The same arrays in another layout."""
    return Operands(*map(layout, arrays[:3]), arrays.bias)


def channels_last(array: np.ndarray) -> np.ndarray:
    """The same values, the channels densest in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, 1, -1)), -1, 1)


def definition(problem: Problem, data_map: str, arrays: Operands) -> np.ndarray:
    """The result in float64, by the definition."""
    fine, coarse, kernel, bias = arrays.exact()
    with np.errstate(invalid="ignore", over="ignore"):
        if data_map == "scatter":
            reference.scatter(problem, coarse, kernel, bias, fine)
        elif data_map == "gather":
            reference.gather(problem, fine, kernel, bias, coarse)
        else:
            reference.correlate(problem, fine, coarse, kernel)
    return {"fine": fine, "coarse": coarse, "kernel": kernel}[RESULT[data_map]]


@lru_cache(maxsize=64)
def exact_result(problem: Problem, data_map: str, seed: int = 0) -> np.ndarray:
    """The definition for `operands`, in float64, read-only."""
    result = definition(problem, data_map, operands(problem, data_map, seed))
    result.flags.writeable = False
    return result


def computed(plan: Any, data_map: str, arrays: Operands, threads: int = 2) -> np.ndarray:
    """The result of a plan, written to its array; all values must suit the engine."""
    assert run(plan, *arrays, threads) == DONE
    return getattr(arrays, RESULT[data_map])


def check(
    plan: Any, problem: Problem, data_map: str, seed: int = 0, threads: int = 2, layout: Any = np.asarray, least: float = 0
) -> None:
    """Compare a plan's result with the definition.

    Errors are measured by the largest result, or by `least` where even that is smaller.
    """
    assert plan is not None
    right = exact_result(problem, data_map, seed)
    got = computed(plan, data_map, spread(operands(problem, data_map, seed), layout), threads)
    scale = max(least, abs(right).max(initial=0))
    np.testing.assert_allclose(got, right, rtol=0, atol=TOLERANCE[problem.dtype.itemsize] * scale)


def check_bits(
    plan: Any, problem: Problem, data_map: str, layout: Any = np.asarray, threads: tuple[int, ...] = THREADS
) -> None:
    """Compare the results of several numbers of threads, bit by bit."""
    results = {computed(plan, data_map, spread(operands(problem, data_map), layout), some).tobytes() for some in threads}
    assert len(results) == 1


def is_shared(plan: Any) -> bool:
    """Whether several threads take part in some stage."""
    return any(stage.tasks > 1 and stage.cycles > ALONE * stage.rounds for stage in plan.stages)


def check_runs(plan: Any, problem: Problem, data_map: str) -> None:
    """Compare the results of runs of all lengths, bit by bit and with the definition."""
    assert is_shared(plan)
    check_bits(plan, problem, data_map, threads=MANY)
    check(plan, problem, data_map, threads=MANY[-1], least=1)


def length_of_sums(problem: Problem) -> float:
    """What the results of correlate are about as large as, where padding does not hide most of a sum."""
    return float(np.sqrt(problem.batch * np.prod(problem.coarse_shape)))
