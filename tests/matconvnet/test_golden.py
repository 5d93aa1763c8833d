"""`convt.matconvnet` against what MatConvNet itself answers: numbers, derivatives, and which calls it refuses.

``tests/golden`` has the answers, and says where they come from.
"""

import json
import re
from math import inf, prod
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from convt import matconvnet

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = {case["id"]: case for case in json.loads((GOLDEN / "vl_nnconvt.json").read_text())}
CALLS = {call["id"]: call for call in json.loads((GOLDEN / "vl_nnconvt_errors.json").read_text())}
TOLERANCE = {"f4": 1e-5, "f8": 1e-13}


@pytest.fixture(scope="module")
def answers():
    """The arrays of each case: inputs, and MatConvNet's outputs."""
    with np.load(GOLDEN / "vl_nnconvt.npz") as archive:
        parts = dict(archive)
    found, places = {}, dict.fromkeys(parts, 0)
    for name, case in CASES.items():
        for part, shape in case["shapes"].items():
            begin, places[part] = places[part], places[part] + prod(shape)
            found[name, part] = parts[part][begin : places[part]].reshape(shape, order="F")
    assert places == {part: array.size for part, array in parts.items()}
    return found


def as_arguments(options):
    """Pairs, the flags with None, as MATLAB's argument list."""
    return [argument for name, value in options for argument in ([name] if value is None else [name, value])]


def as_keywords(case):
    """The same options, read out by MatConvNet, as Python's keywords."""
    keywords = {
        "no_der_data": case["noDerData"],
        "no_der_filters": case["noDerFilters"],
        "no_der_biases": case["noDerBiases"],
    }
    if case["func"] == "vl_nnconvt":
        return keywords | {"upsample": case["upsample"], "crop": case["crop"], "num_groups": case["numGroups"]}
    return keywords | {"stride": case["stride"], "pad": case["pad"], "dilate": case["dilate"]}


def assert_agrees(actual, expected, case, kind):
    assert actual.dtype == np.dtype(kind)
    assert actual.shape == expected.shape
    if case["exact_integers"]:
        np.testing.assert_array_equal(actual, expected)
        return
    np.testing.assert_array_equal(np.isnan(actual), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(actual), np.isinf(expected))
    finite = np.isfinite(expected)
    scale = np.abs(expected[finite]).max(initial=0)
    np.testing.assert_array_equal(actual[np.isinf(expected)], expected[np.isinf(expected)])
    np.testing.assert_allclose(actual[finite], expected[finite], rtol=0, atol=TOLERANCE[kind] * scale)


@pytest.mark.parametrize("kind", ["f4", "f8"])
@pytest.mark.parametrize("order", ["F", "C"])
@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_numbers(name, order, kind, answers):
    case = CASES[name]
    function = getattr(matconvnet, case["func"])
    x, f, b, dzdy = (np.array(answers[name, part], kind, order=order) for part in ("x", "f", "b", "dzdy"))
    options = as_arguments(case["options"])
    y = function(x, f, b, *options)
    assert_agrees(y, answers[name, "y"], case, kind)
    assert y.flags.f_contiguous
    derivatives = function(x, f, b, dzdy, *options)
    for part, derivative in zip(("dzdx", "dzdf", "dzdb"), derivatives, strict=True):
        assert_agrees(derivative, answers[name, part], case, kind)
    keywords = as_keywords(case)
    np.testing.assert_array_equal(function(x, f, b, **keywords), y)
    for derivative, same in zip(derivatives, function(x, f, b, dzdy, **keywords), strict=True):
        np.testing.assert_array_equal(same, derivative)


# What MatConvNet refuses, but convt does not.
ACCEPTED = dict.fromkeys(
    ["e019", "e029"],
    "integers of NumPy as an option's value: MATLAB's literals are double, Python's are not, and 2 means 2",
)
# What MatConvNet does not refuse, but convt does.
REFUSED = {
    "e105": "sparse x: MatConvNet reads past the end of its nonzeros",
    "e139": "x without channels: MatConvNet's answer has lost the two images",
    "e149": "x without rows: MatConvNet's answer has lost the two images",
}
# What both accept, but MatConvNet answers wrongly.
BETTER = {
    "e145": "N = 0 backward: MatConvNet returns uninitialised memory for dzdf and dzdb",
    "e203": "all derivatives switched off: MatConvNet crashes",
    "e205": "no filters and NoDerData: MatConvNet sums dzdb over the first image only",
}


