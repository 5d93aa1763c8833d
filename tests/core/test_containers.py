"""Arrays of other libraries: found by the package of their class, and given back as they came."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import convt
from convt import nn
from convt.core import containers
from convt.core.bfloat16 import BFLOAT16
from convt.core.containers import GROUP, Containers
from convt.matconvnet import vl_nnconvt


class Tank:
    """An array that only its library's module can open."""

    __module__ = "tank.arrays"

    def __init__(self, held):
        self.held = np.asarray(held)

    def __array__(self, *args, **kwargs):
        raise AssertionError("opened without its library")


class Barrel(Tank):
    """A subclass that somebody made in another package."""

    __module__ = "somebody"


class Vat:
    __module__ = "vat"

    def __init__(self, held):
        self.held = np.asarray(held)


class Kind:
    """The functions of a library; `calls` are those of `put`."""

    def __init__(self, made):
        self.made = made
        self.calls = []
        self.share = True

    def accepts(self, x):
        return isinstance(x, self.made)

    def take(self, x):
        return x.held if self.share else x.held.copy()

    def give(self, array, like):
        return type(like)(array)

    def put(self, array, out):
        self.calls.append(array)
        out.held[...] = array


@pytest.fixture
def register(monkeypatch):
    """Register modules for arrays: ``register(package=module)``; a string is an entry point's value as it is."""

    def register(**modules):
        points = []
        for name, made in modules.items():
            value = made
            if not isinstance(made, str):
                module = ModuleType(f"kind_of_{name}")
                vars(module).update({each: getattr(made, each) for each in dir(made) if not each.startswith("_")})
                monkeypatch.setitem(sys.modules, module.__name__, module)
                value = module.__name__
            points.append(EntryPoint(name, value, GROUP))
        monkeypatch.setattr(containers, "entry_points", lambda *groups: points)
        monkeypatch.setattr(containers, "_installed", None)

    return register


@pytest.fixture
def tank(register):
    kind = Kind(Tank)
    register(tank=kind, vat=Kind(Vat))
    return kind


@pytest.fixture
def arrays(rng):
    return {"x": rng.standard_normal((2, 4, 5)), "w": rng.standard_normal((4, 3, 3)), "bias": rng.standard_normal(3)}


def tanks(arrays, kind=Tank):
    return {name: kind(array) for name, array in arrays.items()}


def check(given, expected, kind=Tank):
    assert type(given) is kind
    assert given.held.dtype == expected.dtype
    assert_array_equal(given.held, expected)


def test_the_result_of_an_operator_is_of_xs_kind(tank, arrays):
    check(convt.conv_transpose(**tanks(arrays), stride=2), convt.conv_transpose(**arrays, stride=2))
    check(convt.conv(Tank(arrays["x"]), np.ones((2, 4, 3))), convt.conv(arrays["x"], np.ones((2, 4, 3))))


def test_so_are_gradients(tank, arrays):
    y = convt.conv_transpose(**arrays)
    given = convt.conv_transpose_backward(**tanks(arrays | {"dy": y}))
    for each, expected in zip(given, convt.conv_transpose_backward(**arrays, dy=y), strict=True):
        check(each, expected)
    assert convt.conv_transpose_backward(**tanks(arrays | {"dy": y}), needs="x").w is None


@pytest.mark.parametrize("seconds", [("ddx", "ddw"), ("ddx",), ("ddbias",)])
def test_so_are_gradients_of_gradients(tank, arrays, seconds):
    arrays["dy"] = convt.conv_transpose(**arrays)
    given = {"ddx": arrays["x"], "ddw": arrays["w"], "ddbias": arrays["bias"]}
    seconds = {name: given[name] if name in seconds else None for name in given}
    expected = convt.conv_transpose_double_backward(**arrays, **seconds)
    made = {name: None if array is None else Tank(array) for name, array in seconds.items()}
    for each, wanted in zip(convt.conv_transpose_double_backward(**tanks(arrays), **made), expected, strict=True):
        if wanted is None:
            assert each is None
        else:
            check(each, wanted)


def test_so_are_enlarged_and_pooled_arrays_and_indices(tank, rng):
    x = rng.standard_normal((2, 3, 4, 4)).astype("f4")
    for mode in ("nearest", "bilinear"):
        check(convt.upsample(Tank(x), 2, mode=mode), convt.upsample(x, 2, mode=mode))
        check(convt.upsample_backward(Tank(x), 2, mode=mode), convt.upsample_backward(x, 2, mode=mode))
    for indexing in ("spatial", "tensor"):
        y, indices = convt.max_pool(x, 2, indexing=indexing)
        given = convt.max_pool(Tank(x), 2, indexing=indexing)
        check(given.y, y)
        check(given.indices, indices)
        for places in (given.indices, indices):
            options = {"indexing": indexing, "output_size": 4}
            check(convt.max_unpool(given.y, places, 2, **options), convt.max_unpool(y, indices, 2, **options))
            check(convt.max_pool_backward(given.y, places, 2, **options), convt.max_pool_backward(y, indices, 2, **options))
        expected = convt.max_unpool_backward(x, indices, 2, indexing=indexing)
        check(convt.max_unpool_backward(Tank(x), given.indices, 2, indexing=indexing), expected)


