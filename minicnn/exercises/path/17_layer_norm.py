"""Exercise 17 (extra): layer normalization.

Batch norm makes an example's output depend on the rest of its batch, needs running statistics for evaluation, and has
nothing to work with in a batch of one. Layer norm gives up the batch: each example, and in images each pixel, is
normalized by itself, over its C channels. With n for everything but the channels:

    mu[n]       = 1/C sum over c of x[n, c]                                                         (1)
    var[n]      = 1/C sum over c of (x[n, c] - mu[n])^2                                             (2)
    x_hat[n, c] = (x[n, c] - mu[n]) / sqrt(var[n] + eps)                                            (3)
    y[n, c]     = gamma[c] x_hat[n, c] + beta[c]                                                    (4)

(1) to (3) are those of batch norm with rows and columns exchanged. (4) is not: gamma and beta belong to the channels,
as before. Training and evaluation are the same.

Backward, you can go the way of exercises 11 and 12 again. Mind over which axis each sum goes, and that gamma is now
different for the numbers that share a mean.

It builds on the ideas of exercises 10, 11 and 12, not on their functions.

All arrays that come in have one dtype, float64 or float32, and so has what you return.

Write the two functions, then: minicnn exercises check 17
"""

import numpy as np


def layernorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """Normalize over the last axis, equations (1) to (4).

    Parameters
    ----------
    x : array, shape (N, C) or (N, H, W, C)
    gamma, beta : array, shape (C,)
    eps : float

    Returns
    -------
    y : array, shape of x
    cache : tuple
        Whatever your backward function will need; you decide.
    """
    # your code
    mu = x.mean(axis=-1, keepdims=True)
    var = ((x - mu) ** 2).mean(axis=-1, keepdims=True)
    inv_std = 1 / np.sqrt(var + eps)
    x_hat = (x - mu) * inv_std
    return gamma * x_hat + beta, (x_hat, gamma, inv_std)
    # end


def layernorm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gradients by the chain rule.

    Parameters
    ----------
    dy : array, shape (N, C) or (N, H, W, C)
    cache : tuple
        What layernorm_forward returned.

    Returns
    -------
    dx : array, shape of dy
    dgamma, dbeta : array, shape (C,)
    """
    # your code
    x_hat, gamma, inv_std = cache
    batch = tuple(range(dy.ndim - 1))
    dx_hat = dy * gamma
    mean = dx_hat.mean(axis=-1, keepdims=True)
    product = (dx_hat * x_hat).mean(axis=-1, keepdims=True)
    dx = inv_std * (dx_hat - mean - x_hat * product)
    return dx, (dy * x_hat).sum(axis=batch), dy.sum(axis=batch)
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Exercise, Gradients, Mistake, Values
from minicnn.functional import batchnorm_forward

# With eps = 3, the two standard deviations are sqrt(1 + 3) = 2 and sqrt(6 + 3) = 3.
EXAMPLE = {
    "x": np.array([[1.0, 3.0, 1.0, 3.0], [1.0, 7.0, 7.0, 5.0]]),
    "gamma": np.array([6.0, 12.0, -6.0, 18.0]),
    "beta": np.array([10.0, 20.0, 30.0, 40.0]),
}
EPS = {"eps": 3.0}
PAIR = ("layernorm_forward", "layernorm_backward")


def drawn(*shape: int, seed: int = 17) -> dict[str, np.ndarray]:
    """Arguments of layernorm_forward."""
    rng, channels = np.random.default_rng(seed), shape[-1]
    arrays = rng.normal(2, 3, shape), rng.uniform(0.5, 2, channels), rng.normal(size=channels)
    return dict(zip(("x", "gamma", "beta"), arrays, strict=True))


def right_forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5) -> tuple[np.ndarray, None]:
    """The library's batch norm with rows and columns exchanged, and then (4)."""
    rows = x.reshape(-1, x.shape[-1])
    x_hat, _ = batchnorm_forward(rows.T, np.ones(len(rows)), np.zeros(len(rows)), eps=eps)
    return gamma * x_hat.T.reshape(x.shape) + beta, None


def normalized(axis: int | tuple[int, ...], std=lambda var, eps: np.sqrt(var + eps), ddof: int = 0):
    """A forward pass over another axis, or divided by another std(var, eps)."""

    def wrong(x, gamma, beta, eps=1e-5):
        centred = x - x.mean(axis=axis, keepdims=True)
        return gamma * centred / std(x.var(axis=axis, keepdims=True, ddof=ddof), eps) + beta, None

    return wrong


def gradients(title: str, *shape: int) -> Gradients:
    """The check of a batch of this shape."""
    return Gradients(*PAIR, drawn(*shape), title=title, hints="layernorm")


