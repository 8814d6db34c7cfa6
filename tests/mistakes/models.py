"""Whole models: a network in one pair of functions, and minicnn models with one wrong layer or loss.

A wrong layer is a right one with another `backward`. Every gradient before it suffers; its own may be right or wrong.
"""

import numpy as np

from minicnn import (
    AvgPool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    ReLU,
    Sequential,
    SoftmaxCrossEntropy,
    Tanh,
    gradcheck,
)

from .dense import dense_backward, dense_forward
from .losses import cross_entropy_backward, cross_entropy_forward
from .mistake import MISTAKES, Mistake, Operation, mistake

# ---- a network of two dense layers and its loss, as one pair ----


def network_forward(x, w1, b1, w2, b2, labels):
    h, first = dense_forward(x, w1, b1)
    logits, second = dense_forward(np.maximum(h, 0), w2, b2)
    loss, last = cross_entropy_forward(logits, labels)
    return loss, (first, h, second, last)


def network_backward(dy, cache, mask=True):
    first, h, second, last = cache
    dh, dw2, db2 = dense_backward(cross_entropy_backward(dy, last), second)
    return *dense_backward(dh * (h > 0) if mask else dh, first), dw2, db2


def draw_network(rng, n, i, k, classes):
    return (
        rng.normal(size=(n, i)),
        rng.normal(size=(i, k)),
        rng.normal(size=k),
        rng.normal(size=(k, classes)),
        rng.normal(size=classes),
        rng.integers(0, classes, n),
    )


network = Operation("network", network_forward, network_backward, draw_network, {"n": 6, "i": 3, "k": 5, "classes": 4})


@mistake("factor-batch", network)
def loss_not_averaged(dy, cache):
    """The loss is a mean: 1/N is missing everywhere."""
    return tuple(len(cache[1]) * gradient for gradient in network_backward(dy, cache))


@mistake("sign-flipped", network)
def uphill(dy, cache):
    """The loss's gradient has the wrong sign, and so have all others."""
    return network_backward(-dy, cache)


@mistake("upstream-ignored", network)
def as_if_dy_were_one(dy, cache):
    """dy is 1 only as long as nothing follows the loss."""
    return network_backward(1.0, cache)


@mistake("factor-batch", network)
def last_bias_averaged(dy, cache):
    """The loss has divided by N already."""
    *others, db2 = network_backward(dy, cache)
    return *others, db2 / len(cache[1])


@mistake("zero-gradient", network)
def first_bias_forgotten(dy, cache):
    """Initialized and never filled."""
    dx, dw1, db1, dw2, db2 = network_backward(dy, cache)
    return dx, dw1, np.zeros_like(db1), dw2, db2


@mistake("wrong-shape", network)
def last_weights_transposed(dy, cache):
    """h^T d has the hidden units as rows."""
    dx, dw1, db1, dw2, db2 = network_backward(dy, cache)
    return dx, dw1, db1, dw2.T, db2


# ---- minicnn models with a wrong layer ----


class BiasAveraged(Dense):
    """db is a sum over the batch, not a mean."""

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        self.grads["b"] = self.grads["b"] / len(dy)
        return dx


class WeightsReshaped(Dense):
    """A reshape mends the shape, not the order."""

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        dw = self.grads["w"]
        self.grads["w"] = np.ascontiguousarray(dw.T).reshape(dw.shape)
        return dx


class KernelTurned(Conv2D):
    """A correlation gives a correlation: nothing to turn in dw."""

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        self.grads["w"] = self.grads["w"][::-1, ::-1]
        return dx


class KernelTransposed(Conv2D):
    """i counts rows, j columns."""

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        self.grads["w"] = self.grads["w"].swapaxes(0, 1)
        return dx


