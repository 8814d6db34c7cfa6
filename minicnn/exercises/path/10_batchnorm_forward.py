"""Exercise 10: batch normalization, forward.

Each channel c gets mean 0 and variance 1 over the batch, then a scale gamma[c] and a shift beta[c] that it can learn.
With M numbers x_m in a channel (m runs over every axis but the last: the examples, and for images their pixels too):

    mu    = 1/M sum over m of x_m                                                                   (1)
    var   = 1/M sum over m of (x_m - mu)^2                                                          (2)
    x_hat = (x - mu) / sqrt(var + eps)                                                              (3)
    y     = gamma x_hat + beta                                                                      (4)

mu and var are one number for each channel. eps keeps a channel of equal numbers from being divided by zero.

In evaluation, what the network says of an example must not depend on which others are in the batch with it; it may be
alone. So training keeps a running average of mu and one of var over its batches, with a momentum close to 1,

    running = momentum running + (1 - momentum) batch                                               (5)

and evaluation takes them in (3) in place of the batch's own.

All arrays that come in have one dtype, float64 or float32, and so has what you return.

Write the four functions, then: minicnn exercises check 10
"""

import numpy as np


def batch_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each channel, equations (1) and (2).

    Parameters
    ----------
    x : array, shape (N, C) or (N, H, W, C)

    Returns
    -------
    mu, var : array, shape (C,)
    """
    # your code
    axes = tuple(range(x.ndim - 1))
    mu = x.mean(axis=axes)
    var = ((x - mu) ** 2).mean(axis=axes)
    return mu, var
    # end


def batchnorm_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float = 1e-5
) -> tuple[np.ndarray, tuple]:
    """Normalize with the batch's own statistics, as in training: equations (1) to (4).

    Parameters
    ----------
    x : array, shape (N, C) or (N, H, W, C)
    gamma, beta : array, shape (C,)
    eps : float

    Returns
    -------
    y : array, shape of x
    cache : tuple
        What exercises 11 and 12 will need for the way back; you can still add to it then.
    """
    # your code
    mu, var = batch_statistics(x)
    centred, inv_std = x - mu, 1 / np.sqrt(var + eps)
    x_hat = centred * inv_std
    return gamma * x_hat + beta, (centred, x_hat, gamma, inv_std)
    # end


def update_running(running: np.ndarray, batch: np.ndarray, momentum: float = 0.9) -> np.ndarray:
    """Take the statistics of one more batch into the running ones, equation (5).

    Parameters
    ----------
    running, batch : array, shape (C,)
        The running means and the batch's, or the running variances and the batch's.
    momentum : float
        The share of `running` that is kept.

    Returns
    -------
    array, shape (C,)
        A new one.
    """
    raise NotImplementedError


def batchnorm_evaluate(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, var: np.ndarray, eps: float = 1e-5
) -> np.ndarray:
    """Normalize with given statistics, as in evaluation: equations (3) and (4).

    Parameters
    ----------
    x : array, shape (N, C) or (N, H, W, C)
    gamma, beta : array, shape (C,)
    mean, var : array, shape (C,)
        The running ones.
    eps : float

    Returns
    -------
    y : array, shape of x
    """
    # your code
    return gamma * (x - mean) / np.sqrt(var + eps) + beta
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn import functional
from minicnn.exercises.exercise import Condition, Exercise, Mistake, Values, Wrong
from minicnn.layers.batchnorm import update_running as right_update

# With eps = 3, the two standard deviations are sqrt(1 + 3) = 2 and sqrt(6 + 3) = 3.
X = np.array([[1.0, 1.0], [3.0, 7.0], [1.0, 7.0], [3.0, 5.0]])
EXAMPLE = {"x": X, "gamma": np.array([4.0, 6.0]), "beta": np.array([10.0, 20.0])}
EPS = {"eps": 3.0}
RUNNING = {"mean": np.array([0.0, 3.0]), "var": np.array([22.0, 1.0])}
IMAGES = np.array([0.0, 5, 2, 4, 1, 9, 3, 1, 2, 1, 4, 6, 0, 2, 7, 7, 1, 8, 2, 3, 5, 3, 3, 5]).reshape(2, 3, 2, 2)


def drawn(*shape: int, dtype: type = np.float64) -> dict[str, np.ndarray]:
    """Arguments of batchnorm_forward."""
    rng = np.random.default_rng(10)
    arrays = rng.normal(2, 3, shape), rng.uniform(0.5, 2, shape[-1]), rng.normal(size=shape[-1])
    return dict(zip(("x", "gamma", "beta"), (a.astype(dtype) for a in arrays), strict=True))


def right_statistics(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those in the cache of the library's forward pass."""
    channels = x.shape[-1]
    _, cache = functional.batchnorm_forward(x, np.ones(channels), np.zeros(channels))
    return cache.mean, cache.var


