"""Claims 7 to 9: their judges come out all three ways, and what they measure is what they say."""

import numpy as np
import pytest

from minicnn import claim_scripts
from minicnn.commands import UsageError
from minicnn.layers import BatchNorm


def script(name):
    """The functions of a claim's script."""
    return claim_scripts.load(name).measure.__globals__


FASTER, BOTH, LESSON = script("7"), script("8"), script("9")
SEEDS = range(4)


def noisy(mean, seed, size=0.01):
    return mean * (1 + size * np.random.default_rng([seed, int(1000 * mean)]).normal())


# Claim 7.


def faster_numbers(with_steps, with_cosine):
    """Without batch norm 100 steps at the best rate and a cosine of 0.5."""
    arms = zip(FASTER["ARMS"], (100, with_steps), (0.5, with_cosine), strict=True)
    numbers = {"granted": 300, "steps": {}, "probes": {}}
    for arm, steps, cosine in arms:
        at_best = [None if steps is None else noisy(steps, seed) for seed in SEEDS]
        numbers["steps"][arm] = {name: [[None] * 4, at_best, [None] * 4] for name in FASTER["OPTIMIZERS"]}
        kept = [[1.0] * 4 + [0.4] + [0.9] * (len(FASTER["PROMISES"]) - 5)]
        cosines = [[1.0, noisy(cosine, seed), 0.0] for seed in SEEDS]
        numbers["probes"][arm] = [{"kept": kept, "cosines": [row]} for row in cosines]
    return numbers


@pytest.mark.parametrize(
    "with_steps, with_cosine, word",
    [
        (50, 0.9, "supported"),
        (150, 0.9, "contradicted"),
        (50, 0.3, "contradicted"),
        (50, 0.5, "not seen here"),
        (None, 0.9, "contradicted"),  # never there: counts with the 300 steps granted
    ],
)
def test_faster_training_is_judged_by_steps_and_independence(with_steps, with_cosine, word):
    verdict = FASTER["judge"](faster_numbers(with_steps, with_cosine))
    assert verdict.word == word
    expected = 100 * ((with_steps or 300) / 100 - 1)
    assert verdict.evidence[0].estimate.mean == pytest.approx(expected, abs=3)


def test_a_step_s_reach_ends_where_it_first_breaks_its_promise():
    reach = FASTER["reach"](faster_numbers(50, 0.9), FASTER["WITH"])
    np.testing.assert_allclose(reach, [FASTER["PROMISES"][3]] * 4)


def one_batch(arm):
    train = FASTER["datasets"].load("digits").train
    model = FASTER["network"](arm, 0)
    batch = FASTER["random_batch"](train, np.random.default_rng(0))
    start = {name: parameter.copy() for name, parameter in model.params.items()}
    return model, batch, start, *FASTER["gradients"](model, *batch)


@pytest.mark.parametrize("arm", FASTER["ARMS"])
def test_a_tiny_step_keeps_its_promise_and_turns_no_gradient(arm):
    model, batch, start, value, slopes = one_batch(arm)
    kept = FASTER["promise_kept"](model, batch, start, value, slopes, 1e-3)
    assert kept == pytest.approx(1, abs=0.05)
    assert FASTER["agreement"](model, batch, start, slopes, 1e-4) == pytest.approx(1, abs=1e-3)
    assert FASTER["agreement"](model, batch, start, slopes, 1.0) < 0.9


def test_only_the_layers_named_move():
    model, _, start, _, slopes = one_batch(FASTER["WITH"])
    FASTER["move"](model, start, slopes, 0.1, ["dense_1.w"])
    for name, parameter in model.params.items():
        there = start[name] - 0.1 * slopes[name] if name == "dense_1.w" else start[name]
        np.testing.assert_allclose(parameter, there, rtol=1e-6)


# Claim 8.


def both_numbers(early_accuracy, early_ratio):
    """With dropout after batch norm an accuracy of 75 % and a variance ratio of 0.8."""
    numbers = {}
    for order in BOTH["ORDERS"]:
        accuracy, ratio = (early_accuracy, early_ratio) if order in BOTH["EARLY"] else (75.0, 0.8)
        numbers[order] = [
            {"trained": noisy(accuracy, seed), "anew": noisy(accuracy, seed) + 1, "ratios": [noisy(ratio, seed)] * 3}
            for seed in SEEDS
        ]
    return numbers


@pytest.mark.parametrize(
    "accuracy, ratio, word",
    [
        (65.0, 0.4, "supported"),
        (85.0, 0.4, "contradicted"),
        (65.0, 0.95, "contradicted"),
        (65.0, 0.8, "not seen here"),
    ],
)
def test_the_order_is_judged_by_accuracy_and_shift(accuracy, ratio, word):
    verdict = BOTH["judge"](both_numbers(accuracy, ratio))
    assert verdict.word == word
    assert verdict.evidence[0].estimate.mean == pytest.approx(75 - accuracy, abs=2)
    assert "+1.0 points" in verdict.remarks[0]


