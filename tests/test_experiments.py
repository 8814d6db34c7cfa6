"""Experiments: the statistics against hand numbers, the loop over arms and seeds, and the file they are kept in."""

import json
import math
import os
import signal
import time
from concurrent.futures import Future

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from minicnn import Dense, Flatten, Sequential, SoftmaxCrossEntropy, datasets
from minicnn.estimates import Comparison, Estimate
from minicnn.experiments import _as_completed, run_experiment, train
from minicnn.results import Curves, Recipe, Results, load, measures, save


def linear(input_shape, classes, seed):
    return Sequential([Flatten(), Dense(classes)], input_shape=input_shape, seed=seed)


def narrow(input_shape, classes, seed):
    return Sequential([Flatten(), Dense(2), Dense(classes)], input_shape=input_shape, seed=seed)


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits").subset(train=60, test=40)


@pytest.fixture(scope="module")
def results(digits):
    return run_experiment(
        {"linear": linear, "narrow": narrow}, digits, seeds=(3, 5), recipe=Recipe(epochs=2), target=0.3, threads=1
    )


def curves(*test_accuracy):
    zeros = [0.0] * len(test_accuracy)
    return Curves(zeros, zeros, zeros, list(test_accuracy), 1.5)


def planted(**arms):
    """Results with these test accuracies: arm -> one sequence a seed."""
    runs = {arm: dict(enumerate(curves(*c) for c in by_seed)) for arm, by_seed in arms.items()}
    epochs = max(len(c) for by_seed in arms.values() for c in by_seed)
    about = {"name": "planted", "train_images": 10, "test_images": 10, "image_shape": [1, 1, 1], "classes": ["a", "b"]}
    return Results(about, Recipe(epochs=epochs), list(range(max(map(len, arms.values())))), 0.8, runs)


# The statistics.


def test_mean_and_standard_error_are_those_computed_by_hand():
    estimate = Estimate.of([1.0, 2.0, 6.0])  # deviations -2, -1, 3: s^2 = 14 / 2
    assert estimate.mean == 3
    assert math.isclose(estimate.standard_error, math.sqrt(7 / 3))
    assert estimate.count == 3 and estimate.missing == 0


def test_one_value_has_no_standard_error_and_none_no_mean():
    assert Estimate.of([4.0]) == (4, None, 1, 0)
    assert Estimate.of([None, None]) == (None, None, 0, 2)
    assert Estimate.of([None, 4.0, 6.0]) == (5, 1, 2, 1)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.84, 0.86], "85.0 ± 1.0"),
        ([0.84], "84.0"),
        ([0.84, 0.86, None], "85.0 ± 1.0 (not reached in 1 of 3)"),
        ([None, None], "not reached"),
    ],
)
def test_an_estimate_in_words(values, text):
    assert Estimate.of(values).text(1, scale=100) == text


def test_signs_are_written_where_asked():
    assert Estimate.of([0.02]).text(1, scale=100, sign=True) == "+2.0"
    assert Estimate.of([-0.02]).text(1, scale=100, sign=True) == "-2.0"


def test_differences_are_paired_by_seed():
    """The seeds differ much more than the arms; only the pairs show that a is always one better."""
    comparison = Comparison.of([1.0, 11.0, 21.5], [0.0, 10.0, 20.0])
    assert_allclose(comparison.difference[:2], (3.5 / 3, np.std([1, 1, 1.5], ddof=1) / math.sqrt(3)))
    assert comparison.arm.standard_error > 5
    assert comparison.direction == 1


@pytest.mark.parametrize(
    ("arm", "direction"),
    [
        ([2.1, 2.0], +1),  # m = 2.05, e = 0.05
        ([-2.1, -2.0], -1),
        ([0.0, 2.0], 0),  # m = 1, e = 1
        ([0.9, 3.1], 0),  # m = 2, e = 1.1: short of two standard errors
        ([1.1, 2.9], +1),  # m = 2, e = 0.9
        ([0.0, 0.0], 0),
        ([2.0], None),
        ([2.0, None, 2.1], None),
        ([], None),
        ([math.nan, 1.0], None),
    ],
)
def test_a_difference_is_seen_beyond_two_standard_errors(arm, direction):
    assert Comparison.of(arm, [0.0] * len(arm)).direction == direction


# Curves and results.


def test_gap_and_epochs_to_an_accuracy():
    run = Curves([0.0] * 3, [0.5, 0.8, 0.9], [0.0] * 3, [0.4, 0.8, 0.7])
    assert_allclose(run.gap, [0.1, 0.0, 0.2], atol=1e-15)
    assert run.epochs_to(0.8) == 2
    assert run.epochs_to(0.4) == 1
    assert run.epochs_to(0.81) is None


def test_summary_counts_what_was_never_reached():
    summary = planted(a=[(0.5, 0.9), (0.8, 0.9), (0.5, 0.6)]).summary()["a"]
    assert summary["epochs_to_target"] == (1.5, 0.5, 2, 1)
    assert_allclose(summary["test_accuracy"].mean, 0.8)
    assert_allclose(summary["first_test_accuracy"].mean, 0.6)


def test_arms_are_compared_over_the_seeds_that_both_have():
    results = planted(a=[(0.5,), (0.7,), (0.9,)], b=[(0.4,), (0.6,)])
    accuracy = measures(0.8)["test_accuracy"]
    assert results.common_seeds("a", "b") == [0, 1]
    assert results.compare("a", "b", accuracy).arm.count == 2
    assert_allclose(results.compare("a", "b", accuracy).difference.mean, 0.1)
    assert results.common_seeds("a", "c") == []


