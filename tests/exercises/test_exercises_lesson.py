"""The lesson with a learner's own layers: their network beside minicnn's, stand-ins, and what is said at the end."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
from answers import solution

from minicnn import SoftmaxCrossEntropy, datasets
from minicnn.cli import main
from minicnn.exercises import course, lesson, yours
from minicnn.exercises.own_network import OwnNetwork, OwnTraining
from minicnn.exercises.sandbox import Limits, train_apart
from minicnn.exercises.verdict import Status, Verdict
from minicnn.lesson import ARMS, Size
from minicnn.results import CURVES, Curves, Recipe, Results

TINY = Size(train_images=60, test_images=30, seeds=2, epochs=1)
NAMES = [entry.name for entry in course.path() if not entry.exercise.extra]


@pytest.fixture
def folder(tmp_path):
    """Every solution, as a learner who is done has them."""
    lesson.prepare(tmp_path, [], tmp_path)
    with patch.multiple(yours, folder=tmp_path, _files={}):
        yield tmp_path


def verdicts(passed):
    return [Verdict(name, Status.PASSED if name in passed else Status.WRONG) for name in NAMES]


def change(folder, name, old, new):
    text = solution(name)
    assert old in text
    (folder / f"{name}.py").write_text(text.replace(old, new), encoding="utf-8")


# --- The network ------------------------------------------------------------------------------------------------------


def in_float64(arm):
    """minicnn's network of an arm, so that nothing but rounding in the 16th digit can differ."""
    model = ARMS[arm]((28, 28, 1), 10, 3)
    model.dtype = np.dtype(np.float64)
    for layer in model.layers:
        layer.dtype = model.dtype
        layer.params = {name: param.astype(np.float64) for name, param in layer.params.items()}
        layer.state = {name: value.astype(np.float64) for name, value in layer.state.items()}
    return model


@pytest.mark.parametrize("arm", ["plain", "batchnorm"])
def test_the_network_of_the_solutions_is_that_of_minicnn(folder, arm):
    data = TINY.draw(datasets.load("fashion-mini"))
    (images, labels), test = (
        split._replace(images=split.images.astype(np.float64)) for split in (data.train, data.test)
    )
    twin, loss = in_float64(arm), SoftmaxCrossEntropy()
    with patch("minicnn.exercises.own_network.ARMS", {arm: lambda *_: in_float64(arm)}):
        own = OwnNetwork(arm, data.image_shape, 10, 3, yours)
    right = loss.forward(twin.forward(images, training=True), labels)
    twin.backward(loss.backward())
    got, gradients = own.loss_and_gradients(own.params, images, labels)
    assert got == pytest.approx(right, rel=1e-12)
    assert list(gradients) == list(twin.params)
    for name, gradient in twin.grads.items():
        np.testing.assert_allclose(gradients[name], gradient, rtol=1e-8, atol=1e-11, err_msg=name)
    for name, running in twin.state.items():
        np.testing.assert_allclose(own.running[name], running, rtol=1e-9, atol=1e-12, err_msg=name)
    assert own.evaluate(own.params, test)[0] == pytest.approx(twin.evaluate(test, loss)["loss"], rel=1e-12)


def test_training_leaves_the_same_curves_as_minicnn(folder, monkeypatch):
    monkeypatch.setattr(lesson, "ARMS", {arm: ARMS[arm] for arm in ("plain", "batchnorm")})
    own, library = lesson.train_both(folder, replace(TINY, seeds=1), Limits(60, 1 << 30), lambda *_: None)
    assert list(own.runs) == list(library.runs) == ["plain", "batchnorm"]
    assert own.finished == library.finished == 2
    assert own.array("plain", "test_loss") == pytest.approx(library.array("plain", "test_loss"), rel=1e-3)
    assert not np.allclose(own.array("plain", "test_loss"), own.array("batchnorm", "test_loss"), rtol=1e-2)


def test_dropout_works_in_training_and_not_in_evaluation(folder):
    network = OwnNetwork("dropout", (28, 28, 1), 10, 0, yours)
    data = TINY.draw(datasets.load("fashion-mini"))
    losses = {network.loss_and_gradients(network.params, *data.train)[0] for _ in range(3)}
    assert len(losses) == 3
    assert network.evaluate(network.params, data.test) == network.evaluate(network.params, data.test)


def test_an_arm_in_another_order_is_refused(folder):
    change(folder, "15_lesson", '["flatten", "dense 128"', '["flatten"')
    with pytest.raises(ValueError, match="exercise 15"):
        OwnNetwork("plain", (28, 28, 1), 10, 0, yours)


# --- In another process -----------------------------------------------------------------------------------------------


def task(**changes):
    size = {"train_images": 40, "test_images": 20, "seeds": 1, "epochs": 2}
    return {"arm": "plain", "seed": 0, "size": size} | changes


def test_curves_come_epoch_by_epoch(folder):
    seen = []
    verdict, curves = train_apart(folder, task(), Limits(60, 1 << 30), None, lambda c: seen.append(len(c.test_loss)))
    assert verdict.passed
    assert len(curves.test_accuracy) == seen[-1] == 2
    with patch.multiple(yours, folder=folder, _files={}):
        here = OwnTraining("plain", 0, Size(**task()["size"]))(yours, lambda _: None)
    assert curves.test_loss == pytest.approx(here.test_loss, rel=1e-3)


