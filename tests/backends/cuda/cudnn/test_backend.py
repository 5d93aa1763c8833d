"""cuDNN as an engine of the whole backend: PyCUDA over the emulated driver, cuDNN by the stand-in."""

from concurrent.futures import ThreadPoolExecutor
from math import inf

import numpy as np
import pytest
from halves import EPS, bits_of, rounded, values_of
from halves import TYPES as HALVES

import convt
from convt.matconvnet import vl_nnconvt
from convt.matconvnet.functions import _CONV_TRANSPOSE
from convt.testing import TOPICS, check_backend
from convt_cuda import choice
from convt_cuda.cudnn import CudnnError, CudnnUnavailable

OPTIONS = {"stride": 2, "padding": 1, "backend": "cuda"}


@pytest.fixture(autouse=True)
def _nothing_sticks(monkeypatch):
    monkeypatch.setattr(_CONV_TRANSPOSE.cudnn, "enabled", None)
    monkeypatch.setattr(_CONV_TRANSPOSE.cudnn, "workspace_limit", None)
    monkeypatch.delenv("CONVT_WORKSPACE_LIMIT", raising=False)
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "cudnn")  # which of all is chosen is the matter of test_choice.py


@pytest.fixture
def call(rng):
    """(x, w, bias) and what they should give."""
    x, w, bias = rng.standard_normal((2, 6, 5, 7)), rng.standard_normal((6, 4, 4, 4)), rng.standard_normal(4)
    wanted = convt.conv_transpose(x, w, bias, stride=2, padding=1, backend="numpy")
    return (x.astype(np.float32), w.astype(np.float32), bias.astype(np.float32)), wanted


def test_the_contract_is_kept(cuda, over_standin):
    report = check_backend(cuda, quick=True, topics={*TOPICS} - {"not finite"})  # which NVIDIA's kernels do not promise
    assert report.refused == {}
    assert len(over_standin.log) > 100


def test_cudnn_computes_what_it_can(over_standin, call):
    arguments, wanted = call
    np.testing.assert_allclose(convt.conv_transpose(*arguments, **OPTIONS), wanted, rtol=1e-4, atol=1e-5)
    (line,) = over_standin.log
    assert line.startswith("ConvolutionBackwardData")
    over_standin.clear()
    gradients = convt.conv_transpose_backward(*arguments, wanted.astype(np.float32), **OPTIONS)
    assert [line.split()[0] for line in over_standin.log] == ["ConvolutionForward", "ConvolutionBackwardFilter"]
    assert gradients.bias.shape == (4,)


@pytest.mark.parametrize("options", [{"padding": -1}, {"dilation": 4, "output_padding": 3, "stride": 2}])
def test_our_kernels_compute_the_rest(over_standin, rng, options):
    x, w = rng.standard_normal((1, 2, 4, 4)), rng.standard_normal((2, 3, 3, 3))
    got = convt.conv_transpose(x, w, backend="cuda", **options)
    np.testing.assert_allclose(got, convt.conv_transpose(x, w, backend="numpy", **options), rtol=1e-10, atol=1e-12)
    assert over_standin.log == []


def test_options_keep_cudnn_out(over_standin, call):
    arguments, wanted = call
    with convt.options(cudnn=False):
        np.testing.assert_allclose(convt.conv_transpose(*arguments, **OPTIONS), wanted, rtol=1e-4, atol=1e-5)
    assert over_standin.log == []


def test_options_reach_the_choice_of_the_algorithm(over_standin, call):
    (x, w, _), _ = call
    for options, algorithm in [
        ({}, 1),
        ({"workspace_limit": 5000}, 2),
        ({"workspace_limit": 5000, "allow_tf32": True}, 3),
        ({"workspace_limit": 0, "deterministic": False}, 0),
    ]:
        over_standin.clear()
        with convt.options(**options):
            convt.conv(x, w[:, :4].repeat(2, 1)[:, :6], backend="cuda")
        assert f"algorithm={algorithm} " in over_standin.log[-1], options


def test_the_environment_limits_the_workspace(over_standin, call, monkeypatch):
    x, w, _ = call[0]
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", "5000")
    convt.conv_transpose(x, w, backend="cuda")
    assert over_standin.log == []
    monkeypatch.setenv("CONVT_WORKSPACE_LIMIT", "2e6")
    convt.conv_transpose(x, w, backend="cuda")
    assert len(over_standin.log) == 1