def mod7(shape, dtype):
    """``reshape(mod(0:n-1, 7) - 3, shape)``, what all these calls pass."""
    values = np.arange(prod(shape)) % 7 - 3
    if dtype == "char":
        return np.full(shape, "a")
    return values.astype({"single": "f4", "double": "f8"}.get(dtype, dtype)).reshape(shape, order="F")


LITERALS = {
    "[]": np.zeros((0, 0)),
    "single([])": np.zeros((0, 0), "f4"),
    "int32([])": np.zeros((0, 0), "i4"),
    "false(0,0)": np.zeros((0, 0), bool),
    "true(1,2)": np.ones((1, 2), bool),
    "single(zeros(0,3))": np.zeros((0, 3), "f4"),
    "ones(3,3,2)": np.ones((3, 3, 2)),
    "sparse([1 0 2 0;0 3 0 0;0 0 0 4])": csr_array(np.array([[1.0, 0, 2, 0], [0, 3, 0, 0], [0, 0, 0, 4]])),
    "struct()": {},
    "''": "",
    "int32(2)": np.int32(2),
    "'a'": "a",
    "{2}": {2},
    "{}": {},
    "sparse(1)": csr_array(np.ones((1, 1))),
    "zeros(1,0)": np.zeros((1, 0)),
    "[2;3]": [[2], [3]],
    "[1 0;1 2]": [[1, 0], [1, 2]],
    "Inf": inf,
}


def as_value(entry):
    if isinstance(entry, dict):
        return LITERALS[entry["matlab"]] if "matlab" in entry else mod7(entry["shape"], entry["class"])
    return LITERALS.get(entry, entry) if isinstance(entry, str) else entry


def run(name):
    call = CALLS[name]
    arrays = [as_value(call["args"][key]) for key in ("x", "f", "b", "dzdy") if key in call["args"]]
    return getattr(matconvnet, call["func"])(*arrays, *map(as_value, call["options"]))


def is_refused(name):
    return name in REFUSED or (CALLS[name]["outcome"] == "error" and name not in ACCEPTED)


@pytest.mark.parametrize("name", [name for name in CALLS if is_refused(name)])
def test_refused(name):
    with pytest.raises((TypeError, ValueError), match=r"\bmust .*, got .|missing \d required positional argument"):
        run(name)


@pytest.mark.parametrize("name", [name for name in CALLS if not is_refused(name)])
def test_accepted(name):
    result = run(name)
    results = result if isinstance(result, tuple) else (result,)
    call = CALLS[name]
    if call["outcome"] != "ok":
        return
    shapes = [tuple(map(int, shape.split())) for shape in re.findall(r"\[(.*?)\]", call["result"])]
    for array, shape in zip(results, shapes, strict=True):
        assert array.shape == (*shape, 1, 1)[: array.ndim]
        assert array.dtype == ("f8" if call["result"].startswith("double") else "f4")
    if name not in BETTER:
        first = [float(number) for number in call["last_output_first_values"].strip("[]").split()]
        np.testing.assert_array_equal(results[-1].ravel(order="F")[: len(first)], first)


@pytest.mark.parametrize("name", ["upsample", "crop", "numGroups"])
def test_integers_as_option_values_mean_what_they_say(name):
    x, f = mod7((3, 4, 4, 2), "single"), mod7((3, 3, 2, 4), "single")
    expected = matconvnet.vl_nnconvt(x, f, [], name, 2.0)
    np.testing.assert_array_equal(matconvnet.vl_nnconvt(x, f, [], name, np.int32(2)), expected)


def test_no_images_backward_gives_zeros():
    dzdx, dzdf, dzdb = run("e145")
    assert dzdx.shape == (3, 4, 4, 0)
    assert not dzdf.any()
    assert not dzdb.any()


def test_all_derivatives_off_gives_three_empty_arrays():
    assert [derivative.shape for derivative in run("e203")] == [(0, 0)] * 3


def test_derivative_of_biases_sums_over_all_images():
    dzdb = run("e205")[2]
    np.testing.assert_array_equal(dzdb, mod7((5, 6, 4, 2), "single").sum((0, 1, 3))[None])
