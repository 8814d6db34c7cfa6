"""The teacher: each warning comes where it should, with its evidence, and none comes where all is well."""

import itertools
import re
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import (
    SGD,
    Adam,
    BatchNorm,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    Sequential,
    Sigmoid,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
    TrainingWarning,
    datasets,
    fit,
    gradcheck,
    losses,
)
from minicnn.callbacks import Callback, StopOnNaN
from minicnn.teacher.data import inputs_not_scaled
from minicnn.teacher.dead_units import EXAMPLES, DeadUnits
from minicnn.teacher.overlap import find_twins
from minicnn.teacher.progress import beats_guessing, guessing_loss, shifted_labels

DIGITS = datasets.load("digits")
X, LABELS = DIGITS.train
TEST_X, TEST_LABELS = DIGITS.test
IS_ONE = (LABELS == 1).astype("int64")
RNG = np.random.default_rng(0)


def network(*end, first=(), hidden=ReLU):
    return Sequential([*first, Flatten(), Dense(32), hidden(), *(end or [Dense(10)])], input_shape=(8, 8, 1))


def with_batchnorm():
    layers = [Conv2D(4, 3), BatchNorm(), ReLU(), MaxPool2D(2), Dropout(0.2), Flatten(), Dense(10)]
    return Sequential(layers, input_shape=(8, 8, 1))