class BetaForgotten(BatchNorm):
    """dbeta is the sum of dy."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["beta"] = np.zeros_like(self.grads["beta"])
        return dx


class GammaShaped(BatchNorm):
    """keepdims=True leaves axes of length one."""

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["gamma"] = self.grads["gamma"][None]
        return dx


class Unmasked(Dropout):
    """Silenced units get no gradient."""

    def backward(self, dy):
        return dy / (1 - self.rate)


class Unscaled(Dropout):
    """The mask without 1/keep."""

    def backward(self, dy):
        return super().backward(dy) * (1 - self.rate)


class AlwaysOn(ReLU):
    """Where a unit is off, nothing flows back."""

    def backward(self, dy):
        return dy


class NotCounted(AvgPool2D):
    """A mean of four passes a quarter to each."""

    def backward(self, dy):
        return 4 * super().backward(dy)


class StatisticsForgotten(BatchNorm):
    """Moving one x moves mean and variance."""

    def backward(self, dy):
        std = np.sqrt(self.x.reshape(-1, self.x.shape[-1]).var(axis=0) + self.eps)
        super().backward(dy)
        return self.params["gamma"] / std * dy

    def forward(self, x, training=False):
        self.x = x
        return super().forward(x, training)


class Uphill(SoftmaxCrossEntropy):
    """labels minus probabilities."""

    def backward(self):
        return -super().backward()


class NotAveraged(SoftmaxCrossEntropy):
    """The loss is a mean: 1/N."""

    def forward(self, prediction, labels):
        self.count = len(labels)
        return super().forward(prediction, labels)

    def backward(self):
        return super().backward() * self.count


def model_of(layers, input_shape):
    """A built model in float64, its parameters at random values: biases of zero are special."""
    model = Sequential(layers, input_shape=input_shape, seed=0, dtype=np.float64)
    rng = np.random.default_rng(1)
    for array in model.params.values():
        array += rng.uniform(-0.5, 0.5, array.shape)
    return model


IMAGE = (5, 4, 2)
FEATURES = (3,)
LABELS = np.array([0, 2, 1, 1])


def plant_model(code, wrong, layers, input_shape, loss, also=()):
    """Put a model with one wrong part into the catalogue."""

    def check():
        x = np.random.default_rng(2).normal(size=(len(LABELS), *input_shape))
        return gradcheck.check_model(model_of(layers, input_shape), x, LABELS, loss)

    MISTAKES.append(Mistake(f"model with {wrong.__name__}", wrong.__doc__, (code, *also), check))


def plant_layer(code, layer, input_shape):
    """Put one wrong layer, checked alone, into the catalogue."""

    def check():
        x = np.random.default_rng(2).normal(size=(len(LABELS), *input_shape))
        return gradcheck.check_layer(model_of([layer], input_shape).layers[0], x)

    MISTAKES.append(Mistake(f"layer {type(layer).__name__} on {input_shape}", type(layer).__doc__, (code,), check))


RIGHT_LOSS = SoftmaxCrossEntropy()
for code, layer in (
    ("factor-batch", BiasAveraged(4)),
    ("order-scrambled", WeightsReshaped(3)),
    ("mask-missing", AlwaysOn()),
    ("mask-missing", Unmasked(0.4)),
    ("mask-unscaled", Unscaled(0.4)),
    ("zero-gradient", BetaForgotten()),
    ("wrong-shape", GammaShaped()),
    ("statistics-held-constant", StatisticsForgotten()),
):
    plant_layer(code, layer, FEATURES)
for code, layer in (
    ("flipped-kernel", KernelTurned(4, (3, 2))),
    ("transposed", KernelTransposed(4, 3, stride=2, padding=1)),
    ("factor-constant", NotCounted(2)),
    ("statistics-held-constant", StatisticsForgotten()),
):
    plant_layer(code, layer, IMAGE)
for code, layers, loss in (
    ("factor-batch", [Dense(5), Tanh(), BiasAveraged(3)], RIGHT_LOSS),
    ("order-scrambled", [WeightsReshaped(5), ReLU(), Dense(3)], RIGHT_LOSS),
    ("zero-gradient", [Dense(5), BetaForgotten(), ReLU(), Dense(3)], RIGHT_LOSS),
    ("wrong-shape", [Dense(5), GammaShaped(), ReLU(), Dense(3)], RIGHT_LOSS),
    ("mask-missing", [Dense(5), Unmasked(0.4), Dense(3)], RIGHT_LOSS),
    ("mask-missing", [Dense(5), AlwaysOn(), Dense(3)], RIGHT_LOSS),
    ("statistics-held-constant", [Dense(5), StatisticsForgotten(), Tanh(), Dense(3)], RIGHT_LOSS),
    ("sign-flipped", [Dense(5), Dropout(0.2), Dense(3)], Uphill()),
    ("factor-batch", [Dense(5), BatchNorm(), Dense(3)], NotAveraged()),
):
    wrong = next(type(part) for part in (*layers, loss) if type(part).__module__ == __name__)
    plant_model(code, wrong, layers, FEATURES, loss)
for code, layers in (
    ("flipped-kernel", [KernelTurned(3, 2), ReLU(), Flatten(), Dense(3)]),
    ("transposed", [KernelTransposed(3, 3), Tanh(), Flatten(), Dense(3)]),
    ("factor-constant", [NotCounted(2), Conv2D(2, 2), Tanh(), Flatten(), Dense(3)]),
):
    wrong = next(type(part) for part in layers if type(part).__module__ == __name__)
    plant_model(code, wrong, layers, IMAGE, RIGHT_LOSS)
