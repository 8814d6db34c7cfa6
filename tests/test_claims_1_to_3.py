"""Claims 1 to 3: the judge can come out all three ways, and what is measured is what the page says."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from minicnn import claim_scripts, datasets
from minicnn.datasets import Split
from minicnn.functional import softmax_forward


def part(name, attribute):
    """A function of a claim's script."""
    return claim_scripts.load(name).measure.__globals__[attribute]


SPREAD = (-0.1, 0.0, 0.1)  # between three seeds

# 1: overfitting.


def overfitting(gap, loss, spread=1.0):
    """Numbers as `measure` returns them, whose dropout changes gap (points) and test loss (nats) by so much."""
    rows = {}
    for images in (100, 400):
        rows[f"0 {images}"] = [[[60.0, 55.0, 0.9], [90.0, 70.0 + spread * s, 0.8]] for s in SPREAD]
        rows[f"0.5 {images}"] = [[[55.0, 54.0, 0.9], [80.0, 60.0 - gap - spread * s, 0.8 + loss]] for s in SPREAD]
    return {"sizes": [100, 400], "rates": [0, 0.5], "middle": 400, "rows": rows}


@pytest.mark.parametrize(
    "numbers, word",
    [
        (overfitting(-5, -0.1), "supported"),
        (overfitting(-5, 0.0), "not seen here"),
        (overfitting(-0.1, -0.1, spread=5), "not seen here"),
        (overfitting(-5, 0.1), "contradicted"),
        (overfitting(5, -0.1), "contradicted"),
    ],
)
def test_overfitting_is_judged_by_gap_and_loss(numbers, word):
    claim = claim_scripts.load("1")
    verdict = claim.judge(numbers)
    assert verdict.word == word


def test_overfitting_compares_at_the_same_fit():
    """Plain training went from 60 to 90 % and test from 55 to 70 %: at 80 % of training it had 65 %."""
    numbers = overfitting(-7, -0.1, spread=0)
    assert_allclose(part("1", "beyond_less_fitting")(numbers, 100), [67 - 65] * 3)
    assert part("1", "difference")(numbers, "gap", 100) == pytest.approx([-7] * 3)


# 2: co-adaptation.


def co_adaptation(deleted, frozen):
    """Numbers of which the share of accuracy lost differs by so many points between the arms."""

    def arm(*lost):
        return [
            {
                "accuracy": {
                    way: [80.0, *[80.0 * (1 - (40 + by + s) / 100)] * 5]
                    for way, by in zip(("deleted", "frozen"), lost, strict=True)
                },
                "correlation": 0.2 + s / 100,
                "histogram": [1.0] * 40,
            }
            for s in SPREAD
        ]

    return {"without dropout": arm(0, 0), "with dropout": arm(deleted, frozen)}


@pytest.mark.parametrize(
    "deleted, frozen, word",
    [(-10, -10, "supported"), (-10, 0, "not seen here"), (-10, 10, "contradicted"), (10, -10, "contradicted")],
)
def test_co_adaptation_is_judged_by_both_ways_of_taking_units_away(deleted, frozen, word):
    claim = claim_scripts.load("2")
    numbers = co_adaptation(deleted, frozen)
    verdict = claim.judge(numbers)
    assert verdict.word == word
    assert [e.estimate.mean for e in verdict.evidence] == pytest.approx([deleted, frozen], abs=1e-9)


def test_taking_no_unit_away_changes_nothing_and_taking_all_leaves_one_answer():
    model = part("2", "network")(0.5, 0)
    images = datasets.load("fashion-mini").test.images[:50]
    seen, all_ten = Split(images, model.forward(images).argmax(axis=1)), Split(images, np.arange(50) % 10)
    assert len(set(seen.labels)) > 1
    means = [h.mean(axis=0) for h in part("2", "hidden_outputs")(model, images)]
    accuracy = part("2", "accuracy_without")
    for way in ("deleted", "frozen"):
        assert accuracy(model, seen, 0.0, way, means, np.random.default_rng(0)) == 100
        assert accuracy(model, all_ten, 1.0, way, means, np.random.default_rng(0)) == 10  # one answer for all
    assert_allclose(part("2", "outputs")(model, images, lambda number, h: h), model.forward(images), rtol=1e-6)


def test_correlation_of_copies_is_one():
    h = np.random.default_rng(0).standard_normal((100, 3))
    h = np.column_stack([h, h[:, 0], -2 * h[:, 0], np.zeros(100)])
    found = np.sort(part("2", "correlations")(h))
    assert len(found) == 10  # pairs of the five units that speak
    assert_allclose(found[-3:], 1)
    assert found[-4] < 0.5


# 3: model averaging.


def averaging(apart, share, gain=5.0):
    """Numbers: one pass stands `apart` points from the average, and misses that share of the gain in log-likelihood."""
    runs = []
    for s in SPREAD:
        averages = [[75.0, -0.8]] + [[75.0 + gain + 10 * s * (gain == 0), -0.6]] * 6
        one_pass = [averages[-1][0] + apart + s, -0.6 - 0.2 * (share + s / 10)]
        runs.append({"averages": averages, "one pass": one_pass, "uncertainty": [[0.5, 0.6, 0.1 + s / 10]] * 10})
    return {"runs": runs}


@pytest.mark.parametrize(
    "numbers, word",
    [
        (averaging(0.0, 0.1), "supported"),
        (averaging(0.0, -0.1), "supported"),
        (averaging(0.9, 0.1), "not seen here"),
        (averaging(0.0, 0.25), "not seen here"),
        (averaging(0.0, 0.1, gain=0), "not seen here"),
        (averaging(-2.0, 0.1), "contradicted"),
        (averaging(2.0, 0.1), "contradicted"),
        (averaging(0.0, 0.5), "contradicted"),
        (averaging(0.0, -0.5), "contradicted"),
        (averaging(0.0, 0.1, gain=-5), "contradicted"),
    ],
)
def test_averaging_is_judged_by_how_near_one_pass_comes(numbers, word):
    claim = claim_scripts.load("3")
    assert claim.judge(numbers).word == word


def test_one_pass_is_the_model_in_evaluation_and_thinned_networks_differ():
    model, images = part("3", "network")(0), np.random.default_rng(0).random((4, 28, 28, 1), dtype=np.float32)
    probabilities = part("3", "probabilities")
    assert_allclose(probabilities(model, images), softmax_forward(model.forward(images))[0], rtol=1e-6)
    first, second = (probabilities(model, images, thinned=True) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    assert_allclose(first.sum(axis=1), 1, rtol=1e-5)


def test_scores_and_entropy_of_numbers_done_by_hand():
    p = np.array([[0.5, 0.5, 0.0], [0.25, 0.5, 0.25]])
    assert_allclose(part("3", "scores")(p, np.array([0, 0])), [50, (np.log(0.5) + np.log(0.25)) / 2])
    assert_allclose(part("3", "entropy")(p), [np.log(2), 1.5 * np.log(2)], rtol=1e-5)


def test_pictures_are_turned_about_their_centre():
    image = np.zeros((1, 28, 28, 1), np.float32)
    image[0, 2:6, 12:16] = 1  # at the top
    turned = part("3", "turned")
    assert_allclose(turned(image, 0), image)
    assert turned(image, 180)[0, 22:26, 12:16].min() > 0.99
    assert turned(image, 180).shape == image.shape
