"""Batch norm of (N, C) as it is first written, step by step through the graph, with gradients of var and mean.

    mean = sum of x / N,    c = x - mean,    var = sum of c^2 / N,    std = sqrt(var + eps)         (1)
    dx_hat = gamma dy,    dvar = sum of dx_hat c (-1/2) / std^3                                     (2)
    dmean = sum of -dx_hat / std,    dx = dx_hat / std + dvar 2 c / N + dmean / N                   (3)

(That var depends on the mean adds nothing to dmean, since the sum of c is zero.)
"""

import numpy as np

from .mistake import Operation, mistake


def batchnorm_forward(x, gamma, beta, eps=1e-5):
    c = x - x.mean(axis=0)
    std = np.sqrt((c**2).mean(axis=0) + eps)
    return gamma * c / std + beta, (c, std, gamma, eps)


def batchnorm_backward(dy, cache):
    c, std, gamma, _ = cache
    dx_hat = gamma * dy
    dvar = (dx_hat * c).sum(axis=0) * -0.5 / std**3  # (2)
    dmean = (-dx_hat / std).sum(axis=0)
    dx = dx_hat / std + dvar * 2 * c / len(c) + dmean / len(c)  # (3)
    return dx, *parameters_backward(dy, cache)


def parameters_backward(dy, cache):
    c, std, _, _ = cache
    return (dy * c / std).sum(axis=0), dy.sum(axis=0)


def draw(rng, n, c):
    return rng.normal(0.5, 1.5, (n, c)), rng.uniform(0.5, 2, c), rng.normal(size=c)


SIZES = {"n": 7, "c": 4}
staged = Operation("staged batch norm", batchnorm_forward, batchnorm_backward, draw, SIZES)


@mistake("variance-term-missing", staged, also=("term-missing",))  # half of it is missing
def square_not_differentiated(dy, cache):
    """The derivative of c^2 is 2 c."""
    c, std, gamma, _ = cache
    dx_hat = gamma * dy
    dvar = (dx_hat * c).sum(axis=0) * -0.5 / std**3
    dmean = (-dx_hat / std).sum(axis=0)
    return dx_hat / std + dvar * c / len(c) + dmean / len(c), *parameters_backward(dy, cache)


@mistake("variance-term-missing", staged, also=("term-missing",))  # it is there with the wrong sign
def variance_with_a_plus(dy, cache):
    """The derivative of 1/std by var is -1/2 / std^3."""
    c, std, gamma, _ = cache
    dx_hat = gamma * dy
    dvar = (dx_hat * c).sum(axis=0) * 0.5 / std**3
    dmean = (-dx_hat / std).sum(axis=0)
    return dx_hat / std + dvar * 2 * c / len(c) + dmean / len(c), *parameters_backward(dy, cache)


@mistake("mean-term-missing", staged, also=("term-missing",))  # it is there with the wrong sign
def mean_with_a_plus(dy, cache):
    """c = x - mean: a minus for dmean."""
    c, std, gamma, _ = cache
    dx_hat = gamma * dy
    dvar = (dx_hat * c).sum(axis=0) * -0.5 / std**3
    dmean = (dx_hat / std).sum(axis=0)
    return dx_hat / std + dvar * 2 * c / len(c) + dmean / len(c), *parameters_backward(dy, cache)


@mistake("mean-term-missing", staged)
def mean_left_out(dy, cache):
    """dmean / N reaches every x."""
    c, std, gamma, _ = cache
    dx_hat = gamma * dy
    dvar = (dx_hat * c).sum(axis=0) * -0.5 / std**3
    return dx_hat / std + dvar * 2 * c / len(c), *parameters_backward(dy, cache)


@mistake("variance-term-missing", staged)
def variance_left_out(dy, cache):
    """dvar 2 c / N reaches every x."""
    _, std, gamma, _ = cache
    dx_hat = gamma * dy
    dmean = (-dx_hat / std).sum(axis=0)
    return dx_hat / std + dmean / len(dy), *parameters_backward(dy, cache)


@mistake("statistics-over-wrong-axes", staged)
def neither_divided_by_the_count(dy, cache):
    """Mean and variance are means: both gradients come with 1/N."""
    c, std, gamma, _ = cache
    dx_hat = gamma * dy
    dvar = (dx_hat * c).sum(axis=0) * -0.5 / std**3
    dmean = (-dx_hat / std).sum(axis=0)
    return dx_hat / std + dvar * 2 * c + dmean, *parameters_backward(dy, cache)


