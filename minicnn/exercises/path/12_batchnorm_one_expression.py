"""Exercise 12: batch normalization, backward in one expression.

The stages of exercise 11 go through the batch a dozen times. Put your lines for dvar and dmu into your line for dx,
write dx_hat as what it was made of, and take out what is common. With s = sqrt(var + eps) and

    x - mu = s x_hat                                                                                (1)

so much cancels that neither x nor mu nor var is left:

    dx = one expression of dy, x_hat, gamma and 1/s                                                 (2)

Sums over m that end up divided by M are means. There are two of them in (2).

First write (2) by itself, then the whole backward pass with it. It builds on exercises 10 and 11: the cache is the one
that your batchnorm_forward made.

All arrays that come in have one dtype, float64 or float32, and so has what you return.

Write the two functions, then: minicnn exercises check 12
"""

import numpy as np

from minicnn.exercises.yours import batchnorm_forward  # the checker calls it


def batchnorm_dx(dy: np.ndarray, x_hat: np.ndarray, gamma: np.ndarray, inv_std: np.ndarray) -> np.ndarray:
    """Gradient of x, equation (2).

    Parameters
    ----------
    dy, x_hat : array, shape (N, C) or (N, H, W, C)
    gamma : array, shape (C,)
    inv_std : array, shape (C,)
        1/s.

    Returns
    -------
    dx : array, shape of dy
    """
    # your code
    axes = tuple(range(dy.ndim - 1))
    return gamma * inv_std * (dy - dy.mean(axis=axes) - x_hat * (dy * x_hat).mean(axis=axes))
    # end


