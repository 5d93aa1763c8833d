"""The block in which PyTorch's functions are computed by convt."""

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

X, W = torch.randn(1, 4, 6, 6, requires_grad=True), torch.randn(4, 4, 3, 3, requires_grad=True)
LINE, CUBE = torch.randn(1, 4, 6, requires_grad=True), torch.randn(1, 4, 4, 4, 4, requires_grad=True)

TRANSPOSED = [
    lambda: F.conv_transpose2d(X, W, stride=2),
    lambda: torch.conv_transpose2d(input=X, weight=W),
    lambda: F.conv_transpose1d(LINE, W[..., 0]),
    lambda: F.conv_transpose3d(CUBE, W[..., None]),
    lambda: nn.ConvTranspose2d(4, 2, 3)(X),
]
STRAIGHT = [
    lambda: F.conv2d(X, W, padding="same"),
    lambda: torch.conv1d(LINE, W[..., 0]),
    lambda: F.conv3d(CUBE, W[..., None]),
    lambda: nn.Conv2d(4, 2, 3)(X),
]
SAMPLING = [
    lambda: F.max_pool1d(LINE, 2),
    lambda: F.max_pool2d(X, 2, ceil_mode=True),
    lambda: F.max_pool3d(CUBE, 2),
    lambda: torch.max_pool2d(X, 2),
    lambda: F.max_pool2d(X, 2, return_indices=True)[0],
    lambda: F.max_pool2d_with_indices(X, 2)[0],
    lambda: F.max_unpool2d(X[..., ::2, ::2], torch.arange(0, 36, 4).view(1, 1, 3, 3).expand(1, 4, 3, 3), 2),
    lambda: F.interpolate(X, scale_factor=2),
    lambda: nn.Upsample(scale_factor=2, mode="bilinear")(X),
    lambda: nn.MaxPool2d(2)(X),
]


def is_ours(y):
    names, rest = [], [y.grad_fn]
    while rest:
        node = rest.pop()
        if node is not None:
            names.append(node.name())
            rest += [each for each, _ in node.next_functions]
    return any(name.startswith("Convt") for name in names)


@pytest.mark.parametrize(
    ("options", "ours", "own"),
    [
        ({}, TRANSPOSED + STRAIGHT + SAMPLING, []),
        ({"conv": False}, TRANSPOSED + SAMPLING, STRAIGHT),
        ({"sampling": False}, TRANSPOSED + STRAIGHT, SAMPLING),
    ],
)
def test_what_convt_computes(options, ours, own):
    with bridge.use(**options):
        assert [is_ours(call()) for call in ours] == [True] * len(ours)
        assert [is_ours(call()) for call in own] == [False] * len(own)
    assert not any(is_ours(call()) for call in ours + own)


def test_values_and_gradients_after_the_block():
    for call in TRANSPOSED[:4] + STRAIGHT[:3] + SAMPLING:
        with bridge.use():
            y = call()
        torch.testing.assert_close(y, call())
        leaf = LINE if y.dim() == 3 else CUBE if y.dim() == 5 else X
        torch.testing.assert_close(torch.autograd.grad(y.sum(), leaf), torch.autograd.grad(call().sum(), leaf))


def test_blocks_in_blocks_and_errors():
    with bridge.use(), bridge.use(conv=False):
        assert is_ours(STRAIGHT[0]())
    with pytest.raises(RuntimeError, match="expected input"), bridge.use():
        F.conv2d(X, W[:, :3])
    assert not is_ours(STRAIGHT[0]())


def test_compiled_programs():
    graphs = []

    def keep(module, _):
        graphs.append([str(node.target) for node in module.graph.nodes if "convt" in str(node.target)])
        return module

    def inside(x):
        with bridge.use():
            return F.conv_transpose2d(x, W)

    torch._dynamo.reset()
    torch.compile(inside, fullgraph=True, backend=keep)(X)
    with bridge.use():
        torch.compile(lambda x: F.conv_transpose2d(x, W), fullgraph=True, backend=keep)(X)
    assert graphs == [["convt.scatter.default"]] * 2
