"""The registry, on hand-made entry points."""

import sys
import threading
from importlib.metadata import EntryPoint
from warnings import catch_warnings, simplefilter

import pytest
from fakes import Recorder

import convt
from convt.backend import BackendUnavailable
from convt.entry_points import EntryPoint as FolderPoint
from convt.registry import DEVICE_GROUP, GROUP, Registry

X, W = [[[1.0, 2.0]]], [[[1.0, 2.0]]]


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write an importable module of that source; its name."""
    monkeypatch.syspath_prepend(tmp_path)

    def write(name, source):
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    yield write
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_listing_imports_nothing(install, module):
    name = module("plugin_listed", "raise SystemExit('imported')")
    known = install(listed=f"{name}:backend", another="no_such_module:backend")
    assert known.names() == ["another", "listed"]
    assert name not in sys.modules


def test_a_backend_is_imported_when_it_is_asked_for_and_no_other(install, module):
    wanted = module("plugin_wanted", "from fakes import Recorder\nbackend = Recorder('wanted')")
    other = module("plugin_other", "raise SystemExit('imported')")
    install(wanted=f"{wanted}:backend", other=f"{other}:backend")
    convt.conv(X, W, backend="wanted")
    assert wanted in sys.modules
    assert other not in sys.modules


def test_a_failing_import_happens_once_and_is_told_every_time(install, module):
    module("plugin_counter", "imports = []")
    name = module("plugin_broken", "import plugin_counter\nplugin_counter.imports.append(1)\nimport libmissing")
    known = install(broken=f"{name}:backend")
    messages = []
    for _ in range(3):
        with catch_warnings(record=True) as warned, pytest.raises(BackendUnavailable) as failure:
            known.get("broken")
        assert [str(each.message) for each in warned] == ([] if messages else [str(failure.value)])
        messages.append(str(failure.value))
        assert isinstance(failure.value.__cause__, ModuleNotFoundError)
    assert set(messages) == {
        "backend 'broken' (plugin_broken:backend) cannot be used: ModuleNotFoundError: No module named 'libmissing'"
    }
    assert sys.modules["plugin_counter"].imports == [1]
    assert not known.state("broken").usable
    assert known.state("broken").reason == messages[0]


@pytest.mark.filterwarnings("error")
def test_the_plugins_own_words_are_told_as_they_are(install, module):
    source = "from convt import BackendUnavailable\ndef backend(): raise BackendUnavailable('no GPU: pip install a-gpu')"
    known = install(broken=f"{module('plugin_words', source)}:backend")
    with pytest.raises(BackendUnavailable, match=r"^backend 'broken' \(.*\) cannot be used: no GPU: pip install a-gpu$"):
        known.get("broken")


NEEDED = ("name", "scatter", "gather", "correlate")


@pytest.mark.filterwarnings("ignore:backend")
@pytest.mark.parametrize("missing", NEEDED)
def test_a_backend_that_lacks_a_member_cannot_be_used(install, missing):
    members = {member: getattr(Recorder("partial"), member) for member in NEEDED if member != missing}
    known = install(partial=type("Partial", (), members)())
    with pytest.raises(
        BackendUnavailable, match=f"a backend must have the members of convt.Backend, got .* without {missing}$"
    ):
        known.get("partial")


@pytest.mark.filterwarnings("ignore:backend")
@pytest.mark.parametrize(
    ("plugin", "cause"),
    [
        (Recorder("another"), "ValueError: a backend's name must equal its entry point's 'mine', got 'another'"),
        (Recorder("mine", priority="high"), "TypeError: a backend's priority must be an integer, got 'high'"),
        (None, "TypeError: a backend must have the members of convt.Backend, got None without name, .*"),
        (lambda: 3, "TypeError: a backend must have the members of convt.Backend, got 3 without name, .*"),
        (lambda wrong: 3, "TypeError: .*missing 1 required positional argument: 'wrong'"),
        ("no_such_module:backend", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("fakes:no_such_attribute", "AttributeError: module 'fakes' has no attribute 'no_such_attribute'"),
    ],
    ids=str,
)
def test_what_is_no_backend_cannot_be_used(install, plugin, cause):
    with pytest.raises(BackendUnavailable, match=rf"^backend 'mine' \(.*\) cannot be used: {cause}$"):
        install(mine=plugin).get("mine")


@pytest.mark.parametrize(
    "factory", [lambda: Recorder("mine"), type("Mine", (Recorder,), {"__init__": lambda s: Recorder.__init__(s, "mine")})]
)
def test_a_function_or_a_class_makes_the_backend_once(install, factory):
    known = install(mine=factory)
    assert known.get("mine").name == "mine"
    assert known.get("mine") is known.get("mine")


def test_threads_that_ask_at_once_get_the_same_backend(install, module):
    module("plugin_counter", "imports = []")
    source = """
import time
import plugin_counter
from fakes import Recorder

def backend():
    plugin_counter.imports.append(1)
    time.sleep(0.05)
    return Recorder("slow")
