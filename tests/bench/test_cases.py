"""cases: shapes and counts, against convt's own and against counting one by one."""

import re
from itertools import product
from pathlib import Path

import pytest

import convt
from convt.bench.cases import CASES, SAMPLING_CASES, SamplingCase, layer

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"
ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@ALL
def test_shapes_are_those_of_convt(case):
    assert case.y_shape == convt.conv_transpose_shape(case.x_shape, case.w_shape, **case.options)


@ALL
def test_conv_takes_the_fine_array_to_the_coarse_one(case):
    assert convt.conv_shape(case.y_shape, case.w_shape, **case.conv_options) == case.x_shape


def test_names_are_family_and_variant():
    assert all(name == case.name and case.family and name != case.family for name, case in CASES.items())
    assert not {case.family for case in CASES.values()} & set(CASES)


def test_all_kinds_are_there():
    cases = CASES.values()
    assert {len(case.size) for case in cases} == {1, 2, 3}
    assert any(len(set(case.stride)) > 1 for case in cases)
    assert any(case.groups == case.channels > 1 for case in cases)
    assert any(max(case.dilation) > 1 for case in cases)
    assert any(max(case.output_padding) > 0 for case in cases)


@pytest.mark.parametrize(
    "case",
    [
        layer("a-1d", 2, 3, 4, (5,), 4, 2, 1),
        layer("a-2d", 1, 4, 6, (3, 5), (3, 2), (2, 1), (1, 0), output_padding=(1, 0), dilation=(2, 1), groups=2),
    ],
    ids=str,
)
def test_multiply_adds_are_those_that_are_not_cropped(case):
    inside = 0
    for place in product(*map(range, (*case.size, *case.kernel))):
        axes = len(case.size)
        fine = (
            q * s - p + tap * d
            for q, tap, s, p, d in zip(place[:axes], place[axes:], case.stride, case.padding, case.dilation, strict=True)
        )
        inside += all(0 <= index < size for index, size in zip(fine, case.y_shape[2:], strict=True))
    assert case.multiply_adds == inside * case.batch * case.channels * case.outputs // case.groups


def test_what_is_usual_is_left_out_of_the_description():
    case = layer("a-b", 1, 4, 6, (3, 5), (3, 2), (2, 1), (1, 0), output_padding=(1, 0), dilation=2, groups=2)
    assert str(case) == "1, 4>6, 3x5, 3x2 s2x1 p1x0 op1x0 d2 2 groups"


@pytest.mark.skipif(not RESULTS.is_dir(), reason="only in a checkout")
def test_the_results_that_are_kept_are_of_these_cases():
    cases = CASES | SAMPLING_CASES
    pages = "".join(page.read_text(encoding="utf-8") for page in RESULTS.glob("cpu-*.md"))
    rows = re.findall(r"^\| ([\w-]+) \| (\d+, [^|]+) \|", pages, re.MULTILINE)
    assert {name for name, _ in rows} >= set(CASES)
    assert [row for row in rows if row[1] != str(cases[row[0]])] == []


def test_sampling_cases_are_told_in_one_line():
    assert all(name == case.name and case.family in ("upsample", "pool") for name, case in SAMPLING_CASES.items())
    assert str(SamplingCase("upsample-a", (2, 3, 8, 6), 4)) == "2, 3, 8x6 x4"
    assert str(SamplingCase("pool-a", (2, 3, 8, 6), 3, 2, 1)) == "2, 3, 8x6 k3 s2 p1"


@pytest.mark.parametrize(
    "family", ["dcgan", "pix2pix", "gan3d", "unet", "nnunet2d", "nnunet3d", "maskrcnn", "fsrcnn", "hifigan", "fcn"]
)
def test_the_layers_of_networks_enlarge_by_their_stride(family):
    cases = [case for case in CASES.values() if case.family == family and max(case.size) > 1]
    assert cases
    for case in cases:
        assert case.y_shape[2:] == tuple(size * stride for size, stride in zip(case.size, case.stride, strict=True))
