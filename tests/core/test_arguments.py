"""The forms that options may take."""

import itertools

import numpy as np
import pytest

from convt.core.arguments import as_padding, as_shape, as_size, as_sizes, per_axis, per_axis_pairs


@pytest.mark.parametrize("value", [3, np.int8(3), np.uint64(3), np.array(3)])
def test_any_kind_of_integer_is_a_size(value):
    size = as_size("groups", value)
    assert size == 3
    assert type(size) is int


@pytest.mark.parametrize("value", [3.0, np.float64(3), "3", b"3", True, np.True_, None, 3j, [3], object(), {3: 3}])
def test_nothing_else_is_a_size(value):
    with pytest.raises(TypeError, match=r"^groups must be an integer, got "):
        as_size("groups", value)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 10**5000], ids=["2**63", "-2**63 - 1", "10**5000"])
def test_a_size_fits_into_64_bits(value):
    with pytest.raises(ValueError, match=r"^groups must fit into 64 bits, got an integer of \d+ bits$"):
        as_size("groups", value)


@pytest.mark.parametrize(
    ("value", "sizes"),
    [
        (2, 2),
        ((2, 3), (2, 3)),
        ([2, 3], (2, 3)),
        (range(2, 4), (2, 3)),
        (np.array([2, 3]), (2, 3)),
        (np.array(2), 2),
        ([np.int32(2)], (2,)),
        ((), ()),
    ],
)
def test_sizes_become_hashable(value, sizes):
    assert as_sizes("stride", value) == sizes
    hash(as_sizes("stride", value))


@pytest.mark.parametrize("value", [2.0, "22", b"22", True, None, {2: 3}, {2}, itertools.count(1), (s for s in (2, 3))])
def test_only_sequences_hold_several_sizes(value):
    with pytest.raises(TypeError, match=r"^stride must be an integer or a sequence of integers, got "):
        as_sizes("stride", value)


@pytest.mark.parametrize("value", [(2, 1.5), [2, "3"], (1, True), np.array([1.0, 2.0]), (1, None), [1, [2]]])
def test_a_wrong_entry_is_named(value):
    with pytest.raises(TypeError, match=r"^stride\[[01]\] must be an integer, got "):
        as_sizes("stride", value)


def test_a_shape_is_a_sequence_of_sizes():
    assert as_shape("x_shape", [1, np.int64(2)]) == (1, 2)


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (3, TypeError, "x_shape must be a sequence of integers, got 3"),
        ("12", TypeError, "x_shape must be a sequence of integers, got '12'"),
        ((1, 2.0), TypeError, r"x_shape\[1\] must be an integer, got 2.0"),
        ((1, -2), ValueError, r"x_shape must have no negative sizes, got \(1, -2\)"),
    ],
)
def test_what_is_no_shape(value, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        as_shape("x_shape", value)


@pytest.mark.parametrize(
    ("value", "padding"),
    [
        (1, 1),
        (-1, -1),
        ([1, 2], (1, 2)),
        ([(1, 2), [3, 4]], ((1, 2), (3, 4))),
        ((1, (2, 3)), (1, (2, 3))),
        (np.array([[1, 2], [3, 4]]), ((1, 2), (3, 4))),
        ("valid", "valid"),
        ("same", "same"),
        ("same_lower", "same_lower"),
    ],
)
def test_padding_becomes_hashable(value, padding):
    assert as_padding(value) == padding
    hash(as_padding(value))


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (
            "SAME",
            ValueError,
            r"padding must be an integer, .* \('valid', 'same', 'same_lower'\), got 'SAME'; did you mean 'same'\?",
        ),
        (None, TypeError, "padding must be an integer, .* or one of .*, got None"),
        (1.5, TypeError, "padding must be an integer, .* or one of .*, got 1.5"),
        ((1, 1.5), TypeError, r"padding\[1\] must be an integer or a \(before, after\) pair, got 1.5"),
        (((1, 2), (1, "2")), TypeError, r"padding\[1\]\[1\] must be an integer, got '2'"),
        (((1, 2, 3),), ValueError, r"padding\[0\] must be an integer or a \(before, after\) pair, got \(1, 2, 3\)"),
        ((1, "same"), TypeError, r"padding\[1\] must be an integer or a \(before, after\) pair, got 'same'"),
    ],
)
def test_what_is_no_padding(value, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        as_padding(value)


def test_one_number_counts_for_every_axis():
    assert per_axis("stride", 2, 3, least=1) == (2, 2, 2)
    assert per_axis("stride", (1, 2, 3), 3, least=1) == (1, 2, 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "stride must be at least 1, got 0"),
        ((1, -2), r"stride must be at least 1, got \(1, -2\)"),
        ((1,), r"stride must be an integer or have one per spatial axis \(2\), got 1: \(1,\)"),
        ((1, 2, 3), r"stride must be an integer or have one per spatial axis \(2\), got 3: \(1, 2, 3\)"),
        ((), r"stride must be an integer or have one per spatial axis \(2\), got 0: \(\)"),
    ],
)
def test_one_value_per_axis_and_none_too_small(value, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        per_axis("stride", value, 2, least=1)


@pytest.mark.parametrize(
    ("value", "pairs"),
    [
        (1, ((1, 1), (1, 1))),
        ((1, 2), ((1, 1), (2, 2))),
        (((1, 2), (3, 4)), ((1, 2), (3, 4))),
        ((1, (3, 4)), ((1, 1), (3, 4))),
        ("valid", ((0, 0), (0, 0))),
    ],
)
def test_padding_becomes_a_pair_per_axis(value, pairs):
    assert per_axis_pairs(value, 2) == pairs


@pytest.mark.parametrize("value", [(1,), (1, 2, 3), ((1, 2),), ()])
def test_padding_has_one_entry_per_axis(value):
    with pytest.raises(ValueError, match=r"^padding must be an integer, or have .* per spatial axis \(2\), got \d: "):
        per_axis_pairs(value, 2)