def test_so_are_the_answers_of_matconvnet(tank, rng):
    x, f, b = rng.standard_normal((5, 4, 3, 2)), rng.standard_normal((3, 2, 2, 3)), rng.standard_normal(2)
    y = vl_nnconvt(x, f, b, upsample=2)
    check(vl_nnconvt(Tank(x), Tank(f), Tank(b), upsample=2), y)
    check(vl_nnconvt(Tank(x), Tank(f), [], upsample=2), vl_nnconvt(x, f, [], upsample=2))
    for given, wanted in zip(
        vl_nnconvt(Tank(x), f, Tank(b), Tank(y), upsample=2), vl_nnconvt(x, f, b, y, upsample=2), strict=True
    ):
        check(given, wanted)
    with pytest.raises(TypeError, match=r"^f must be a NumPy array, as the first array is, got a Tank of tank "):
        vl_nnconvt(x, Tank(f), b)


def test_so_are_the_results_of_layers(tank, rng):
    x = rng.standard_normal((2, 4, 5)).astype("f4")
    net, same = (
        nn.Sequential(nn.Conv1DTranspose(3, 3).initialize(rng=0), nn.ReLU(), nn.LeakyReLU(), nn.Sigmoid(), nn.Tanh())
        for _ in range(2)
    )
    y = same(x)
    check(net(Tank(x)), y)
    check(net.backward(Tank(y)), same.backward(y))
    assert_array_equal(net[0].weight.grad, same[0].weight.grad)
    assert_array_equal(net[0].bias.grad, same[0].bias.grad)
    check(net[0](Tank(x), output_size=7), same[0](x))
    check(net[0].backward(y), same[0].backward(y))  # NumPy's may follow
    with pytest.raises(TypeError, match=r"^dy must be a Tank of tank, as the first array is, or a NumPy array, got a Vat "):
        net[0].backward(Vat(y))


def test_so_are_the_products_of_an_operator(tank, rng):
    w, x = rng.standard_normal((2, 1, 3)), rng.standard_normal(8)
    given, same = convt.ConvOperator((1, 8), Tank(w)), convt.ConvOperator((1, 8), w)
    check(given @ Tank(x), same @ x)
    check(given.H @ Tank(same @ x), same.H @ (same @ x))
    check(given @ Tank(np.stack([x, x], 1)), same @ np.stack([x, x], 1))
    assert_array_equal(convt.conv_matrix((1, 8), Tank(w)).toarray(), convt.conv_matrix((1, 8), w).toarray())


def test_so_are_the_products_of_an_operator_by_their_names(tank):
    operator = convt.ConvOperator((4,), Tank([1.0, 2.0, 1.0]), padding=1)
    for product, shape in (("matvec", 4), ("rmatvec", 4), ("matmat", (4, 2)), ("rmatmat", (4, 2))):
        for each in (operator, operator.H):
            expected, made = (getattr(each, product)(kind(np.ones(shape))) for kind in (np.asarray, Tank))
            assert type(expected) is np.ndarray
            assert type(made) is Tank
            assert_array_equal(made.held, expected)


def test_numbers_of_any_kind_make_numpys_parameters_and_filters(tank):
    bits = np.full((1, 1, 2), 0x3FC0, np.uint16).view(BFLOAT16)
    layer = nn.Conv1D(1, 2).initialize(Tank(bits))
    layer(np.ones((1, 4), np.float32))
    assert_array_equal(layer.weight.data, np.full((1, 1, 2), 1.5))
    layer.weight.data = Tank(2 * np.ones((1, 1, 2)))
    assert_array_equal(layer.weight.data, np.full((1, 1, 2), 2))
    assert_array_equal(convt.filters.icnr(Tank(bits), 2), np.full((1, 1, 4), 1.5))
    with pytest.raises(AssertionError, match="x"):
        convt.testing.gradcheck(lambda x: convt.upsample(x, 2), {"x": Tank(bits)}, lambda x, dy: 2 * x)
    convt.testing.gradcheck(lambda x: convt.upsample(x, 2), {"x": Tank(bits)}, lambda x, dy: convt.upsample_backward(dy, 2))


