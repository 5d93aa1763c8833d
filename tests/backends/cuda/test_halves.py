"""float16 and bfloat16: read as they lie in memory, summed in float32, rounded once.

What comes out is compared with the float64 result of the same, already rounded, inputs.
"""

import numpy as np
import pytest
from halves import EPS, LEAST, TYPES, bits_of, rounded, values_of

import convt
from convt.backend import Backend
from convt.testing import make_problem
from convt.testing.bounds import TOLERANCE
from convt.testing.checks import Examiner
from convt.testing.values import check_nonfinite


class Foreign:
    """An array of another package, in PyCUDA's memory."""

    def __init__(self, array, **interface):
        self.array = array
        self.__cuda_array_interface__ = {**array.__cuda_array_interface__, **interface}


class HalfBackend(Backend):
    """The backend on arrays of a half type; what goes in and out are float32 arrays of their numbers."""

    name = "halves"

    def __init__(self, cuda, to_tensor, numbers, storage):
        self._cuda, self._to_tensor, self._numbers, self._storage = cuda, to_tensor, numbers, storage

    def scatter(self, problem, coarse, kernel, bias, fine):
        self._compute("scatter", problem, [coarse, kernel, bias], fine)

    def gather(self, problem, fine, kernel, bias, coarse):
        self._compute("gather", problem, [fine, kernel, bias], coarse)

    def correlate(self, problem, fine, coarse, kernel):
        self._compute("correlate", problem, [fine, coarse], kernel)

    def channel_sums(self, problem, array, sums):
        self._compute("channel_sums", problem, [array], sums)

    def _compute(self, name, problem, inputs, out):
        arrays = [None if a is None else self._cuda.from_caller(self._to_tensor(a, self._storage)) for a in inputs]
        result = self._to_tensor(np.full(out.shape, np.nan), self._storage)
        getattr(self._cuda, name)(problem, *arrays, self._cuda.from_caller(result))
        out[...] = self._numbers(result)


class HalfExaminer(Examiner):
    """Draws numbers of a half type, and allows half of its last digit besides what sums in float32 are off by."""

    def __init__(self, backend, storage):
        super().__init__(backend, np.random.default_rng(1), EPS[storage] / float(np.finfo(np.float32).eps))
        self._storage = storage

    def draw(self, shape, dtype):
        array = rounded(super().draw(shape, dtype), self._storage).astype(np.float32)
        array.flags.writeable = False
        return array

    def judge(self, what, problem, got, want, limit, terms):
        with np.errstate(invalid="ignore"):
            same = (got == want) | (np.isnan(got) & np.isnan(want))
            sums = TOLERANCE * float(np.finfo(np.float32).eps) * limit
            near = abs(got - want) <= (abs(want) * EPS[self._storage] + LEAST[self._storage]) / 2 + 1.01 * sums
        if not (same | (np.isfinite(want) & near)).all():
            self.fail(f"{what}: got {got}, expected {want}")


PROBLEMS = {
    "one tile and more": make_problem((9, 17), 3, stride=2, crop=(1, 1), channels=(20, 70), dtype=np.float32),
    "groups": make_problem((4, 40), (2, 3), stride=(1, 2), channels=(18, 20), groups=2, batch=2, dtype=np.float32),
    "depthwise": make_problem((5, 7), 3, stride=2, crop=(1, 2), channels=(5, 5), groups=5, batch=2, dtype=np.float32),
    "three axes": make_problem((3, 4, 5), 3, stride=(2, 1, 2), crop=(1, 1), channels=(10, 12), batch=2, dtype=np.float32),
    "one axis": make_problem(30, 5, stride=3, dilation=2, crop=(-1, 2), channels=(3, 2), dtype=np.float32),
    "sums in parts": make_problem((70, 70), 2, channels=(2, 1), batch=2, dtype=np.float32),
}


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("algorithm", ["tile", "direct"])
def test_each_engine_computes_what_the_definition_says(cuda, monkeypatch, to_tensor, numbers, storage, algorithm):
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", algorithm)
    examiner = HalfExaminer(HalfBackend(cuda, to_tensor, numbers, storage), storage)
    for name, problem in PROBLEMS.items():
        with examiner.about(name, problem):
            examiner.check_accuracy(problem)
    complete = make_problem((5, 6), 2, stride=2, channels=(6, 4), groups=2, dtype=np.float32)
    check_nonfinite(examiner, complete)


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("order", ["C", "channels last"])
def test_tiles_in_every_order(cuda, monkeypatch, rng, to_tensor, numbers, storage, order):
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", "tile")
    layout = "NCHW" if order == "C" else "NHWC"
    x, w, bias = (rounded(rng.standard_normal(shape), storage) for shape in ((2, 9, 7, 8), (9, 70, 3, 3), (70,)))
    want = convt.conv_transpose(x, w, bias, stride=2, backend="numpy")
    if order != "C":
        x, w, want = x.transpose(0, 2, 3, 1), w.transpose(2, 3, 1, 0), want.transpose(0, 2, 3, 1)
    tensors = [to_tensor(np.ascontiguousarray(array), storage) for array in (x, w, bias)]
    y = numbers(convt.conv_transpose(*tensors, stride=2, layout=layout))
    np.testing.assert_allclose(y, want, rtol=EPS[storage] / 2, atol=1e-4)
    back = numbers(convt.conv(to_tensor(rounded(want, storage), storage), tensors[1], stride=2, layout=layout))
    exact = convt.conv(rounded(want, storage), w, stride=2, layout=layout, backend="numpy")
    np.testing.assert_allclose(back, exact, rtol=EPS[storage] / 2, atol=1e-3)


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("factor", [1.0, 0.75, 1.0078125, 3.140625, 2.0**-9 * 1.5, 2.0**9 * 1.25, 2.0**-14, -(2.0**-120)])
def test_all_numbers_are_read_and_rounded_right(cuda, to_tensor, numbers, storage, factor):
    """Each of the 65536 numbers times another: products of two are exact in float32, so that one rounding decides."""
    if rounded(factor, storage) == 0:
        factor = -factor * 2.0**100
    x = values_of(np.arange(2**16, dtype=np.uint16), storage)
    y = convt.conv(to_tensor(x.reshape(1, 1, -1), storage), to_tensor(np.full((1, 1, 1), factor), storage))
    with np.errstate(all="ignore"):
        product = (x * factor).astype(np.float32) + np.float32(0)  # sums begin with 0
    np.testing.assert_array_equal(numbers(y).ravel(), rounded(product, storage))


