"""Parameters and the state of layers: as arrays, as a file."""

import io
import zipfile

import numpy as np
import pytest

from convt import nn


def network():
    return nn.Sequential(nn.Conv1D(4, 3), nn.ReLU(), nn.Sequential(nn.Conv1DTranspose(1, 3, use_bias=False)))


X = np.random.default_rng(0).standard_normal((2, 2, 9))


@pytest.fixture
def trained():
    net = network()
    net.initialize(rng=0)
    net(X)
    return net


def test_the_state_is_a_dict_of_copies(trained):
    state = trained.state_dict()
    assert {name: array.shape for name, array in state.items()} == {
        "0.weight": (4, 2, 3),
        "0.bias": (4,),
        "2.0.weight": (4, 1, 3),
    }
    state["0.bias"] += 1
    assert not trained[0].bias.data.any()


def test_a_network_that_knows_nothing_takes_all_from_the_state(trained):
    fresh = network()
    fresh.load_state_dict(trained.state_dict())
    np.testing.assert_array_equal(fresh(X), trained(X))
    assert fresh[0].in_channels == 2


def test_a_network_keeps_its_type(trained):
    other = network()
    other.initialize(dtype=np.float64)
    other(X)
    other.load_state_dict(trained.state_dict())
    assert other[0].weight.data.dtype == np.float64
    np.testing.assert_allclose(other(X), trained(X))


def test_what_was_put_off_does_not_overwrite_what_was_loaded(trained):
    other = network()
    other.initialize("zeros")
    other.load_state_dict(trained.state_dict())
    np.testing.assert_array_equal(other(X), trained(X))


def test_a_file_of_any_name(trained, tmp_path):
    trained.save(tmp_path / "weights")
    other = network()
    other.load(tmp_path / "weights")
    np.testing.assert_array_equal(other(X), trained(X))
    assert [path.name for path in tmp_path.iterdir()] == ["weights"]


def test_a_file_that_is_none_is_told(trained, tmp_path):
    path = tmp_path / "file"
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    pickled = io.BytesIO()
    np.savez(pickled, x=np.array([{}], object))
    for content in (b"", b"text", b"PK\x03\x04 broken", array.getvalue(), pickled.getvalue()):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"path must be an npz file of arrays of numbers, got '.*file'"):
            trained.load(path)
    with pytest.raises(FileNotFoundError):
        trained.load(tmp_path / "none")


def test_a_file_is_looked_at_before_it_is_read(trained, tmp_path, monkeypatch):
    """Names, shapes and types are in its headers: of a small file that unpacks to a large one, nothing is unpacked."""
    right = trained.state_dict()
    wrong = [
        ({**right, "more": np.zeros(10**7)}, KeyError, "got the unknown 'more'"),
        (
            {**right, "0.bias": np.zeros(10**7)},
            ValueError,
            r"arrays\['0.bias'\]: bias must have shape \(4,\), got \(10000000,\)",
        ),
        ({**right, "0.bias": np.zeros(4, complex)}, TypeError, r"arrays\['0.bias'\]: bias must hold real numbers"),
    ]
    monkeypatch.setattr(np, "load", lambda *_, **__: pytest.fail("read"))
    for arrays, error, message in wrong:
        np.savez_compressed(tmp_path / "net.npz", **arrays)
        with pytest.raises(error, match=message):
            trained.load(tmp_path / "net.npz")


def test_a_header_that_lies_is_told(trained, tmp_path):
    path = tmp_path / "net.npz"
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"shape": (10**9,), "fortran_order": False, "descr": "<f4"})
    for name, content in (("0.bias.npy", header.getvalue()), ("0.bias", b"")):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, content)
        with pytest.raises(
            ValueError, match=r"path must be an npz file of arrays of numbers, got '.*net.npz' \('0.bias' is no"
        ):
            trained.load(path)


def test_a_layer_of_ones_own_sees_what_is_loaded(tmp_path):
    seen = []

    class Own(nn.Layer):
        forward = backward = lambda self, x: x

        def load_state_dict(self, arrays):
            seen.append(arrays)

    Own().save(tmp_path / "own")
    Own().load(tmp_path / "own")
    assert seen == [{}]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda state: state.pop("0.bias"), KeyError, "arrays must hold exactly the layer's parameters, got no '0.bias'"),
        (lambda state: state.update(x=1), KeyError, "got the unknown 'x'"),
        (
            lambda state: state.update({"0.bias": np.zeros(5)}),
            ValueError,
            r"arrays\['0.bias'\]: bias must have shape \(4,\), got \(5,\)",
        ),
        (lambda state: state.update({"2.0.weight": np.zeros((4, 1, 3), complex)}), TypeError, r"arrays\['2.0.weight'\]: "),
    ],
)
def test_a_wrong_state_is_told_and_changes_nothing(trained, change, error, message):
    before = trained.state_dict()
    state = {name: array + 1 for name, array in before.items()}
    change(state)
    with pytest.raises(error, match=message):
        trained.load_state_dict(state)
    for name, array in trained.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@pytest.mark.parametrize("path", [1, True, None, 2.5, b"net.npz", ["net.npz"]])
def test_a_path_is_no_open_file(trained, path):
    for call in (trained.save, trained.load):
        with pytest.raises(TypeError, match=r"^path must be a str or a path, got .*"):
            call(path)


@pytest.mark.parametrize("path", ["", "net\0.npz"])
def test_a_path_is_that_of_a_file(trained, path):
    for call in (trained.save, trained.load):
        with pytest.raises(ValueError, match=r"^path must be the path of a file, got .*"):
            call(path)


def test_a_state_is_a_mapping(trained):
    with pytest.raises(TypeError, match="arrays must be a mapping of names to arrays, got list"):
        trained.load_state_dict([1])


def test_there_is_no_state_before_there_is_data():
    net = network()
    net.initialize()
    with pytest.raises(RuntimeError, match=r"must be initialised .*, got no data for '0.weight', '2.0.weight'"):
        net.state_dict()


def test_data_can_be_assigned_changed_in_place_and_not_bent():
    parameter = nn.Parameter("bias", (2,))
    with pytest.raises(RuntimeError, match=r"bias must be initialised before it is used: call initialize\(\)"):
        parameter.grad  # noqa: B018
    parameter.zero_grad()
    mine = np.array([1.0, 2.0], np.float32)
    parameter.data = mine
    parameter.data *= 2
    parameter.grad += 3
    np.testing.assert_array_equal(mine, [1, 2])
    np.testing.assert_array_equal(parameter.data, [2, 4])
    np.testing.assert_array_equal(parameter.grad, [3, 3])
    parameter.data = [7, 8]
    assert parameter.data.dtype == np.float32
    for attribute in ("data", "grad"):
        with pytest.raises(ValueError, match=r"bias must have shape \(2,\), got \(\)"):
            setattr(parameter, attribute, 1.0)
    assert repr(parameter) == "Parameter(bias, (2,), float32)"
