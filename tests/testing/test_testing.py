"""check_backend: what it reports, and how; test_mutants.py has what it finds."""

import numpy as np
import pytest
from device_mutants import Device
from sane import Sane

from convt.numpy_backend import NumpyBackend
from convt.testing import Report, check_backend, make_problem, random_problem
from convt.testing.memory import FORMS, Window

pytestmark = pytest.mark.usefixtures("remembered_definition")


def without_bias(self, problem, fine, kernel, bias, coarse):
    NumpyBackend.gather(self, problem, fine, kernel, None, coarse)


def test_what_is_no_backend_is_found():
    with pytest.raises(AssertionError, match=r"without name, correlate, gather, scatter$"):
        check_backend(object())
    with pytest.raises(AssertionError, match=r"got the class NumpyBackend \(pass an object of it: NumpyBackend\(\)\)$"):
        check_backend(NumpyBackend)


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
    assert 0.5 < report.largest_error["float32"] < 10


def test_a_tighter_tolerance_finds_rounding():
    with pytest.raises(AssertionError, match="is wrong"):
        check_backend("numpy", quick=True, tolerance=0.01)


@pytest.mark.parametrize("topics", [(), "maps", ["maps", "speed"]])
def test_topics_are_those_that_there_are(topics):
    with pytest.raises(ValueError, match=r"^topics must be some of 'maps', .*, got "):
        check_backend("numpy", topics=topics)


def test_topics_can_be_asked_one_by_one():
    reports = [
        check_backend("numpy", quick=True, topics=topics) for topics in (["threads"], {"values"}, ["values", "threads"])
    ]
    assert reports[0].checked + reports[1].checked == reports[2].checked


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


def test_on_a_device_the_questions_are_the_quick_ones():
    def checked(backend, **options):
        return check_backend(backend, topics=["hot elements"], **options).checked

    assert checked(Device()) == checked(Sane()) + checked(Sane(), quick=True)
    assert checked(Device(), quick=True) == 2 * checked(Sane(), quick=True)