# The loop.


def test_every_arm_runs_from_every_seed(results):
    assert {arm: list(runs) for arm, runs in results.runs.items()} == {"linear": [3, 5], "narrow": [3, 5]}
    assert results.finished == 4 and not results.interrupted
    for arm in results.runs:
        for curve in ("train_loss", "train_accuracy", "test_loss", "test_accuracy", "gap"):
            assert results.array(arm, curve).shape == (2, 2)
            assert np.isfinite(results.array(arm, curve)).all()
    assert results.data["train_images"] == 60 and results.data["name"] == "digits"


def test_runs_are_reproducible_and_seeds_differ(results, digits):
    again = train(linear(digits.image_shape, 10, seed=5), digits, Recipe(epochs=2))
    assert_array_equal(again.train_loss, results.runs["linear"][5].train_loss)
    assert results.runs["linear"][3].train_loss != results.runs["linear"][5].train_loss


def test_both_splits_are_measured_in_evaluation_mode(digits):
    model = linear(digits.image_shape, 10, seed=0)
    last = train(model, digits, Recipe(epochs=2))
    for split, loss, accuracy in (
        (digits.subset(train=40).train, last.train_loss, last.train_accuracy),
        (digits.test, last.test_loss, last.test_accuracy),
    ):
        measured = model.evaluate(split, SoftmaxCrossEntropy())
        assert loss[-1] == pytest.approx(measured["loss"], rel=1e-6)
        assert accuracy[-1] == measured["accuracy"]
    assert last.seconds > 0


def test_the_watchers_hear_of_every_epoch_and_run(digits):
    epochs, runs = [], []
    run_experiment(
        {"a": linear, "b": linear},
        digits,
        seeds=(0, 1),
        recipe=Recipe(epochs=2),
        threads=1,
        after_epoch=lambda arm, seed, curves: epochs.append((seed, arm, len(curves.test_loss))),
        after_run=lambda arm, seed, results: runs.append((seed, arm, results.finished)),
    )
    assert epochs == [(s, arm, e) for s in (0, 1) for arm in "ab" for e in (1, 2)]
    assert runs == [(0, "a", 1), (0, "b", 2), (1, "a", 3), (1, "b", 4)]


def test_ctrl_c_keeps_the_finished_runs(digits):
    def interrupt(arm, seed, curves):
        if arm == "b" and len(curves.test_loss) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)  # the main thread hears it meanwhile

    results = run_experiment(
        {"a": linear, "b": linear}, digits, seeds=(0, 1), recipe=Recipe(epochs=3), threads=1, after_epoch=interrupt
    )
    assert results.interrupted
    assert {arm: list(runs) for arm, runs in results.runs.items()} == {"a": [0], "b": []}
    assert results.array("a", "test_loss").shape == (1, 3)
    assert results.array("b", "test_loss").shape == (0, 3)
    assert results.summary()["b"]["gap"].count == 0


def test_a_network_that_does_not_fit_is_an_error(digits):
    with pytest.raises(ValueError, match="shape"):
        run_experiment({"a": lambda shape, classes, seed: linear((3, 3, 1), classes, seed)}, digits)


# The file.


def test_results_survive_the_file(results, tmp_path):
    path = tmp_path / "new" / "results.json"
    save(results, path, sentences=["one"])
    assert load(path) == results
    content = json.loads(path.read_text())
    assert content["format"] == 1 and content["sentences"] == ["one"]
    assert content["arms"]["narrow"]["seeds"] == [3, 5]
    assert np.shape(content["arms"]["narrow"]["test_accuracy"]) == (2, 2)  # seeds, epochs
    assert content["recipe"] == {"epochs": 2, "batch_size": 64, "learning_rate": 0.02, "momentum": 0.9}
    entry = content["summary"]["linear"]["test_accuracy"]
    assert entry["mean"] == results.summary()["linear"]["test_accuracy"].mean
    assert set(entry) == {"mean", "standard_error", "count", "missing"}
    assert list(tmp_path.rglob("*.part")) == []


def test_numbers_that_are_not_finite_become_null_and_nan_again(tmp_path):
    results = planted(a=[(math.nan, 0.5)])
    save(results, tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()
    assert_array_equal(load(tmp_path / "r.json").array("a", "test_accuracy"), [[math.nan, 0.5]])


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 2}', '{"format": 1}', '{"format": 1, "arms": {"a": 3}}'])
def test_another_file_is_refused(text, tmp_path):
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"r\.json does not hold the results"):
        load(path)


def test_a_newer_format_is_refused(results, tmp_path):
    path = tmp_path / "r.json"
    save(results, path)
    path.write_text(path.read_text().replace('"format": 1', '"format": 2'))
    with pytest.raises(ValueError, match="its format is 2, this minicnn reads 1"):
        load(path)


def test_of_runs_that_end_together_the_failed_come_last():
    """An error ends the experiment; what was finished beside it has been taken in by then."""
    for failed_first in (True, False):
        finished, failed = Future(), Future()
        finished.set_result(1)
        failed.set_exception(MemoryError())
        jobs = [failed, finished] if failed_first else [finished, failed]
        assert list(_as_completed(jobs)) == [finished, failed]


def test_jobs_found_done_together_keep_their_order():
    jobs = [Future() for _ in range(20)]
    for job in jobs:
        job.set_result(None)
    assert list(_as_completed(jobs)) == jobs
