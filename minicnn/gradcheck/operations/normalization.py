"""Normalizations: batch, layer, instance and group norm, and RMS norm, in any layout.

    mu = mean(x),   var = mean((x - mu)^2),   x_hat = (x - mu) / std,   std = sqrt(var + eps)       (1)
    y  = gamma x_hat + beta                                                                         (2)

All means go over the M entries of one set of axes; which axes makes the difference between the norms (for group norm,
of an x whose channels were split in two axes). RMS norm leaves out mu. Backward, with d = dy gamma:

    dx     = d / std  -  mean(d) / std  -  x_hat mean(d x_hat) / std                                (3)
             direct      through mu        through var
    dgamma = sum(dy x_hat),    dbeta = sum(dy)       over what gamma and beta were broadcast along  (4)

Where gamma is the same all over a group, as in batch norm, it may as well multiply dx at the end: `early_gamma` and
`late_gamma` are the two places.
"""

from __future__ import annotations

import numpy as np

from .operation import Term, Terms, Values

WRONG_COUNT = "statistics-over-wrong-axes"


def mean(v: Values, a: np.ndarray) -> np.ndarray:
    """As forward takes it."""
    return a.mean(axis=v.axes, keepdims=True)


def mean_of_dx(v: Values, a: np.ndarray) -> np.ndarray:
    """As the terms of dx take it."""
    return a.mean(axis=v.axes_of_dx, keepdims=True)


def variance_term(v: Values, outside: np.ndarray, inside: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Third term of (3), with a stand-in for each of its parts."""
    return -outside * mean_of_dx(v, v.d * inside) * scale * v.bend


def dx_of(v: Values, d: np.ndarray) -> np.ndarray:
    """Equation (3)."""
    through_mean = mean(v, d) if v.centred else 0.0
    return (d - through_mean - v.x_hat * mean(v, d * v.x_hat) * v.bend) * v.scale


STEPS = {
    "x_work": lambda v: v.x.reshape(v.shape),
    "deviation": lambda v: v.x_work - mean(v, v.x_work) if v.centred else v.x_work,
    "var": lambda v: mean(v, v.deviation**2) * v.correction,
    "std": lambda v: np.sqrt(v.var) + v.eps if v.eps_outside else np.sqrt(v.var + v.eps),
    "x_hat": lambda v: v.deviation / v.std,  # (1)
    "bend": lambda v: v.correction * (v.std / np.sqrt(v.var) if v.eps_outside else 1.0),  # by unusual forms of std
    "scale": lambda v: 1 / v.std,
    "axes_of_dx": lambda v: v.axes,
    "d": lambda v: (v.dy * v.early_gamma).reshape(v.shape),
    "direct": lambda v: v.d * v.scale,
    "through_mean": lambda v: -mean_of_dx(v, v.d) * v.scale * np.ones(v.shape),
    "through_var": lambda v: variance_term(v, v.x_hat, v.x_hat, v.scale),
    "dx_work": Terms(
        direct=Term("the direct term, dx_hat / std,", miscounted=WRONG_COUNT),
        through_mean=Term("the term through the mean, -mean(dx_hat) / std,", "mean-term-missing", WRONG_COUNT),
        through_var=Term(
            "the term through the variance, -x_hat * mean(dx_hat * x_hat) / std,",
            "variance-term-missing",
            WRONG_COUNT,
        ),
    ),
    "dx": lambda v: v.dx_work.reshape(v.x.shape) * v.late_gamma,  # (3)
    "x_hat_of_dgamma": lambda v: v.x_hat.reshape(v.x.shape),
    "dgamma": lambda v: (v.dy * v.x_hat_of_dgamma).sum(axis=v.gamma_axes, keepdims=True),  # (4)
    "dbeta": lambda v: v.dy.sum(axis=v.beta_axes, keepdims=True),
}
RMS_STEPS = STEPS | {
    "dx_work": Terms(
        direct=Term("the direct term, dx_hat / rms,", miscounted=WRONG_COUNT),
        through_var=Term(
            "the term through the mean square, -x_hat * mean(dx_hat * x_hat) / rms,",
            "variance-term-missing",
            WRONG_COUNT,
        ),
    )
}
