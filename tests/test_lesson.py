"""The lesson: four arms from one set of weights, and sentences that say what the numbers say."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import BatchNorm, Dropout, datasets
from minicnn.lesson import ARMS, DEFAULT, QUICK, Size, answers, footnote, network, table
from minicnn.results import Curves, Recipe, Results

# The arms.


@pytest.mark.parametrize("seed", [0, 7])
def test_all_arms_start_from_the_same_weights(seed):
    models = {arm: make_model((28, 28, 1), 10, seed) for arm, make_model in ARMS.items()}
    plain = models["plain"].params
    assert list(plain) == [f"{layer}.{p}" for layer in ("conv2d_1", "conv2d_2", "dense_1", "dense_2") for p in "wb"]
    for model in models.values():
        for name, array in plain.items():
            assert_array_equal(model.params[name], array)
        extra = model.params.keys() - plain.keys()
        assert all(name.startswith("batchnorm") for name in extra)
    other = network((28, 28, 1), 10, seed + 1)
    assert not np.array_equal(other.params["conv2d_1.w"], plain["conv2d_1.w"])


def test_each_arm_has_what_its_name_says():
    kinds = {arm: [type(layer) for layer in ARMS[arm]((28, 28, 1), 10, 0).layers] for arm in ARMS}
    assert list(ARMS) == ["plain", "dropout", "batchnorm", "both"]
    counts = {arm: (layers.count(Dropout), layers.count(BatchNorm)) for arm, layers in kinds.items()}
    assert counts == {"plain": (0, 0), "dropout": (3, 0), "batchnorm": (0, 3), "both": (3, 3)}
    without = [kind for kind in kinds["both"] if kind not in (Dropout, BatchNorm)]
    assert without == kinds["plain"]


def test_batch_norm_stands_between_weights_and_relu():
    names = ARMS["both"]((28, 28, 1), 10, 0).layer_names
    first_block = ["conv2d_1", "batchnorm_1", "relu_1", "maxpool2d_1", "dropout_1"]
    assert names[:5] == first_block
    assert names[-5:] == ["dense_1", "batchnorm_3", "relu_3", "dropout_3", "dense_2"]


def test_the_data_are_drawn_balanced_and_never_end_in_a_batch_of_one():
    digits = datasets.load("digits")
    drawn = Size(train_images=129, test_images=10_000, seeds=1, epochs=1).draw(digits)
    assert len(drawn.train.labels) == 128  # two batches of 64, instead of a third with one image
    assert len(drawn.test.labels) == len(digits.test.labels)
    counts = np.bincount(drawn.train.labels)
    assert counts.max() - counts.min() <= 1
    assert DEFAULT.recipe() == Recipe(epochs=DEFAULT.epochs) and QUICK.epochs < DEFAULT.epochs


# The sentences. Each arm is planted as one tuple a seed: training accuracy at the end, test accuracy after the first
# and after the last epoch, test loss.

PLAIN = [(0.95, 0.60, 0.85, 0.50), (0.94, 0.62, 0.85, 0.52), (0.96, 0.61, 0.85, 0.51)]


def planted(**arms):
    runs = {
        arm: {
            seed: Curves([0.9, 0.2], [0.5, train], [0.9, loss], [first, last], 1.0)
            for seed, (train, first, last, loss) in enumerate(by_seed)
        }
        for arm, by_seed in arms.items()
    }
    about = {"name": "planted", "train_images": 10, "test_images": 10, "image_shape": [4, 4, 1], "classes": ["a", "b"]}
    return Results(about, Recipe(epochs=2), [0, 1, 2], 0.8, runs)


def sentence(number, **arms):
    sentences = answers(planted(**arms))
    assert len(sentences) == 3
    assert all(s.endswith(".") and "{" not in s and "nan" not in s for s in sentences)
    return sentences[number]


def test_dropout_seen():
    arm = [(0.88, 0.5, 0.85, 0.5), (0.87, 0.5, 0.85, 0.5), (0.90, 0.5, 0.85, 0.5)]
    assert sentence(0, plain=PLAIN, dropout=arm) == (
        "Dropout narrowed the generalization gap: training accuracy ended 3.3 ± 0.9 points above test accuracy "
        "with it, 10.0 ± 0.6 without (difference -6.7 ± 0.3)."
    )


def test_dropout_not_seen():
    arm = [(0.96, 0.5, 0.85, 0.5), (0.92, 0.5, 0.85, 0.5), (0.95, 0.5, 0.85, 0.5)]
    text = sentence(0, plain=PLAIN, dropout=arm)
    assert text.startswith("An effect of dropout on the generalization gap was not seen in this run: ")
    assert text.endswith("(difference -0.7 ± 0.9, not seen).")


def test_dropout_opposite():
    arm = [(0.98, 0.5, 0.85, 0.5), (0.97, 0.5, 0.85, 0.5), (0.98, 0.5, 0.85, 0.5)]
    text = sentence(0, plain=PLAIN, dropout=arm)
    assert text.startswith("In this run dropout widened the generalization gap: ")
    assert text.endswith("(difference +2.7 ± 0.3).")


def test_batch_norm_seen_by_both_measures():
    arm = [(0.99, 0.81, 0.86, 0.5), (0.99, 0.80, 0.86, 0.5), (0.99, 0.82, 0.86, 0.5)]
    assert sentence(1, plain=PLAIN, batchnorm=arm) == (
        "Batch norm sped up learning: after one epoch test accuracy was 81.0 ± 0.6 % with it, 61.0 ± 0.6 % without "
        "(difference +20.0 ± 1.0); epochs to a test accuracy of 80 % were 1.0 ± 0.0 with it, 2.0 ± 0.0 without "
        "(difference -1.0 ± 0.0)."
    )


def test_batch_norm_not_seen():
    arm = [(0.99, 0.60, 0.86, 0.5), (0.99, 0.65, 0.86, 0.5), (0.99, 0.58, 0.86, 0.5)]
    text = sentence(1, plain=PLAIN, batchnorm=arm)
    assert text.startswith("An effect of batch norm on speed was not seen in this run: ")
    assert text.count("not seen)") == 2


def test_batch_norm_opposite():
    arm = [(0.99, 0.40, 0.86, 0.5), (0.99, 0.45, 0.86, 0.5), (0.99, 0.41, 0.86, 0.5)]
    text = sentence(1, plain=PLAIN, batchnorm=arm)
    assert text.startswith("In this run batch norm slowed down learning by one of two measures: ")


def test_an_accuracy_never_reached_is_said_and_does_not_vote():
    """Dropping the seed that failed would leave 1.0 epochs, better than plain's 2.0."""
    arm = [(0.99, 0.81, 0.86, 0.5), (0.99, 0.81, 0.86, 0.5), (0.7, 0.1, 0.2, 0.5)]
    text = sentence(1, plain=PLAIN, batchnorm=arm)
    assert text.startswith("An effect of batch norm on speed was not seen")
    assert text.endswith("were 1.0 ± 0.0 (not reached in 1 of 3) with it, 2.0 ± 0.0 without.")
    never = [(0.9, 0.7, 0.7, 0.5), (0.9, 0.7, 0.7, 0.5), (0.9, 0.69, 0.7, 0.5)]
    text = sentence(1, plain=PLAIN, batchnorm=never)
    assert text.startswith("Batch norm sped up learning: ")  # by the first epoch's accuracy
    assert text.endswith("were not reached with it, 2.0 ± 0.0 without.")


