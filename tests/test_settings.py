"""`convt.options`: what it sets, for whom, and for how long."""

import contextvars
import threading
from functools import cached_property
from math import inf, nan

import numpy as np
import pytest

import convt
from convt.backend import Settings, lent_threads, most_threads, requested_threads, settings
from convt.matconvnet import vl_nnconv, vl_nnconvt
from convt.matconvnet.functions import _CONV, _CONV_TRANSPOSE
from convt.matconvnet.options import CudnnSettings
from convt.numpy_backend import backend as numpy_backend
from convt.settings import changed_settings

X, F = np.ones((3, 3)), np.ones((2, 2))


@pytest.fixture(autouse=True)
def _defaults(monkeypatch):
    monkeypatch.delenv("CONVT_WORKSPACE_LIMIT", raising=False)
    for function in (_CONV_TRANSPOSE, _CONV):
        monkeypatch.setattr(function.cudnn, "enabled", None)
        monkeypatch.setattr(function.cudnn, "workspace_limit", None)


@pytest.fixture
def seen(install):
    """The settings that a backend has seen, call by call."""

    class Spy:
        name = "spy"
        priority = 1000
        why_not = numpy_backend.why_not
        owns = numpy_backend.owns

        def __init__(self):
            self.settings = []

        def _note(self, data_map, *arguments):
            self.settings.append(settings())
            getattr(numpy_backend, data_map)(*arguments)

        def scatter(self, *arguments):
            self._note("scatter", *arguments)

        def gather(self, *arguments):
            self._note("gather", *arguments)

        def correlate(self, *arguments):
            self._note("correlate", *arguments)

    spy = Spy()
    install(spy=spy)
    return spy.settings


def test_defaults_are_safe():
    assert settings() == Settings(512 * 2**20, False, True, False, True, None, False, None)
    assert requested_threads() is None


def test_blocks_add_up_and_end():
    with convt.options(autotune=True, workspace_limit=100):
        with convt.options(workspace_limit=inf, deterministic=False):
            assert settings() == Settings(workspace_limit=inf, deterministic=False, autotune=True)
        assert settings() == Settings(workspace_limit=100, autotune=True)
    assert settings() == Settings()


def test_no_bridge_limits_threads():
    with convt.options(threads=3):
        assert most_threads() is None
        assert lent_threads() is None


def test_threads_are_told_twice():
    with convt.options(threads=np.int8(3)):
        assert settings().threads == requested_threads() == 3
        with convt.options(device=1):
            assert settings().threads == requested_threads() == 3
        with convt.options(threads=1024):
            assert settings().threads == requested_threads() == 1024
        with pytest.raises(KeyError), convt.options(threads=2):
            raise KeyError
        assert settings().threads == requested_threads() == 3
    assert settings().threads is requested_threads() is None


def test_a_block_ends_by_an_error_too():
    with pytest.raises(KeyError), convt.options(cudnn=False):
        raise KeyError
    assert settings().cudnn


def test_a_block_can_be_entered_again_also_while_it_is_open_and_decorate():
    block = convt.options(threads=3)
    for _ in range(2):
        with block, convt.options(threads=5):
            with block:
                assert requested_threads() == 3
            assert requested_threads() == 5
        assert requested_threads() is None
    assert block(requested_threads)() == 3
    assert requested_threads() is None


def test_a_block_that_several_threads_enter_is_each_ones_own():
    block, entered, found = convt.options(threads=3), threading.Barrier(2, timeout=10), []

    def enter():
        with convt.options(threads=7):
            with block:
                entered.wait()
            entered.wait()
            found.append(requested_threads())

    threads = [threading.Thread(target=enter) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [7, 7]


def test_a_block_ends_where_it_began():
    block = convt.options(threads=3)
    block.__enter__()
    try:
        with pytest.raises(
            RuntimeError, match=r"^convt\.options\(threads=3\) must end in the thread or task in which it began$"
        ):
            contextvars.Context().run(block.__exit__)
    finally:
        block.__exit__()
    assert requested_threads() is None


def test_a_block_shows_what_it_sets():
    block = convt.options(deterministic=np.False_, threads=np.int8(3), workspace_limit=inf, cudnn=None)
    assert repr(block) == "convt.options(deterministic=False, workspace_limit=inf, threads=3)"
    assert repr(convt.options()) == "convt.options()"


def test_other_threads_do_not_see_them():
    found = []
    with convt.options(allow_tf32=True):
        thread = threading.Thread(target=lambda: found.append(settings().allow_tf32))
        thread.start()
        thread.join()
    assert found == [False]


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("1e9", 1e9), ("inf", inf), ("", 512 * 2**20)])
def test_the_environment_sets_the_limit_where_no_block_does(monkeypatch, text, limit):
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", text)
    assert settings().workspace_limit == limit
    with convt.options(workspace_limit=7):
        assert settings().workspace_limit == 7


