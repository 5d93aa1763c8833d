"""Arrays of other libraries are found by the package of their class; who says to know them must."""

import inspect
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tanks import Kind, Tank, Vat, check, tanks

import convt
from convt.core import containers
from convt.core.containers import GROUP, Containers


def test_a_rule_of_the_kind_names_the_argument(register, arrays):
    kind = Kind(Tank)

    def take(x):
        if x.held.ndim == 1:
            raise ValueError("must be full, got an empty one")
        return x.held

    kind.take = take
    register(tank=kind)
    with pytest.raises(ValueError, match=r"^bias must be full, got an empty one$"):
        convt.conv_transpose(**tanks(arrays))


def test_a_type_that_numpy_cannot_compute_with(tank):
    with pytest.raises(TypeError, match=r"^x\.dtype must be a bool, .* type, got <U4$"):
        convt.conv(Tank(["text"]), np.ones((1, 1, 1)))


def test_a_kind_that_fails_to_import(register, monkeypatch):
    register(tank="no_such_module.tank")
    for _ in range(2):
        with pytest.raises(
            TypeError,
            match=r"^arrays of 'tank' must come with no_such_module\.tank, got ModuleNotFoundError: ",
        ):
            convt.upsample(Tank(np.ones(3)), 2)


@pytest.mark.parametrize("name", ["accepts", "take", "give"])
def test_a_kind_that_lacks_a_function(register, name):
    register(tank=Kind(Tank))
    sys.modules["kind_of_tank"].__dict__[name] = "no function"
    with pytest.raises(
        TypeError,
        match=rf"^kind_of_tank \(for arrays of 'tank'\) must have the functions accepts, take, give, got none named {name}$",
    ):
        convt.upsample(Tank(np.ones(3)), 2)


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("conv_transpose", ["w"]),
        ("conv", ["w"]),
        ("conv_transpose_backward", ["w", None, "dy"]),
        ("conv_backward", ["w", None, "dy"]),
        ("upsample", [2]),
        ("upsample_backward", [2]),
        ("max_pool", [2]),
        ("max_pool_backward", ["indices", 2]),
        ("max_unpool", ["indices", 2]),
    ],
)
def test_a_kind_with_functions_of_its_own(register, name, others):
    """It is told every argument, and may leave a call to convt."""
    kind, asked = Kind(Tank), []

    def call(function, x, arguments):
        asked.append((function, x, set(arguments)))
        return answer

    kind.call = call
    register(tank=kind)
    x, answer = Tank([[1.0, 2.0]]), "made"
    assert getattr(convt, name)(x, *others) == "made"
    _first, *rest = inspect.signature(getattr(convt, name)).parameters
    assert asked == [(name, x, set(rest))]
    if name == "upsample":
        answer = NotImplemented
        check(convt.upsample(x, 2), convt.upsample(x.held, 2))


def test_filters_stay_filters_for_a_kind_with_functions_of_its_own(register):
    kind = Kind(Tank)
    kind.call = lambda function, x, arguments: arguments["w"]
    register(tank=kind)
    w = convt.Filters(np.ones((1, 1, 1)))
    for found in (convt.conv(Tank([[1.0]]), w), convt.conv_backward(Tank([[1.0]]), w, None, [[1.0]])):
        assert isinstance(found, convt.Filters)
        assert found.array is w.array


def test_a_kind_whose_accepts_raises(register):
    kind = Kind(Tank)
    kind.accepts = lambda x: x.nothing
    register(tank=kind)
    with pytest.raises(
        TypeError,
        match=r"^accepts\(\) of kind_of_tank \(.*\) must tell whether it takes a Tank, got AttributeError: ",
    ):
        convt.upsample(Tank(np.ones(3)), 2)


@pytest.mark.parametrize("taken", [[1.0, 2.0], None, np.ma.ones(3), np.float32(1)])
def test_a_kind_that_takes_no_array(register, taken):
    kind = Kind(Tank)
    kind.take = lambda x: taken
    register(tank=kind)
    with pytest.raises(
        TypeError,
        match=rf"^take\(\) of kind_of_tank \(for .*\) must return a numpy\.ndarray for x, got {type(taken).__name__}$",
    ):
        convt.upsample(Tank(np.ones(3)), 2)


def test_a_kind_whose_take_or_give_fails(register):
    kind = Kind(Tank)
    kind.give = lambda array, like: 1 / 0
    register(tank=kind)
    with pytest.raises(
        TypeError,
        match=r"^the result must become a Tank by kind_of_tank .*, got float64 of \(6,\) \(ZeroDivisionError: .*\)$",
    ):
        convt.upsample(Tank(np.ones(3)), 2)
    kind.take = lambda x: x.nothing
    register(tank=kind)
    with pytest.raises(
        TypeError, match=r"^x must be an array that kind_of_tank .* can take, got a Tank \(AttributeError: .*\)$"
    ) as raised:
        convt.upsample(Tank(np.ones(3)), 2)
    assert isinstance(raised.value.__cause__, AttributeError)


@pytest.mark.parametrize("name", ["take", "give"])
def test_a_kind_without_memory(register, name):
    def fail(*arguments):
        raise MemoryError("no room")

    kind = Kind(Tank)
    setattr(kind, name, fail)
    register(tank=kind)
    with pytest.raises(MemoryError, match=r"^no room$"):
        convt.upsample(Tank(np.ones(3)), 2)


