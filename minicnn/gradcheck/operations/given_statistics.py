"""Batch norm in evaluation: the statistics are given, and do not depend on x.

x_hat = (x - mean) / std,  std = sqrt(var + eps),     y = gamma x_hat + beta                    (1)
dx    = dy gamma / std                                                                          (2)
dmean = -sum(dy gamma) / std,   dvar = -1/2 sum(dy gamma x_hat) / std^2                         (3)
dgamma = sum(dy x_hat),         dbeta = sum(dy)                                                 (4)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from .factors import IMAGES
from .operation import Gradient, Mistake, Operation, Values
from .problem import Problem, is_same
from .recognise_normalization import placements

USUAL_EPS = (1e-5, 1e-3, 1e-6, 1e-8, 1e-4, 1e-7, 1e-12, 1e-2, 0.0)


def _sum(v: Values, a: np.ndarray) -> np.ndarray:
    return a.sum(axis=v.axes, keepdims=True)


def _mean(v: Values, a: np.ndarray) -> np.ndarray:
    return a.mean(axis=v.axes, keepdims=True)


STEPS = {
    "std": lambda v: np.sqrt(v.var + v.eps),
    "x_hat": lambda v: (v.x - v.mean) / v.std,  # (1)
    "d": lambda v: v.dy * v.gamma,
    "scale": lambda v: 1 / v.std,
    "dx": lambda v: v.d * v.scale,  # (2)
    "dmean": lambda v: -_sum(v, v.d) * v.scale,
    "dvar": lambda v: -0.5 * _sum(v, v.d * v.x_hat) / v.std**2,  # (3)
    "dgamma": lambda v: _sum(v, v.dy * v.x_hat),
    "dbeta": lambda v: _sum(v, v.dy),  # (4)
}
MISTAKES = (
    Mistake(
        "term-missing",
        "dx",
        lambda v: v.scale * (v.d - _mean(v, v.d) - v.x_hat * _mean(v, v.d * v.x_hat)),
        "dx has terms through mean and variance, as in training: here they are given numbers that do not depend on x, "
        "dx = dy * gamma / std.",
    ),
    Mistake(
        "term-missing",
        "dx",
        lambda v: v.scale * (v.d - _mean(v, v.d)),
        "dx has a term through the mean, as in training: here it is a given number, dx = dy * gamma / std.",
    ),
    Mistake(
        "factor-per-channel", "d", lambda v: v.dy * np.ones_like(v.gamma), "gamma is forgotten: dx_hat = dy * gamma."
    ),
    Mistake("factor-per-channel", "scale", lambda v: 1.0, "1 / std is forgotten: dx = dy * gamma / std."),
    Mistake("factor-per-channel", "scale", lambda v: 1 / v.std**2, "1 / var for 1 / std: dx = dy * gamma / std."),
    Mistake("factor-per-channel", "std", lambda v: np.sqrt(v.var), "eps is forgotten: std = sqrt(var + eps)."),
    Mistake(
        "uses-input-not-normalized",
        "dgamma",
        lambda v: _sum(v, v.dy * v.x),
        "dgamma is made with x, it should be made with x_hat: dgamma = sum(dy * x_hat).",
    ),
    Mistake(
        "factor-per-channel",
        "dgamma",
        lambda v: _sum(v, v.dy * (v.x - v.mean)),
        "dgamma is made with x - mean, not divided by std: dgamma = sum(dy * x_hat).",
    ),
    *(
        Mistake(
            "factor-per-channel",
            "dvar",
            lambda v, power=power: -0.5 * _sum(v, v.d * v.x_hat) / v.std**power,
            f"std has a wrong power: dvar = -0.5 * sum(dy * gamma * (x - mean)) / std**3, here std**{power + 1}.",
        )
        for power in (0, 1, 3, 4)
    ),
)


def recognise(problem: Problem) -> Iterator[Operation]:
    """Batch norm with given statistics, if it gives y."""
    if not problem.hints("norm") or len(problem.arrays) != 5:
        return
    for x_at, x in problem.arrays.items():
        others = [k for k in problem.arrays if k != x_at]
        shapes = {problem.arrays[k].shape for k in others}
        if x.shape != problem.y.shape or len(shapes) != 1:
            continue
        for order in permutations(others):
            placed = [placements(problem.arrays[k], x.shape) for k in order]
            for gamma, beta, mean, var in zip(*placed, strict=True):
                if (var < 0).any():
                    continue
                for eps in USUAL_EPS:
                    given = {"x": x, "gamma": gamma, "mean": mean, "var": var, "eps": eps, "dy": problem.dy}
                    if is_same(gamma * (x - mean) / np.sqrt(var + eps) + beta, problem.y):
                        yield _operation(given, problem, x_at, order)
                        return


def _operation(given: dict, problem: Problem, x_at: int, order: tuple[int, ...]) -> Operation:
    gamma, x = given["gamma"], given["x"]
    given["axes"] = tuple(k for k in range(x.ndim) if gamma.shape[k] == 1)
    shape = problem.arrays[order[0]].shape
    steps = ("dgamma", "dbeta", "dmean", "dvar")
    return Operation(
        name=f"batch normalization with given mean and variance, eps {given['eps']:.2g}",
        given=given,
        steps=STEPS,
        mistakes=MISTAKES,
        gradients={
            x_at: Gradient("dx"),
            **{at: Gradient(step, lambda g: g.reshape(shape)) for at, step in zip(order, steps, strict=True)},
        },
        counts={IMAGES: len(x), "numbers in a channel": x.size // gamma.size},
    )
