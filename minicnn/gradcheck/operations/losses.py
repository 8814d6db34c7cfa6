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

from .activations import sigmoid
from .factors import IMAGES
from .operation import Gradient, Mistake, Operation, Term, Terms
from .problem import SAME_GRADIENT, Problem
from .softmax import softmax

WHOLE = 1e-5  # how far a label read from the numeric derivative may be from 0 or 1
DIGITS = 7  # of targets read from there
NO_CODE = 30  # rank: known, but no code of the table is about it


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


def _scales(z: np.ndarray, axis: int | None = None) -> dict[float, str]:
    """Numbers that a sum is usually multiplied by."""
    rows = z.size // (z.shape[axis] if axis is not None else 1)
    scales = {1 / rows: "mean", 1.0: "sum", 1 / len(z): "mean over the batch", 1 / z.size: "mean over all"}
    return scales | {0.5 * s: f"half the {what}" for s, what in scales.items()}


def _is_value(problem: Problem, value: float) -> bool:
    return bool(abs(value - problem.y) <= SAME_GRADIENT * abs(problem.y))


def _counts(z: np.ndarray, axis: int | None = None) -> dict[str, float]:
    counts = {IMAGES: len(z)}
    if axis is not None:
        counts |= {"labels": z.size // z.shape[axis], "classes": z.shape[axis]}
    return counts | {"numbers": z.size, **{f"entries along axis {k}": length for k, length in enumerate(z.shape)}}


# ---- cross-entropy with softmax ----

CROSS_ENTROPY = {
    "p": lambda v: softmax(v.z, v.axis),
    "t": lambda v: v.targets,
    "total": lambda v: v.targets.sum(axis=v.axis, keepdims=True),
    "probabilities": lambda v: v.p * v.total,
    "labels": lambda v: -v.t,
    "ds": Terms(
        probabilities=Term("the probabilities p"),
        labels=Term("the labels' term, minus 1 at the label,", "label-term-missing"),
    ),
    "dz": lambda v: v.dy * v.ds,  # (1)
}
OF_CROSS_ENTROPY = (
    Mistake(
        "label-term-missing",
        "ds",
        lambda v: v.probabilities,
        "minus one at the label is missing: dlogits = (p - onehot) / N, that is p, with p[n, label] -= 1.",
    ),
    Mistake(
        "term-missing",
        "ds",
        lambda v: v.labels,
        "the probabilities are missing: dlogits = (p - onehot) / N.",
    ),
    Mistake(
        "term-missing",
        "t",
        lambda v: v.hard * v.total if v.is_soft else None,
        "the smoothing of the labels is forgotten: dlogits = (p - t) / N with the smoothed targets t.",
    ),
    Mistake(
        "factor-per-channel",
        "ds",
        lambda v: (v.p - v.hard) * v.total.mean() if v.is_weighted else None,
        "the weights of the classes are forgotten: each example's gradient is multiplied by its label's weight.",
    ),
    Mistake(
        "factor-per-channel",
        "ds",
        lambda v: (v.p - v.hard) / len(v.z) if v.is_weighted else None,
        "the weights of the classes are forgotten: each example's gradient is multiplied by its label's weight, and "
        "divided by the sum of weights.",
    ),
    Mistake(
        "diagonal-jacobian",
        "ds",
        lambda v: -v.t * (1 - v.p),
        "softmax is treated as if its outputs were independent: -1 / p times p * (1 - p) is right at the label only; "
        "dlogits = (p - onehot) / N.",
    ),
    Mistake(
        "term-missing",
        "ds",
        lambda v: -v.t / v.p,
        "this is the gradient of the probabilities, -t / p; that of the logits is (p - onehot) / N.",
    ),
    Mistake(
        "unrecognized",
        "p",
        lambda v: sigmoid(v.z),
        "sigmoid stands where softmax should: dlogits = (softmax(logits) - onehot) / N.",
        NO_CODE,
    ),
    Mistake(
        "unrecognized",
        "p",
        lambda v: np.exp(v.z),
        "the exponentials are not normalized: p = exp(logits) / sum(exp(logits)).",
        NO_CODE,
    ),
    Mistake(
        "unrecognized",
        "p",
        lambda v: v.z,
        "the logits stand where their softmax should: dlogits = (p - onehot) / N.",
        NO_CODE,
    ),
    Mistake(
        "unrecognized",
        "p",
        lambda v: np.log(softmax(v.z, v.axis)),
        "log(p) stands where p should: dlogits = (p - onehot) / N.",
        NO_CODE,
    ),
)


def cross_entropies(problem: Problem, z_at: int, z: np.ndarray, n: np.ndarray) -> Iterator[Operation]:
    """Equation (1): soft targets that sum to one first, then one label a row with any weight."""
    if not problem.hints("entropy", "softmax", "nll"):
        return
    for axis in reversed(range(z.ndim)):
        if z.shape[axis] < 2:
            continue
        p = softmax(z, axis)
        for targets in _targets(p, n, axis):
            with np.errstate(all="ignore"):
                value = -np.sum(np.where(targets > 0, targets * np.log(p), 0.0))
            if _is_value(problem, float(value)):
                yield _cross_entropy(problem, z_at, axis, targets)
                return


def _targets(p: np.ndarray, n: np.ndarray, axis: int) -> Iterator[np.ndarray]:
    for scale in _scales(p, axis):
        t = np.round(p - n / scale, DIGITS)
        if t.min() >= 0 and np.abs(t.sum(axis=axis) - 1).max() < WHOLE:
            yield t * scale
    label = np.expand_dims(n.argmin(axis=axis), axis)
    hard = np.zeros_like(p)
    np.put_along_axis(hard, label, 1.0, axis)
    with np.errstate(all="ignore"):
        weight = np.take_along_axis(n, label, axis) / (np.take_along_axis(p, label, axis) - 1)
    yield hard * np.maximum(np.nan_to_num(weight), 0.0)


def _cross_entropy(problem: Problem, z_at: int, axis: int, targets: np.ndarray) -> Operation:
    z = problem.arrays[z_at]
    totals = targets.sum(axis=axis, keepdims=True)
    hard = np.zeros_like(z)
    np.put_along_axis(hard, np.expand_dims(targets.argmax(axis=axis), axis), 1.0, axis)
    others = [k for k in range(z.ndim) if k != axis]
    wrong_axes = [
        Mistake(
            "statistics-over-wrong-axes",
            "p",
            lambda v, k=k: softmax(v.z, k),
            f"softmax goes along axis {k} in backward, along axis {axis} in forward.",
        )
        for k in others
    ]
    return Operation(
        name=f"softmax cross-entropy along axis {axis}",
        given={
            "z": z, "dy": problem.dy, "axis": axis, "targets": targets, "hard": hard,
            "is_soft": bool(np.abs(targets - hard * totals).max() > WHOLE * totals.max()),
            "is_weighted": bool(np.ptp(totals) > WHOLE * totals.max()),
        },
        steps=CROSS_ENTROPY,
        mistakes=(*OF_CROSS_ENTROPY, *wrong_axes),
        gradients={z_at: Gradient("dz")},
        counts=_counts(z, axis),
    )  # fmt: skip


# ---- binary cross-entropy ----

OF_LOGITS = {
    "p": lambda v: sigmoid(v.z),
    "probability": lambda v: v.scale * v.p,
    "label": lambda v: -v.scale * v.t,
    "ds": Terms(
        probability=Term("the probability sigmoid(z)"), label=Term("the label, minus t,", "label-term-missing")
    ),
    "dz": lambda v: v.dy * v.ds,  # (2)
}
OF_PROBABILITIES = OF_LOGITS | {
    "p": lambda v: v.z,
    "slope": lambda v: v.p * (1 - v.p),
    "dz": lambda v: v.dy * v.ds / v.slope,  # (3)
}
OF_BINARY = (
    Mistake(
        "label-term-missing",
        "ds",
        lambda v: v.probability,
        "the label is missing: the gradient of the logit is p - t.",
    ),
    Mistake(
        "diagonal-jacobian",
        "dz",
        lambda v: v.dy * v.ds * v.p * (1 - v.p),
        "sigmoid's slope p * (1 - p) is there though it cancels: the gradient of the logit is p - t.",
        rank=1,
    ),
    Mistake(
        "term-missing",
        "dz",
        lambda v: v.dy * v.ds / (v.p * (1 - v.p)),
        "this is the gradient of the probability; times p * (1 - p) it is that of the logit, p - t.",
    ),
    Mistake(
        "unrecognized",
        "p",
        lambda v: v.z,
        "the logit stands where its sigmoid should: the gradient is sigmoid(z) - t.",
        NO_CODE,
    ),
)
OF_GIVEN_PROBABILITIES = (
    Mistake(
        "term-missing",
        "slope",
        lambda v: 1.0,
        "the denominator p * (1 - p) is missing: p - t is the gradient of the logit, not of the probability.",
    ),
    Mistake("term-missing", "slope", lambda v: v.p, "the factor 1 - p is missing below the fraction."),
    Mistake("term-missing", "slope", lambda v: 1 - v.p, "the factor p is missing below the fraction."),
    Mistake("label-term-missing", "ds", lambda v: v.probability, "the label is missing: (p - t) / (p * (1 - p))."),
    Mistake(
        "term-missing",
        "dz",
        lambda v: -v.dy * v.scale * v.t / v.p,
        "the part of 1 - t is missing: -t / p + (1 - t) / (1 - p).",
    ),
    Mistake(
        "term-missing",
        "dz",
        lambda v: v.dy * v.scale * (-v.t / v.p - (1 - v.t) / (1 - v.p)),
        "the part of 1 - t has the wrong sign: -t / p + (1 - t) / (1 - p).",
    ),
)


def binary_cross_entropies(problem: Problem, z_at: int, z: np.ndarray, n: np.ndarray) -> Iterator[Operation]:
    """Equations (2) and (3)."""
    if not problem.hints("binary", "entropy", "bce", "logistic", "sigmoid"):
        return
    forms = [("logits", sigmoid(z), 1.0, OF_LOGITS, OF_BINARY)]
    if z.min() > 0 and z.max() < 1:
        forms.append(("probabilities", z, z * (1 - z), OF_PROBABILITIES, OF_GIVEN_PROBABILITIES))
    for of, p, slope, steps, mistakes in forms:
        for scale, what in _scales(z).items():
            t = np.round(p - n * slope / scale, DIGITS)
            with np.errstate(all="ignore"):
                value = -scale * np.sum(np.where(t > 0, t * np.log(p), 0) + np.where(t < 1, (1 - t) * np.log(1 - p), 0))
            if t.min() >= 0 and t.max() <= 1 and _is_value(problem, float(value)):
                yield Operation(
                    name=f"binary cross-entropy of {of}, {what}",
                    given={"z": z, "dy": problem.dy, "t": t, "scale": scale},
                    steps=steps,
                    mistakes=mistakes,
                    gradients={z_at: Gradient("dz")},
                    counts=_counts(z),
                )
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
            for scale, what in _scales(z).items():
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
                        counts=_counts(z),
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
            for scale, what in _scales(z, axis).items():
                if abs(scale * total - problem.y) <= 1e-10 * abs(problem.y):
                    yield Operation(
                        name=f"the hinge loss, {what}",
                        given={
                            "z": z, "dy": problem.dy, "axis": axis, "margins": margins, "onehot": onehot, "scale": scale
                        },
                        steps=HINGE,
                        mistakes=OF_HINGE,
                        gradients={z_at: Gradient("dz")},
                        counts=_counts(z, axis),
                    )  # fmt: skip
                    return