MISTAKES = [
    Mistake(
        "statistics-over-the-batch",
        "The statistics go over the examples: that is batch norm. Layer norm goes over the channels of each example.",
        normalized(0),
    ),
    Mistake(
        "eps-ignored",
        "The numbers are those of eps = 1e-5, its default, but another eps was given.",
        normalized(-1, lambda var, eps: np.sqrt(var + 1e-5)),
    ),
    Mistake(
        "eps-outside-the-root",
        "eps is added to the standard deviation. In (3) it is added to the variance, inside the root.",
        normalized(-1, lambda var, eps: np.sqrt(var) + eps),
    ),
    Mistake("eps-missing", "eps is missing under the root.", normalized(-1, lambda var, eps: np.sqrt(var))),
    Mistake(
        "gamma-beta-swapped",
        "x_hat is multiplied by beta and shifted by gamma.",
        lambda x, gamma, beta, eps: right_forward(x, beta, gamma, eps),
    ),
    Mistake("divides-by-variance", "x - mu is divided by var + eps, without the root.", normalized(-1, np.add)),
    Mistake("divides-by-c-minus-1", "var is divided by C - 1 (ddof=1). (2) divides by C.", normalized(-1, ddof=1)),
    Mistake(
        "mean-not-subtracted",
        "mu is not subtracted from x in (3).",
        lambda x, gamma, beta, eps: (gamma * x / np.sqrt(x.var(axis=-1, keepdims=True) + eps) + beta, None),
    ),
    Mistake(
        "gamma-missing", "x_hat is not multiplied by gamma.", lambda x, gamma, beta, eps: right_forward(x, 1, beta, eps)
    ),
    Mistake("beta-missing", "beta is not added.", lambda x, gamma, beta, eps: right_forward(x, gamma, 0, eps)),
]

IMAGE_MISTAKES = [
    Mistake(
        "statistics-of-each-image",
        "Each image is normalized as a whole. Here it is each pixel, over its channels: the last axis alone.",
        normalized((1, 2, 3)),
    ),
    Mistake(
        "statistics-over-the-batch",
        "The statistics go over all axes but the last: that is batch norm. Layer norm goes over the last axis.",
        normalized((0, 1, 2)),
    ),
]

EXERCISE = Exercise(
    title="layer normalization",
    checks=[
        Values(PAIR[0], EXAMPLE, right_forward, mistakes=MISTAKES, options=EPS, title="forward on an example"),
        Values(PAIR[0], drawn(2, 3, 2, 4), right_forward, mistakes=IMAGE_MISTAKES, title="forward of images"),
        gradients("vectors", 6, 5),
        gradients("images", 2, 3, 2, 4),
        gradients("one example alone", 1, 6),
        keeps_caches_apart(*PAIR, lambda: drawn(6, 5), lambda: drawn(6, 5, seed=2)),
        keeps_float32(*PAIR, lambda: drawn(2, 3, 2, 4)),
    ],
    hints=[
        """\
The idea. keepdims=True keeps the axis that a mean goes over, with length 1, so that the result still fits beside x.
Backward: write dx_hat = gamma dy first. From there on, the example is on its own, and what you found for the channels
of batch norm holds for it.""",
        """\
The formula. With s = sqrt(var + eps), and means over the channels c of one n:

    dx = 1/s (dx_hat - mean of dx_hat - x_hat times the mean of dx_hat x_hat)

gamma cannot be taken out of the means as in exercise 12: it changes with c. dgamma[c] and dbeta[c] are sums over n.""",
        """\
Almost the code. Forward as in exercise 10 with axis=-1, keepdims=True. Backward: dx_hat = dy * gamma, two means of it
with axis=-1, keepdims=True (the second of dx_hat * x_hat), then the formula. dgamma and dbeta as in exercise 11: sums
over every axis but the last.""",
    ],
    derivation="""\
dx_hat, dgamma and dbeta come from (4), which is that of batch norm:

    dx_hat[n, c] = gamma[c] dy[n, c],    dgamma[c] = sum over n of dy[n, c] x_hat[n, c],
    dbeta[c]     = sum over n of dy[n, c]                                                           (5)

(1) to (3) are those of batch norm for the transposed x, with the C channels of one n in the place of the M numbers of
one channel. So what exercises 11 and 12 derived from dx_hat on holds here with the two exchanged:

    dx[n, c] = 1/s[n] (dx_hat[n, c] - 1/C sum over k of dx_hat[n, k]
                       - x_hat[n, c] 1/C sum over k of dx_hat[n, k] x_hat[n, k])                    (6)

In exercise 12 gamma could be taken out in front, because all numbers under one mean had the same gamma. Here each has
its own, and dx_hat stays.""",
    builds_on=("10_batchnorm_forward", "11_batchnorm_backward", "12_batchnorm_one_expression"),
    extra=True,
)
