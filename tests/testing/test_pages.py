"""Arrays beside unreadable pages: a backend that touches them ends the process, here a child's."""

import signal
from pathlib import Path

import pytest
from page_mutants import TABLE
from scripts import run_script

from convt.testing.memory import FORMS
from convt.testing.pages import CAN_PROTECT, between_pages

pytestmark = pytest.mark.skipif(not CAN_PROTECT, reason="this system protects no pages")

FAULTS = {-signal.SIGSEGV, -signal.SIGBUS}
CHECK = f"""
import faulthandler, sys
sys.path.insert(0, {str(Path(__file__).parents[1] / "support")!r})
from page_mutants import TABLE
from convt.testing import check_backend, checks, memory, sampling
faulthandler.enable()
def check(topic, mutant):
    check_backend(mutant(), quick=True, topics=[topic])
"""
WITHOUT_PAGES = """
checks.FORMS = sampling.FORMS = tuple(form for form in memory.FORMS if not form.page)
for row in TABLE:
    check(*row)
"""


@pytest.mark.parametrize("number", range(len(TABLE)), ids=[mutant.__name__ for _topic, mutant in TABLE])
def test_a_backend_that_touches_what_lies_beside_an_array_is_caught(number):
    done = run_script(CHECK + f"check(*TABLE[{number}])")
    assert done.returncode in FAULTS
    assert "page_mutants.py" in done.stderr  # faulthandler tells where


def test_nothing_else_catches_it():
    done = run_script(CHECK + WITHOUT_PAGES)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("size", [1, 24, 4096, 5000])
def test_all_the_bytes_can_be_used(size, at_end):
    memory = between_pages(size, at_end=at_end)
    memory[...] = 7
    assert memory.shape == (size,)
    assert (memory == 7).all()


def test_the_kit_asks_for_arrays_at_either_end_and_in_two_orders():
    assert {(form.page, form.order) for form in FORMS} >= {("before", "C"), ("behind", "C"), ("behind", "channels last")}
    assert all(form.margin == 0 and form.step == 1 for form in FORMS if form.page)


@pytest.mark.parametrize(("at_end", "place"), [(False, -1), (True, 40)])
def test_the_byte_outside_cannot_be_read(at_end, place):
    script = f"""
import ctypes
from convt.testing.pages import between_pages
memory = between_pages(40, at_end={at_end})
inside = ctypes.c_char.from_address(memory.ctypes.data + (39 if {at_end} else 0)).value
print("inside", flush=True)
ctypes.c_char.from_address(memory.ctypes.data + {place}).value
print("outside")
"""
    done = run_script(script)
    assert done.stdout == "inside\n"
    assert done.returncode in FAULTS
