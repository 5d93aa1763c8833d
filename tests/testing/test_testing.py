"""check_backend finds what it should find: each mutant of the NumPy backend breaks one rule of the contract."""

import itertools
import time

import numpy as np
import pytest

from convt.numpy_backend import NumpyBackend
from convt.testing import Report, check_backend, make_problem, random_problem
from convt.testing.memory import FORMS, Window

pytestmark = pytest.mark.usefixtures("remembered_definition")

numpy = NumpyBackend()
CALLS = itertools.count()
SCRATCH = {}


def rounded_like_tf32(self, problem, coarse, kernel, bias, fine):
    bits = (kernel.astype(np.float32).view(np.uint32) + np.uint32(0x1000)) & np.uint32(0xFFFFE000)
    numpy.scatter(problem, coarse, bits.view(np.float32).astype(problem.dtype), bias, fine)


def float64_through_float32(self, problem, fine, coarse, kernel):
    single = np.empty(kernel.shape, np.float32)
    numpy.correlate(problem, fine.astype(np.float32), coarse.astype(np.float32), single)
    kernel[...] = single


def without_bias(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, None, coarse)


def added_to_what_was_there(self, problem, fine, coarse, kernel):
    result = np.empty_like(kernel)
    numpy.correlate(problem, fine, coarse, result)
    kernel += result


def skipping_zeros(self, problem, coarse, kernel, bias, fine):
    finite = np.nan_to_num(coarse, nan=0, posinf=0, neginf=0)
    numpy.scatter(problem, finite if (kernel == 0).any() else coarse, kernel, bias, fine)


def reading_memory_in_its_order(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine.ravel(order="K").reshape(fine.shape), kernel, bias, coarse)


def writing_a_whole_vector_at_the_end(self, problem, coarse, kernel, bias, fine):
    numpy.scatter(problem, coarse, kernel, bias, fine)
    if fine.base is not None and fine.base.size > fine.size:
        fine.base.flat[-1] = 0


