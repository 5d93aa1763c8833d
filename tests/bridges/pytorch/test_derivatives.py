"""Derivatives of any order, in both directions, and torch.func's transforms."""

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

from torch.autograd import forward_ad, functional, gradcheck, gradgradcheck  # noqa: E402
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, vmap  # noqa: E402

DOUBLE = torch.float64
EVERY_WAY = {"check_forward_ad": True, "check_batched_grad": True, "check_batched_forward_grad": True}


def random(*shape, dtype=DOUBLE):
    return torch.randn(shape, dtype=dtype, requires_grad=True)


FUNCTIONS = {
    "conv_transpose1d": (lambda x, w, b: bridge.conv_transpose1d(x, w, b, 3, 1, 2, 2, 2), [(2, 4, 3), (4, 1, 3), (2,)]),
    "conv_transpose2d": (lambda x, w, b: bridge.conv_transpose2d(x, w, b, 2, 1, 0, 2), [(1, 2, 3, 2), (2, 2, 3, 2), (4,)]),
    "conv_transpose3d": (lambda x, w: bridge.conv_transpose3d(x, w, None, 2), [(1, 2, 2, 1, 2), (2, 1, 2, 2, 1)]),
    "conv1d": (lambda x, w, b: bridge.conv1d(x, w, b, 2, 1, 2, 2), [(2, 4, 6), (2, 2, 3), (2,)]),
    "conv2d": (lambda x, w, b: bridge.conv2d(x, w, b, padding="same"), [(1, 2, 3, 4), (2, 2, 2, 3), (2,)]),
    "conv3d": (lambda x, w: bridge.conv3d(x, w, None, 2), [(1, 2, 2, 3, 4), (1, 2, 2, 1, 2)]),
    "unbatched": (lambda x, w: bridge.conv_transpose1d(x, w), [(2, 3), (2, 1, 3)]),
    "max_pool2d": (lambda x: bridge.max_pool2d(x, 3, 2, 1), [(1, 2, 4, 5)]),
    "bilinear": (lambda x: bridge.interpolate(x, scale_factor=2, mode="bilinear"), [(1, 2, 2, 3)]),
    "nearest": (lambda x: bridge.interpolate(x, scale_factor=3), [(2, 1, 3)]),
    "max_unpool1d": (lambda x: bridge.max_unpool1d(x, torch.tensor([[[1, 2, 5]]]), 2), [(1, 1, 3)]),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_first_and_second_derivatives(name):
    function, shapes = FUNCTIONS[name]
    inputs = [random(*shape) for shape in shapes]
    assert gradcheck(function, inputs, **EVERY_WAY)
    assert gradgradcheck(function, inputs, check_fwd_over_rev=True, check_rev_over_rev=True)


def test_third_derivatives():
    def first(x, w):
        y = bridge.conv_transpose1d(x, w, None, 2, 1)
        return torch.autograd.grad((y**3).sum(), x, create_graph=True)[0]

    assert gradgradcheck(first, [random(1, 2, 3), random(2, 1, 3)])


@pytest.mark.parametrize("name", ["conv_transpose2d", "conv2d"])
def test_derivatives_by_complex_numbers(name):
    def function(x, w):
        return getattr(bridge, name)(x, w, None, 2, 1)

    inputs = [random(1, 2, 3, 3, dtype=torch.complex128), random(2, 2, 2, 2, dtype=torch.complex128)]
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_only_what_is_needed_is_computed(monkeypatch):
    from convt.torch import maps

    wanted = []
    monkeypatch.setattr(maps, "backward", lambda *arguments: wanted.append(arguments[6]) or real(*arguments))
    from convt.core.execution import backward as real

    x, w, b = random(1, 2, 3), random(2, 1, 3), random(1)
    for needed in ([x], [w], [x, b], [x, w, b]):
        y = bridge.conv_transpose1d(*(each if any(each is n for n in needed) else each.detach() for each in (x, w, b)))
        torch.autograd.grad(y.sum(), needed)
    assert wanted == [("x",), ("w",), ("x", "bias"), ("x", "w", "bias")]


X, W = torch.randn(3, 2, 4, 5, 4, dtype=DOUBLE), torch.randn(3, 4, 2, 3, 2, dtype=DOUBLE)
BIAS = torch.randn(3, 2, dtype=DOUBLE)
PAIRS = {
    "conv_transpose2d": [lambda x, w, b=None, m=m: m.conv_transpose2d(x, w, b, 2, 1) for m in (bridge, torch)],
    "conv2d": [lambda x, w, b=None, m=m: m.conv2d(x, w.transpose(0, 1), b, 2, 1) for m in (bridge, torch)],
}


@pytest.mark.parametrize(("ours", "own"), PAIRS.values(), ids=PAIRS)
class TestTransforms:
    @pytest.mark.parametrize(
        ("axes", "arguments"),
        [
            ((0, None), (X, W[0])),
            ((None, 0), (X[0], W)),
            ((0, 0), (X, W)),
            ((1, 2), (X.movedim(0, 1), W.movedim(0, 2))),
            ((0, None, 0), (X, W[0], BIAS)),
            ((None, None, 0), (X[0], W[0], BIAS)),
            ((0, 0, None), (X, W, BIAS[0])),
        ],
    )
    def test_vmap(self, ours, own, axes, arguments):
        torch.testing.assert_close(vmap(ours, axes)(*arguments), vmap(own, axes)(*arguments))

    def test_gradients_of_each_sample(self, ours, own):
        given, expected = (
            vmap(grad(lambda w, x, f=f: (f(x[None], w) ** 2).sum()), (None, 0))(W[0], X[0]) for f in (ours, own)
        )
        torch.testing.assert_close(given, expected)

    @pytest.mark.parametrize("jacobian", [jacrev, jacfwd])
    def test_jacobians(self, ours, own, jacobian):
        for place, x in enumerate((X[0, :1], W[0], BIAS[0])):
            arguments = [X[0, :1], W[0], BIAS[0]]
            arguments[place] = x
            given, expected = (jacobian(f, place)(*arguments) for f in (ours, own))
            torch.testing.assert_close(given, expected)

    def test_hessian(self, ours, own):
        given, expected = (hessian(lambda w, f=f: (f(X[0, :1], w) ** 3).sum())(W[0]) for f in (ours, own))
        torch.testing.assert_close(given, expected)

    def test_jvp_of_all_at_once(self, ours, own):
        primals, tangents = (X[0], W[0], BIAS[0]), (X[1], W[1], BIAS[1])
        torch.testing.assert_close(jvp(ours, primals, tangents), jvp(own, primals, tangents))

    def test_dual_numbers(self, ours, own):
        with forward_ad.dual_level():
            dual = forward_ad.make_dual(X[0], X[1])
            torch.testing.assert_close(forward_ad.unpack_dual(ours(dual, W[0])).tangent, own(X[1], W[0]))

    def test_the_older_jacobians(self, ours, own):
        given = functional.jacobian(lambda w: ours(X[0], w), W[0], vectorize=True)
        torch.testing.assert_close(given, functional.jacobian(lambda w: own(X[0], w), W[0]))


def test_vmap_of_sampling():
    x = torch.randn(3, 2, 4, 6, 8, dtype=DOUBLE)
    own = torch.nn.functional
    for ours, theirs in (
        [lambda x, m=m: m.max_pool2d(x, 3, 2, 1) for m in (bridge, own)],
        [lambda x, m=m: m.interpolate(x, scale_factor=2, mode="bilinear") for m in (bridge, own)],
        [lambda x, m=m: m.max_unpool2d(*m.max_pool2d(x, 2, return_indices=True), 2) for m in (bridge, own)],
    ):
        torch.testing.assert_close(vmap(ours)(x), vmap(theirs)(x))
        given, expected = (grad(lambda x, f=f: (f(x) ** 2).sum())(x[0]) for f in (ours, theirs))
        torch.testing.assert_close(given, expected)


def test_functional_call():
    layer = bridge.ConvTranspose2d(4, 2, 3)
    x, zero = torch.randn(1, 4, 5, 5), {name: torch.zeros_like(value) for name, value in layer.named_parameters()}
    assert not functional_call(layer, zero, (x,)).any()
    gradients = grad(lambda parameters: functional_call(layer, parameters, (x,)).sum())(zero)
    assert (gradients["bias"] == 49).all()