def heard(action):
    """What Python's warnings say meanwhile; every one is the teacher's, and points to this file."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    assert {warning.category for warning in caught} <= {TrainingWarning}
    assert {warning.filename for warning in caught} <= {__file__}
    assert all(str(w.message).startswith(f"{w.message.code}: ") for w in caught)
    return [str(w.message) for w in caught]


def train(model, examples=X, labels=LABELS, validation=None, **options):
    """What is heard of a training."""
    options = {"loss": SoftmaxCrossEntropy(), "optimizer": Adam(0.005), "epochs": 1, "batch_size": 32} | options
    return heard(lambda: fit(model, (examples, labels), validation=validation, **options))


def sorted_by_class(labels):
    return np.argsort(labels, kind="stable")


def codes(said):
    return [text.partition(":")[0] for text in said]


PIXELS = np.rint(X * 255).astype("float32") / 255 * 255  # off by a rounding, as after scaling to and fro
MIXED = RNG.permutation(LABELS)
BY_CLASS = sorted_by_class(LABELS)
WARNINGS = {
    "pixels": (
        lambda: train(network(first=[MaxPool2D(1)]), PIXELS, optimizer=SGD(1e-6)),
        r"inputs-not-scaled: the examples of the first batch reach from 0 to 255 \(root mean square 1\d\d\), all whole "
        r"numbers: pixels 0\.\.255\..*/ 255\.",
    ),
    "other units": (
        lambda: train(network(), 100 * X + 400, optimizer=SGD(1e-6)),
        r"inputs-not-scaled: .* reach from 400 to 500 \(root mean square 4\d\d\)\. .* begin the network with BatchNorm",
    ),
    "scaled twice": (
        lambda: train(network(), X / 255),
        r"inputs-not-scaled: .* reach from 0 to 0\.003922 .*: were pixels divided by 255 twice\?",
    ),
    "one class": (
        lambda: train(network(), X[LABELS == 3], LABELS[LABELS == 3]),
        r"one-class-only: all 1\d\d labels of data are 3\. There is nothing to tell apart",
    ),
    "one class of two": (
        lambda: train(network(Dense(1)), X, 0 * LABELS, loss=BinaryCrossEntropy()),
        r"one-class-only: all 1,\d\d\d labels of data are 0\.",
    ),
    "one class to validate": (
        lambda: train(network(), validation=(TEST_X[TEST_LABELS == 7], TEST_LABELS[TEST_LABELS == 7])),
        r"one-class-only: all \d\d labels of validation are 7\. An accuracy on them says nothing",
    ),
    "one class a batch": (
        lambda: train(network(), X[BY_CLASS], LABELS[BY_CLASS], shuffle=False, optimizer=SGD(1e-9)),
        r"one-class-only: \d\d of 40 batches hold one class only, for the labels are sorted and shuffle=False",
    ),
    "labels from one": (
        lambda: train(network(Dense(11)), labels=LABELS + 1),
        r"labels-shifted: the 1,\d\d\d labels go from 1 to 10 and are never 0, for 11 outputs.*the last layer 10 units",
    ),
    "labels one more": (
        lambda: train(network(), validation=(TEST_X, (TEST_LABELS + 1) % 10), epochs=3),
        r"labels-shifted: the training accuracy is \d\d\.\d%, but of 256 validation labels only \d\.\d% are what the "
        r"model predicts, while \d\d\.\d% are 1 more than the prediction\. Were classes counted from 0 here and from 1",
    ),
    "labels one less": (
        lambda: train(network(), validation=(TEST_X, (TEST_LABELS - 1) % 10), epochs=3),
        "labels-shifted: .* are 1 less than the prediction",
    ),
    "labels of the next": (
        lambda: train(network(), validation=(TEST_X[:-1], TEST_LABELS[1:]), epochs=3),
        r"labels-shifted: .* are that of the example after it\. Is an image or a label missing\?",
    ),
    "labels of the one before": (
        lambda: train(network(), validation=(TEST_X[1:], TEST_LABELS[:-1]), epochs=3),
        "labels-shifted: .* are that of the example before it",
    ),
    "classes swapped": (
        lambda: train(
            network(Dense(1)), labels=IS_ONE, validation=(TEST_X, TEST_LABELS != 1), loss=BinaryCrossEntropy(), epochs=4
        ),
        r"labels-shifted: .* are of the other class\. Were the two swapped\?",
    ),
    "dead units": (
        lambda: train(killed(), optimizer=SGD(0.01)),
        r"dead-relu: all 32 units of relu_1 have given 0 for all 320 examples of the last 10 steps\..*, 0\.001; Batch",
    ),
    "tiny batches": (
        lambda: train(with_batchnorm(), X[:60], LABELS[:60], batch_size=4),
        "tiny-batches: batchnorm_1 takes .* batches hold 4 examples: a mean of so few independent .* is off by 50%",
    ),
    "batches of one": (
        lambda: train(with_batchnorm(), X[:60], LABELS[:60], batch_size=1),
        "tiny-batches: .* batches hold 1 example: .* off by 100%",
    ),
    "softmax": (
        lambda: train(network(Dense(10), Softmax(), Dropout(0.0))),
        r"probabilities-as-logits: softmax_1 hands numbers from 0 to 1 to SoftmaxCrossEntropy.* would still be 1\.461 "
        r"with 10 classes \(a probability of 23%\)",
    ),
    "sigmoid": (
        lambda: train(network(Dense(1), Sigmoid()), labels=IS_ONE, loss=BinaryCrossEntropy(), epochs=1),
        r"probabilities-as-logits: sigmoid_1 .* to BinaryCrossEntropy.* still be 0\.693 for class 0",
    ),
    "images in both": (
        lambda: train(
            network(), validation=(np.append(TEST_X[:90], X[:10], 0), np.append(TEST_LABELS[:90], LABELS[:10]))
        ),
        r"validation-in-training: 10 of the 100 validation images \(10%\) are training images, too: number 90 of the "
        "validation images is number 0 of the training images",
    ),
    "training data to validate": (
        lambda: train(network(), validation=(X, LABELS)),
        r"validation-in-training: (1,\d\d\d) of the \1 validation images \(100%\)",
    ),
    "labels of other images": (
        lambda: train(network(), labels=MIXED, optimizer=SGD(0.01), validation=DIGITS.test, epochs=3),
        r"loss-not-below-chance: after 1\d\d steps the loss is 2\.\d+ \(it began with 2\.\d+\), and the best answer "
        r"that is the same for every example gives 2\.30\d\. Can the model learn 20 examples by heart",
    ),
    "learning rate": (
        lambda: train(network(hidden=Tanh), optimizer=SGD(1.0, momentum=0.9), epochs=3),
        r"loss-not-below-chance: .* It has risen: the steps are too large\. Try a tenth of the learning rate, 0\.1\.",
    ),
    "targets far away": (
        lambda: train(network(Dense(1)), labels=1e6 + LABELS, loss=MeanSquaredError(), epochs=3),
        r"loss-not-below-chance: .* gives 8\.\d+\. .* bring inputs and targets to the order of 1",
    ),
    "a loss that is NaN": (
        lambda: train(
            network(Dense(1)), labels=np.where(np.arange(len(X)) == 7, np.nan, LABELS), loss=MeanSquaredError()
        ),
        r"loss-not-finite: the loss is nan in epoch 1, step \d+, .* fit\(\.\.\., check_finite=True\)",
    ),
}


def killed():
    """A network whose ReLU gives 0 for everything."""
    model = network()
    model.params["dense_1.b"][...] = -100
    return model


@pytest.mark.parametrize("case", WARNINGS)
def test_it_says_what_is_wrong_once_and_nothing_else(case):
    train, message = WARNINGS[case]
    (said, *others) = train()
    assert re.match(message, said), said
    assert not others


class Deterministic(Callback):
    """A callback that evaluates as it should."""

    def on_epoch_end(self, run):
        run.model.evaluate(DIGITS.test, run.loss)
        run.model.forward(TEST_X)
        run.model.predict(TEST_X)


def regression():
    x = np.random.default_rng(1).standard_normal((200, 4)).astype("float32")
    return x, (3 * x[:, 0] + 5).astype("float32")


def vectors(*layers):
    return Sequential([Dense(8), ReLU(), Dense(1), *layers], input_shape=(4,))


FEW_X, FEW_LABELS = X[:9], np.zeros(9, int)
RIGHT = {
    "a network": lambda: train(network(), validation=DIGITS.test, epochs=5),
    "batch norm and dropout": lambda: train(with_batchnorm(), validation=DIGITS.test, callbacks=[Deterministic()]),
    "small steps": lambda: train(network(), optimizer=SGD(0.01), validation=DIGITS.test, epochs=3),
    "pixels after a batch norm": lambda: train(network(first=[BatchNorm()]), PIXELS),
    "pixels around 0": lambda: train(network(), 2 * X - 1),
    "all zero": lambda: train(network(hidden=Tanh), 0 * X),
    "two classes": lambda: train(network(Dense(1)), labels=IS_ONE, loss=BinaryCrossEntropy(), epochs=3),
    "two logits": lambda: train(network(Dense(2)), labels=IS_ONE, epochs=3),
    "smoothed and weighted": lambda: train(
        network(), loss=SoftmaxCrossEntropy(0.1, class_weights=range(1, 11)), epochs=3
    ),
    "regression": lambda: train(vectors(), *regression(), loss=MeanSquaredError(), epochs=20),
    "regression with the same data": lambda: train(vectors(), *regression(), regression(), loss=MeanSquaredError()),
    "probabilities as targets": lambda: train(
        vectors(Sigmoid()), regression()[0], np.tile([0, 1], 100), loss=MeanSquaredError()
    ),
    "softmax inside": lambda: train(network(Softmax(), Dense(10))),
    "nine of one class": lambda: train(network(), FEW_X, FEW_LABELS, epochs=200),
    "one example": lambda: train(network(), X[:1], LABELS[:1], epochs=300),
    "five examples": lambda: train(with_batchnorm(), X[:5], LABELS[:5], epochs=60),
    "a batch of all five": lambda: train(with_batchnorm(), X[:5], LABELS[:5], batch_size=5),
    "in order, but mixed": lambda: train(network(), shuffle=False),
    "batches of two in order": lambda: train(
        network(Dense(1)), X[:90], IS_ONE[:90], shuffle=False, batch_size=2, loss=BinaryCrossEntropy()
    ),
    "a class that is missing": lambda: train(network(Dense(12)), labels=LABELS + 2 * (LABELS > 4)),
    "random labels, too few steps": lambda: train(network(), X[:64], LABELS[64:128], DIGITS.test, epochs=40),
    "validation at random": lambda: train(
        network(), validation=(TEST_X, np.random.default_rng(0).permutation(TEST_LABELS))
    ),
    "one training image to validate": lambda: train(
        network(), validation=(np.append(TEST_X, X[:1], 0), np.append(TEST_LABELS, 1))
    ),
    "black images in both": lambda: train(
        network(), np.append(X, 0 * X[:40], 0), np.append(LABELS, LABELS[:40]), (0 * X[:40], LABELS[:40])
    ),
    "stopped before the step": lambda: train(
        network(Dense(1)), labels=np.where(LABELS, np.nan, 1), loss=MeanSquaredError(), callbacks=[StopOnNaN()]
    ),
    "nothing but dropout": lambda: train(
        Sequential([Dropout(0.5)], (10,)), RNG.random((30, 10)), LABELS[:30], optimizer=SGD(0.1)
    ),
    "nothing asked": lambda: train(killed(), PIXELS, LABELS * 0, (X, LABELS), warn=False, epochs=3),
}


@pytest.mark.parametrize("case", RIGHT)
def test_it_says_nothing_where_all_is_well(case):
    assert RIGHT[case]() == []


def test_several_mistakes_each_get_their_word():
    said = train(network(Dense(11), Softmax()), PIXELS, LABELS + 1, (PIXELS, LABELS + 1), optimizer=SGD(10.0), epochs=4)
    first = ["probabilities-as-logits", "labels-shifted", "validation-in-training", "inputs-not-scaled"]
    assert codes(said) == [*first, "loss-not-below-chance"]


def test_numbers_near_the_end_of_floats_give_no_warning_of_numpys():
    assert "reach from 1e+200 to 1e+200" in inputs_not_scaled(np.full((40, 4), 1e200), [Dense(1)])
    assert guessing_loss(MeanSquaredError(), np.array([1e200, -1e200]), 1) == np.inf
    assert np.isnan(guessing_loss(MeanSquaredError(), np.array([0, np.inf]), 1))


def test_python_filters_tell_them_apart():
    def filtered():
        warnings.filterwarnings("ignore", "one-class-only", category=TrainingWarning)
        fit(
            network(Softmax()),
            (X[:40], 0 * LABELS[:40]),
            loss=SoftmaxCrossEntropy(),
            optimizer=SGD(0.1),
        )

    assert codes(heard(filtered)) == ["probabilities-as-logits"]


def test_a_warning_that_is_made_an_error_comes_before_the_first_step():
    model = network()
    before = model.params["dense_1.w"].copy()
    with pytest.raises(TrainingWarning, match="inputs-not-scaled"):  # here, warnings are errors
        fit(model, (PIXELS, LABELS), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1))
    assert_array_equal(model.params["dense_1.w"], before)


def test_a_training_is_the_same_with_and_without_the_teacher():
    def trained(warn):
        model = with_batchnorm()
        options = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.05, momentum=0.9), "epochs": 2, "warn": warn}
        history = fit(model, DIGITS.train, validation=(TEST_X, (TEST_LABELS + 1) % 10), **options)
        return history.loss + history.val_loss, model.params | model.state

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        (losses, arrays), (others, other_arrays) = trained(True), trained(False)
    assert losses == others
    for name, array in arrays.items():
        assert_array_equal(array, other_arrays[name])


def test_learning_that_comes_to_nothing_later_is_told_then():
    class Break(Callback):
        def on_epoch_begin(self, run):
            if run.epoch == 3:
                run.model.params["dense_2.b"][0] = 50
                run.optimizer.learning_rate = 1e-9

    said = train(network(), epochs=5, callbacks=[Break()])
    assert len(said) == 1 and said[0].startswith("loss-not-below-chance: after 164 steps the loss is ")


# Guessing


@pytest.mark.parametrize(
    ("loss", "labels", "classes"),
    [
        (SoftmaxCrossEntropy(), [0, 1, 1, 3, 3, 3], 4),
        (SoftmaxCrossEntropy(0.2), [0, 1, 1, 3, 3, 3], 4),
        (SoftmaxCrossEntropy(0.1, class_weights=[1.0, 5.0, 2.0, 0.5]), [0, 1, 1, 3, 3, 3], 4),
        (BinaryCrossEntropy(), [0, 1, 1, 1, 0, 1, 1], 1),
        (MeanSquaredError(), [1.0, 4.0, 6.0, 9.5], 1),
    ],
)
def test_no_constant_answer_is_better_than_guessing(loss, labels, classes):
    labels = np.array(labels)
    guess = guessing_loss(loss, labels, classes)
    if classes > 1:
        w = np.ones(classes) if loss.class_weights is None else np.array(loss.class_weights)
        share = w * ((1 - loss.label_smoothing) * np.bincount(labels) / len(labels) + loss.label_smoothing / classes)
        best = np.log(np.maximum(share / share.sum(), 1e-300))
    else:
        p = labels.mean()
        best = np.array([p if isinstance(loss, MeanSquaredError) else np.log(p / (1 - p))])
    values = [
        loss.value(np.tile(best + shift, (len(labels), 1)), labels) for shift in RNG.normal(0, 0.3, (50, classes))
    ]
    assert guess == pytest.approx(loss.value(np.tile(best, (len(labels), 1)), labels), rel=1e-12)
    assert guess < min(values)


def test_a_loss_of_ones_own_is_not_judged():
    class Own(losses.Loss):
        """Not of minicnn."""

    assert guessing_loss(Own(), np.array([0, 1]), 2) is None


def test_an_accuracy_must_beat_guessing_by_more_than_chance():
    assert beats_guessing(0.6, 0.5, 1000) and not beats_guessing(0.6, 0.5, 100)
    assert not beats_guessing(None, None, 100)


def test_of_few_labels_no_shift_is_told():
    labels = RNG.integers(0, 10, 200)
    assert shifted_labels((labels - 1) % 10, labels, 10, 0.9)
    assert not shifted_labels((labels - 1)[:63] % 10, labels[:63], 10, 0.9)
    assert not shifted_labels(labels, labels, 10, 0.9)


# Images in two places


def test_twins_are_found_as_by_comparing_all():
    images = RNG.integers(0, 2, (300, 2, 4, 1)).astype("float32")  # so few that many are alike
    others = RNG.integers(0, 2, (200, 2, 4, 1)).astype("float32")
    expected = {}
    for i, j in itertools.product(range(200), reversed(range(300))):
        if (others[i] == images[j]).all() and others[i].min() < others[i].max():
            expected[i] = j
    assert find_twins(images, others) == expected and expected


def test_nearly_alike_is_not_alike():
    others = X[:50].copy()
    others[:, 7, 7, 0] += 1e-6
    assert find_twins(X, others) == {} and len(find_twins(X, X[:50])) == 50


# Dead units


def test_units_that_wake_up_are_not_dead():
    model = killed()
    dead = DeadUnits(model)
    for step in range(3 * EXAMPLES // 32):
        model.params["dense_1.b"][3] = 100 if step % 8 == 7 else -100
        model.forward(X[:32], training=True)
        assert dead.look(0.1) == ""


def test_a_single_unit_at_work_is_enough():
    model = killed()
    model.params["dense_1.b"][31] = 0.001
    model.params["dense_1.w"][:, 31] = 0
    dead = DeadUnits(model)
    for _ in range(3 * EXAMPLES // 32):
        model.forward(X[:32], training=True)
        assert dead.look(0.1) == ""


# Evaluation with training=True

MODE = "evaluation-in-training-mode: a forward pass with training=True took "


def one_step(model, part=slice(0, 32)):
    loss = SoftmaxCrossEntropy()
    loss.forward(model.forward(X[part], training=True), LABELS[part])
    model.backward(loss.backward())


def test_an_evaluation_in_training_mode_after_a_training_is_told():
    def evaluate():
        model = with_batchnorm()
        fit(model, DIGITS.train, loss=SoftmaxCrossEntropy(), optimizer=Adam())
        for _ in range(3):
            model.forward(TEST_X, training=True)

    (said,) = heard(evaluate)
    assert said.startswith(f"{MODE}{len(TEST_X)} examples, where steps have taken up to 32, and it looks as if no")
    assert "dropout_1 silences units at random; batchnorm_1 takes mean and variance of just these" in said


def test_an_evaluation_in_training_mode_between_steps_is_told():
    class Wrong(Callback):
        def on_epoch_end(self, run):
            run.model.forward(TEST_X[:48], training=True)

    (said,) = train(with_batchnorm(), callbacks=[Wrong()], epochs=3)
    assert said.startswith(f"{MODE}48 examples")
    assert train(with_batchnorm(), callbacks=[Wrong()], epochs=3, warn=False) == []

    def own_loop():
        model = with_batchnorm()
        one_step(model)
        model.forward(TEST_X[:48], training=True)
        one_step(model)

    (said,) = heard(own_loop)
    assert said.startswith(f"{MODE}48 examples, where steps have taken up to 32, and")


def test_passes_in_training_mode_that_are_meant():
    def steps(model=None):
        model = model or with_batchnorm()
        for part in (slice(0, 32), slice(32, 64), slice(64, 70), slice(0, 128)):
            one_step(model, part)
        model.forward(X[:9])
        model.predict(X)
        model.evaluate(DIGITS.test, SoftmaxCrossEntropy())
        return model

    def mean_over_dropout_masks():
        model = steps()
        for _ in range(5):
            model.forward(X[:20], training=True)

    def gradient_check():
        model = Sequential([Dense(3), BatchNorm(), Dropout(0.3), Dense(2)], (4,), dtype="float64")
        x = RNG.standard_normal((5, 4))
        assert gradcheck.check_model(model, x, np.array([0, 1, 1, 0, 1]), SoftmaxCrossEntropy()).passed

    def more_at_once_in_the_next_training():
        train(steps(), batch_size=1000)

    def the_same_in_both_modes():
        model = network()
        one_step(model)
        for k in range(3):
            model.forward(X[100 * k :], training=True)

    for meant in (
        steps,
        mean_over_dropout_masks,
        gradient_check,
        more_at_once_in_the_next_training,
        the_same_in_both_modes,
    ):
        assert heard(meant) == [], meant
