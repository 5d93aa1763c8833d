"""The benchmark in JAX: each form of XLA computes what convt does, and a small case is timed."""

import json

import numpy as np
import pytest

jax = pytest.importorskip("jax")
pytest.importorskip("convt.jax")
pytest.importorskip("tqdm")

from convt.__main__ import main  # noqa: E402
from convt.bench.cases import CASES, layer  # noqa: E402
from convt.bench.jobs import LayerJob, Task  # noqa: E402
from convt.bench.ours import Ours  # noqa: E402
from convt.bench.peers import Unsupported  # noqa: E402
from convt.bench.prepare import prepare  # noqa: E402
from convt.bench.xla import measure  # noqa: E402
from convt.bench.xla.contenders import contenders, on_host, quantity_of  # noqa: E402
from convt.bench.xla.forms import forms  # noqa: E402

SMALL = [
    layer("one-axis", 2, 4, 6, (5,), 4, 2, 1),
    layer("uneven", 2, 4, 6, (5, 7), (3, 4), (2, 3), (1, 0), output_padding=(1, 2)),
    layer("groups", 1, 4, 6, (3, 4, 5), 4, 2, 1, groups=2),
    layer("stride-1", 2, 4, 4, (6, 5), 3, 1, 2, dilation=2, bias=False),
    layer("depthwise", 2, 4, 4, (6, 5), 3, 2, 2, output_padding=1, dilation=2, groups=4),
    layer("gaps", 1, 4, 6, (6, 5), 2, 3, 0, output_padding=1),
    layer("dilation-3", 1, 3, 2, (8,), 3, 2, 3, dilation=3),
]
NEEDS = {"y": (), "x": ("x",), "w": ("w",)}


@pytest.mark.parametrize("quantity", NEEDS)
@pytest.mark.parametrize("case", SMALL, ids=lambda case: case.name)
def test_all_forms_compute_what_convt_does(case, quantity):
    job = LayerJob(case, Task("conv_transpose", NEEDS[quantity]), "float32")
    names = []
    peers = contenders(job, names.append)
    prepared = prepare(job, Ours(1, "float32"), peers, on_host=on_host)
    assert (prepared.wrong, prepared.reasons) == ({}, {})
    assert names == [peer.name for peer in peers] == list(prepared.runs)[1:]
    assert len(names) == len(set(names)) > 4
    assert all(0 < peer.seconds < np.inf for peer in peers)


def test_forms_that_suit():
    strided = {form.name.partition(",")[0] for form in forms(CASES["dcgan-8"], "y")}
    assert strided == {"dilated", "zeros", "phases", "at once", "products"}
    assert {form.name.partition(",")[0] for form in forms(CASES["stride1-3x3"], "w")} == {"dilated", "products", "exchanged"}
    assert "phases" not in {form.name.partition(",")[0] for form in forms(CASES["istft-513"], "x")}
    assert [form.written for form in forms(CASES["dcgan-8"], "x")][-2:] == [True, True]


def test_several_gradients_are_not_asked_for():
    with pytest.raises(Unsupported, match="single gradients"):
        quantity_of(LayerJob(CASES["tiny-1d"], Task("conv_transpose", ("x", "w")), "float32"))


def test_a_form_that_is_left_out_has_a_reason():
    def announce(name, patience):
        if name == "phases, last":
            raise Unsupported("takes more than 60 s for one call")

    job = LayerJob(CASES["tiny-1d"], Task("conv_transpose"), "float32")
    measured = measure.measure(job, announce, 1, 1)
    assert measured.reasons == {"phases, last": "takes more than 60 s for one call"}
    assert "phases, last" not in measured.tried
    assert {"convt.jax", "dilated, first", "dilated, last"} <= set(measured.tried)
    assert "convt.jax" in measured.times
    assert set(measured.times) <= set(measured.tried)


def test_a_small_case_is_timed(tmp_path, capsys):
    path = tmp_path / "a.json"
    assert main(["bench", "--jax", "--cases", "tiny-1d", "--repeat", "1", "--threads", "1", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("geometric mean") == 3
    assert "conv_transpose, gradient of w: milliseconds" in printed
    assert "WRONG" not in printed
    results = json.loads(path.read_text())["results"]
    assert [result["task"]["needs"] for result in results] == [[], ["x"], ["w"]]
    assert all(result["ratio"] > 0 for result in results)


@pytest.mark.usefixtures("x64")
def test_float64_is_computed_in_float64(capsys):
    assert main(["bench", "--jax", "--cases", "tiny-2d", "--repeat", "1", "--dtype", "float64"]) == 0
    assert "WRONG" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cases", "dcgann"], "did you mean 'dcgan'"),
        (["--repeat", "0"], "repeat must be at least 1, got 0"),
        (["--dtype", "float16"], "dtype must be one of float32, float64"),
        (["--json", "/nowhere/a.json"], "json must be a file in an existing directory"),
    ],
)
def test_what_is_wrong_is_told_before_the_work(arguments, message, capsys):
    assert main(["bench", "--jax", *arguments]) == 2
    assert message in capsys.readouterr().err