def batchnorm_backward(dy: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All three gradients.

    Parameters
    ----------
    dy : array, shape (N, C) or (N, H, W, C)
    cache : tuple
        From batchnorm_forward.

    Returns
    -------
    dx : array, shape of dy
    dgamma, dbeta : array, shape (C,)
    """
    # your code
    _, x_hat, gamma, inv_std = cache
    axes = tuple(range(dy.ndim - 1))
    return batchnorm_dx(dy, x_hat, gamma, inv_std), (dy * x_hat).sum(axis=axes), dy.sum(axis=axes)
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.conditions import keeps_caches_apart, keeps_float32
from minicnn.exercises.exercise import Exercise, Gradients, Mistake, Values
from minicnn.reference import vectorized

# The columns of x_hat have mean 0 and variance 1; the means of dy are 2 and 2, those of dy x_hat are 2 and 1.
EXAMPLE = {
    "dy": np.array([[1.0, 2.0], [3.0, 0.0], [-1.0, 4.0], [5.0, 2.0]]),
    "x_hat": np.array([[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]),
    "gamma": np.array([2.0, 3.0]),
    "inv_std": np.array([0.5, 2.0]),
}
PAIR = ("batchnorm_forward", "batchnorm_backward")


def right_dx(dy: np.ndarray, x_hat: np.ndarray, gamma: np.ndarray, inv_std: np.ndarray) -> np.ndarray:
    """The first of the library's three gradients."""
    return vectorized.batchnorm_backward(dy, vectorized.BatchNormCache(x_hat, gamma, inv_std))[0]


def terms(mean: float, variance: float):
    """The terms through mean and variance, multiplied by these factors."""
    return lambda dy, x_hat, gamma, inv_std: (
        gamma * inv_std * (dy - mean * dy.mean(axis=0) - variance * x_hat * (dy * x_hat).mean(axis=0))
    )


def drawn(*shape: int, seed: int = 12) -> dict[str, np.ndarray]:
    """Arguments of batchnorm_forward."""
    rng, channels = np.random.default_rng(seed), shape[-1]
    arrays = rng.normal(2, 3, shape), rng.uniform(0.5, 2, channels), rng.normal(size=channels)
    return dict(zip(("x", "gamma", "beta"), arrays, strict=True))


def gradients(title: str, *shape: int) -> Gradients:
    """The check of a batch of this shape."""
    return Gradients(*PAIR, drawn(*shape), title=title, hints="batchnorm")


MISTAKES = [
    Mistake("mean-term-missing", "The term that came through mu is missing.", terms(0, 1)),
    Mistake("variance-term-missing", "The term that came through var is missing.", terms(1, 0)),
    Mistake(
        "statistics-held-constant",
        "dx has its direct term only, as if mu and var did not depend on x. Where did dvar and dmu go?",
        terms(0, 0),
    ),
    Mistake("mean-term-added", "The term through mu has the wrong sign: dmu has a minus.", terms(-1, 1)),
    Mistake(
        "variance-term-added",
        "The term through var has the wrong sign: the derivative of (var + eps)^(-1/2) has a minus.",
        terms(1, -1),
    ),
    Mistake(
        "half-the-variance-term", "The term through var is half of what it should be: 2 (-1/2) = -1.", terms(1, 0.5)
    ),
    Mistake("sums-not-means", "Sums stand where means should: 1/M is missing.", terms(4, 4)),
    Mistake("sums-not-means", "The term through mu has a sum where a mean should be: 1/M is missing.", terms(4, 1)),
    Mistake("sums-not-means", "The term through var has a sum where a mean should be: 1/M is missing.", terms(1, 4)),
    Mistake(
        "multiplied-by-s",
        "dx is divided by 1/s, and so multiplied by s.",
        lambda dy, x_hat, gamma, inv_std: right_dx(dy, x_hat, gamma, 1 / inv_std),
    ),
    Mistake(
        "gamma-missing",
        "gamma is missing: dx_hat was not dy alone.",
        lambda dy, x_hat, gamma, inv_std: right_dx(dy, x_hat, gamma / gamma, inv_std),
    ),
    Mistake(
        "not-divided-by-s",
        "1/s is missing: in all three terms one is left.",
        lambda dy, x_hat, gamma, inv_std: right_dx(dy, x_hat, gamma, inv_std / inv_std),
    ),
    Mistake(
        "divided-by-s-too-often",
        "1/s stands in there twice. Count the powers of s in each term: x - mu = s x_hat takes away some.",
        lambda dy, x_hat, gamma, inv_std: right_dx(dy, x_hat, gamma, inv_std**2),
    ),
    Mistake(
        "mean-of-x-hat-squared",
        "The second mean is that of x_hat^2, which is 1. It should be that of dy x_hat.",
        lambda dy, x_hat, gamma, inv_std: gamma * inv_std * (dy - dy.mean(axis=0) - x_hat),
    ),
]

EXERCISE = Exercise(
    title="batch normalization, backward in one expression",
    checks=[
        Values("batchnorm_dx", EXAMPLE, right_dx, returns=("dx",), mistakes=MISTAKES, title="dx on an example"),
        Values(
            "batchnorm_dx",
            EXAMPLE | {name: EXAMPLE[name].reshape(2, 1, 2, 2) for name in ("dy", "x_hat")},
            right_dx,
            returns=("dx",),
            mistakes=[
                Mistake(
                    "statistics-over-wrong-axes",
                    "The means go over the examples alone. m runs over every axis but the last, also for images.",
                    terms(1, 1),
                )
            ],
            title="the same numbers as two images",
        ),
        gradients("vectors", 6, 5),
        gradients("images", 3, 2, 4, 2),
        gradients("one image alone", 1, 3, 2, 2),
        keeps_caches_apart(*PAIR, lambda: drawn(6, 5), lambda: drawn(6, 5, seed=2)),
        keeps_float32(*PAIR, lambda: drawn(3, 2, 4, 2)),
    ],
    hints=[
        """\
The idea. All three terms of dx have gamma / s in them. Take it out, and look at what is left of each: dy in the first,
a mean of dy in the one that came through mu, x_hat and another mean in the one that came through var.""",
        """\
The formula. In the term through var, dvar 2 (x_m - mu) / M, there is one x - mu inside the sum of dvar and another
outside. Each is s x_hat, and s^2 meets s^(-3): 1/s is left. So

    dvar 2 (x_m - mu) / M = -(gamma / s) x_hat_m (1/M) sum over k of dy_k x_hat_k

and in the same way dmu / M = -(gamma / s) (1/M) sum over k of dy_k.""",
        """\
Almost the code. gamma times inv_std times (dy, minus the mean of dy, minus x_hat times the mean of dy x_hat), both
means over every axis but the last. dgamma and dbeta are as in exercise 11: M times the two means, as it happens.""",
    ],
    derivation="""\
From exercise 11, with s = sqrt(var + eps) and dx_hat = gamma dy:

    dx_m = gamma dy_m / s  +  dvar 2 (x_m - mu) / M  +  dmu / M                                     (3)
    dvar = -1/2 s^(-3) sum over k of gamma dy_k (x_k - mu)                                          (4)
    dmu  = -1/s sum over k of gamma dy_k                                                            (5)

By (1), dvar = -1/2 gamma s^(-2) sum over k of dy_k x_hat_k. With (1) once more,

    dvar 2 (x_m - mu) / M = -(gamma / s) x_hat_m (1/M) sum over k of dy_k x_hat_k                   (6)

The sum is dgamma, and that in (5) is gamma dbeta. All terms together:

    dx = (gamma / s) (dy - dbeta / M - x_hat dgamma / M)                                            (7)

What it says: in each channel, the part of dy along a constant is taken out, and its part along x_hat. The output does
not change when a channel of x is shifted, nor (but for eps) when it is scaled about its mean; so no dx may lead that
way: in each channel dx sums to 0, and dx x_hat does nearly.""",
    builds_on=("10_batchnorm_forward", "11_batchnorm_backward"),
)
