"""Softmax and its logarithm, along any axis.

p = exp(x) / sum(exp(x)):      dx = p dy - p sum(dy p)                                          (1)
y = log(p):                    dx = dy - p sum(dy)                                              (2)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .factors import IMAGES
from .operation import Gradient, Mistake, Operation, Term, Terms, Values
from .problem import Problem, is_same

WRONG_COUNT = "statistics-over-wrong-axes"


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    """Along one axis, without overflow."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def _sum(v: Values, a: np.ndarray) -> np.ndarray:
    return a.sum(axis=v.axis, keepdims=True)


STEPS = {
    "own": lambda v: v.p * v.dy,
    "normalization": lambda v: -v.p * _sum(v, v.dy * v.p),
    "dx": Terms(
        own=Term("the term p * dy"),
        normalization=Term("the term of the normalization, -p * sum(dy * p),", miscounted=WRONG_COUNT),
    ),
}  # (1)
MISTAKES = (
    Mistake(
        "diagonal-jacobian",
        "dx",
        lambda v: v.dy * v.p * (1 - v.p),
        "softmax is treated as if its outputs were independent, dx = dy * p * (1 - p): each output depends on every "
        "input of its row, dx = p * (dy - sum(dy * p)).",
    ),
    Mistake(
        "term-missing",
        "dx",
        lambda v: v.own,
        "the normalization's part is missing, dx = dy * p: dx = p * (dy - sum(dy * p)).",
    ),
    Mistake(
        "term-missing",
        "normalization",
        lambda v: -_sum(v, v.dy * v.p) * np.ones_like(v.p),
        "p is missing in front of the sum: dx = p * (dy - sum(dy * p)).",
    ),
    Mistake(
        "term-missing",
        "normalization",
        lambda v: -v.p * _sum(v, v.dy),
        "the sum is made of dy alone: dx = p * (dy - sum(dy * p)).",
    ),
    Mistake(
        "term-missing",
        "own",
        lambda v: v.dy,
        "p is missing in front of dy: dx = p * (dy - sum(dy * p)).",
    ),
    Mistake(
        "term-missing",
        "dx",
        lambda v: v.dy - _sum(v, v.dy * v.p),
        "p is missing in front: dx = p * (dy - sum(dy * p)).",
    ),
    Mistake(
        "term-missing",
        "dx",
        lambda v: v.p * _sum(v, v.dy * (1 - v.p)),
        "the sum runs over dy * (1 - p): dx = p * (dy - sum(dy * p)).",
        rank=2,
    ),
    Mistake(
        "unrecognized",
        "p",
        lambda v: v.x,
        "x stands where p should: dx = p * (dy - sum(dy * p)) is made with the output.",
        rank=30,
    ),
)

LOG_STEPS = {
    "own": lambda v: v.dy,
    "normalization": lambda v: -v.p * _sum(v, v.dy),
    "dx": Terms(
        own=Term("the term dy"),
        normalization=Term("the term of the normalization, -p * sum(dy),", miscounted=WRONG_COUNT),
    ),
}  # (2)
LOG_MISTAKES = (
    Mistake(
        "diagonal-jacobian",
        "dx",
        lambda v: v.dy * (1 - v.p),
        "the outputs are treated as if they were independent, dx = dy * (1 - p): dx = dy - p * sum(dy).",
    ),
    Mistake("term-missing", "dx", lambda v: v.dy, "the normalization's part is missing: dx = dy - p * sum(dy)."),
    Mistake(
        "term-missing",
        "normalization",
        lambda v: -v.p * _sum(v, v.dy * v.p),
        "the sum has a factor p too many: dx = dy - p * sum(dy).",
    ),
    Mistake(
        "term-missing",
        "normalization",
        lambda v: -_sum(v, v.dy * v.p) * np.ones_like(v.p),
        "p stands inside the sum, not before it: dx = dy - p * sum(dy).",
    ),
    Mistake(
        "term-missing",
        "normalization",
        lambda v: -v.logs * _sum(v, v.dy),
        "the logarithm stands where p = exp(y) should: dx = dy - p * sum(dy).",
    ),
    Mistake(
        "term-missing",
        "dx",
        lambda v: v.p * (v.dy - _sum(v, v.dy * v.p)),
        "this is the gradient of softmax, not of its logarithm: dx = dy - p * sum(dy).",
    ),
    Mistake(
        "statistics-over-wrong-axes",
        "normalization",
        lambda v: -v.p * v.dy.mean(axis=v.axis, keepdims=True),
        "a mean stands where a sum should: dx = dy - p * sum(dy).",
    ),
)


def recognise(problem: Problem) -> Iterator[Operation]:
    """Softmax or log-softmax, if one gives y."""
    if not problem.hints("softmax") or len(problem.arrays) != 1:
        return
    ((x_at, x),) = problem.arrays.items()
    if x.shape != problem.y.shape:
        return
    for axis in range(x.ndim):
        p = softmax(x, axis)
        logs = x - x.max(axis=axis, keepdims=True)
        logs = logs - np.log(np.exp(logs).sum(axis=axis, keepdims=True))
        for name, y, steps, mistakes in (
            ("softmax", p, STEPS, MISTAKES),
            ("log-softmax", logs, LOG_STEPS, LOG_MISTAKES),
        ):
            if x.shape[axis] > 1 and is_same(y, problem.y):
                yield Operation(
                    name=f"{name} along axis {axis}",
                    given={"x": x, "probabilities": p, "logs": logs, "dy": problem.dy, "axis": axis},
                    steps={"p": lambda v: v.probabilities, **steps},
                    mistakes=(*mistakes, *_other_axes(axis, x.ndim)),
                    gradients={x_at: Gradient("dx")},
                    counts={IMAGES: len(x), "classes": x.shape[axis]},
                )
                return


def _other_axes(axis: int, count: int) -> Iterator[Mistake]:
    for other in (*(k for k in range(count) if k != axis), None):
        where = f"axis {other}" if other is not None else "all axes"
        yield Mistake(
            "statistics-over-wrong-axes",
            "normalization",
            lambda v, other=other: Values(v.__dict__ | {"axis": other}, v._steps).right("normalization"),
            f"the sum runs over {where}; softmax goes along axis {axis}.",
        )
