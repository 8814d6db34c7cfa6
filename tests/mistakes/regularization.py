"""Losses with a penalty on the weights: L = mean squared error of x w + b, plus decay/2 |w|^2 (or decay |w|).

dw = x^T e  +  decay w        e: gradient of the error by the prediction                        (1)
"""

import numpy as np

from .losses import cross_entropy_backward, cross_entropy_forward
from .mistake import Operation, mistake

DECAY = 0.3


def ridge_forward(x, w, b, target):
    error = x @ w + b - target
    return float(np.mean(error**2) + DECAY / 2 * np.sum(w**2)), (x, w, error)


def ridge_backward(dy, cache):
    x, w, error = cache
    d = 2 * dy * error / error.size
    return d @ w.T, x.T @ d + dy * DECAY * w, d.sum(axis=0), -d  # (1)


def lasso_forward(x, w, b, target):
    error = x @ w + b - target
    return float(np.mean(error**2) + DECAY * np.sum(np.abs(w))), (x, w, error)


def lasso_backward(dy, cache):
    x, w, error = cache
    d = 2 * dy * error / error.size
    return d @ w.T, x.T @ d + dy * DECAY * np.sign(w), d.sum(axis=0), -d


def draw_regression(rng, n, i, o):
    return rng.normal(size=(n, i)), rng.normal(size=(i, o)), rng.normal(size=o), rng.normal(size=(n, o))


SIZES = {"n": 6, "i": 3, "o": 4}
ridge = Operation("ridge regression", ridge_forward, ridge_backward, draw_regression, SIZES)
lasso = Operation("lasso", lasso_forward, lasso_backward, draw_regression, SIZES)


@mistake("regularizer-wrong", ridge)
def penalty_forgotten(dy, cache):
    """decay w is missing in dw."""
    dx, dw, db, dtarget = ridge_backward(dy, cache)
    _, w, _ = cache
    return dx, dw - dy * DECAY * w, db, dtarget


@mistake("regularizer-wrong", ridge)
def penalty_doubled(dy, cache):
    """The half of decay/2 |w|^2 takes the two away."""
    x, w, error = cache
    d = 2 * dy * error / error.size
    return d @ w.T, x.T @ d + 2 * dy * DECAY * w, d.sum(axis=0), -d


@mistake("regularizer-wrong", ridge)
def penalty_averaged_over_the_batch(dy, cache):
    """The penalty stands beside the mean, not inside."""
    x, w, error = cache
    d = 2 * dy * error / error.size
    return d @ w.T, x.T @ d + dy * DECAY * w / len(x), d.sum(axis=0), -d


@mistake("regularizer-wrong", ridge)
def penalty_subtracted(dy, cache):
    """What is large is to become smaller by subtracting the gradient: a plus."""
    x, w, error = cache
    d = 2 * dy * error / error.size
    return d @ w.T, x.T @ d - dy * DECAY * w, d.sum(axis=0), -d


@mistake("upstream-ignored", ridge)
def penalty_without_upstream(dy, cache):
    """dy multiplies the whole loss, the penalty with it."""
    x, w, error = cache
    d = 2 * dy * error / error.size
    return d @ w.T, x.T @ d + DECAY * w, d.sum(axis=0), -d


@mistake("term-missing", lasso, also=("regularizer-wrong",))  # a regularizer, though no multiple of the parameter
def sign_forgotten(dy, cache):
    """decay sign(w) is missing in dw."""
    dx, dw, db, dtarget = lasso_backward(dy, cache)
    return dx, dw - dy * DECAY * np.sign(cache[1]), db, dtarget


def classifier_forward(x, w, b, labels):
    """Softmax regression whose weights are kept small, but not its bias."""
    loss, cache = cross_entropy_forward(x @ w + b, labels)
    return loss + DECAY * float(np.sum(w**2)), (x, w, b, cache)


