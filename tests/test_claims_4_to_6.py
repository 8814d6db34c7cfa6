"""Claims 4 to 6: the judge can come out all three ways, and what is measured is what the page says."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import SGD, SoftmaxCrossEntropy, claim_scripts, datasets, fit, functional, gradcheck
from minicnn.lesson import ARMS

SPREAD = (-0.1, 0.0, 0.1)  # between three seeds


def part(name, attribute):
    """A function of a claim's script."""
    return claim_scripts.load(name).measure.__globals__[attribute]


# 4: dropped units.


def dropped(not_zero=(0, 0, 0), roundings=(1.0, 0.8, 1.2), sgd=(0.0, 0.0, 0.0)):
    movement = {"plain SGD": sgd, "momentum 0.9": [0.8] * 3, "Adam": [0.8] * 3}
    counts = {"not_zero": not_zero, "roundings": roundings, "not_zero_without_dropout": [700] * 3}
    return {"counts": counts, "movement": movement, "batch_sizes": [64], "without_gradient": {"0.5": [[0.0] * 3]}}


@pytest.mark.parametrize(
    "numbers, word",
    [
        (dropped(), "supported"),
        (dropped(not_zero=(0, 9, 0)), "not seen here"),
        (dropped(not_zero=(8, 9, 7)), "contradicted"),
        (dropped(roundings=(1e9, 2e9, 1.5e9)), "contradicted"),
        (dropped(sgd=(0.8, 0.81, 0.79)), "contradicted"),
    ],
)
def test_dropped_units_are_judged_by_their_zeros(numbers, word):
    assert claim_scripts.load("4").judge(numbers).word == word


@pytest.fixture(scope="module")
def digits():
    data = datasets.load("digits").train
    return data.images.reshape(len(data.images), -1).astype(np.float64), data.labels


def test_dropped_units_leave_exact_zeros(digits):
    counts, picture = part("4", "one_image")(*digits, seed=3)
    assert counts["not_zero"] == 0 and counts["roundings"] < 100 and counts["not_zero_without_dropout"] > 100
    off = picture["after"] == 0
    assert 4 < off.sum() < 28 and (picture["before"] != 0).all()
    assert_allclose(picture["after"][~off], 2 * picture["before"][~off])
    assert not picture["dw1"][off].any() and picture["dw1"][~off].any(axis=1).all()


def test_a_wrong_dropout_contradicts_the_claim(digits, monkeypatch):
    one_image, right = part("4", "one_image"), functional.dropout_forward
    with monkeypatch.context() as wrong:
        wrong.setattr(functional, "dropout_backward", lambda dy, mask: dy)
        assert one_image(*digits, seed=0)[0]["not_zero"] > 100
    with monkeypatch.context() as wrong:  # 1 / keep forgotten
        wrong.setattr(
            functional, "dropout_forward", lambda a, rate, rng: [part * (1 - rate) for part in right(a, rate, rng)]
        )
        assert one_image(*digits, seed=0)[0]["roundings"] > 1e6


def test_a_mini_batch_leaves_units_without_gradient_by_the_power_of_the_rate(digits):
    share = part("4", "share_without_gradient")
    assert share(*digits, 0.5, 1, batches=100, seed=0) == pytest.approx(0.5, abs=0.05)
    assert share(*digits, 0.5, 2, batches=100, seed=0) == pytest.approx(0.25, abs=0.05)
    assert share(*digits, 0.5, 64, batches=10, seed=0) == 0


def test_a_gradient_of_zero_moves_weights_by_memory_and_decay_only(digits):
    moved = {name: part("4", "movement")(*digits, name, steps=40, seed=0) for name in part("4", "OPTIMIZERS")}
    assert moved["plain SGD"] == 0
    assert 0 < moved["weight decay 0.0005"] < 0.01
    assert moved["momentum 0.9"] > 0.5 and moved["Adam"] > 0.5


# 5: each dimension.


def dimensions(apart, distance=1e-4, spread=1.0):
    """Numbers of which each dimension is so many points better than all together."""
    rows = {"without": 60.0, "all together": 70.0, "each dimension": 70.0 + apart}
    rates = {
        way: [[0.0] * 3, [mean + spread * s * (way == "each dimension") for s in SPREAD]] for way, mean in rows.items()
    }
    pairs = [[[80.0, 70.0]] * 3]
    return {
        "by_rate": rates,
        "distances": {"each dimension": [distance] * 3, "all together": [2.0] * 3},
        "sizes": {"without": [1, 2], "each dimension": [2]},
        "by_size": {"without": pairs * 2, "each dimension": pairs},
    }


