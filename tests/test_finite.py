"""check_finite: each kind of NaN and infinity is planted, and must be found where it is, with its cause."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from minicnn import (
    SGD,
    Adam,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MeanSquaredError,
    NonFiniteError,
    ReLU,
    Sequential,
    Softmax,
    SoftmaxCrossEntropy,
    fit,
)
from minicnn.callbacks import Callback
from minicnn.layers.layer import Layer
from minicnn.losses import Loss

pytestmark = pytest.mark.filterwarnings("ignore:inputs-not-scaled")

STEP = 2  # of three in each epoch: the one that goes wrong in most cases


class Elementwise(Layer):
    """A function of each number, and its derivative; no care is taken."""

    def forward(self, x, training=False):
        self.cache = x
        return self.f(x)

    def backward(self, dy):
        return dy * self.derivative(self.cache)


class Log(Elementwise):
    f, derivative = staticmethod(np.log), staticmethod(lambda x: 1 / x)


class Sqrt(Elementwise):
    f, derivative = staticmethod(np.sqrt), staticmethod(lambda x: 0.5 / np.sqrt(x))


class Exp(Elementwise):
    f = derivative = staticmethod(np.exp)


class Standardize(Elementwise):
    f, derivative = staticmethod(lambda x: (x - x.mean(axis=0)) / x.std(axis=0)), staticmethod(np.ones_like)


class UnitLength(Elementwise):
    f = staticmethod(lambda x: x / np.sqrt((x * x).sum(axis=1, keepdims=True)))
    derivative = staticmethod(np.ones_like)


class Times(Elementwise):
    """Ten, but for the backward pass of the second step."""

    def __init__(self, wrong):
        self.wrong, self.calls = wrong, 0

    f = staticmethod(lambda x: 10 * x)

    def derivative(self, x):
        self.calls += 1
        return np.full_like(x, self.wrong if self.calls == STEP else 10)


class WrongGradient(Dense):
    """A gradient of w, or running statistics, that are not finite in the second step."""

    def build_params(self):
        super().build_params()
        self.state["seen"] = np.zeros(1, self.dtype)

    def __init__(self, units, wrong):
        super().__init__(units)
        self.wrong, self.calls = wrong, 0

    def forward(self, x, training=False):
        self.calls += 1
        if self.calls == STEP and self.wrong == "seen":
            self.state["seen"] = self.state["seen"] + np.inf
        return super().forward(x, training)

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        if self.calls == STEP and self.wrong == "w":
            self.grads["w"][2, 1] = np.nan
        return dx


class WrongOutput(Dense):
    """One infinity in the second step, where the input happens to be 0."""

    calls = 0

    def forward(self, x, training=False):
        y = super().forward(x, training)
        self.calls += 1
        if self.calls == STEP:
            y[tuple(np.argwhere(x == 0)[0])] = np.inf
        return y


class LogOfProbability(Loss):
    """A loss that takes probabilities and the logarithm of them."""

    def forward(self, p, labels):
        self.cache = p, labels
        return self.value(p, labels)

    def value(self, p, labels):
        return float(-np.log(p[np.arange(len(p)), labels]).mean())

    def backward(self, dy=1.0):
        p, labels = self.cache
        dp = np.zeros_like(p)
        dp[np.arange(len(p)), labels] = -1 / p[np.arange(len(p)), labels] / len(p)
        return dp


class OnlyItsGradient(LogOfProbability):
    def value(self, p, labels):
        return 1.0


class Undefined(LogOfProbability):
    def value(self, p, labels):
        return float("nan") if len(p) == 8 else 1.0  # the data's check has all 24 at once


def data(dtype="float32"):
    rng = np.random.default_rng(0)
    return rng.standard_normal((24, 5)).astype(dtype), rng.integers(0, 3, 24)


def network(*middle):
    return Sequential([Dense(6), BatchNorm(), *middle, Dropout(0.2), Dense(3)], input_shape=(5,), seed=0)


class Remember(Callback):
    """Everything that a step changes, as it was after the step before."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.on_batch_end(None)

    def on_batch_end(self, run):
        self.kept = self.now()

    def now(self):
        slots = {f"{slot} of {k}": a for k, slots in self.optimizer.state.items() for slot, a in slots.items()}
        return {k: a.copy() for k, a in (self.model.params | self.model.state | slots).items()}


