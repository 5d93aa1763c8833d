"""The fuzzer finds each planted error soon, and the case that it names fails because of the error alone."""

import pytest

from .case import run_case
from .children import explore
from .planted import ERRORS, planted

SEED = 5
MOST = 250  # cases


def test_cases_are_the_same_each_time():
    first, again = (run_case(SEED, 3) for _ in range(2))
    assert first.words == again.words


@pytest.mark.parametrize("name", [name for name, error in ERRORS.items() if not error.ends])
def test_wrong_results_are_found(name):
    for number in range(MOST):
        with planted(name):
            found = run_case(SEED, number).failure
        if found and not run_case(SEED, number).failure:
            return
    pytest.fail("not found")


@pytest.mark.parametrize(
    ("name", "word"), [("crash", "SIGSEGV"), ("hang", "did not end"), ("reads outside", "SIGSEGV"), ("writes outside", "")]
)
def test_what_ends_the_process_or_never_returns_is_found(name, word):
    found = explore(SEED, cases=MOST, failures=1, plant=name, hangs=10 if name == "hang" else 60)
    blamed = [failure for failure in found.failures if word in failure.reason and not run_case(SEED, failure.number).failure]
    assert blamed
    if name in ("crash", "hang"):
        assert "planted.py" in blamed[0].words  # where it was


def test_all_goes_on_behind_a_crash():
    found = explore(SEED, cases=12, failures=100, plant="crash")
    assert found.cases == 12
    assert sum("SIGSEGV" in failure.reason for failure in found.failures) > 1
