"""MatConvNet's functions on a GPU: nothing goes to the host, and the results are the caller's kind of array."""

import numpy as np
import pytest
from halves import EPS, TYPES, rounded

import convt
from convt.matconvnet import functions, vl_nnconv, vl_nnconvt

CALLS = {
    "vl_nnconvt": (vl_nnconvt, (5, 6, 4, 2), (3, 4, 3, 4), 6, ["Upsample", [2, 1], "Crop", [1, 0, 0, 2], "NumGroups", 2]),
    "vl_nnconv": (vl_nnconv, (7, 6, 4, 2), (3, 2, 2, 6), 6, ["Stride", [2, 1], "Pad", [1, 0, 2, 1], "Dilate", [1, 2]]),
}
FUNCTIONS = pytest.mark.parametrize(("function", "x", "f", "channels", "options"), CALLS.values(), ids=CALLS)


@pytest.fixture(autouse=True)
def _nothing_sticks(monkeypatch):
    for function in (functions._CONV_TRANSPOSE, functions._CONV):
        monkeypatch.setattr(function.cudnn, "enabled", None)
        monkeypatch.setattr(function.cudnn, "workspace_limit", None)


@pytest.fixture
def random(rng):
    return lambda shape, dtype=np.float64: np.asfortranarray(rng.standard_normal(shape).astype(dtype))


@pytest.fixture
def copies_to_the_host(emulator):
    """How often data was copied to the host."""
    return lambda: emulator.calls("cuMemcpyDtoH_v2")


@FUNCTIONS
@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_answers_are_those_of_the_host(
    cuda, random, to_gpu, to_host, copies_to_the_host, function, x, f, channels, options, order, dtype
):
    from pycuda.gpuarray import GPUArray

    x, f, b = random(x, dtype), random(f, dtype), random((1, channels), dtype)
    want = function(x, f, b, *options, backend="numpy")
    dzdy = random(want.shape, dtype)
    wants = [want, *function(x, f, b, dzdy, *options, backend="numpy")]
    ours = [to_gpu(np.asarray(each, order=order)) for each in (x, f, b, dzdy)]
    before = copies_to_the_host()
    results = [function(*ours[:3], *options), *function(*ours, *options)]
    assert copies_to_the_host() == before
    for got, wanted in zip(results, wants, strict=True):
        assert type(got) is GPUArray
        assert got.flags.f_contiguous
        assert got.dtype == wanted.dtype
        np.testing.assert_allclose(to_host(got), wanted, rtol=1e-4 if dtype == "f4" else 1e-11, atol=1e-5)


@FUNCTIONS
@pytest.mark.parametrize("storage", TYPES)
def test_half_types(cuda, random, to_tensor, numbers, copies_to_the_host, function, x, f, channels, options, storage):
    x, f, b = (rounded(random(shape), storage) for shape in (x, f, (1, channels)))
    want = function(x, f, b, *options, backend="numpy")
    dzdy = rounded(random(want.shape), storage)
    wants = [want, *function(x, f, b, dzdy, *options, backend="numpy")]
    ours = [to_tensor(each, storage) for each in (x, f, b, dzdy)]
    before = copies_to_the_host()
    results = [function(*ours[:3], *options), *function(*ours, *options)]
    assert copies_to_the_host() == before
    for got, wanted in zip(results, wants, strict=True):
        assert got.dtype == f"torch.{storage}"
        assert got.array.flags.f_contiguous
        np.testing.assert_allclose(numbers(got), wanted, rtol=EPS[storage] / 2, atol=1e-5)


@pytest.mark.parametrize("storage", TYPES)
def test_half_types_without_filters_and_images(cuda, random, to_gpu, to_tensor, numbers, capsys, storage):
    """Where an array is empty, its class does not matter: results are of that of the others."""
    x, dzdy = rounded(random((5, 6, 3, 2)), storage), rounded(random((3, 3, 3, 2)), storage)
    nothing = to_gpu(np.empty((0, 0), "f4"))
    y = vl_nnconv(to_tensor(x, storage), nothing, nothing, "Stride", 2, "Verbose")
    np.testing.assert_array_equal(numbers(y), x[::2, ::2])
    dzdx, dzdf, dzdb = vl_nnconv(to_tensor(x, storage), nothing, None, to_tensor(dzdy, storage), "Stride", 2)
    np.testing.assert_array_equal(numbers(dzdx)[::2, ::2], dzdy)
    assert [each.dtype for each in (dzdx, dzdf, dzdb)] == [f"torch.{storage}"] * 3
    assert f"vl_nnconv: forward, {'half' if storage == 'float16' else storage}, backend cuda\n" in capsys.readouterr().out
    f = to_tensor(rounded(random((2, 2, 5, 3)), storage), storage)
    for kind in ("f4", "i4"):
        y = vl_nnconvt(to_gpu(np.empty((3, 4, 3, 0), kind)), f, [])
        assert y.shape == (4, 5, 5, 0)
        assert y.dtype == f"torch.{storage}"
    assert vl_nnconvt(to_gpu(np.empty((3, 4, 3, 0), "i4")), to_gpu(np.empty((2, 2, 5, 3), "f2")), []).dtype == np.float16


