"""Peers are loaded by name, those that are installed by default; here from modules that pretend to be them."""

import sys
from types import ModuleType

import pytest

from convt.bench import peers
from convt.optional import MissingPackage


class Contender:
    def __init__(self, threads):
        self.threads = threads


@pytest.fixture
def pretended(monkeypatch):
    """A peer that is there, and one that is not."""
    module = ModuleType("convt.bench.peers.abacus")
    module.Contender = Contender
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(peers, "PACKAGES", {"abacus": ["json"], "absent": ["no_such_package"]})


@pytest.mark.parametrize(("names", "loaded"), [([], 1), (["abacus"], 1), (["none"], 0), (["abacus,none"], 1)])
def test_what_is_named_or_installed_is_loaded_with_its_threads(pretended, names, loaded):
    made = peers.load(names, 3)
    assert [type(peer) for peer in made] == [Contender] * loaded
    assert all(peer.threads == 3 for peer in made)


def test_a_peer_that_is_not_installed_is_an_error_if_it_is_named(pretended):
    with pytest.raises(MissingPackage, match="the peer absent needs"):
        peers.load(["absent"], 1)


def test_an_unknown_peer_is_an_error(pretended):
    with pytest.raises(LookupError, match="peers must be among abacus, absent and none, got 'abaku'"):
        peers.load(["abaku"], 1)