def classifier_backward(dy, cache):
    x, w, _, cache = cache
    d = cross_entropy_backward(dy, cache)
    return d @ w.T, x.T @ d + 2 * dy * DECAY * w, d.sum(axis=0)


def draw_classifier(rng, n, i, k):
    return rng.normal(size=(n, i)), rng.normal(size=(i, k)), rng.normal(size=k), rng.integers(0, k, n)


classifier = Operation(
    "softmax regression", classifier_forward, classifier_backward, draw_classifier, {"n": 6, "i": 3, "k": 4}
)


@mistake("regularizer-wrong", classifier)
def two_of_the_penalty_forgotten(dy, cache):
    """The derivative of decay |w|^2 is 2 decay w."""
    x, w, _, cache = cache
    d = cross_entropy_backward(dy, cache)
    return d @ w.T, x.T @ d + dy * DECAY * w, d.sum(axis=0)


@mistake("regularizer-wrong", classifier)
def bias_regularized_too(dy, cache):
    """The loss has no penalty on the bias."""
    dx, dw, db = classifier_backward(dy, cache)
    return dx, dw, db + 2 * dy * DECAY * cache[2]


def convolution_forward(x, w):
    """A one-dimensional convolution, (N, T) with (K,), summed up with weights of its own and decayed."""
    patches = np.lib.stride_tricks.sliding_window_view(x, len(w), axis=1)
    return float(np.sum(np.sin(patches @ w)) + DECAY / 2 * np.sum(w**2)), (patches, w, x.shape)


def convolution_backward(dy, cache):
    patches, w, shape = cache
    d = dy * np.cos(patches @ w)
    dx = np.zeros(shape)
    for k, weight in enumerate(w):
        dx[:, k : k + d.shape[1]] += d * weight
    return dx, np.einsum("ntk,nt->k", patches, d) + dy * DECAY * w


def draw_convolution(rng, n, t, k):
    return rng.normal(size=(n, t)), rng.normal(size=k)


convolution = Operation(
    "regularized convolution", convolution_forward, convolution_backward, draw_convolution, {"n": 3, "t": 7, "k": 4}
)


@mistake("regularizer-wrong", convolution)
def decay_left_to_the_optimizer(dy, cache):
    """The loss has the penalty in it, so its gradient has it, too."""
    dx, dw = convolution_backward(dy, cache)
    return dx, dw - dy * DECAY * cache[1]


# ---- weights with a row for the bias, which is not decayed ----


def bias_row_forward(x, w, labels):
    loss, cache = cross_entropy_forward(x @ w, labels)
    return loss + DECAY / 2 * float(np.sum(w[1:] ** 2)), (x, w, cache)


def bias_row_backward(dy, cache):
    x, w, cache = cache
    d = cross_entropy_backward(dy, cache)
    dw = x.T @ d
    dw[1:] += dy * DECAY * w[1:]
    return d @ w.T, dw


def draw_bias_row(rng, n, i, k):
    x = rng.normal(size=(n, i))
    x[:, 0] = 1
    return x, rng.normal(size=(i, k)), rng.integers(0, k, n)


bias_row = Operation(
    "softmax regression, bias in w", bias_row_forward, bias_row_backward, draw_bias_row, {"n": 6, "i": 3, "k": 4}
)


@mistake("regularizer-wrong", bias_row)
def bias_row_decayed_as_well(dy, cache):
    """The penalty leaves out the row of the bias."""
    x, w, cache = cache
    d = cross_entropy_backward(dy, cache)
    return d @ w.T, x.T @ d + dy * DECAY * w


@mistake("factor-batch", ridge)
def sum_of_the_errors_beside_a_right_penalty(dy, cache):
    """The error is a mean over N; the penalty is not."""
    x, w, error = cache
    d = 2 * dy * error / error.shape[1]
    return d @ w.T, x.T @ d + dy * DECAY * w, d.sum(axis=0), -d