def test_what_a_kind_does_not_accept_goes_numpys_way(register):
    kind = Kind(())
    register(tank=kind)

    class Open(Tank):
        def __array__(self, *args, **kwargs):
            return self.held

    y = convt.upsample(Open([1.0, 2.0]), 2)
    assert type(y) is np.ndarray


def test_one_library_may_have_several_packages(register, arrays):
    kind = Kind((Tank, Vat))
    register(tank=kind)
    sys.modules["kind_of_tank"].__dict__["give"] = lambda array, like: Vat(array)
    containers._installed = Containers([EntryPoint(name, "kind_of_tank", GROUP) for name in ("tank", "vat")])
    check(convt.conv_transpose(Vat(arrays["x"]), Tank(arrays["w"])), convt.conv_transpose(arrays["x"], arrays["w"]), Vat)


def test_two_packages_with_one_name_are_a_warning_and_the_first_stays():
    points = [EntryPoint("tank", value, GROUP) for value in ("first", "second", "first")]
    with pytest.warns(RuntimeWarning, match=r"^two packages register arrays of 'tank': first is used, second is not$"):
        Containers(points)


@pytest.mark.parametrize("values", [("convt.kinds.tank", "theirs"), ("theirs", "convt.kinds.tank")])
def test_a_module_of_convts_own_stays(values):
    points = [EntryPoint("tank", value, GROUP) for value in values]
    with pytest.warns(RuntimeWarning, match=r"'tank': convt\.kinds\.tank is used, theirs is not$"):
        assert Containers(points)._points["tank"].value == "convt.kinds.tank"


def test_no_more_than_some_types_are_remembered(tank):
    known = containers._containers()
    made = [type(f"Tank{number}", (Tank,), {}) for number in range(200)]
    for kind in made:
        assert containers.container_of(kind([1.0])).name == "tank"
    assert len(known._known) <= containers._MOST_TYPES


def test_a_type_is_looked_up_once(tank, monkeypatch):
    containers.container_of(Tank([1.0]))
    monkeypatch.setattr(Containers, "_find", None)
    assert containers.container_of(Tank([2.0])).name == "tank"


class Api:
    """An array of the standard's, of a library that nobody has registered."""

    __module__ = "standard.arrays"
    device = "cpu"

    def __init__(self, held):
        self.held = held

    def __array_namespace__(self):
        return ModuleNamespace

    def __dlpack__(self, **options):
        return self.held.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.held.__dlpack_device__()

    def __setitem__(self, index, value):
        self.held[index] = value.held


class ModuleNamespace:
    @staticmethod
    def from_dlpack(array):
        return Api(np.from_dlpack(array))


def test_arrays_of_the_array_api_need_no_module(register, arrays):
    register()
    check(convt.conv_transpose(**tanks(arrays, Api)), convt.conv_transpose(**arrays), Api)
    memory = np.empty((2, 3, 7))
    out = Api(memory)
    assert convt.conv_transpose(**tanks(arrays, Api), out=out) is out
    assert_array_equal(memory, convt.conv_transpose(**arrays))


def test_two_libraries_of_the_array_api_are_two_kinds(register, arrays):
    class Other(Api):
        __module__ = "another"

    register()
    with pytest.raises(
        TypeError, match=r"^w must be a Api of standard, as the first array is, or a NumPy array, got a Other "
    ):
        convt.conv_transpose(Api(arrays["x"]), Other(arrays["w"]))


def test_a_lazy_array_of_the_array_api_is_not_loaded(register):
    class Lazy:
        __module__ = "lazy"
        __array__ = Tank.__array__

        def __array_namespace__(self):
            return ModuleNamespace

    register()
    with pytest.raises(TypeError, match=r"^x must give its memory away by __dlpack__, got a Lazy of lazy without "):
        convt.upsample(Lazy(), 2)


def test_what_dask_would_compute_is_not_loaded():
    class Labelled:
        def __init__(self, graph):
            self.graph = graph

        def __dask_graph__(self):
            return self.graph

        def __array__(self, *args, **kwargs):
            assert self.graph is None
            return np.ones(3)

    with pytest.raises(TypeError, match=r"^x must not be lazy, got a Labelled that dask would compute \(load it first\)$"):
        convt.upsample(Labelled({}), 2)
    assert_array_equal(convt.upsample(Labelled(None), 2), np.ones(6))


def test_scalars_and_subclasses_of_numpys_arrays_are_numpys(register, arrays, tmp_path):
    class Mine(np.ndarray):
        __module__ = "tank"

    register(tank="no_such_module")
    expected = convt.conv(arrays["x"], np.ones((1, 4, 3)))
    memmap = np.memmap(tmp_path / "x", "f8", "w+", shape=arrays["x"].shape)
    memmap[...] = arrays["x"]
    for x in (arrays["x"].view(Mine), memmap):
        assert type(convt.conv(x, np.ones((1, 4, 3)))) is np.ndarray
        assert_array_equal(convt.conv(x, np.ones((1, 4, 3))), expected)
    with pytest.raises(TypeError, match=r"^x must be a plain array, got a masked array"):
        convt.conv(np.ma.masked_less(arrays["x"], 0), np.ones((1, 4, 3)))
