"""choice: what the command line's words stand for."""

import sys

import pytest

from convt.bench.cases import CASES
from convt.bench.choice import cores, select_cases, threads_or_all
from convt.bench.peers import PACKAGES, load
from convt.optional import MissingPackage


def test_all_cases_by_default():
    assert [case.name for case in select_cases()] == list(CASES)


def test_names_and_families_in_the_order_of_the_list():
    names = [case.name for case in select_cases(["tiny-1d, fsrcnn", "fcn-8,fcn-8"])]
    assert names == ["fcn-8", "fsrcnn-x2", "fsrcnn-x3", "fsrcnn-x4", "tiny-1d"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("dcgan-6", r"--list shows, got 'dcgan-6'; did you mean 'dcgan-\w+'\?"),
        ("FSRCNN", "did you mean 'fsrcnn"),
        ("xyz", "must be names or families that --list shows, got 'xyz'$"),
    ],
)
def test_an_unknown_case_is_an_error(word, message):
    with pytest.raises(LookupError, match=message):
        select_cases([word])


def test_all_cores_by_default():
    assert threads_or_all(None) == cores() >= 1


@pytest.mark.parametrize("threads", [0, -1, 10_000])
def test_threads_are_cores(threads):
    with pytest.raises(ValueError, match=rf"threads must be from 1 to {cores()}, the cores .*, got {threads}"):
        threads_or_all(threads)


def test_no_peers():
    assert load(["none"], 1) == []


def test_an_unknown_peer_is_an_error():
    with pytest.raises(LookupError, match=r"peers must be among torch, .*, got 'pytorch'; did you mean 'torch'\?"):
        load(["pytorch"], 1)


@pytest.mark.parametrize("name", PACKAGES)
def test_a_peer_that_is_not_installed_is_an_error_only_if_asked_for(name, monkeypatch):
    monkeypatch.setattr("convt.bench.peers.find_spec", lambda _: None)
    assert load(None, 1) == []
    for package in PACKAGES[name]:
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=rf"the peer {name} needs {name}.*: pip install "):
        load([name], 1)