def test_an_error_in_a_learners_function_is_told_with_its_line(folder):
    change(
        folder,
        "08_max_pooling",
        "def max_pool2d_backward",
        "def max_pool2d_backward(dy, cache):\n    dy[10**9]\n\n\ndef unused",
    )
    verdict, _ = train_apart(folder, task(), Limits(60, 1 << 30))
    assert verdict.status is Status.WRONG
    assert "IndexError" in verdict.problem.message
    assert "08_max_pooling.py" in verdict.problem.message
    with pytest.raises(lesson.OwnLayersError, match=r"seed 0: IndexError"):
        lesson.train_both(folder, TINY, Limits(60, 1 << 30), lambda *_: None)


def test_layers_that_take_too_long_are_ended(folder):
    change(folder, "02_relu", "def relu_forward", "def relu_forward(x):\n    while True:\n        pass\n\n\ndef unused")
    verdict, _ = train_apart(folder, task(), Limits(1, 1 << 30))
    assert verdict.problem.code == "time-limit"
    assert "02_relu.py" in verdict.problem.message


# --- Stand-ins --------------------------------------------------------------------------------------------------------


def test_everything_passed_is_used():
    assert lesson.usable(verdicts(NAMES)) == set(NAMES)
    assert lesson.stand_ins(NAMES) == "Every function is your own."


def test_what_is_not_passed_takes_its_other_half_along():
    own = lesson.usable(verdicts(set(NAMES) - {"07_convolution_backward", "13_optimizers"}))
    assert set(NAMES) - own == {"06_convolution_forward", "07_convolution_backward", "13_optimizers"}
    own = lesson.usable(verdicts(set(NAMES) - {"10_batchnorm_forward"}))
    assert set(NAMES) - own == {"10_batchnorm_forward", "12_batchnorm_one_expression"}
    assert "12_batchnorm_one_expression" in lesson.stand_ins(own)
    assert "01_dense" not in lesson.stand_ins(own)


def test_nothing_passed():
    assert lesson.usable(verdicts([])) == set()
    assert "No exercise is passed" in lesson.stand_ins([])


def test_prepare_takes_the_learners_files_and_the_solutions_for_the_rest(tmp_path):
    learners, target = tmp_path / "mine", tmp_path / "to train with"
    learners.mkdir()
    target.mkdir()
    for name in NAMES:
        (learners / f"{name}.py").write_text(f"# mine: {name}\n")
    lesson.prepare(learners, {"01_dense"}, target)
    assert (target / "01_dense.py").read_text() == "# mine: 01_dense\n"
    assert (target / "02_relu.py").read_text() == solution("02_relu")


# --- What is said -----------------------------------------------------------------------------------------------------


def results(*accuracies, images=1000):
    runs = {seed: Curves(*[[a]] * len(CURVES)) for seed, a in enumerate(accuracies)}
    about = {"name": "made up", "train_images": images, "test_images": images}
    return Results(about, Recipe(epochs=1), list(range(len(accuracies))), 0.8, {arm: dict(runs) for arm in ARMS})


@pytest.mark.parametrize(
    ("own", "images", "words"),
    [
        ((0.80, 0.82, 0.84), 1000, "ended like minicnn's"),
        ((0.60, 0.62, 0.65), 1000, "ended worse"),
        ((0.95, 0.96, 0.98), 1000, "ended better"),
        ((0.79, 0.81, 0.83), 1000, "ended like minicnn's"),  # a constant point less: the luck of the test images
        ((0.79, 0.81, 0.83), 1_000_000, "ended worse"),  # there it is no luck
    ],
)
def test_the_answer_is_of_the_numbers(own, images, words):
    both = lesson.together(results(*own, images=images), results(0.80, 0.82, 0.84, images=images))
    sentences = lesson.answers(both)
    assert len(sentences) == len(ARMS)
    assert all(words in sentence for sentence in sentences)


def test_one_seed_cannot_tell():
    assert "one seed cannot tell" in lesson.answers(lesson.together(results(0.8), results(0.8)))[0]


# --- The command ------------------------------------------------------------------------------------------------------


def test_the_command(folder, capsys, monkeypatch):
    monkeypatch.setattr(lesson, "ARMS", {"both": ARMS["both"]})
    monkeypatch.setattr(lesson, "QUICK", TINY)
    monkeypatch.setattr(lesson, "usable", lambda verdicts: set(NAMES) - {"02_relu"})
    with patch("minicnn.exercises.checker.Checker.check", lambda self, asked: iter(verdicts(NAMES))):
        assert main(["exercises", "lesson", "--quick", "--folder", str(folder)]) == 0
    out = capsys.readouterr().out
    assert "stands in" in out and "02_relu" in out
    assert "both, your layers" in out and "both, minicnn's" in out
    assert out.count("your network ended") == 1
    assert (folder / "lesson.png").stat().st_size > 10_000


def test_the_command_tells_a_failure(folder, capsys, monkeypatch):
    monkeypatch.setattr(lesson, "QUICK", TINY)
    change(folder, "02_relu", "def relu_forward", "def relu_forward(x):\n    return 1 / 0\n\n\ndef unused")
    with patch("minicnn.exercises.checker.Checker.check", lambda self, asked: iter(verdicts(NAMES))):
        assert main(["exercises", "lesson", "--quick", "--folder", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "could not be trained" in out and "ZeroDivisionError" in out and "02_relu.py" in out
    assert not (folder / "lesson.png").exists()
