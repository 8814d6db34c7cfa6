"""Cross-entropy with softmax, and binary cross-entropy of logits or of probabilities; equations as in losses.py."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .activation_tables import NO_CODE, sigmoid
from .loss_values import counts_of, is_value, usual_scales
from .operation import Gradient, Mistake, Operation, Term, Terms, Values
from .problem import Problem
from .softmax import softmax

WHOLE = 1e-5  # how far a label read from the numeric derivative may be from 0 or 1
DIGITS = 7  # of targets read from there

# ---- softmax (1) ----

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


def _others(v: Values) -> tuple[int, ...]:
    """The axes that are not the classes'."""
    return tuple(k for k in range(v.z.ndim) if k != v.axis)


def _rows_of_labels(v: Values) -> np.ndarray:
    """Ones in the rows whose number is somebody's label: labels taken for rows."""
    examples = v.hard.shape[1 - v.axis]
    row = np.isin(np.arange(examples), v.hard.argmax(axis=v.axis))
    return np.expand_dims(row, v.axis) * np.ones_like(v.hard)


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
        "label-term-missing",
        "labels",
        lambda v: -v.total * (v.hard.max(axis=_others(v), keepdims=True) if v.z.ndim == 2 else v.hard),
        "one is subtracted in whole columns, p[:, labels] -= 1: it is one entry a row, p[np.arange(N), labels] -= 1.",
    ),
    Mistake(
        "label-term-missing",
        "labels",
        lambda v: -v.total * (_rows_of_labels(v) if v.z.ndim == 2 else v.hard),
        "one is subtracted in whole rows, p[labels] -= 1: it is one entry a row, p[np.arange(N), labels] -= 1.",
    ),
    Mistake(
        "term-missing",
        "ds",
        lambda v: v.total * (v.p * (1 - v.hard) - v.hard),
        "-1 stands in the place of the label's probability, p[n, label] = -1: one is to be taken off it, "
        "p[n, label] -= 1.",
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
        "diagonal-jacobian",
        "ds",
        lambda v: v.total * v.p * (1 - v.p),
        "p * (1 - p) is the slope of a sigmoid, or of one output of softmax by its own logit; the labels have no part "
        "in it: dlogits = (p - onehot) / N.",
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
            if is_value(problem, float(value)):
                yield _cross_entropy(problem, z_at, axis, targets)
                return


def _targets(p: np.ndarray, n: np.ndarray, axis: int) -> Iterator[np.ndarray]:
    for scale in usual_scales(p, axis):
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
        counts=counts_of(z, axis),
    )  # fmt: skip


# ---- binary (2), (3) ----

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
        for scale, what in usual_scales(z).items():
            t = np.round(p - n * slope / scale, DIGITS)
            with np.errstate(all="ignore"):
                value = -scale * np.sum(np.where(t > 0, t * np.log(p), 0) + np.where(t < 1, (1 - t) * np.log(1 - p), 0))
            if t.min() >= 0 and t.max() <= 1 and is_value(problem, float(value)):
                yield Operation(
                    name=f"binary cross-entropy of {of}, {what}",
                    given={"z": z, "dy": problem.dy, "t": t, "scale": scale},
                    steps=steps,
                    mistakes=mistakes,
                    gradients={z_at: Gradient("dz")},
                    counts=counts_of(z),
                )
                return
