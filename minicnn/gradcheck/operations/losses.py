"""Losses of one number: cross-entropy, binary cross-entropy, squared, absolute and hinge errors.

    L = -sum(t log p),  p = softmax(z)            dz = p sum(t) - t                                 (1)
    L = -s sum(t log p + (1 - t) log(1 - p))      dz = s (p - t),  p = sigmoid(z)                   (2)
                                                  dp = s (p - t) / (p (1 - p))                      (3)
    L = s sum((z - t)^2),   L = s sum(|z - t|)    dz = 2 s (z - t),   dz = s sign(z - t)            (4)
    L = s sum over wrong classes of max(0, z_j - z_label + margin)                                  (5)

In (1) t holds the weights of each term, a mean's 1 / N among them. Labels come in many forms, integers, one-hot rows,
or hidden in a closure; here they are read from the numeric derivative instead, t = p - n / s and its like, for all
scales s that are usual. Whether they are right is seen from L: no wrong guess gives its value.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .activation_tables import NO_CODE
from .cross_entropy import binary_cross_entropies, cross_entropies
from .loss_values import counts_of, usual_scales
from .operation import Gradient, Mistake, Operation, Term, Terms
from .problem import Problem


def recognise(problem: Problem) -> Iterator[Operation]:
    """The losses that may give y; what their targets are."""
    if problem.y.ndim or not problem.arrays:
        return
    for z_at, z in problem.arrays.items():
        if z_at not in problem.case.arguments or not z.size or z.ndim == 0:
            continue
        n = problem.case.arguments[z_at].numeric / problem.dy
        if np.isnan(n).any():
            continue
        for family in (cross_entropies, binary_cross_entropies, differences, hinges):
            for operation in family(problem, z_at, z, n):
                yield operation
                return


# ---- squared and absolute errors ----

DIFFERENCE = {
    "error": lambda v: v.z - v.t,
    "of_error": lambda v: np.sign(v.error) if v.is_absolute else 2 * v.error,
    "dz": lambda v: v.dy * v.scale * v.of_error,  # (4)
    "dt": lambda v: -v.dy * v.scale * v.of_error,
}
OF_DIFFERENCE = (
    Mistake(
        "factor-constant",
        "of_error",
        lambda v: None if v.is_absolute else v.error,
        "the factor 2 is missing: the derivative of (z - t)^2 is 2 * (z - t).",
    ),
    Mistake(
        "label-term-missing", "error", lambda v: v.z, "the target is missing: the gradient is made of z - t, not of z."
    ),
    Mistake(
        "unrecognized",
        "of_error",
        lambda v: v.error if v.is_absolute else np.sign(v.error),
        "the gradient is that of the other error: sign(z - t) belongs to |z - t|, 2 * (z - t) to (z - t)^2.",
        NO_CODE,
    ),
    Mistake(
        "unrecognized",
        "of_error",
        lambda v: v.error**2,
        "the error itself is differentiated as (z - t)^2: its derivative is 2 * (z - t).",
        NO_CODE,
    ),
)


def differences(problem: Problem, z_at: int, z: np.ndarray, n: np.ndarray) -> Iterator[Operation]:
    """Equation (4), its targets among the arguments."""
    if not problem.hints("mean", "mse", "squared", "absolute", "mae", "error", "regression"):
        return
    for t_at, t in enumerate(problem.case.pair.arguments):
        if t_at == z_at or not isinstance(t, np.ndarray) or t.shape != z.shape or t.dtype.kind not in "fiu":
            continue
        error = z - t
        for is_absolute, total in ((False, np.sum(error**2)), (True, np.sum(np.abs(error)))):
            for scale, what in usual_scales(z).items():
                if abs(scale * total - problem.y) <= 1e-10 * abs(problem.y):
                    gradients = {z_at: Gradient("dz")}
                    if t_at in problem.arrays:
                        gradients[t_at] = Gradient("dt")
                    yield Operation(
                        name=f"the {what} of {'absolute' if is_absolute else 'squared'} errors",
                        given={"z": z, "t": t, "dy": problem.dy, "scale": scale, "is_absolute": is_absolute},
                        steps=DIFFERENCE,
                        mistakes=OF_DIFFERENCE,
                        gradients=gradients,
                        counts=counts_of(z),
                    )
                    return


# ---- hinge ----

HINGE = {
    "violated": lambda v: 1.0 * (v.margins > 0) * (1 - v.onehot),
    "wrong_classes": lambda v: v.violated,
    "labels": lambda v: -v.onehot * v.violated.sum(axis=v.axis, keepdims=True),
    "ds": Terms(
        wrong_classes=Term("the part of the wrong classes"),
        labels=Term("the labels' own part, minus the number of violated margins,", "label-term-missing"),
    ),
    "dz": lambda v: v.dy * v.scale * v.ds,
}  # (5)
OF_HINGE = (
    Mistake(
        "label-term-missing",
        "ds",
        lambda v: v.wrong_classes,
        "the labels' own part is missing: each violated margin also takes one from the label's score.",
    ),
    Mistake(
        "label-term-missing",
        "labels",
        lambda v: -v.onehot,
        "the label takes minus one, it should take minus the number of violated margins of its row.",
    ),
    Mistake(
        "label-term-missing",
        "wrong_classes",
        lambda v: 1.0 * (v.margins > 0),
        "the label itself is counted among the violated margins.",
    ),
    Mistake(
        "mask-missing",
        "violated",
        lambda v: 1 - v.onehot,
        "margins that are not violated give gradient too: only those above 0 do.",
    ),
)


def hinges(problem: Problem, z_at: int, z: np.ndarray, n: np.ndarray) -> Iterator[Operation]:
    """Equation (5) with a margin of 1; labels are where the derivative is negative, or among the integers."""
    if not problem.hints("hinge", "svm"):
        return
    for axis in reversed(range(z.ndim)):
        for labels in problem.integers.values():
            if labels.shape != (*z.shape[:axis], *z.shape[axis + 1 :]) or labels.max(initial=0) >= z.shape[axis]:
                continue
            onehot = np.zeros_like(z)
            np.put_along_axis(onehot, np.expand_dims(labels, axis), 1.0, axis)
            margins = z - (z * onehot).sum(axis=axis, keepdims=True) + 1
            total = np.sum(np.maximum(margins, 0) * (1 - onehot))
            for scale, what in usual_scales(z, axis).items():
                if abs(scale * total - problem.y) <= 1e-10 * abs(problem.y):
                    yield Operation(
                        name=f"the hinge loss, {what}",
                        given={
                            "z": z, "dy": problem.dy, "axis": axis, "margins": margins, "onehot": onehot, "scale": scale
                        },
                        steps=HINGE,
                        mistakes=OF_HINGE,
                        gradients={z_at: Gradient("dz")},
                        counts=counts_of(z, axis),
                    )  # fmt: skip
                    return
