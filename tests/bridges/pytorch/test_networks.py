"""The benchmark of whole networks: they are what their papers say, and a small one is timed."""

import pytest

from convt.__main__ import main

torch = pytest.importorskip("torch")
bridge = pytest.importorskip("convt.torch")

from convt.bench.networks import run as networks  # noqa: E402
from convt.bench.networks.catalog import NETWORKS, Network  # noqa: E402

# The shapes of outputs, and millions of parameters.
EXPECTED = {
    "dcgan": ((16, 3, 64, 64), 12.7),
    "pix2pix": ((1, 3, 256, 256), 54.4),
    "unet": ((1, 2, 256, 256), 31.0),
    "nnunet-3d": ((1, 3, 64, 64, 64), 16.5),
    "hifi-gan": ((1, 1, 8192), 13.9),
    "fsrcnn": ((1, 1, 510, 510), 0.0128),
    "fcn-32s": ((1, 21, 224, 224), 136.1),
    "demucs": ((1, 8, 70996), 55.9),
    "vae": ((16, 3, 64, 64), 0.8),
    "segnet": ((1, 12, 224, 224), 29.4),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_are_those_of_their_papers(name):
    shape, millions = EXPECTED[name]
    with torch.device("meta"):
        net = bridge.convert(NETWORKS[name].make())
        y = net(torch.empty(NETWORKS[name].shape))
    assert y.shape == shape
    assert sum(parameter.numel() for parameter in net.parameters()) / 1e6 == pytest.approx(millions, rel=0.02)


def small():
    layers = torch.nn.Conv2d(3, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.ConvTranspose2d(8, 3, 4, 2, 1)
    return torch.nn.Sequential(*layers)


def test_a_small_network_is_timed(monkeypatch, capsys):
    monkeypatch.setitem(NETWORKS, "small", Network(small, (1, 3, 32, 32)))
    measure = networks.measure
    monkeypatch.setattr(networks, "measure", lambda *arguments: measure(*arguments, compiled=False))
    threads = torch.get_num_threads()
    try:
        assert main(["bench", "--networks", "--cases", "small", "--repeat", "1", "--threads", "1"]) == 0
    finally:
        torch.set_num_threads(threads)
    printed = capsys.readouterr().out
    assert "inference: milliseconds" in printed
    assert "training step: milliseconds" in printed
    assert printed.count("geometric mean") == 2
    assert "convt x" in printed
    assert "torch x" not in printed


def test_shares_of_the_time():
    x = torch.randn(1, 3, 64, 64)
    transposed, straight = networks.shares(lambda: torch.conv_transpose2d(x, torch.randn(3, 16, 4, 4)))
    assert 0 < transposed <= 1
    assert straight == 0
    transposed, straight = networks.shares(lambda: torch.conv2d(x, torch.randn(16, 3, 4, 4)))
    assert transposed == 0
    assert 0 < straight <= 1


def test_a_contender_that_is_wrong():
    with pytest.raises(AssertionError, match="net: convt must compute what torch does"):
        networks._check("net", {"torch": torch.ones(3), "convt": torch.ones(3) * 1.1})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "unett"], "did you mean 'unet'"),
        (["--busy"], "busy must not be given with --networks"),
        (["--conv"], "conv must not be given with --networks"),
        (["--repeat", "0"], "repeat must be"),
    ],
)
def test_what_is_wrong_is_told(arguments, message, capsys):
    assert main(["bench", "--networks", *arguments]) == 2
    assert message in capsys.readouterr().err
