"""Results of calls with arrays of other libraries are given back as their arguments came."""

import sys

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from tanks import Barrel, Kind, Tank, Vat, check, tanks

import convt
from convt import nn
from convt.core.bfloat16 import BFLOAT16
from convt.matconvnet import vl_nnconvt


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