@pytest.mark.parametrize(
    "numbers, word",
    [
        (dimensions(3), "supported"),
        (dimensions(3, spread=100), "not seen here"),
        (dimensions(-3), "contradicted"),
        (dimensions(3, distance=0.5), "contradicted"),
    ],
)
def test_each_dimension_is_judged_by_accuracy_and_by_its_units(numbers, word):
    assert claim_scripts.load("5").judge(numbers).word == word


def test_each_way_is_taken_at_its_best_learning_rate():
    numbers = {"by_rate": {"without": [[70.0, 50.0], [61.0, 61.0], [40.0, 60.0]]}}
    assert part("5", "best")(numbers, "without") == [61.0, 61.0]


def test_together_is_right_for_what_it_is():
    layer, x = part("5", "Together")(), np.random.default_rng(0).normal(size=(8, 5)) * np.arange(1, 6) + 3
    layer.build((5,), dtype=np.float64)
    y = layer.forward(x, training=True)
    assert_allclose([y.mean(), y.std()], [0, 1], atol=1e-6)
    assert np.ptp(y.std(axis=0)) > 0.5
    layer.params["gamma"][:], layer.params["beta"][:] = np.arange(1, 6), np.arange(5)
    gradcheck.check_layer(layer, x, training=True).raise_if_failed()


def test_of_one_image_nothing_is_left_and_of_two_a_sign():
    data = datasets.load("fashion-mini").subset(train=20, test=10)
    model = part("5", "network")("each dimension", data.image_shape, 0)
    with pytest.raises(ValueError, match="one alone is its own mean"):
        fit(model, data.train, loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), batch_size=1, progress=False)
    norm = model.layers[2]
    y = norm.forward(np.array([[3.0, -7.0] * 50, [5.0, -8.0] * 50], np.float32), training=True)
    assert_allclose(y, [[-1, 1] * 50, [1, -1] * 50], atol=1e-4)


# 6: range of the inputs.


def ranges(moves, moves_without, jump, spread=0.1):
    """Numbers of a band that moves so many widths and part of the way back; the multiplication adds `jump` widths."""

    def arm(moves, jump):
        band = np.array([[-1.0, 0.0, 1.0]] * 3)
        there = [2 * moves * (1 + spread * s) for s in SPREAD]
        by_seed = [
            [band, band + m, band + 0.4 * m, band + 2 * jump * (1 + s)] for m, s in zip(there, SPREAD, strict=True)
        ]
        return {"bands": np.repeat(np.array(by_seed)[:, :, None], 2, axis=2), "before": [band] * 3}

    return {"every": 4, "jump": 12, "with": arm(moves, jump), "without": arm(moves_without, 5)}


@pytest.mark.parametrize(
    "numbers, word",
    [
        (ranges(0.1, 0.5, 0.01), "supported"),
        (ranges(0.1, 0.5, 0.1), "not seen here"),
        (ranges(0.5, 0.5, 0.01), "not seen here"),
        (ranges(0.5, 0.1, 0.01), "contradicted"),
        (ranges(0.1, 0.5, 5), "contradicted"),
    ],
)
def test_the_range_is_judged_by_its_movement_and_by_the_multiplication(numbers, word):
    assert claim_scripts.load("6").judge(numbers).word == word


def test_movement_and_effect_are_counted_in_widths():
    numbers = ranges(0.25, 0.5, 0.01, spread=0)
    assert_allclose(part("6", "movement")(numbers, "with"), np.full((3, 3), 0.25))
    assert_allclose(part("6", "effect")(numbers, "without").mean(axis=0), [5, 5])


def test_looking_at_the_bands_leaves_the_model_as_it_was():
    data = datasets.load("fashion-mini").subset(train=20, test=20)
    model = ARMS["batchnorm"](data.image_shape, 10, 0)
    before, logits = model.state, model.predict(data.test.images)
    found = part("6", "bands")(model, data.test.images, training=True)
    assert_allclose(found[:, 2] - found[:, 0], 2, atol=0.4)  # of a normal distribution 2.07
    for name, array in model.state.items():
        assert_array_equal(array, before[name])
    assert_array_equal(model.predict(data.test.images), logits)


@pytest.mark.parametrize("arm, factor", [("without", 10), ("with", 1)])
def test_the_multiplied_weights_multiply_the_inputs_or_do_not(arm, factor):
    data = datasets.load("fashion-mini").subset(train=128, test=50)
    bands, before, losses = part("6", "one_training")(data, arm, epochs=1, every=1, jump=1, seed=0)
    assert bands.shape == (2, 2, 3, 3) and len(losses) == 2
    assert_allclose(bands[1, 0, 0], before[0], rtol=1e-6)
    assert_allclose(bands[1, 0, 1], factor * before[1], rtol=1e-3, atol=1e-4)