def caught(model, examples, labels, **options):
    """The error of a training, once model and optimizer were seen to be as before the step."""
    options = {"loss": SoftmaxCrossEntropy(), "optimizer": SGD(0.05, momentum=0.9)} | options
    remember = Remember(model, options["optimizer"])
    options = {"callbacks": [remember], "check_finite": True, "shuffle": False, "batch_size": 8, "epochs": 2} | options
    with pytest.raises(NonFiniteError) as error:
        fit(model, (examples, labels), **options)
    now = remember.now()
    for name, array in remember.kept.items():
        assert_array_equal(now[name], array, err_msg=name)
    assert all((a == 0).all() for name, a in now.items() if name not in remember.kept)  # slots made by the step
    assert "\nModel and optimizer are as they were before this step." in str(error.value)
    return error.value


def with_one(array, index, value):
    array = np.array(array, dtype="float32")
    array[index] = value
    return array


def zero_from(x, start):
    x = x.copy()
    x[start:] = 0
    return x


X, LABELS = data()
TARGETS = LABELS.astype("float32")
ON_PROBABILITIES = {"optimizer": SGD(1e3), "loss": LogOfProbability()}
REGRESSION = {"loss": MeanSquaredError()}


def one_output(*layers):
    return Sequential([*layers, Dense(1)], input_shape=(5,))