@pytest.mark.parametrize("on_gpu", [False, True])
def test_matconvnets_options_do_what_they_say(cuda, to_gpu, on_gpu, over_standin, rng, capsys):
    x, f = (np.asfortranarray(rng.standard_normal(shape, np.float32)) for shape in [(5, 4, 3), (4, 4, 2, 3)])
    if on_gpu:
        x, f = to_gpu(x), to_gpu(f)

    def ran(*options):
        over_standin.clear()
        vl_nnconvt(x, f, [], "Upsample", 2, *options, backend=None if on_gpu else "cuda")
        return [line.split("algorithm=")[1].split()[0] for line in over_standin.log]

    assert ran() == ["1"]
    assert ran("NoCuDNN") == []
    assert ran() == []
    assert ran("CuDNN") == ["1"]
    assert ran("CudnnWorkspaceLimit", 5000) == []
    assert ran("CudnnWorkspaceLimit", inf) == ["1"]
    assert capsys.readouterr().out == ""
    ran("Verbose")
    assert (
        f"scatter on {cuda._devices[0].name}: cuDNN 9.10.0 (CONVT_CUDNN_LIBRARY={over_standin.path}), "
        "ConvolutionBackwardData, algorithm 1 (1), workspace 1048576 bytes, guarded against weights that are not finite\n"
    ) in capsys.readouterr().out
    ran("Verbose", "NoCuDNN")
    assert f"scatter on {cuda._devices[0].name}: engine " in capsys.readouterr().out


def test_arrays_on_the_gpu_in_their_stream(cuda, over_standin, call, to_gpu, to_host, context):
    from pycuda import driver

    arguments, wanted = call

    class InStream:
        """An array whose owner computes in a stream of its own."""

        def __init__(self, array, stream):
            self.kept = array
            self.__cuda_array_interface__ = {**array.__cuda_array_interface__, "version": 3, "stream": stream.handle}

    stream = driver.Stream()
    x, w, bias = (to_gpu(array) for array in arguments)
    out = to_gpu(np.full(wanted.shape, np.nan, np.float32))
    convt.conv_transpose(x, w, bias, stride=2, padding=1, out=InStream(out, stream))
    np.testing.assert_allclose(to_host(out), wanted, rtol=1e-4, atol=1e-5)
    assert over_standin.stream == stream.handle


def test_another_gpu(over_standin, call, capsys):
    with convt.options(device=1, verbose=True):
        got = convt.conv_transpose(*call[0], **OPTIONS)
    np.testing.assert_allclose(got, call[1], rtol=1e-4, atol=1e-5)
    assert capsys.readouterr().out.startswith("scatter on GPU 1 (")
    with (
        convt.options(device=2),
        pytest.raises(ValueError, match=r"^device must be less than 2, the number of GPUs, got 2\n"),
    ):
        convt.conv_transpose(*call[0], **OPTIONS)


def test_failures_are_told_and_leave_nothing(cuda, over_standin, call):
    over_standin.fail("cudnnConvolutionBackwardData", 5000)
    with pytest.raises(CudnnError, match=r"^cudnnConvolutionBackwardData: CUDNN_STATUS_EXECUTION_FAILED \(status 5000\)"):
        convt.conv_transpose(*call[0], **OPTIONS)
    np.testing.assert_allclose(convt.conv_transpose(*call[0], **OPTIONS), call[1], rtol=1e-4, atol=1e-5)


def test_arrays_that_begin_between_16_bytes_are_left_to_our_kernels(over_standin, call, to_gpu, to_host, context):
    (x, w, bias), wanted = call

    def shifted(array, count):
        """The same numbers, so many elements behind the beginning of their memory."""
        more = to_gpu(np.concatenate([np.zeros(count, array.dtype), array.ravel()]))
        return more[count:].reshape(array.shape)

    for counts, used in [((0, 0), 1), ((4, 8), 1), ((1, 0), 0), ((0, 2), 0), ((0, 0), 1)]:
        arrays = [shifted(array, count) for array, count in zip((x, w), counts, strict=True)]
        over_standin.clear()
        got = convt.conv_transpose(*arrays, to_gpu(bias), stride=2, padding=1)
        np.testing.assert_allclose(to_host(got), wanted, rtol=1e-4, atol=1e-5)
        assert len(over_standin.log) == used, counts


REFUSED = 3000  # CUDNN_STATUS_NOT_SUPPORTED


def test_what_cudnn_refuses_when_it_runs_is_computed_by_the_next_plan_and_not_asked_for_again(
    over_standin, rng, monkeypatch, to_gpu, to_host, context, capsys
):
    monkeypatch.setattr(choice, "_refused", {})
    x, w, bias = (rng.standard_normal(shape).astype("f4") for shape in [(1, 3, 6, 7), (2, 3, 3, 3), (2,)])
    wanted = convt.conv(x, w, bias, backend="numpy")
    arrays = to_gpu(x), to_gpu(w), to_gpu(bias)

    def check():
        over_standin.clear()
        np.testing.assert_allclose(to_host(convt.conv(*arrays)), wanted, rtol=1e-4, atol=1e-5)
        return [line.split("algorithm=")[1].split()[0] for line in over_standin.log]

    (first,) = check()
    over_standin.fail("cudnnConvolutionForward", REFUSED)
    (second,) = check()
    assert second != first
    assert check() == [second]
    with convt.options(cudnn=False):
        assert check() == []
    over_standin.fail("cudnnConvolutionForward", 5000)
    with pytest.raises(CudnnError, match="EXECUTION_FAILED"):
        convt.conv(*arrays)


