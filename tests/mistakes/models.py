"""Whole models: a network in one pair of functions, and minicnn models with one wrong layer or loss.

A wrong layer is a right one with another `backward`. Every gradient before it suffers; its own may be right or wrong.
"""

import copy

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

    code = "factor-batch"

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        self.grads["b"] = self.grads["b"] / len(dy)
        return dx


class WeightsReshaped(Dense):
    """A reshape mends the shape, not the order."""

    code = "order-scrambled"

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        dw = self.grads["w"]
        self.grads["w"] = np.ascontiguousarray(dw.T).reshape(dw.shape)
        return dx


class KernelTurned(Conv2D):
    """A correlation gives a correlation: nothing to turn in dw."""

    code = "flipped-kernel"

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        self.grads["w"] = self.grads["w"][::-1, ::-1]
        return dx


class KernelTransposed(Conv2D):
    """i counts rows, j columns."""

    code = "transposed"

    def backward(self, dy, need_dx=True):
        dx = super().backward(dy, need_dx)
        self.grads["w"] = self.grads["w"].swapaxes(0, 1)
        return dx


class BetaForgotten(BatchNorm):
    """dbeta is the sum of dy."""

    code = "zero-gradient"

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["beta"] = np.zeros_like(self.grads["beta"])
        return dx


class GammaShaped(BatchNorm):
    """keepdims=True leaves axes of length one."""

    code = "wrong-shape"

    def backward(self, dy):
        dx = super().backward(dy)
        self.grads["gamma"] = self.grads["gamma"][None]
        return dx


class Unmasked(Dropout):
    """Silenced units get no gradient."""

    code = "mask-missing"

    def backward(self, dy):
        return dy / (1 - self.rate)


class Unscaled(Dropout):
    """The mask without 1/keep."""

    code = "mask-unscaled"

    def backward(self, dy):
        return super().backward(dy) * (1 - self.rate)


class AlwaysOn(ReLU):
    """Where a unit is off, nothing flows back."""

    code = "mask-missing"

    def backward(self, dy):
        return dy


class NotCounted(AvgPool2D):
    """A mean of four passes a quarter to each."""

    code = "factor-constant"

    def backward(self, dy):
        return 4 * super().backward(dy)


class StatisticsForgotten(BatchNorm):
    """Moving one x moves mean and variance."""

    code = "statistics-held-constant"

    def backward(self, dy):
        std = np.sqrt(self.x.reshape(-1, self.x.shape[-1]).var(axis=0) + self.eps)
        super().backward(dy)
        return self.params["gamma"] / std * dy

    def forward(self, x, training=False):
        self.x = x
        return super().forward(x, training)


class Uphill(SoftmaxCrossEntropy):
    """labels minus probabilities."""

    code = "sign-flipped"

    def backward(self):
        return -super().backward()


class NotAveraged(SoftmaxCrossEntropy):
    """The loss is a mean: 1/N."""

    code = "factor-batch"

    def forward(self, prediction, labels):
        self.count = len(labels)
        return super().forward(prediction, labels)

    def backward(self):
        return super().backward() * self.count


# ---- planted ----

IMAGE, FEATURES = (4, 3, 2), (6,)
LABELS = np.array([0, 2, 1])
RIGHT_LOSS = SoftmaxCrossEntropy()


def built(layers, input_shape):
    """A model in float64 with its parameters at random values, for biases of 0 and gammas of 1 are special."""
    model = Sequential(copy.deepcopy(layers), input_shape=input_shape, seed=0, dtype=np.float64)
    rng = np.random.default_rng(1)
    for array in model.params.values():
        array += rng.uniform(-0.5, 0.5, array.shape)
    return model


def batch(input_shape):
    return np.random.default_rng(2).normal(size=(len(LABELS), *input_shape))


def plant_layer(layer, input_shape):
    """Put a wrong layer, checked alone, into the catalogue."""

    def check():
        return gradcheck.check_layer(built([layer], input_shape).layers[0], batch(input_shape))

    name = f"layer {type(layer).__name__} on {'x'.join(map(str, input_shape))}"
    MISTAKES.append(Mistake(name, type(layer).__doc__, (layer.code,), check))


def plant_model(layers, input_shape, loss=RIGHT_LOSS):
    """Put a model into the catalogue, one part of which is wrong: the one with a code."""

    def check():
        return gradcheck.check_model(built(layers, input_shape), batch(input_shape), LABELS, loss)

    wrong = next(part for part in (*layers, loss) if hasattr(part, "code"))
    MISTAKES.append(Mistake(f"model with {type(wrong).__name__}", type(wrong).__doc__, (wrong.code,), check))


plant_layer(BiasAveraged(4), FEATURES)
plant_layer(WeightsReshaped(4), FEATURES)
plant_layer(AlwaysOn(), FEATURES)
plant_layer(Unmasked(0.4), FEATURES)
plant_layer(Unscaled(0.4), FEATURES)
plant_layer(BetaForgotten(), FEATURES)
plant_layer(GammaShaped(), FEATURES)
plant_layer(StatisticsForgotten(), FEATURES)
plant_layer(StatisticsForgotten(), IMAGE)

plant_model([Dense(5), Tanh(), BiasAveraged(3)], FEATURES)
plant_model([WeightsReshaped(5), ReLU(), Dense(3)], FEATURES)
plant_model([Dense(5), BetaForgotten(), ReLU(), Dense(3)], FEATURES)
plant_model([Dense(5), GammaShaped(), ReLU(), Dense(3)], FEATURES)
plant_model([Dense(5), Unmasked(0.4), Dense(3)], FEATURES)
plant_model([Dense(5), AlwaysOn(), Dense(3)], FEATURES)
plant_model([Dense(5), StatisticsForgotten(), Tanh(), Dense(3)], FEATURES)
plant_model([Dense(5), Dropout(0.2), Dense(3)], FEATURES, loss=Uphill())
plant_model([Dense(5), BatchNorm(), Dense(3)], FEATURES, loss=NotAveraged())
plant_model([KernelTurned(3, 2), ReLU(), Flatten(), Dense(3)], IMAGE)
plant_model([KernelTransposed(3, 3), Tanh(), Flatten(), Dense(3)], IMAGE)
plant_model([NotCounted(2), Conv2D(2, (2, 1)), Tanh(), Flatten(), Dense(3)], IMAGE)