def test_a_shift_counts_alike_to_both_sides():
    order = BOTH["ORDERS"][0]
    up, down = ({order: [{"ratios": [ratio] * 3}]} for ratio in (2.0, 0.5))
    assert BOTH["shift"](up, order) == pytest.approx(100) == BOTH["shift"](down, order)


@pytest.mark.parametrize("order", BOTH["ORDERS"])
def test_new_statistics_leave_no_shift(order):
    model = BOTH["network"](order, 0.5, 0)
    x = BOTH["images"]()[0][0][:200]
    assert not np.allclose(BOTH["variance_ratios"](model, x), 1, atol=0.1)  # as built: a running variance of 1
    BOTH["measure_statistics_anew"](model, x)
    np.testing.assert_allclose(BOTH["variance_ratios"](model, x), 1, rtol=1e-4)


def test_orders_are_what_they_are_called():
    kinds = {
        order: [type(layer).__name__ for layer in BOTH["network"](order, 0.5, 0).layers] for order in BOTH["ORDERS"]
    }
    for order in (*BOTH["LATE"], *BOTH["EARLY"], BOTH["NO_DROPOUT"]):
        assert kinds[order] == ["Flatten", *["Dense", *order.split(" - ")] * 3, "Dense"]
    assert kinds[BOTH["ADVISED"]] == ["Flatten", *["Dense", "BatchNorm", "ReLU"] * 3, "Dropout", "Dense"]


# Claim 9.


def lesson_numbers(one, three, both, both_train):
    """Accuracies, from 0 to 1; the network without both ends at 0.99 on training images."""
    runs = {}
    for name, validation, train in zip(LESSON["NETWORKS"], (one, three, both), (0.9, 0.99, both_train), strict=True):
        runs[name] = [
            {"running": [0.5, 0.6], "train": [train], "validation": [0.1, *[noisy(validation, seed)] * 3]}
            for seed in SEEDS
        ]
    return {"data": "planted", "images": [100, 400], "runs": runs}


@pytest.mark.parametrize(
    "accuracies, word",
    [
        ((0.6, 0.7, 0.8, 0.85), "supported"),
        ((0.6, 0.7, 0.65, 0.7), "contradicted"),
        ((0.8, 0.7, 0.8, 0.85), "contradicted"),
        ((0.6, 0.7, 0.8, 1.15), "contradicted"),
        ((0.6, 0.7, 0.7, 0.85), "not seen here"),
    ],
)
def test_the_lesson_is_judged_by_accuracy_and_gap(accuracies, word):
    verdict = LESSON["judge"](lesson_numbers(*accuracies))
    assert verdict.word == word
    assert verdict.evidence[0].estimate.mean == pytest.approx(100 * (accuracies[2] - accuracies[1]), abs=1.5)
    assert "another 2." in verdict.remarks[1] or "another 1." in verdict.remarks[1]


def test_the_lesson_s_networks_have_the_parameters_it_counts():
    counts = [
        LESSON["parameter_count"](LESSON["network"](*options, 64, (32, 32, 3), 0))
        for options in LESSON["NETWORKS"].values()
    ]
    assert counts == [2_099_201, 895_361, 897_665]
    model = LESSON["network"](3, True, 4, (32, 32, 3), 0)
    assert [type(layer).__name__ for layer in model.layers[:5]] == [
        "Conv2D",
        "ReLU",
        "BatchNorm",
        "MaxPool2D",
        "Dropout",
    ]
    assert [layer.rate for layer in model.layers if hasattr(layer, "rate")] == [0.2, 0.3, 0.5, 0.5]
    assert {(layer.momentum, layer.eps) for layer in model.layers if isinstance(layer, BatchNorm)} == {(0.99, 1e-3)}


def test_the_lesson_takes_two_classes(tmp_path):
    data = LESSON["load"]("fashion-mini", None)
    assert data.classes == ("T-shirt/top", "Shirt")
    assert np.bincount(data.train.labels).tolist() == [300, 300] and np.bincount(data.test.labels).tolist() == [
        200,
        200,
    ]
    everything = LESSON["load_data"]("fashion-mini").train
    shirts = everything.images[everything.labels == 6]
    np.testing.assert_array_equal(data.train.images[data.train.labels == 1], shirts)
    with pytest.raises(UsageError, match="tells two classes apart, digits has 10"):
        LESSON["load"]("digits", None)


def test_the_lesson_reads_images_from_a_file(tmp_path):
    rng, path = np.random.default_rng(0), tmp_path / "two.npz"
    images, labels = rng.integers(0, 256, (12, 8, 8, 3), dtype=np.uint8), np.arange(12) % 2
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    numbers = LESSON["CLAIM"].run(LESSON["CLAIM"].sized("tiny", data=str(path), images=12)).numbers
    assert numbers["images"] == [12, 12] and numbers["data"].startswith("two, ")
    assert all(len(run["validation"]) == 1 for runs in numbers["runs"].values() for run in runs)