@pytest.mark.parametrize("storage", TYPES)
def test_the_bits_of_what_is_no_number(cuda, to_tensor, to_host, storage):
    x = np.array([[[np.nan, np.inf, -np.inf, -0.0, 0.0]]])
    y = convt.conv(to_tensor(x, storage), to_tensor(np.ones((1, 1, 1)), storage))
    top = int(bits_of(np.inf, storage))
    assert to_host(y.array).ravel().tolist() == [0x7FFF, top, 0x8000 | top, 0, 0]


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("algorithm", ["tile", "direct"])
def test_sums_may_exceed_the_type_on_their_way(cuda, monkeypatch, to_tensor, numbers, storage, algorithm):
    """Each product is larger than any float16, and small ones do not get lost beside a large one."""
    monkeypatch.setenv("CONVT_CUDA_ALGORITHM", algorithm)
    x = np.array([300.0, 300.0, 300.0, 1.0, 0.25]).reshape(1, 5, 1)
    w = np.array([300.0, -300.0, 0.0, 1.0, 1.0]).reshape(5, 1, 1)
    y = convt.conv_transpose(to_tensor(x, storage), to_tensor(w, storage))
    assert numbers(y) == 1.25
    w = abs(w)
    y = convt.conv_transpose(to_tensor(x, storage), to_tensor(w, storage))
    assert numbers(y) == rounded(180001.25, storage)  # infinite in float16


@pytest.mark.parametrize("storage", TYPES)
def test_parts_of_sums_are_not_rounded(cuda, rng, to_tensor, numbers, storage):
    """Many positions and few weights: correlate and the bias' gradient add up parts, which are kept in float32."""
    x, dy = (rounded(rng.standard_normal((2, 1, 90, 90)), storage) + 1 for _ in range(2))
    x, dy = rounded(x, storage), rounded(dy, storage)
    w, bias = np.ones((1, 1, 1, 1)), np.zeros(1)
    got = convt.conv_backward(*(to_tensor(array, storage) for array in (x, w, bias, dy)))
    assert numbers(got.w) == pytest.approx((x * dy).sum(), rel=EPS[storage] / 2 + 1e-5)
    assert numbers(got.bias) == pytest.approx(dy.sum(), rel=EPS[storage] / 2 + 1e-5)


@pytest.mark.parametrize("storage", TYPES)
@pytest.mark.parametrize("backward", [convt.conv_transpose_backward, convt.conv_backward])
def test_gradients_are_of_the_same_type(cuda, rng, to_tensor, numbers, storage, backward):
    x, w, bias, dy = (rounded(rng.standard_normal(shape), storage) for shape in ((2, 3, 5), (3, 3, 2), (3,), (2, 3, 10)))
    if backward is convt.conv_backward:
        x, dy = dy, x
    got = backward(*(to_tensor(array, storage) for array in (x, w, bias, dy)), stride=2)
    want = backward(x, w, bias, dy, stride=2, backend="numpy")
    for ours, expected in zip(got, want, strict=True):
        assert ours.dtype == f"torch.{storage}"
        np.testing.assert_allclose(numbers(ours), expected, rtol=EPS[storage] / 2, atol=1e-5)


