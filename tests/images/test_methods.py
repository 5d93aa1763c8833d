"""methods: Pillow's filters, convt's interpolation, networks."""

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")

import convt  # noqa: E402
from convt.demo import network  # noqa: E402
from convt.images import METHODS, methods, upscale_image  # noqa: E402 - needs Pillow
from convt.images.enlarging import enlarge  # noqa: E402


@pytest.fixture
def net(tmp_path):
    network.build(seed=5).save(tmp_path / "net.npz")
    return methods.from_network(tmp_path / "net.npz")


def noise(rng, mode="RGB"):
    channels = len(Image.new(mode, (1, 1)).getbands())
    bands = [Image.fromarray(rng.integers(256, size=(13, 17), dtype=np.uint8)) for _ in range(channels)]
    return bands[0] if channels == 1 else Image.merge(mode, bands)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("name", ["bilinear", "bicubic", "lanczos"])
def test_filters_are_pillows(rng, name, mode):
    image = noise(rng, mode)
    wanted = image.resize((51, 39), Image.Resampling[name.upper()])
    assert upscale_image(image, 3, name) == wanted


def test_bilinear_is_that_of_convt(rng):
    image = noise(rng)
    one, other = (np.asarray(upscale_image(image, 2, name)).astype(int) for name in ("convt", "bilinear"))
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31)])
def test_large_integers_do_not_wrap_around(value):
    image = Image.fromarray(np.array([[value, 0, value, value]] * 4, np.int32))
    enlarged = np.asarray(upscale_image(image, 3, "lanczos")).astype(float) / value
    assert -0.3 < enlarged.min() < enlarged.max() <= 1.0


def test_an_unknown_method_is_refused():
    with pytest.raises(ValueError, match=r"method must be one of convt, .*, got 'bicubik'; did you mean 'bicubic'\?"):
        methods.named("bicubik")
    assert methods.DEFAULT in METHODS


@pytest.mark.parametrize("name", ["bilinear", "bicubic", "lanczos"])
def test_planes_are_enlarged_by_pillows_filters_too(rng, name):
    plane = rng.random((1, 6, 5), np.float32)
    wanted = Image.fromarray(plane[0]).resize((10, 12), Image.Resampling[name.upper()])
    np.testing.assert_array_equal(methods.resampled(plane, 2, name)[0], np.asarray(wanted))


def test_a_network_does_what_it_does_in_the_demo(rng, net):
    image = noise(rng)
    planes = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255
    wanted = network.enlarge(network.build(seed=5), planes).transpose(1, 2, 0) * 255
    enlarged = np.asarray(enlarge(image, 2, net))
    np.testing.assert_allclose(enlarged, np.clip(wanted, 0, 255), atol=0.51)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_a_network_that_says_nothing_is_bilinear_for_all_its_modes(rng, tmp_path, mode):
    silent = network.build()
    for parameter in silent[-1].parameters():
        parameter.data[...] = 0
    silent.save(tmp_path / "net.npz")
    image = noise(rng, mode)
    enlarged = enlarge(image, 2, methods.from_network(tmp_path / "net.npz"))
    assert enlarged.mode == mode
    difference = np.asarray(enlarged).astype(int) - np.asarray(upscale_image(image, 2))
    assert np.abs(difference).max() <= 1


def test_a_network_adds_nothing_to_the_colours_of_edges(net):
    image = Image.new("RGBA", (12, 9))
    image.paste((200, 30, 30, 255), (4, 0, 12, 9))
    soft, sharp = (np.asarray(each).astype(int) for each in (upscale_image(image, 2), enlarge(image, 2, net)))
    edge = (soft[..., 3] > 0) & (soft[..., 3] < 255)
    assert edge.any()
    np.testing.assert_array_equal(sharp[edge][:, :3], [[200, 30, 30]] * edge.sum())
    assert np.abs(sharp[..., 3] - soft[..., 3]).max() > 1


def test_a_network_takes_sixteen_bits(rng, net):
    grey = rng.integers(256, size=(9, 8), dtype=np.uint16)
    fine, coarse = (
        np.asarray(enlarge(Image.fromarray(each), 2, net)).astype(float)
        for each in (grey * np.uint16(257), grey.astype("u1"))
    )
    np.testing.assert_allclose(fine / 257, coarse, atol=0.51)


def test_a_network_doubles_grey_and_colour_and_no_more(net):
    with pytest.raises(ValueError, match="scale must be 2 for a network, got 3"):
        enlarge(Image.new("RGB", (8, 8)), 3, net)
    with pytest.raises(ValueError, match="image must be L, LA, RGB, RGBA, I;16 for a network, got CMYK"):
        enlarge(Image.new("CMYK", (8, 8)), 2, net)


def test_what_is_no_network_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"network must be an existing file, got '.*none\.npz'"):
        methods.from_network(tmp_path / "none.npz")
    convt.nn.Conv2D(3, 3, in_channels=2).initialize().save(tmp_path / "other.npz")
    (tmp_path / "text.npz").write_text("none")
    for name in ("other.npz", "text.npz"):
        with pytest.raises(ValueError, match=f"network must be a file that `demo --save` has written, got '.*{name}'"):
            methods.from_network(tmp_path / name)