CASES = {
    "nan in the examples": (
        lambda: (network(), with_one(X, (11, 3), np.nan), LABELS, {}),
        ("data", "forward", "examples", 2, r"1 of 40 numbers, the first at \[3, 3\].*in 1 of the 8.*flatnonzero"),
    ),
    "inf in the targets": (
        lambda: (one_output(), X, with_one(TARGETS, 9, np.inf), REGRESSION),
        ("data", "forward", "labels", 2, r"inf in the labels of data \(1 of 8 numbers, the first at \[1\]\)"),
    ),
    "log of zero in a layer": (
        lambda: (network(ReLU(), Log()), X, LABELS, {}),
        ("log_1", "forward", "output", 1, "-inf in the output.*log of zero.*just where its input is 0, "),
    ),
    "root of a negative number": (
        lambda: (network(Sqrt()), X, LABELS, {}),
        ("sqrt_1", "forward", "output", 1, "NaN in.*a root of a negative number.*down to -"),
    ),
    "derivative of a root at zero": (
        lambda: (network(ReLU(), Sqrt()), X, LABELS, {}),
        ("sqrt_1", "backward", "dx", 1, "NaN and inf and -inf|inf and -inf in the dx.*log of zero, or a division by"),
    ),
    "exp of a large number": (
        lambda: (Sequential([Exp(), Dense(3)], (5,)), with_one(X, (8, 0), 95), LABELS, {}),
        ("exp_1", "forward", "output", 2, "exp of a large number.*input is above 95"),
    ),
    "a channel without variance": (
        lambda: (Sequential([Standardize(), Dense(3)], (5,)), with_one(X, (slice(None), 2), 0.5), LABELS, {}),
        ("standardize_1", "forward", "output", 1, "dead inputs: 1 of 5 channels.*0 / 0"),
    ),
    "a product that overflows just at one zero": (
        lambda: (Sequential([WrongOutput(5), Dense(3)], (5,)), np.where(abs(X) > 1.5, 0, X), LABELS, {}),
        ("wrongoutput_1", "forward", "output", 2, "what went into wrongoutput_1 is finite, so that it arose there"),
    ),
    "examples that are all zero": (
        lambda: (Sequential([UnitLength(), Dense(3)], (5,)), zero_from(X, 14), LABELS, {}),
        ("unitlength_1", "forward", "output", 2, "dead inputs: 2 of 8 examples .* are all zero"),
    ),
    "learning rate": (
        lambda: (one_output(Dense(6)), X, TARGETS, REGRESSION | {"optimizer": SGD(1e4), "epochs": 9}),
        (
            "MeanSquaredError()",
            "forward",
            "loss",
            3,
            r"the learning rate 10000 .* was 0\.\d+ at .* Try a tenth of it, 1000",
        ),
    ),
    "the step itself overflows": (
        lambda: (one_output(), 1e4 * X, TARGETS, REGRESSION | {"optimizer": SGD(1e38, momentum=0.9)}),
        ("SGD(learning_rate=1e+38, momentum=0.9)", "step", "parameter dense_1.w", 1, "the learning rate 1e.38 is too"),
    ),
    "a slot overflows": (
        lambda: (one_output(), 1e3 * X, 1e18 * TARGETS, REGRESSION | {"optimizer": Adam()}),
        ("Adam()", "step", "mean_square of dense_1.w", 1, "inf in the mean_square of dense_1.w of Adam"),
    ),
    "data too large": (
        lambda: (network(), 1e30 * X, LABELS, {}),
        ("batchnorm_1", "forward", "running_var", 1, r"numbers too large: the batch reaches [\d.]+e\+30"),
    ),
    "probabilities that are 0": (
        lambda: (Sequential([Dense(3), Softmax()], (5,)), X, LABELS, ON_PROBABILITIES),
        (
            "LogOfProbability()",
            "forward",
            "loss",
            2,
            "the loss .* is inf.*log of zero.*of the 24 predictions.*loss on logits",
        ),
    ),
    "the loss's gradient": (
        lambda: (Sequential([Dense(3), Softmax()], (5,)), X, LABELS, ON_PROBABILITIES | {"loss": OnlyItsGradient()}),
        ("OnlyItsGradient()", "backward", "gradient of the prediction", 2, "log of zero"),
    ),
    "a loss that is undefined": (
        lambda: (Sequential([Dense(3), Softmax()], (5,)), X, LABELS, {"loss": Undefined()}),
        ("Undefined()", "forward", "loss", 1, r"arose within Undefined\(\)"),
    ),
    "a wrong backward pass": (
        lambda: (network(Times(np.nan)), X, LABELS, {}),
        ("times_1", "backward", "dx", 2, "all|what went into times_1 is finite.*gradcheck.check_layer"),
    ),
    "a wrong gradient": (
        lambda: (Sequential([Dense(4), WrongGradient(3, "w")], (5,)), X, LABELS, {}),
        ("wronggradient_1", "backward", "gradient of w", 2, r"NaN .*1 of 12 numbers, the first at \[2, 1\]"),
    ),
    "a wrong statistic": (
        lambda: (Sequential([Dense(4), WrongGradient(3, "seen")], (5,)), X, LABELS, {}),
        ("wronggradient_1", "forward", "seen", 2, "inf in the seen of wronggradient_1"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_place_and_the_cause_are_named(case):
    make, (layer, direction, array, step, message) = CASES[case]
    model, examples, labels, options = make()
    error = caught(model, examples, labels, **options)
    assert (error.layer, error.direction, error.array, error.epoch, error.step) == (layer, direction, array, 1, step)
    assert re.search(message, str(error), flags=re.DOTALL), str(error)
    assert isinstance(error, FloatingPointError) and error.cause in str(error)


def test_of_several_places_the_first_in_the_order_of_computing_counts():
    model = Sequential([Dense(4), WrongGradient(3, "seen"), Times(np.nan)], (5,))
    error = caught(model, with_one(X, (8, 0), np.inf), LABELS)
    assert (error.layer, error.array) == ("data", "examples")


@pytest.mark.parametrize("kind", ["parameter w", "running_mean"])
def test_a_model_that_is_not_finite_is_refused_before_the_first_step(kind):
    model = network()
    if kind == "parameter w":
        model.params["dense_2.w"][1, 2] = np.nan
    else:
        model.set_state(model.state | {"batchnorm_1.running_mean": np.full(6, np.inf)})
    with pytest.raises(
        NonFiniteError, match=f"(?s)in the {kind} of .* before the first step.*the model came with it"
    ) as error:
        fit(model, (X, LABELS), loss=SoftmaxCrossEntropy(), optimizer=SGD(0.1), check_finite=True)
    assert error.value.epoch == error.value.step == 0


@pytest.mark.parametrize(
    ("examples", "labels", "place"),
    [
        (with_one(X, (20, 4), np.nan), TARGETS, "NaN in the examples of validation"),
        (X, with_one(TARGETS, 20, np.nan), "NaN in the labels of validation"),
        (1e30 * X, TARGETS, r"the loss MeanSquaredError\(\) is inf"),
    ],
)
def test_validation_data_are_looked_at_where_their_loss_is_not_finite(examples, labels, place):
    with pytest.raises(
        NonFiniteError, match=f"(?s){place}.*; evaluation of the validation data, after epoch 1.*cause"
    ) as e:
        fit(
            one_output(),
            (X, TARGETS),
            validation=(examples, labels),
            loss=MeanSquaredError(),
            optimizer=SGD(0.1),
            check_finite=True,
        )
    assert e.value.direction == "evaluation" and "before this step" not in str(e.value)
    assert e.value.cause.startswith("numbers too large" if "loss" in place else "the ")


def test_a_healthy_training_is_the_same_with_and_without_the_check():
    def trained(check):
        model = Sequential([Conv2D(3, 3), BatchNorm(), ReLU(), Dropout(0.3), Flatten(), Dense(3)], (6, 5, 2), seed=1)
        images = np.random.default_rng(0).standard_normal((24, 6, 5, 2)).astype("float32")
        options = {"loss": SoftmaxCrossEntropy(), "optimizer": Adam(), "epochs": 3, "batch_size": 8}
        history = fit(model, (images, LABELS), validation=(images, LABELS), check_finite=check, **options)
        return history.loss + history.val_loss, model.params | model.state

    (losses, arrays), (others, other_arrays) = trained(True), trained(False)
    assert losses == others
    for name, array in arrays.items():
        assert_array_equal(array, other_arrays[name])


def test_other_callbacks_come_after_the_check():
    """One that saves the model at each step never sees parameters that are not finite."""

    class SeeFinite(Callback):
        def on_batch_end(self, run):
            assert all(np.isfinite(param).all() for param in run.model.params.values())

    with pytest.raises(NonFiniteError, match="optimizer's step"):
        fit(
            one_output(),
            (1e4 * X, TARGETS),
            loss=MeanSquaredError(),
            optimizer=SGD(1e38),
            callbacks=[SeeFinite()],
            check_finite=True,
        )


def test_training_goes_on_from_what_the_check_left():
    model, optimizer = one_output(), SGD(1e38, momentum=0.9)
    caught(model, 1e4 * X, TARGETS, loss=MeanSquaredError(), optimizer=optimizer)
    assert optimizer.iterations == 0
    optimizer.learning_rate = 0.05
    options = {"loss": MeanSquaredError(), "optimizer": optimizer, "epochs": 5, "check_finite": True}
    history = fit(model, (X, TARGETS), **options)
    assert history.loss[-1] < history.loss[0] and optimizer.iterations == 5


def test_numpy_keeps_its_own_warnings_to_itself_in_every_thread():
    """Large products are made in the pool's threads; here, where warnings are errors, one would be raised instead."""
    x = np.full((300, 400), 3e38, "float32")
    options = {"loss": MeanSquaredError(), "optimizer": SGD(0.1), "batch_size": 300, "check_finite": True, "threads": 2}
    with pytest.raises(NonFiniteError, match="in the output of dense_1"):
        fit(Sequential([Dense(300), Dense(1)], (400,)), (x, np.arange(300.0)), **options)
