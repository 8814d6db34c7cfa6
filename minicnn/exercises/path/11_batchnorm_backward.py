"""Exercise 11: batch normalization, backward, one stage at a time.

Forward, in your exercise 10, was four stages, each made of those before it:

    mu    = 1/M sum over m of x_m                    made of x                                      (1)
    var   = 1/M sum over m of (x_m - mu)^2           made of x, mu                                  (2)
    x_hat = (x - mu) / sqrt(var + eps)               made of x, mu, var                             (3)
    y     = gamma x_hat + beta                       made of x_hat, gamma, beta                     (4)

Backward goes through them from the last to the first. Write dv for dL/dv. Each value v collects from every u that was
made of it, all else in the stage of u held where it is:

    dv = sum over u of  du  times  d u / d v                                                        (5)

So dx_hat, dgamma and dbeta come from dy; dvar comes from dx_hat; dmu from dx_hat and dvar; and dx from all three of
dx_hat, dvar and dmu. A channel has one mu and one var, and all M of its x_hat were made of them.

Return dx_hat, dvar and dmu too. The checker measures the derivative of the loss by each of these values and tells which
of your stages is the first wrong one: those after it may be wrong only for being made from it.

It builds on exercise 10: the cache is the one that your batchnorm_forward made.

Write the function, then: minicnn exercises check 11
"""

import numpy as np

from minicnn.exercises.yours import batchnorm_forward  # the checker calls it


def batchnorm_backward_staged(
    dy: np.ndarray, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Gradients by equation (5), stage by stage.

    Parameters
    ----------
    dy : array, shape (N, C) or (N, H, W, C)
    cache : tuple
        From batchnorm_forward. If something is missing in it, put it in there.

    Returns
    -------
    dx : array, shape of dy
    dgamma, dbeta : array, shape (C,)
    stages : dict
        "dx_hat", shape of dy; "dvar" and "dmu", shape (C,).
    """
    # your code
    centred, x_hat, gamma, inv_std = cache
    axes = tuple(range(dy.ndim - 1))
    M = dy.size // len(gamma)
    dbeta = dy.sum(axis=axes)
    dgamma = (dy * x_hat).sum(axis=axes)
    dx_hat = dy * gamma
    dvar = (dx_hat * centred).sum(axis=axes) * -0.5 * inv_std**3
    dmu = -dx_hat.sum(axis=axes) * inv_std
    dx = dx_hat * inv_std + dvar * 2 * centred / M + dmu / M
    return dx, dgamma, dbeta, {"dx_hat": dx_hat, "dvar": dvar, "dmu": dmu}
    # end


# ==== The checker's part: not in the learner's file ====

from minicnn.exercises.exercise import Exercise, Stages

EPS = 1e-5


def axes(x: np.ndarray) -> tuple[int, ...]:
    """All but the last."""
    return tuple(range(x.ndim - 1))


STEPS = {
    "mu": lambda x: x.mean(axis=axes(x)),
    "var": lambda x, mu: ((x - mu) ** 2).mean(axis=axes(x)),
    "x_hat": lambda x, mu, var: (x - mu) / np.sqrt(var + EPS),
    "y": lambda x_hat, gamma, beta: gamma * x_hat + beta,
}


def staged(title: str, *shape: int) -> Stages:
    """The check of a batch of this shape."""
    rng = np.random.default_rng(11)
    channels = shape[-1]
    arguments = {
        "x": rng.normal(2, 3, shape),
        "gamma": rng.uniform(0.5, 2, channels),
        "beta": rng.normal(size=channels),
    }
    return Stages(
        "batchnorm_forward", "batchnorm_backward_staged", arguments, STEPS, ("x_hat", "var", "mu"), title=title
    )


EXERCISE = Exercise(
    title="batch normalization, backward in stages",
    checks=[staged("vectors", 6, 5), staged("images", 3, 2, 4, 2), staged("one image alone", 1, 3, 2, 2)],
    hints=[
        """\
The idea. Draw the five values x, mu, var, x_hat, y and an arrow from each to every value made of it. Turn the arrows
round: at each value, add up what comes along them. Three arrows leave x, so dx has three terms. Whatever is one number
for a channel collects a sum over the channel's M numbers.""",
        """\
The formula. By (4), x_hat_m goes into y_m alone, with the factor gamma; gamma goes into every y_m, with x_hat_m.
By (3), with s = sqrt(var + eps):
    d x_hat_m / d var = (x_m - mu) times the derivative of (var + eps)^(-1/2)
    d x_hat_m / d mu  = -1 / s
    d x_hat_m / d x_m = 1 / s            with mu and var held, which have their own terms
By (2),  d var / d x_m = 2 (x_m - mu) / M with mu held, and d var / d mu is a sum that comes to a round number: which?
By (1),  d mu / d x_m = 1 / M.""",
        """\
Almost the code. dvar: the sum of dx_hat (x - mu) over the axes of the batch, times -1/2 s^(-3). dmu: minus the sum of
dx_hat, over s; nothing comes through var, for the sum of x - mu is 0. dx: dx_hat / s, plus dvar times
2 (x - mu) / M, plus dmu / M. M is the number of numbers in a channel, dy.size // C; for images that is N H W.""",
    ],
    derivation="""\
From (4):  y_m = gamma x_hat_m + beta, so

    dx_hat = dy gamma,    dgamma = sum over m of dy_m x_hat_m,    dbeta = sum over m of dy_m        (6)

From (3):  x_hat_m = (x_m - mu) (var + eps)^(-1/2), and every x_hat_m of the channel is made of its one var:

    dvar = sum over m of dx_hat_m (x_m - mu) (-1/2) (var + eps)^(-3/2)                              (7)

mu is in every x_hat_m and in var:

    dmu = sum over m of dx_hat_m (-1/s)  +  dvar (-2/M) sum over m of (x_m - mu)                    (8)

where s = sqrt(var + eps). The last sum is 0, because mu is the mean: (8) has its first term only.

x_m is in x_hat_m, in var and in mu:

    dx_m = dx_hat_m / s  +  dvar 2 (x_m - mu) / M  +  dmu / M                                       (9)

(1/M and 2/M are there because (1) and (2) are means; the sums in (7) and (8) have none, because x_hat is no mean.)""",
    builds_on=("10_batchnorm_forward",),
)