def test_both_seen_not_seen_and_opposite():
    better = [(0.9, 0.7, 0.86, 0.40), (0.9, 0.7, 0.84, 0.43), (0.9, 0.7, 0.85, 0.41)]
    text = sentence(2, plain=PLAIN, both=better)
    assert text == (
        "Both together ended better than the plain network by one of two measures: "
        "test loss 0.413 ± 0.009 with them, 0.510 ± 0.006 without (difference -0.097 ± 0.003); "
        "test accuracy 85.0 ± 0.6 % with them, 85.0 ± 0.0 % without (difference +0.0 ± 0.6, not seen)."
    )
    same = [(0.9, 0.7, 0.86, 0.52), (0.9, 0.7, 0.84, 0.51), (0.9, 0.7, 0.85, 0.49)]
    assert sentence(2, plain=PLAIN, both=same).startswith("A difference at the end between both together and the plain")
    worse = [(0.9, 0.7, 0.81, 0.62), (0.9, 0.7, 0.80, 0.61), (0.9, 0.7, 0.82, 0.63)]
    assert sentence(2, plain=PLAIN, both=worse).startswith(
        "In this run both together ended worse than the plain network"
    )
    mixed = [(0.9, 0.7, 0.81, 0.42), (0.9, 0.7, 0.80, 0.41), (0.9, 0.7, 0.82, 0.43)]
    assert "better than the plain network by one measure and worse by the other" in sentence(2, plain=PLAIN, both=mixed)


def test_one_seed_cannot_tell():
    results = planted(**dict.fromkeys(ARMS, PLAIN[:1]))
    for text, asked in zip(answers(results), ("dropout narrows", "batch norm speeds up", "both together"), strict=True):
        assert re.match(f"Whether {asked} .*, one seed cannot tell: ", text)
        assert "±" not in text and "seen" not in text
    assert "One seed: no standard errors" in footnote(results)
    assert "±" not in table(results)


def test_arms_that_did_not_run():
    for text, arm in zip(answers(planted(plain=PLAIN)), ("dropout", "batchnorm", "both"), strict=True):
        assert text.endswith(f"this run cannot tell: it needs the arms plain and {arm}.")
    assert "cannot tell" in sentence(0, plain=[], dropout=PLAIN)


# The table.


def test_the_table_has_a_row_for_each_arm_that_ran():
    results = planted(plain=PLAIN, dropout=[], both=[(0.99, 0.7, 0.7, 0.5)])
    header, rule, plain, both = table(results).splitlines()
    assert header.split("  ")[0] == "arm" and "gap (points)" in header and header.endswith("epochs to 80 %")
    assert re.split(" {2,}", plain) == [
        "plain",
        "95.0 ± 0.6 %",
        "85.0 ± 0.0 %",
        "10.0 ± 0.6",
        "0.510 ± 0.006",
        "2.0 ± 0.0",
    ]
    assert re.split(" {2,}", both) == ["both", "99.0 %", "70.0 %", "29.0", "0.500", "not reached"]
    assert set(rule) == {"-"} and len(rule) == max(map(len, (header, plain, both)))
    assert "over 3 seeds" in footnote(results)