def test_a_subclass_is_of_its_bases_kind(tank, arrays):
    check(convt.conv_transpose(**tanks(arrays, Barrel)), convt.conv_transpose(**arrays), Barrel)


@pytest.mark.parametrize("name", ["w", "bias"])
def test_other_arguments_may_be_numpys_or_lists(tank, arrays, name):
    for other in (arrays[name], arrays[name].tolist()):
        check(convt.conv_transpose(**tanks(arrays) | {name: other}), convt.conv_transpose(**arrays))


@pytest.mark.parametrize("name", ["w", "bias", "dy"])
def test_with_numpys_x_nothing_may_be_another_kind(tank, arrays, name):
    arrays["dy"] = convt.conv_transpose(**arrays)
    for x in (arrays["x"], arrays["x"].tolist()):
        with pytest.raises(
            TypeError, match=rf"^{name} must be a NumPy array, as the first array is, got a Tank of tank \(all"
        ):
            convt.conv_transpose_backward(**arrays | {"x": x, name: Tank(arrays[name])})


@pytest.mark.parametrize("name", ["w", "bias", "dy"])
def test_two_kinds_do_not_mix(tank, arrays, name):
    arrays["dy"] = convt.conv_transpose(**arrays)
    message = rf"^{name} must be a Tank of tank, as the first array is, or a NumPy array, got a Vat of vat$"
    with pytest.raises(TypeError, match=message):
        convt.conv_transpose_backward(**tanks(arrays) | {name: Vat(arrays[name])})


def test_indices_of_another_kind(tank):
    with pytest.raises(TypeError, match=r"^indices must be a NumPy array, as the first array is, got a Tank of tank"):
        convt.max_unpool(np.ones(2), Tank(np.zeros(2, int)), 2)


def test_one_library_may_have_several_packages(register, arrays):
    kind = Kind((Tank, Vat))
    register(tank=kind)
    sys.modules["kind_of_tank"].__dict__["give"] = lambda array, like: Vat(array)
    containers._installed = Containers([EntryPoint(name, "kind_of_tank", GROUP) for name in ("tank", "vat")])
    check(convt.conv_transpose(Vat(arrays["x"]), Tank(arrays["w"])), convt.conv_transpose(arrays["x"], arrays["w"]), Vat)


@pytest.mark.parametrize("share", [True, False])
@pytest.mark.parametrize("dtype", ["f2", "f8"])
def test_out(tank, arrays, share, dtype):
    tank.share = share
    arrays = {name: array.astype(dtype) for name, array in arrays.items()}
    expected = convt.conv_transpose(**arrays)
    memory = np.full_like(expected, np.nan)
    out = Tank(memory)
    assert convt.conv_transpose(**tanks(arrays), out=out) is out
    assert_array_equal(memory, expected)
    assert [np.may_share_memory(array, memory) for array in tank.calls] == [share]
    assert convt.conv_transpose(**tanks(arrays), out=memory) is memory  # NumPy's may take it too
    with pytest.raises(TypeError, match=r"^out must be a NumPy array, got Tank$"):
        convt.conv_transpose(**arrays, out=out)
    with pytest.raises(
        TypeError, match=r"^out must be a Tank of tank, as the first array is, or a NumPy array, got a Vat of"
    ):
        convt.conv_transpose(**tanks(arrays), out=Vat(memory))


@pytest.mark.parametrize("share", [True, False])
def test_a_wrong_out(tank, arrays, share):
    tank.share = share
    with pytest.raises(ValueError, match=r"^out.shape must equal the result's \(2, 3, 7\), got \(1, 3, 7\)$"):
        convt.conv_transpose(**tanks(arrays), out=Tank(np.empty((1, 3, 7))))
    with pytest.raises(TypeError, match=r"^out.dtype must equal the result's float64, got float32$"):
        convt.conv_transpose(**tanks(arrays), out=Tank(np.empty((2, 3, 7), "f4")))
    assert tank.calls == []


def test_an_out_that_overlaps_x(tank, rng):
    x, w = rng.standard_normal((1, 1, 5)), rng.standard_normal((1, 1, 3))
    expected = convt.conv(x, w, padding=1)
    out = Tank(x)
    convt.conv(Tank(x), w, padding=1, out=out)
    assert_array_equal(x, expected)


def test_an_out_that_cannot_be_written(register, arrays):
    kind = Kind(Tank)
    kind.share = False
    register(tank=kind)
    del sys.modules["kind_of_tank"].__dict__["put"]
    with pytest.raises(TypeError, match=r"^out must be an array that can be written, got a Tank of tank$"):
        convt.conv_transpose(**tanks(arrays), out=Tank(np.empty((2, 3, 7))))


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