@mistake("low-precision", staged)
def scale_in_float32(dy, cache):
    """The error of dx is then nearly a multiple of it, and nearly what an eps outside the root would make."""
    c, std, gamma, eps = cache
    return batchnorm_backward(dy, (c, std.astype(np.float32), gamma, eps))


@mistake("low-precision", staged)
def mean_in_float32(dy, cache):
    """The error of dx is then one number for each channel, as where the term of the mean is missing."""
    c, std, gamma, _ = cache
    dx_hat = gamma * dy
    dvar = (dx_hat * c).sum(axis=0) * -0.5 / std**3
    dmean = (-dx_hat / std).sum(axis=0).astype(np.float32)
    return dx_hat / std + dvar * 2 * c / len(c) + dmean / len(c), *parameters_backward(dy, cache)


# ---- the other variance: divided by N - 1 ----


def unbiased_forward(x, gamma, beta, eps=1e-5):
    c = x - x.mean(axis=0)
    std = np.sqrt(x.var(axis=0, ddof=1) + eps)
    return gamma * c / std + beta, (c, std, gamma, eps)


def unbiased_backward(dy, cache):
    c, std, gamma, _ = cache
    d, n = gamma * dy, len(dy)
    dx = (d - d.mean(axis=0) - c / std**2 * (d * c).sum(axis=0) / (n - 1)) / std
    return dx, *parameters_backward(dy, cache)


unbiased = Operation("batch norm, unbiased", unbiased_forward, unbiased_backward, draw, SIZES)


@mistake("statistics-over-wrong-axes", unbiased)
def biased_on_the_way_back(dy, cache):
    """The variance was divided by N - 1 in the forward pass: the wrong count."""
    c, std, gamma, _ = cache
    d = gamma * dy
    dx = (d - d.mean(axis=0) - c / std**2 * (d * c).mean(axis=0)) / std
    return dx, *parameters_backward(dy, cache)


# ---- a large eps ----


def large_eps_forward(x, gamma, beta):
    return batchnorm_forward(x, gamma, beta, eps=0.5)


large_eps = Operation("batch norm, eps 0.5", large_eps_forward, batchnorm_backward, draw, SIZES)


@mistake("factor-per-channel", large_eps)
def eps_forgotten_at_the_end(dy, cache):
    """1 / sqrt(var) in front, where the forward pass had 1 / sqrt(var + eps)."""
    dx, dgamma, dbeta = batchnorm_backward(dy, cache)
    _, std, _, eps = cache
    return dx * std / np.sqrt(std**2 - eps), dgamma, dbeta


# ---- behind a dense layer, whose bias has the true gradient 0 ----


def dense_forward(x, w, b, gamma, beta):
    y, cache = batchnorm_forward(x @ w + b, gamma, beta)
    return y, (x, w, cache)


def dense_backward(dy, cache):
    x, w, cache = cache
    dh, dgamma, dbeta = batchnorm_backward(dy, cache)
    return dh @ w.T, x.T @ dh, dh.sum(axis=0), dgamma, dbeta


def draw_dense(rng, n, i, c):
    _, gamma, beta = draw(rng, n, c)
    return rng.normal(size=(n, i)), rng.normal(size=(i, c)), rng.normal(size=c), gamma, beta


after_dense = Operation("dense and batch norm", dense_forward, dense_backward, draw_dense, {"n": 7, "i": 3, "c": 4})


@mistake("upstream-ignored", after_dense)
def beta_from_nowhere(dy, cache):
    """dbeta is the sum of dy."""
    dx, dw, db, dgamma, dbeta = dense_backward(dy, cache)
    return dx, dw, db, dgamma, np.full_like(dbeta, len(dy))


@mistake("factor-batch", after_dense)
def beta_averaged(dy, cache):
    """beta is added to every example."""
    dx, dw, db, dgamma, dbeta = dense_backward(dy, cache)
    return dx, dw, db, dgamma, dbeta / len(dy)


@mistake("wrong-shape", after_dense)
def weights_transposed(dy, cache):
    """x^T dh has the inputs as rows."""
    dx, dw, *others = dense_backward(dy, cache)
    return dx, dw.T, *others