@pytest.mark.parametrize("lie", ["dense", "channels last", "in steps"])
@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("storage", ["float32", "float64", *HALVES])
def test_our_kernels_copy_and_add_the_bias(over_standin, rng, torch, to_gpu, to_host, context, storage, axes, lie):
    """Of every type, along any number of axes, however arrays and the bias lie."""

    def taken(array, steps):
        """A tensor of this array, whose elements are so many apart."""
        bits = bits_of(array, storage) if storage in HALVES else array.astype(storage)
        base = np.moveaxis(bits, 1, -1) if lie == "channels last" and bits.ndim > 1 else bits
        base = np.ascontiguousarray(np.repeat(base, steps, -1))
        view = base[..., ::steps]
        view = np.moveaxis(view, -1, 1) if lie == "channels last" and bits.ndim > 1 else view
        return torch.Tensor(to_gpu(base), storage).as_strided(view.shape, [step // base.itemsize for step in view.strides])

    shapes = (2, 3, *(5, 4, 6)[:axes]), (3, 4, *(3,) * axes), (4,)
    x, w, bias = (rounded(rng.standard_normal(shape), storage if storage in HALVES else "float16") for shape in shapes)
    options = {"stride": 2, "padding": [(0, 2)] * axes}  # uneven: cuDNN needs a larger array
    steps = 2 if lie == "in steps" else 1
    arrays = taken(x, steps), taken(w, steps), taken(bias, 3)
    got = to_host(convt.conv_transpose(*arrays, **options).array)
    (line,) = over_standin.log
    assert line.startswith("ConvolutionBackwardData")
    want = convt.conv_transpose(x, w, bias, backend="numpy", **options)
    if storage in HALVES:
        got, eps = values_of(got, storage), EPS[storage]
        np.testing.assert_allclose(got, want, rtol=eps, atol=8 * eps)
    else:
        np.testing.assert_allclose(got, want, rtol=1e-6, atol=1e-6)


def test_a_workspace_that_does_not_fit_is_a_memory_error(cuda, emulator, over_standin, call):
    with cuda._devices[0].current():
        cuda._devices[0].pool.trim()
    emulator.set_memory(10**6)
    with pytest.raises(MemoryError, match="bytes free for this call, got"):
        convt.conv_transpose(*call[0], **OPTIONS)
    with convt.options(workspace_limit=10**4):
        np.testing.assert_allclose(convt.conv_transpose(*call[0], **OPTIONS), call[1], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite_reach_what_they_should(over_standin, call, to_gpu, to_host, value, order):
    (x, w, bias), _ = call
    w[2, 1, 0, 3] = value
    w = np.array(w, order=order)
    wanted = convt.conv_transpose(x, w, bias, stride=2, padding=1, backend="numpy")
    assert 0 < np.isfinite(wanted).sum() < wanted.size
    over_standin.spoil()
    arrays = [to_gpu(array) for array in (x, w, bias)]
    got = to_host(convt.conv_transpose(*arrays, stride=2, padding=1))
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    assert [line.split()[0] for line in over_standin.log] == ["ConvolutionBackwardData"]


def test_finite_weights_are_cudnns_matter(over_standin, call):
    """The guard does nothing: what cuDNN computes stays."""
    arguments, wanted = call
    over_standin.spoil()
    got = convt.conv_transpose(*arguments, **OPTIONS)
    assert not np.isfinite(got).any()
    assert got.shape == wanted.shape


def test_many_threads_get_the_same_bits(over_standin, call):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: convt.conv_transpose(*call[0], **OPTIONS).tobytes(), range(12)))
    assert len(set(results)) == 1


def test_without_cudnn_our_kernels_compute_and_say_why(cuda, over_standin, call, monkeypatch):
    monkeypatch.delenv("CONVT_CUDA_ALGORITHM")
    monkeypatch.setenv("CONVT_CUDNN_LIBRARY", "/nowhere")
    np.testing.assert_allclose(convt.conv_transpose(*call[0], **OPTIONS), call[1], rtol=1e-4, atol=1e-5)
    assert over_standin.log == []
    assert cuda.info()["cudnn"].endswith("looked for: CONVT_CUDNN_LIBRARY=/nowhere: not there")
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "cudnn")
    with pytest.raises(CudnnUnavailable, match=r"^cuDNN 8 or 9 must be installed: pip install nvidia-cudnn-cu13"):
        convt.conv_transpose(*call[0], **OPTIONS)


def test_the_configuration_names_cudnn(cuda, over_standin):
    assert cuda.info()["cudnn"] == f"9.10.0 (CONVT_CUDNN_LIBRARY={over_standin.path})"
