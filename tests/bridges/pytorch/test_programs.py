"""What PyTorch does with whole programs: compile, export, trace, script, checkpoint."""

import copy
import io
import shutil

import pytest

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

from torch import nn  # noqa: E402
from torch.fx.experimental.proxy_tensor import make_fx  # noqa: E402
from torch.utils.checkpoint import checkpoint  # noqa: E402

NAMES = ["gather", "scatter", "max_pool", "max_unpool", "upsample", "gather"]


class Net(nn.Module):
    """A layer of each kind."""

    def __init__(self):
        super().__init__()
        self.down = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.ConvTranspose2d(8, 8, 4, 2, 1, bias=False))
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.end = nn.Conv2d(8, 2, 3, padding="same", padding_mode="reflect")

    def forward(self, x):
        y, indices = self.pool(self.down(x))
        return self.end(self.up(self.unpool(y, indices)))


@pytest.fixture
def own():
    torch._dynamo.reset()
    torch.manual_seed(0)
    return Net().double()


@pytest.fixture
def net(own):
    return bridge.convert(copy.deepcopy(own))


def image(*shape):
    return torch.randn(*shape or (2, 3, 16, 12), dtype=torch.float64)


def operations(graph):
    return [str(node.target).split(".")[1] for node in graph.nodes if str(node.target).startswith("convt.")]


def gradients(function, net, x):
    net.zero_grad()
    function(x).square().sum().backward()
    return [parameter.grad.clone() for parameter in net.parameters()]


@pytest.mark.parametrize("dynamic", [False, True])
def test_compiled_as_one_graph(net, own, dynamic):
    graphs = []

    def keep(module, _):
        graphs.append(operations(module.graph))
        return module

    x = image()
    torch.testing.assert_close(torch.compile(net, fullgraph=True, dynamic=dynamic, backend=keep)(x), own(x))
    assert graphs == [NAMES]


def test_compiled_training(net, own):
    x = image()
    function = torch.compile(net, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(gradients(function, net, x), gradients(own, own, x))


@pytest.mark.skipif(shutil.which("g++") is None, reason="Inductor needs a C++ compiler")
def test_compiled_by_inductor(own):
    small = nn.Sequential(nn.ConvTranspose2d(3, 4, 3, 2), nn.ReLU(), nn.Conv2d(4, 2, 3)).double()
    net = bridge.convert(copy.deepcopy(small))
    x = image(1, 3, 5, 6)
    torch.testing.assert_close(gradients(torch.compile(net, fullgraph=True), net, x), gradients(small, small, x))


def test_transforms_of_a_compiled_program():
    x, w = image(2, 4, 5, 5), image(4, 3, 3, 3)
    for transform in (
        lambda f: lambda: torch.func.jvp(lambda x: f(x, w, None, 2), (x,), (x + 1,)),
        lambda f: lambda: torch.func.vmap(lambda x: f(x, w, None, 2))(x[None]),
    ):
        torch._dynamo.reset()
        given = torch.compile(transform(bridge.conv_transpose2d), backend="eager")()
        torch.testing.assert_close(given, transform(torch.conv_transpose2d)())


@pytest.mark.parametrize("strict", [False, True])
def test_exported(net, own, strict):
    x = image()
    program = torch.export.export(net, (x,), strict=strict)
    assert operations(program.graph) == NAMES
    torch.testing.assert_close(program.module()(x), own(x))


def test_exported_for_any_size(net, own):
    size = torch.export.Dim
    free = {0: size("n", max=9), 2: 4 * size("h", min=3, max=99), 3: 4 * size("w", min=3, max=99)}
    program = torch.export.export(net, (image(),), dynamic_shapes=(free,))
    other = image(3, 3, 24, 20)
    torch.testing.assert_close(program.module()(other), own(other))


def test_traced_by_fx(net, own):
    x = image()
    traced = torch.fx.symbolic_trace(net)
    torch.testing.assert_close(traced(x), own(x))
    assert bridge.conv_transpose2d in {node.target for node in traced.graph.nodes}
    made = make_fx(lambda x: net(x))(x)
    assert operations(made.graph) == NAMES
    torch.testing.assert_close(made(x), own(x))


def without_unpooling():
    layers = nn.Conv2d(3, 8, 3), nn.ConvTranspose2d(8, 4, 3, 2), nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
    return nn.Sequential(*layers).double()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_traced_and_scripted_programs_are_pytorchs():
    own = without_unpooling()
    net, x = bridge.convert(copy.deepcopy(own)), image()
    for make in (lambda: torch.jit.trace(net, (x,)), lambda: torch.jit.script(net)):
        assert type(net[1]) is bridge.ConvTranspose2d
        made, file = make(), io.BytesIO()
        torch.testing.assert_close(made(x), own(x))
        assert "convt::" not in str(made.inlined_graph)
        torch.jit.save(made, file)
        file.seek(0)
        torch.testing.assert_close(torch.jit.load(file)(x), own(x))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("dynamo", [False, True])
def test_onnx(dynamo):
    onnx = pytest.importorskip("onnx")
    if dynamo:
        pytest.importorskip("onnxscript")
    net, file = bridge.convert(without_unpooling().float()), io.BytesIO()
    torch.onnx.export(net, (image().float(),), file, dynamo=dynamo)
    kinds = [node.op_type for node in onnx.load_from_string(file.getvalue()).graph.node]
    assert {"Conv", "ConvTranspose", "MaxPool", "Resize"} <= set(kinds)


@pytest.mark.parametrize("reentrant", [False, True])
def test_checkpoints(net, own, reentrant):
    x = image().requires_grad_()
    given = gradients(lambda x: checkpoint(net, x, use_reentrant=reentrant), net, x)
    torch.testing.assert_close(given, gradients(own, own, x))


def operation(name):
    return getattr(torch.ops.convt, name).default


def leaf(*shape, last=False):
    x = torch.randn(shape)
    return (x.contiguous(memory_format=torch.channels_last) if last else x).requires_grad_()


INDICES = torch.nn.functional.max_pool2d(torch.randn(2, 4, 6, 8), 2, return_indices=True)[1]
WINDOWS = [2, 2], [2, 2], [0, 0], [0, 0]
GEOMETRY = [2, 1], [1, 1], [1, 2], 2


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("scatter", lambda last: (leaf(2, 4, 5, 6, last=last), leaf(4, 3, 3, 2), leaf(6), [9, 7], *GEOMETRY)),
        ("gather", lambda last: (leaf(2, 6, 9, 7, last=last), leaf(4, 3, 3, 2), None, [5, 6], *GEOMETRY)),
        ("correlate", lambda last: (leaf(2, 6, 9, 7, last=last), leaf(2, 4, 5, 6), [3, 2], *GEOMETRY)),
        ("upsample", lambda last: (leaf(2, 4, 3, 5, last=last), [2, 3], "bilinear", True)),
        ("upsample_backward", lambda last: (leaf(2, 4, 6, 6, last=last), [2, 3], "nearest", False)),
        ("max_pool", lambda last: (leaf(2, 4, 6, 8, last=last), *WINDOWS)),
        ("max_pool_backward", lambda last: (leaf(2, 4, 3, 4, last=last), INDICES, [6, 8], *WINDOWS)),
        ("max_unpool", lambda last: (leaf(2, 4, 3, 4, last=last), INDICES, [6, 8], *WINDOWS)),
        ("max_unpool_backward", lambda last: (leaf(2, 4, 6, 8, last=last), INDICES, [6, 8], *WINDOWS)),
    ],
)
def test_operators_are_as_pytorch_wants_them(name, arguments, last):
    torch.library.opcheck(operation(name), arguments(last))