def test_half_is_no_class_on_the_host(cuda):
    with pytest.raises(
        TypeError, match=r"^x must be single or double, got float16 \(convert it: x\.astype\(np\.float32\)\)$"
    ):
        vl_nnconvt(np.ones((3, 4), "f2"), np.ones((2, 2), "f2"), [], backend="cuda")


@FUNCTIONS
def test_biases_and_derivatives_may_be_missing(cuda, random, to_gpu, to_host, function, x, f, channels, options):
    x, f = random(x), random(f)
    dzdy = random(function(x, f, [], *options, backend="numpy").shape)
    for b in (None, [], np.empty((0, 0), "f4"), to_gpu(np.empty((0, 3), "f4"))):
        dzdx, dzdf, dzdb = function(to_gpu(x), to_gpu(f), b, to_gpu(dzdy), *options, "NoDerData")
        assert dzdx.shape == dzdb.shape == (0, 0)
        want = function(x, f, [], dzdy, *options, "NoDerData", backend="numpy")[1]
        np.testing.assert_allclose(to_host(dzdf), want, atol=1e-11)


def test_no_filters_do_not_filter(cuda, random, to_gpu, to_host):
    for dtype in ("f4", "f8"):
        x, b = random((5, 6, 3, 2), dtype), random((3, 1), dtype)
        options = ["Stride", 2, "Pad", [1, 0, 0, 2]]
        want = vl_nnconv(x, [], b, *options, backend="numpy")
        got = vl_nnconv(to_gpu(x), [], to_gpu(b), *options)
        np.testing.assert_allclose(to_host(got), want, rtol=1e-5)
        dzdy = random(want.shape, dtype)
        wants = vl_nnconv(x, [], b, dzdy, *options, backend="numpy")
        for ours, wanted in zip(vl_nnconv(to_gpu(x), None, to_gpu(b), to_gpu(dzdy), *options), wants, strict=True):
            assert ours.shape == wanted.shape
            np.testing.assert_allclose(to_host(ours) if wanted.size else wanted, wanted, rtol=1e-4, atol=1e-5)


def test_dimensions_are_added_and_folded(cuda, random, to_gpu, to_host):
    f = random((2, 2, 3, 1))
    for shape in [(4,), (4, 5), (4, 5, 1, 2, 3)]:
        x = random(shape)
        want = vl_nnconvt(x, f, [], backend="numpy")
        np.testing.assert_allclose(to_host(vl_nnconvt(to_gpu(x), to_gpu(f), [])), want, atol=1e-12)
    with pytest.raises(
        ValueError,
        match=r"^x must lie in Fortran order to become 4 x 5 x 1 x 6 on backend 'cuda', got 4 x 5 x 1 x 2",
    ):
        vl_nnconvt(to_gpu(np.ascontiguousarray(x)), to_gpu(f), [])
    b = random((3, 2))
    with pytest.raises(ValueError, match=r"^b must lie in Fortran order to become a vector of 6 on backend 'cuda'"):
        vl_nnconvt(to_gpu(x), to_gpu(random((2, 2, 6, 1))), to_gpu(np.ascontiguousarray(b)))
    dzdb = vl_nnconvt(*map(to_gpu, (x, random((2, 2, 6, 1)), b, np.ones((5, 6, 6, 6), order="F"))))[2]
    np.testing.assert_allclose(to_host(dzdb), np.full((3, 2), 5 * 6 * 6.0))


def test_an_empty_batch(cuda, random, to_gpu):
    from pycuda import gpuarray

    with cuda._devices[0].current():
        x = gpuarray.empty((3, 4, 2, 0), np.float32)
    assert vl_nnconvt(x, to_gpu(random((2, 2, 5, 2), "f8")), []).shape == (4, 5, 5, 0)