def test_float16_of_any_package(cuda, rng, to_gpu, to_host):
    from pycuda.gpuarray import GPUArray

    x, w = (rng.standard_normal(shape).astype(np.float16) for shape in ((1, 2, 6), (2, 2, 3)))
    want = convt.conv_transpose(x.astype(float), w.astype(float), backend="numpy")
    y = convt.conv_transpose(to_gpu(x), to_gpu(w))
    assert type(y) is GPUArray
    assert y.dtype == np.float16
    np.testing.assert_allclose(to_host(y).astype(float), want, rtol=2.0**-11, atol=1e-6)
    out = to_gpu(np.empty(want.shape, np.float16))
    assert convt.conv_transpose(Foreign(to_gpu(x)), Foreign(to_gpu(w)), out=out) is out
    np.testing.assert_array_equal(to_host(out), to_host(y))
    assert convt.conv_transpose(Foreign(to_gpu(x)), Foreign(to_gpu(w))).dtype == np.float16


def test_nothing_is_converted_on_the_way(cuda, emulator, rng, to_gpu):
    """Two arrays in, one made for the result, the kernel's own workspace, and no copies."""
    x, w = (to_gpu(rng.standard_normal(shape).astype(np.float16)) for shape in ((1, 2, 6), (2, 2, 3)))
    convt.conv_transpose(x, w)
    before = [emulator.calls(name) for name in ("cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2", "cuMemAlloc_v2", "cuLaunchKernel")]
    convt.conv_transpose(x, w)
    after = [emulator.calls(name) for name in ("cuMemcpyHtoD_v2", "cuMemcpyDtoH_v2", "cuMemAlloc_v2", "cuLaunchKernel")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [0, 0, 1, 1]


def test_bfloat16_of_torch(cuda, to_tensor, numbers):
    x, w = (to_tensor(np.full((1, 1, 1), value), "bfloat16") for value in (2.0**100, 3.0))
    y = convt.conv(x, w)
    assert y.dtype == "torch.bfloat16"
    assert numbers(y) == 3 * 2.0**100


def test_bfloat16_of_ml_dtypes(cuda, to_gpu, to_host):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x, w = (to_gpu(np.full((1, 1, 1), value, ml_dtypes.bfloat16)) for value in (3.0, 2.0**100))
    y = convt.conv(x, w)
    assert y.dtype == ml_dtypes.bfloat16
    assert float(to_host(y)[0, 0, 0]) == 3 * 2.0**100


def test_an_empty_batch_and_no_batch_axis(cuda, to_gpu, to_host):
    ones = to_gpu(np.ones((1, 1, 3), np.float16))
    empty = Foreign(ones, shape=(0, 1, 5), data=(0, False))
    got = convt.conv_transpose_backward(Foreign(ones, shape=(0, 1, 3), data=(0, False)), ones, None, empty)
    assert got.w.dtype == np.float16
    assert to_host(got.w).tolist() == [[[0, 0, 0]]]
    y = convt.conv_transpose(Foreign(ones, shape=(1, 3), strides=(6, 2)), ones)
    assert to_host(y).tolist() == [[1, 2, 3, 2, 1]]


def test_who_cannot_sum_in_float32_sees_another_type(cuda, to_gpu, to_tensor):
    half, brain = cuda.from_caller(to_gpu(np.ones(3, np.float16))), cuda.from_caller(to_tensor(np.ones(3), "bfloat16"))
    assert [half.dtype, brain.dtype] == [np.float16, np.dtype("V2")]
    for array in (half, brain, half[None], half.summed()[None]):
        assert array.summed().dtype == np.float32
        assert array.summed().itemsize == array.itemsize == 2
    wide = cuda.from_caller(to_gpu(np.ones(3)))
    assert wide.summed() is wide


# What is refused


@pytest.mark.parametrize(("other", "name"), [(np.float32, "float32"), (np.float64, "float64")])
def test_types_are_not_mixed(cuda, to_gpu, to_tensor, other, name):
    half, wide = to_gpu(np.ones((1, 1, 1), np.float16)), to_gpu(np.ones((1, 1, 1), other))
    message = r"^all arrays on backend 'cuda' must be of one type, float16, bfloat16, float32 or float64, got "
    with pytest.raises(TypeError, match=f"{message}float16, {name}$"):
        convt.conv(half, wide)
    with pytest.raises(TypeError, match=f"{message}bfloat16, float16$"):
        convt.conv(to_tensor(np.ones((1, 1, 1)), "bfloat16"), half)


def test_an_out_of_another_type(cuda, to_gpu):
    half, wide = (to_gpu(np.ones((1, 1, 1), dtype)) for dtype in (np.float16, np.float32))
    with pytest.raises(ValueError, match=r"^out must be the result's \(1, 1, 1\) of float16, got \(1, 1, 1\) of float32$"):
        convt.conv(half, half, out=wide)
    with pytest.raises(ValueError, match=r"^out must be the result's \(1, 1, 1\) of float32, got \(1, 1, 1\) of float16$"):
        convt.conv(wide, wide, out=half)
