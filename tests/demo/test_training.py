"""training: it learns, from what it is shown and nothing else."""

import numpy as np
import pytest

pytest.importorskip("PIL")

import convt
from convt.demo import scores, training
from convt.demo.network import MARGIN, RESIDUAL_UNIT, build, enlarge
from convt.demo.photograph import Part, load, reduce, split


def drawing(seed, side=240):
    """A picture of overlapping discs, drawn at twice the size so that their edges are smooth."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:side, :side]
    picture = np.zeros((3, side, side), np.float32)
    for _ in range(120):
        row, column = random.integers(side, size=2)
        inside = (rows - row) ** 2 + (columns - column) ** 2 < random.integers(5, 40) ** 2
        picture[:, inside] = random.random((3, 1))
    return reduce(picture)


def check_learning(picture, steps):
    seen, held_out = split(picture)
    network = build()
    losses = list(training.train(network, seen, steps))
    assert len(losses) == steps
    assert np.mean(losses[-10:]) < 0.9 * np.mean(losses[:10])
    learned = scores.psnr(enlarge(network, held_out.coarse), held_out.fine)
    assert learned > scores.psnr(convt.upsample(held_out.coarse, 2, mode="bilinear"), held_out.fine) + 0.5


def test_it_beats_bilinear_on_the_part_held_out_of_a_drawing():
    check_learning(drawing(seed=2), steps=80)


def test_it_beats_bilinear_on_the_part_held_out_of_a_photograph():
    pytest.importorskip("skimage")
    check_learning(load()[:, 128:384, 100:356], steps=40)


def test_the_part_held_out_does_not_influence_the_weights():
    picture = drawing(seed=1)
    other = picture.copy()
    split(other)[1].fine[...] = drawing(seed=2)[:, : split(other)[1].fine.shape[1]]
    assert not np.array_equal(other, picture)
    first, second = (trained_weights(split(each)[0]) for each in (picture, other))
    for one, another in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, another)


def test_the_part_that_is_seen_does_influence_the_weights():
    first, second = (trained_weights(split(drawing(seed))[0]) for seed in (1, 2))
    assert not np.array_equal(first[0], second[0])


def test_a_patch_and_its_answer_belong_together():
    picture = drawing(seed=3)
    part = Part(reduce(picture), picture)
    coarse, missing = training.Patches(part, seed=0).draw(5)
    inner = slice(MARGIN, -MARGIN)
    for small, rest in zip(coarse, missing, strict=True):
        bilinear = convt.upsample(small, 2, mode="bilinear")
        wanted = bilinear[:, 2 * MARGIN : -2 * MARGIN, 2 * MARGIN : -2 * MARGIN] + RESIDUAL_UNIT * rest
        np.testing.assert_allclose(reduce(wanted), small[:, inner, inner], atol=1e-5)


def trained_weights(part):
    network = build(channels=4)
    list(training.train(network, part, steps=3))
    return [parameter.data for parameter in network.parameters()]


def test_the_learning_rate_falls_from_its_first_value_to_almost_nothing(monkeypatch):
    rates = []

    class Watched(training.Adam):
        def step(self):
            rates.append(self.learning_rate)
            super().step()

    monkeypatch.setattr(training, "Adam", Watched)
    list(training.train(build(), split(drawing(seed=1))[0], 4))
    np.testing.assert_allclose(np.array(rates) / training.RATE, [1, 0.5 + 0.5**1.5, 0.5, 0.5 - 0.5**1.5])