def test_arrays_of_both_sides(cuda, random, to_gpu):
    x, f = random((3, 4, 2)), random((2, 2, 5, 2))
    for name, arrays in {"f": (to_gpu(x), f, []), "x": (x, to_gpu(f), []), "b": (to_gpu(x), to_gpu(f), np.ones(5))}.items():
        with pytest.raises(TypeError, match=rf"^{name} must lie where the other arrays do, on backend 'cuda', got ndarray$"):
            vl_nnconvt(*arrays)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"f": "f4"}, r"^f must have the class of x, double, got single"),
        ({"x": "f2"}, r"^f must have the class of x, half, got double"),
        ({"f": "f2"}, r"^f must have the class of x, double, got half"),
        ({"f": "i4"}, r"^f must be half, bfloat16, single or double, got int32 \(convert it: f\.astype"),
        ({"x": "c8"}, r"^x must be an array of real numbers, half, bfloat16, single or double, got complex64$"),
    ],
)
def test_other_classes(cuda, random, to_gpu, change, message):
    arrays = {"x": random((3, 4, 2)), "f": random((2, 2, 5, 2))}
    with pytest.raises(TypeError, match=message):
        vl_nnconvt(*(to_gpu(array.astype(change.get(name, "f8"))) for name, array in arrays.items()), [])


def test_another_backend_does_not_get_them(cuda, random, to_gpu):
    with pytest.raises(convt.BackendUnavailable, match="its arrays lie on backend 'cuda'"):
        vl_nnconvt(to_gpu(random((3, 4, 2))), to_gpu(random((2, 2, 5, 2))), [], "Verbose", backend="numpy")


def test_verbose_names_the_gpu_and_the_engine(cuda, random, to_gpu, capsys):
    x, f = to_gpu(random((3, 4, 2))), to_gpu(random((2, 2, 5, 2)))
    vl_nnconvt(x, f, [], "NoCuDNN", "CudnnWorkspaceLimit", 2**20, "Verbose")
    printed = capsys.readouterr().out
    assert "vl_nnconvt: forward, double, backend cuda\n" in printed
    assert "vl_nnconvt: cuDNN off, workspace limit 1 MB\n" in printed
    assert "scatter on GPU 0" in printed
    vl_nnconvt(x, f, [])
    assert capsys.readouterr().out == ""


def test_the_workspace_limit_sticks(cuda, random, to_gpu, monkeypatch):
    from convt_cuda import running

    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "tile")
    chosen = []

    def choose(*arguments):
        chosen.append(real(*arguments))
        return chosen[-1]

    real = running.choose
    monkeypatch.setattr(running, "choose", choose)
    x, f = to_gpu(random((3, 4, 16))), to_gpu(random((2, 2, 16, 16)))
    vl_nnconvt(x, f, [])
    vl_nnconvt(x, f, [], "CudnnWorkspaceLimit", 100)
    vl_nnconvt(x, f, [])
    assert [name for name, _ in chosen] == ["tile", "direct", "direct"]


def test_a_call_waits_for_nothing(cuda, emulator, random, to_gpu, context):
    """The GPU computes while Python prepares what comes next; only memory is asked for, by the package of the arrays."""
    x, f, b = to_gpu(random((3, 4, 2, 1))), to_gpu(random((2, 2, 5, 2))), to_gpu(random((1, 5)))
    dzdy = to_gpu(random((4, 5, 5, 1)))
    waiting = ("cuCtxSynchronize", "cuEventSynchronize", "cuMemcpyDtoH_v2", "cuMemcpyHtoD_v2", "cuStreamSynchronize")
    for function in (lambda: vl_nnconvt(x, f, b), lambda: vl_nnconvt(x, f, b, dzdy)):
        function()
        before = {name: emulator.calls(name) for name in waiting}, emulator.calls("cuMemAlloc_v2")
        results = function()
        assert {name: emulator.calls(name) for name in waiting} == before[0]
        assert emulator.calls("cuMemAlloc_v2") == before[1] + (3 if isinstance(results, tuple) else 1)


def test_nothing_is_left(cuda, emulator, random, to_gpu, context):
    x, f, b = to_gpu(random((3, 4, 2, 1))), to_gpu(random((2, 2, 5, 2))), to_gpu(random((1, 5)))
    dzdy = to_gpu(random((4, 5, 5, 1)))
    vl_nnconvt(x, f, b, dzdy)
    before = emulator.blocks
    y, gradients = vl_nnconvt(x, f, b), vl_nnconvt(x, f, b, dzdy)
    assert emulator.blocks == before + 4
    del y, gradients
    assert emulator.blocks == before