@pytest.mark.parametrize("text", ["much", "-1", "nan", "1 GB"])
def test_a_limit_that_is_none(monkeypatch, text):
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", text)
    with pytest.raises(ValueError, match=f"^CONVT_WORKSPACE_LIMIT must be a number of bytes or 'inf', got '{text}'$"):
        settings()


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"workspace_limit": -1}, ValueError, "workspace_limit must be at least 0, got -1"),
        ({"workspace_limit": nan}, ValueError, "workspace_limit must be at least 0, got nan"),
        ({"workspace_limit": "1 GB"}, TypeError, "workspace_limit must be a number of bytes, inf for no limit, got '1 GB'"),
        ({"workspace_limit": [1]}, TypeError, r"workspace_limit must be a number of bytes, inf for no limit, got \[1\]"),
        ({"workspace_limit": True}, TypeError, "workspace_limit must be a number of bytes, inf for no limit, got True"),
        ({"autotune": 1}, TypeError, "autotune must be True or False, got 1"),
        ({"allow_tf32": "yes"}, TypeError, "allow_tf32 must be True or False, got 'yes'"),
        ({"device": -1}, ValueError, "device must be at least 0, got -1"),
        ({"device": 0.5}, TypeError, "device must be an integer, got 0.5"),
        ({"threads": 0}, ValueError, "threads must be an integer from 1 to 1024, got 0"),
        ({"threads": 1025}, ValueError, "threads must be an integer from 1 to 1024, got 1025"),
        ({"threads": 2.0}, TypeError, "threads must be an integer from 1 to 1024, got 2.0"),
        ({"threads": True}, TypeError, "threads must be an integer from 1 to 1024, got True"),
        ({"threads": "2"}, TypeError, "threads must be an integer from 1 to 1024, got '2'"),
    ],
)
def test_bad_values_are_refused(given, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        convt.options(**given)
    assert settings() == Settings()
    assert requested_threads() is None


def test_a_backend_reads_them_during_a_call(seen):
    with convt.options(device=1, verbose=True):
        convt.conv_transpose(np.ones((1, 1, 3)), np.ones((1, 1, 2)))
    assert seen == [Settings(device=1, verbose=True)]


def test_settings_know_their_hash_without_a_lock():
    """Before Python 3.12, a cached property holds one, which a forked child may never get."""
    made = Settings(threads=3)
    assert hash(made) == vars(made)["_hash"] == hash(Settings(threads=3))
    assert not any(isinstance(each, cached_property) for each in vars(Settings).values())


def test_matconvnets_options_reach_the_backend_and_stick(seen):
    vl_nnconvt(X, F, [])
    vl_nnconvt(X, F, [], "NoCuDNN", "CudnnWorkspaceLimit", inf)
    vl_nnconvt(X, F, [])
    vl_nnconv(X, F, [])
    vl_nnconvt(X, F, [], "CuDNN")
    assert [(each.cudnn, each.workspace_limit) for each in seen] == [
        (True, 512 * 2**20),
        (False, inf),
        (False, inf),
        (True, 512 * 2**20),
        (True, inf),
    ]


def test_what_matconvnets_options_have_not_set_is_left_to_the_block(seen):
    with convt.options(cudnn=False, workspace_limit=5):
        vl_nnconvt(X, F, [])
        vl_nnconvt(X, F, [], "CudnnWorkspaceLimit", 6)
    assert [(each.cudnn, each.workspace_limit) for each in seen] == [(False, 5), (False, 6)]


def test_matconvnets_verbose_is_the_backends_too(seen, capsys):
    vl_nnconvt(X, F, [], "Verbose")
    vl_nnconvt(X, F, [])
    assert [each.verbose for each in seen] == [True, False]
    assert "cuDNN on, workspace limit 512 MB" in capsys.readouterr().out


def test_nothing_is_set_in_matconvnets_settings_at_first():
    assert CudnnSettings() == CudnnSettings(None, None)


def test_what_blocks_have_changed():
    assert changed_settings() == ()
    with convt.options(threads=2), convt.options(verbose=True):
        assert dict(changed_settings()) == {"threads": 2, "verbose": True}
    assert changed_settings() == ()