"""
    known = install(slow=f"{module('plugin_slow', source)}:backend")
    found = []
    threads = [threading.Thread(target=lambda: found.append(known.get("slow"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1
    assert sys.modules["plugin_counter"].imports == [1]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("nunpy", "; did you mean 'numpy'?"),
        ("NumPy", "; did you mean 'numpy'?"),
        ("Cuda", "; did you mean 'cuda'?"),
        ("tpu9", ""),
    ],
)
def test_an_unknown_name_is_told_the_known_ones_and_the_likely_one(install, name, hint):
    known = install(numpy=Recorder("numpy"), cuda=Recorder("cuda"))
    with pytest.raises(LookupError) as error:
        known.get(name)
    assert str(error.value) == f"backend must be one of ['cuda', 'numpy'], got {name!r}{hint}"


@pytest.mark.filterwarnings("ignore:backend .* cannot be used:RuntimeWarning")
def test_two_packages_with_one_name_are_a_warning_and_the_first_stays():
    first, second = EntryPoint("mine", "fakes:first", GROUP), EntryPoint("mine", "fakes:second", GROUP)
    with pytest.warns(
        RuntimeWarning, match="two packages register the backend 'mine': fakes:first is used, fakes:second is not"
    ):
        known = Registry([first, second])
    assert known.names() == ["mine"]
    with pytest.raises(BackendUnavailable, match="'first'"):
        known.get("mine")


def test_a_warning_of_a_taken_name_tells_the_distributions(tmp_path):
    points = []
    for package in ("good", "greedy"):
        folder = tmp_path / f"{package}-2.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.0\n")
        points.append(FolderPoint("mine", f"{package}:backend", GROUP, str(folder)))
    with pytest.warns(
        RuntimeWarning,
        match=r"the backend 'mine': good:backend of good 2\.0 is used, greedy:backend of greedy 2\.0 is not$",
    ):
        Registry(points)


@pytest.mark.filterwarnings("error")
def test_one_entry_point_listed_twice_is_no_warning():
    point = EntryPoint("mine", "fakes:first", GROUP)
    assert Registry([point, point]).names() == ["mine"]


@pytest.mark.filterwarnings("ignore:backend .* cannot be used:RuntimeWarning")
def test_the_usable_ones_are_ranked_by_priority(install):
    known = install(
        low=Recorder("low", -5), broken="no_such_module:backend", high=Recorder("high", 9), mid=Recorder("mid", 1)
    )
    assert [backend.name for backend in known.ranked()] == ["high", "mid", "low"]


def test_a_plugin_that_nobody_asks_for_fails_with_a_warning(install):
    install(good=Recorder("good"), broken="no_such_module:backend")
    with pytest.warns(RuntimeWarning, match=r"^backend 'broken' \(no_such_module:backend\) cannot be used: ModuleNotFound"):
        convt.conv(X, W)
    with catch_warnings():
        simplefilter("error")
        convt.conv(X, W)


@pytest.mark.filterwarnings("error")
def test_a_plugin_that_says_that_it_cannot_be_used_here_is_passed_over_in_silence(install):
    def absent():
        raise BackendUnavailable("no GPU")

    good = Recorder("good")
    install(good=good, absent=absent)
    convt.conv(X, W)
    assert good.calls == ["gather"]


def test_what_is_registered_for_a_device_is_no_host(install, module):
    value = f"{module('plugin_device', 'raise SystemExit()')}:backend"
    known = install(EntryPoint("device", value, DEVICE_GROUP), low=Recorder("low", -5), high=Recorder("high", 9))
    assert [backend.name for backend in known.hosts()] == ["high", "low"]
    assert known.names() == ["device", "high", "low"]


def test_a_device_may_be_registered_in_both_groups():
    both = [EntryPoint("device", "fakes:device", group) for group in (GROUP, DEVICE_GROUP)]
    assert Registry(both).names() == ["device"]
    assert Registry(both).hosts() == []


@pytest.mark.filterwarnings("ignore:two packages register")
def test_nobody_makes_a_host_a_device(install):
    mine = Recorder("mine")
    install(mine=mine)
    points = [EntryPoint("mine", "plugin_mine:backend", GROUP), EntryPoint("mine", "fakes:another", DEVICE_GROUP)]
    assert Registry(points).hosts() == [mine]


@pytest.mark.filterwarnings("ignore:backend .* cannot be used:RuntimeWarning")
def test_backends_tells_the_state_of_each(install):
    install(good=Recorder("good", 3), bad="no_such_module:backend")
    states = convt.backends()
    assert list(states) == ["bad", "good"]
    assert (states["good"].usable, states["good"].reason, states["good"].priority) == (True, None, 3)
    assert states["good"].source == "plugin_good:backend"
    assert (states["bad"].usable, states["bad"].priority) == (False, None)
    assert "No module named 'no_such_module'" in states["bad"].reason


def test_installed_plugins_are_named_with_their_distribution():
    assert convt.backends()["numpy"].source == f"convt.numpy_backend:backend of convt {convt.__version__}"