def right_evaluate(*arrays: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """The library's function without its cache."""
    return functional.batchnorm_inference_forward(*arrays, eps=eps)[0]


def over(axis: int | tuple[int, ...] | None):
    """Statistics over other axes."""
    return lambda x: (x.mean(axis=axis), x.var(axis=axis))


def divided_by(std):
    """A forward pass that divides by std(var, eps)."""
    return lambda x, gamma, beta, eps=1e-5: (gamma * (x - x.mean(axis=0)) / std(x.var(axis=0), eps) + beta, None)


def evaluated_with(std):
    """An evaluation that divides by std(var, eps)."""
    return lambda x, gamma, beta, mean, var, eps: gamma * (x - mean) / std(var, eps) + beta


STATISTICS_MISTAKES = [
    Mistake("wrong-order", "The variance comes first: return mu, var.", lambda x: (x.var(axis=0), x.mean(axis=0))),
    Mistake("sum-not-mean", "var is a sum: its 1/M is missing.", lambda x: (x.mean(axis=0), len(x) * x.var(axis=0))),
    Mistake("sum-not-mean", "1/M is missing: these are sums.", lambda x: (x.sum(axis=0), len(x) * x.var(axis=0))),
    Mistake(
        "divides-by-m-minus-1",
        "var is divided by M - 1 (ddof=1). Equation (2) divides by M: the batch itself is what gets variance 1.",
        lambda x: (x.mean(axis=0), x.var(axis=0, ddof=1)),
    ),
    Mistake(
        "mean-not-subtracted",
        "var is the mean of x^2. Equation (2) squares the differences from mu.",
        lambda x: (x.mean(axis=0), (x**2).mean(axis=0)),
    ),
    Mistake(
        "root-of-the-variance",
        "The second result is the standard deviation. The root comes later, in (3), with eps inside it.",
        lambda x: (x.mean(axis=0), x.std(axis=0)),
    ),
    Mistake(
        "statistics-of-each-example",
        "The statistics are those of each example, over its channels: that is layer norm. Batch norm goes over the "
        "examples, and keeps the channels, the last axis, apart.",
        over(1),
    ),
]

IMAGE_MISTAKES = [
    Mistake(
        "statistics-of-each-pixel",
        "The statistics go over the examples alone, so that every pixel has its own. m runs over every axis but the "
        "last: the pixels of a channel belong together.",
        over(0),
    ),
    Mistake(
        "statistics-of-each-image",
        "Every image has statistics of its own: that is instance norm. m runs over the examples, too.",
        over((1, 2)),
    ),
    Mistake(
        "channels-first",
        "The second axis is taken for the channels, as PyTorch has it. Here images are (N, H, W, C).",
        over((0, 2, 3)),
    ),
    Mistake("one-statistic-for-all", "All channels share one mean and one variance. Each has its own.", over(None)),
]

FORWARD_MISTAKES = [
    Mistake("eps-missing", "eps is missing under the root.", divided_by(lambda var, eps: np.sqrt(var))),
    Mistake(
        "multiplied-by-the-root",
        "x - mu is multiplied by the root.",
        divided_by(lambda var, eps: 1 / np.sqrt(var + eps)),
    ),
    Mistake(
        "gamma-beta-swapped",
        "x_hat is multiplied by beta and shifted by gamma.",
        lambda x, gamma, beta, eps: functional.batchnorm_forward(x, beta, gamma, eps=eps),
    ),
    Mistake(
        "shift-scaled",
        "gamma multiplies beta too. In (4) it multiplies x_hat alone.",
        lambda x, gamma, beta, eps: functional.batchnorm_forward(x, gamma, gamma * beta, eps=eps),
    ),
    Mistake(
        "eps-ignored",
        "The numbers are those of eps = 1e-5, its default, but another eps was given.",
        divided_by(lambda var, eps: np.sqrt(var + 1e-5)),
    ),
    Mistake(
        "eps-outside-the-root",
        "eps is added to the standard deviation. In (3) it is added to the variance, inside the root.",
        divided_by(lambda var, eps: np.sqrt(var) + eps),
    ),
    Mistake("divides-by-variance", "x - mu is divided by var + eps, without the root.", divided_by(np.add)),
    Mistake(
        "mean-not-subtracted",
        "mu is not subtracted from x.",
        lambda x, gamma, beta, eps: (gamma * x / np.sqrt(x.var(axis=0) + eps) + beta, None),
    ),
    Mistake(
        "gamma-missing",
        "x_hat is not multiplied by gamma.",
        lambda x, gamma, beta, eps: functional.batchnorm_forward(x, np.ones_like(gamma), beta, eps=eps),
    ),
    Mistake(
        "beta-missing",
        "beta is not added.",
        lambda x, gamma, beta, eps: functional.batchnorm_forward(x, gamma, np.zeros_like(beta), eps=eps),
    ),
]

UPDATE_MISTAKES = [
    Mistake(
        "momentum-ignored",
        "The numbers are those of momentum = 0.9, its default, but another momentum was given.",
        lambda running, batch, momentum: right_update(running, batch, 0.9),
    ),
    Mistake(
        "momentum-the-other-way-round",
        "momentum multiplies the batch's statistics, as PyTorch has it. In (5) it is the share of the running ones.",
        lambda running, batch, momentum: right_update(running, batch, 1 - momentum),
    ),
    Mistake(
        "batch-not-weighted",
        "The batch's statistics are added whole. Without their factor the sum is no average: it grows.",
        lambda running, batch, momentum: momentum * running + batch,
    ),
]

EVALUATE_MISTAKES = [
    Mistake("eps-missing", "eps is missing under the root.", evaluated_with(lambda var, eps: np.sqrt(var))),
    Mistake(
        "batch-statistics-in-evaluation",
        "The batch is normalized with its own statistics. In evaluation mean and var are given, so that what comes out "
        "for an example does not depend on the others.",
        lambda x, gamma, beta, mean, var, eps: functional.batchnorm_forward(x, gamma, beta, eps=eps)[0],
    ),
    Mistake(
        "eps-ignored",
        "The numbers are those of eps = 1e-5, its default, but another eps was given.",
        evaluated_with(lambda var, eps: np.sqrt(var + 1e-5)),
    ),
    Mistake("divides-by-variance", "x - mean is divided by var + eps, without the root.", evaluated_with(np.add)),
]


def keeps_its_digits(yours) -> Wrong | None:
    """Numbers far from zero: the mean of x^2 minus the square of the mean is a difference of two huge numbers."""
    x = 1e8 + X
    _, var = yours.batch_statistics(x)
    if np.allclose(var, right_statistics(x)[1], rtol=1e-6):
        return None
    return Wrong(
        "variance-cancels",
        f"The variance of x + 1e8 is that of x, {X.var(axis=0)}, but comes out as {var}. If it is made as "
        "mean(x^2) - mu^2: both are about 1e16 here, float64 has 16 digits, and none is left of their difference. "
        "Subtract before you square.",
    )


EXERCISE = Exercise(
    title="batch normalization, forward and evaluation",
    checks=[
        Values(
            "batch_statistics",
            {"x": X},
            right_statistics,
            returns=("mu", "var"),
            mistakes=STATISTICS_MISTAKES,
            title="statistics of vectors",
        ),
        Values(
            "batch_statistics",
            {"x": IMAGES},
            right_statistics,
            returns=("mu", "var"),
            mistakes=IMAGE_MISTAKES,
            title="statistics of images",
        ),
        Condition("statistics of numbers far from zero", keeps_its_digits),
        Values(
            "batchnorm_forward",
            EXAMPLE,
            functional.batchnorm_forward,
            mistakes=FORWARD_MISTAKES,
            options=EPS,
            title="forward on an example",
        ),
        Values(
            "batchnorm_forward",
            {**EXAMPLE, "x": np.array([[5.0, 1.0], [5.0, 2.0], [5.0, 6.0]])},
            functional.batchnorm_forward,
            mistakes=[Mistake("eps-missing", "0 / 0: eps is missing.", divided_by(lambda var, eps: np.sqrt(var)))],
            title="a channel of equal numbers",
        ),
        Values(
            "batchnorm_forward",
            drawn(2, 3, 4, 5),
            functional.batchnorm_forward,
            mistakes=[
                Mistake(
                    "statistics-of-each-pixel",
                    "Every pixel is normalized by itself, over the examples. m runs over every axis but the last.",
                    divided_by(lambda var, eps: np.sqrt(var + eps)),
                )
            ],
            title="forward of images",
        ),
        Values("batchnorm_forward", drawn(1, 2, 3, 2), functional.batchnorm_forward, title="one image alone"),
        Values(
            "batchnorm_forward",
            drawn(2, 3, 4, 5, dtype=np.float32),
            functional.batchnorm_forward,
            tolerance=1e-5,
            title="float32",
        ),
        Values(
            "update_running",
            {"running": np.array([10.0, 20.0]), "batch": np.array([20.0, 0.0]), "momentum": 0.8},
            right_update,
            returns=("running",),
            mistakes=UPDATE_MISTAKES,
            title="running statistics",
        ),
        Values(
            "batchnorm_evaluate",
            EXAMPLE | RUNNING,
            right_evaluate,
            returns=("y",),
            mistakes=EVALUATE_MISTAKES,
            options=EPS,
            title="evaluation on an example",
        ),
        Values(
            "batchnorm_evaluate",
            EXAMPLE | RUNNING | {"x": X[:1]},
            right_evaluate,
            returns=("y",),
            title="evaluation of one example alone",
        ),
    ],
    hints=[
        """\
The idea. Which axes belong together? A channel's numbers are everything with the same last index. NumPy takes several
axes at once, x.mean(axis=(0, 1)), and arrays of shape (C,) meet x of shape (..., C) at its last axis by themselves.""",
        """\
The formula. For (N, C) the axes are (0,), for (N, H, W, C) they are (0, 1, 2): in both cases all but the last, of which
x.ndim knows how many there are. var is a mean over the same axes. The root in (3) is over var + eps, not var alone.
Evaluation is (3) and (4) with what was given; nothing is averaged there.""",
        """\
Almost the code. axes = tuple(range(x.ndim - 1)), then x.mean(axis=axes), and the same of (x - mu) squared. Forward:
statistics, centre, divide by the root, scale, shift. The way back will ask for x - mu, x_hat, gamma and
1 / sqrt(var + eps): put these into the cache. Running: momentum times the old plus (1 - momentum) times the new.""",
    ],
    derivation="""\
That (3) does what it should: with s = sqrt(var + eps),

    mean of x_hat   = (mean of x - mu) / s = 0                                                      (6)
    mean of x_hat^2 = mean of (x - mu)^2 / s^2 = var / (var + eps)                                  (7)

which is 1 but for eps. So y has mean beta and standard deviation gamma, whatever x had.

That (5) is an average: written out over the batches 1, 2, ..., t it gives batch t - k the weight
(1 - momentum) momentum^k. These weights and the momentum^t left to the start add up to 1. With momentum 0.9, batches
more than some ten steps ago hardly count: the average follows the weights of the network as they learn.

The variance by two passes, mean first, then squares of differences, costs one more reading of x than
mean(x^2) - mu^2. But where the mean is large beside the spread, the latter loses all its digits.""",
    library={"update_running": right_update},
)