def changing_its_input(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    fine.flags.writeable = True
    fine *= 1 + np.finfo(problem.dtype).eps


def never_the_same_twice(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    coarse *= 1 + (next(CALLS) % 2) * np.finfo(problem.dtype).eps


def sharing_scratch_between_threads(self, problem, fine, kernel, bias, coarse):
    SCRATCH[fine.shape] = fine
    time.sleep(1e-4)
    numpy.gather(problem, SCRATCH[fine.shape], kernel, bias, coarse)


def dropping_the_last_tap(self, problem, coarse, kernel, bias, fine):
    kernel = kernel.copy()
    if kernel[0, 0].size > 100:
        kernel[..., -1] = 0
    numpy.scatter(problem, coarse, kernel, bias, fine)


def forgetting_a_remainder_of_the_width(self, problem, fine, kernel, bias, coarse):
    numpy.gather(problem, fine, kernel, bias, coarse)
    if coarse.shape[-1] % 16 == 1 and coarse.shape[-1] > 1:
        coarse[..., -1] = np.nan


def wrong_sums(self, problem, array, sums):
    sums[...] = array.astype(np.float16).sum(axis=(0, *range(2, array.ndim)))


MUTANTS = [
    ({"scatter": rounded_like_tf32}, r"float32: scatter is wrong at .* elements, worst at \(.*\): got .*, expected .*"),
    ({"correlate": float64_through_float32}, "float64: correlate is wrong"),
    ({"gather": without_bias}, "float32: gather with a bias is wrong"),
    ({"correlate": added_to_what_was_there}, "float32: correlate is wrong .* got np.float32.nan."),
    ({"scatter": skipping_zeros}, "in the coarse array, float32: scatter is wrong"),
    ({"gather": reading_memory_in_its_order}, "arrays in Fortran order, float32: gather is wrong"),
    ({"scatter": writing_a_whole_vector_at_the_end}, "scatter writes outside its output"),
    ({"gather": changing_its_input}, "gather changes its input"),
    ({"gather": never_the_same_twice}, "gather gives other bits when called again"),
    ({"gather": sharing_scratch_between_threads}, "calls from several threads, float32: gather gives other bits than alone"),
    ({"scatter": dropping_the_last_tap}, "very large stride, float32: scatter is wrong"),
    ({"gather": forgetting_a_remainder_of_the_width}, "gather is wrong"),
    ({"channel_sums": wrong_sums}, "float32: channel_sums is wrong"),
    ({"why_not": lambda self, problem: "closed"}, "refuses every problem: closed"),
    ({"why_not": lambda self, problem: False}, "why_not must return None or a reason, got False"),
    ({"why_not": lambda self, problem: ""}, "why_not must return None or a reason, got ''"),
    ({"owns": lambda self, array: True}, "owns must return False for a NumPy array, got True"),
    ({"name": ""}, "a backend's name must be a string, got ''"),
    ({"priority": "high"}, "priority must be an integer, got 'high'"),
    ({"gather": None}, "gather must be callable"),
]


@pytest.mark.parametrize(("members", "message"), MUTANTS, ids=[next(iter(members)) for members, _ in MUTANTS])
def test_a_backend_that_breaks_a_rule_is_found(members, message):
    mutant = type("Mutant", (NumpyBackend,), {"name": "mutant", **members})()
    with pytest.raises(AssertionError, match=message):
        check_backend(mutant, quick=True)


def test_what_is_no_backend_is_found():
    with pytest.raises(AssertionError, match=r"without name, correlate, gather, scatter$"):
        check_backend(object())


def test_a_failure_names_backend_problem_map_type_and_place():
    mutant = type("Mutant", (NumpyBackend,), {"name": "mutant", "gather": without_bias})()
    with pytest.raises(AssertionError) as failure:
        check_backend(mutant, quick=True)
    text = str(failure.value)
    assert text.startswith("backend 'mutant', a single product, float32: gather with a bias is wrong at 1 of 1 elements")
    assert "Problem(batch=1, groups=1" in text


def test_problems_that_are_refused_are_counted_by_their_reason():
    def why_not(self, problem):
        return "float32 only" if problem.dtype == np.float64 else None

    report = check_backend(type("Single", (NumpyBackend,), {"name": "single", "why_not": why_not})(), quick=True)
    assert isinstance(report, Report)
    assert report.refused == {"float32 only": report.checked}
    assert set(report.largest_error) == {"float32"}
    assert 0 < report.largest_error["float32"] < 1e-6


def test_a_tighter_tolerance_finds_rounding():
    with pytest.raises(AssertionError, match="is wrong"):
        check_backend("numpy", quick=True, tolerance=0.01)


def test_an_unknown_backend_is_a_lookup_error():
    with pytest.raises(LookupError, match=r"^backend must be one of .*, got 'none'"):
        check_backend("none")


def test_random_problems_are_valid_and_different():
    rng = np.random.default_rng(0)
    problems = {random_problem(rng) for _ in range(50)}
    assert len(problems) == 50
    assert {len(problem.stride) for problem in problems} == {1, 2, 3}
    assert all(min(*problem.fine_shape, *problem.coarse_shape) >= 1 for problem in problems)


def test_make_problem_computes_the_fine_size():
    problem = make_problem((5, 3), (4, 2), stride=2, crop=((1, 1), (0, -1)), extra=(1, 0), channels=(6, 4), groups=2)
    assert problem.fine_shape == (11, 7)
    assert problem.padding == (1, 0)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_windows_have_their_form_and_see_writes_around_them(form):
    window = Window((2, 3, 4, 5), np.float32, form)
    assert window.array.shape == (2, 3, 4, 5)
    assert np.isnan(window.array).all()
    window.array[...] = 3
    assert window.surroundings_untouched()
    assert (window.array == 3).all()
    if form.margin:
        window.array.base.flat[0] = 5
        assert not window.surroundings_untouched()
