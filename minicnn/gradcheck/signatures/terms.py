"""A term too many or too few: the error, or the gradient itself, is a direction that can be named.

    e = c v    or    a = c v    with a number c and a known array v:                                (1)

the labels, dy, y, products of them, sums of them over the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..candidates import Candidate
from ..case import Case
from ..probe import jacobian

RANK, VAGUE = 10, 40
CLOSE = 1e-6  # relative: how far (1) may be missed
FEW = 3  # entries
MOST_OUTPUT_AXES = 6
ABOUT_ONE = 0.05  # eps under the root takes a little away


def label_term(case: Case, i: int) -> Iterator[Candidate]:
    """e = c (labels as one-hot rows), or c (targets)."""
    a = case.arguments[i]
    error = a.analytic - a.numeric
    for name, target, is_label in _targets(case, i):
        factor = _multiple(error, target, a.kinks)
        if factor is None:
            continue
        evidence = {"factor": factor, "labels": name}
        where = "at the labels only" if is_label else "a multiple of the targets"
        message = f"the error is {factor:.6g} {where} ({name}): "
        message += (
            "the label's own term is missing, as in dlogits = (softmax - onehot) / N."
            if is_label
            else ("the gradient has prediction minus target, and the target is missing.")
        )
        code = "label-term-missing" if is_label else "term-missing"
        yield Candidate(code, message, a.numeric + factor * target, evidence, RANK - 1)


def input_not_normalized(case: Case, i: int) -> Iterator[Candidate]:
    """a = sum of dy x, where n = sum of dy x-hat."""
    a = case.arguments[i]
    if len(case.conduct.dy) != 1:
        return
    dy, y = case.conduct.dy[0], case.conduct.call.outputs[0]
    known = [(case.pair.names[k], case.pair.arguments[k]) for k in case.pair.floats if k != i]
    for name, array in [*known, ("y", y)]:
        if array.shape != dy.shape or array.shape == a.shape:
            continue
        totals = list(_reductions(dy * array, a.shape))
        for total in totals:
            factor = _multiple(a.analytic, total, a.kinks)
            if factor is None or np.abs(factor - 1) > CLOSE:
                continue
            if any(_multiple(a.numeric, other, a.kinks) is not None for other in totals):
                message = f"sum(dy * {name}) is right, but over other axes: {a.name} is used along the ones left over."
                yield Candidate("statistics-over-wrong-axes", message, total, {"made_with": name}, RANK)
                return
            if not _is_normalized(case, i):
                continue
            evidence = {"made_with": name}
            message = (
                f"{a.name}'s gradient is made with {name}: it is sum(dy * {name}). The derivative asks for the "
                "normalized input, sum(dy * x-hat)."
            )
            yield Candidate("uses-input-not-normalized", message, total, evidence, RANK)
            return


def _is_normalized(case: Case, i: int) -> bool:
    """Whether the outputs' derivatives by argument i, x-hat, have a mean square of 1; True if it is not known."""
    found = jacobian(case, i)
    if found is None:
        return True
    square = float(np.nansum(found.numeric**2)) / max(1, np.count_nonzero(found.depends))
    return abs(square - 1) < ABOUT_ONE


def known_direction(case: Case, i: int) -> Iterator[Candidate]:
    """Other directions: another argument, dy, y, and products with dy."""
    a = case.arguments[i]
    error = a.analytic - a.numeric
    for name, direction in _directions(case, i):
        for what, whole in (("error", error), ("gradient", a.analytic)):
            factor = _multiple(whole, direction, a.kinks)
            if factor is None or np.count_nonzero(direction) < FEW:
                continue
            predicted = factor * direction + (a.numeric if what == "error" else 0)
            evidence = {"direction": name, "factor": factor, "of": what}
            message = f"the {what} is {factor:.6g} times {name}: " + (
                "a term like this is missing or one too many." if what == "error" else "the rest of it is missing."
            )
            yield Candidate("term-missing", message, predicted, evidence, VAGUE - (what == "error"))


def one_output_ignored(case: Case, i: int) -> Iterator[Candidate]:
    """a is the gradient through some of several outputs only."""
    a, dy = case.arguments[i], case.conduct.dy
    found = jacobian(case, i) if len(dy) > 1 else None
    if found is None:
        return
    ends = np.cumsum([0, *(d.size for d in dy)])
    parts = [d.ravel() @ found.numeric[s:e] for d, s, e in zip(dy, ends, ends[1:], strict=False)]
    for count in range(1, len(dy)):
        for used in combinations(range(len(dy)), count):
            ignored = [k for k in range(len(dy)) if k not in used]
            predicted = sum(parts[k] for k in used).reshape(a.shape)
            message = (
                f"the gradient is right through output {' and '.join(map(str, used))} and has nothing from output "
                f"{' and '.join(map(str, ignored))}: dy has {len(dy)} parts, add up what comes through each."
            )
            yield Candidate("term-missing", message, predicted, {"outputs_ignored": ignored}, RANK)


def _multiple(whole: np.ndarray, direction: np.ndarray, kinks: np.ndarray) -> float | None:
    """c, if whole = c direction."""
    known = ~np.isnan(whole) & ~kinks & np.isfinite(direction)
    w, d = whole[known].astype(np.float64), direction[known]
    largest, size = np.abs(w).max(initial=0.0), float(d @ d)
    if w.size < 2 or not size or not largest:
        return None
    factor = float(w @ d) / size
    return factor if np.abs(w - factor * d).max() < CLOSE * largest else None


def _targets(case: Case, i: int) -> Iterator[tuple[str, np.ndarray, bool]]:
    """Other arguments as an array like the prediction; whether they are labels or probabilities."""
    shape = case.arguments[i].shape
    for k, (name, argument) in enumerate(zip(case.pair.names, case.pair.arguments, strict=True)):
        if not isinstance(argument, np.ndarray) or k == i:
            continue
        if argument.shape == shape and case.conduct.call.is_loss:
            values = argument.astype(np.float64)
            yield name, values, bool(argument.dtype.kind != "f" or (values.min() >= 0 and values.max() <= 1))
        elif argument.dtype.kind in "iu":
            for axis in range(len(shape)):
                fits = argument.shape == (*shape[:axis], *shape[axis + 1 :])
                if fits and argument.min(initial=0) >= 0 and argument.max(initial=0) < shape[axis]:
                    onehot = np.zeros(shape)
                    np.put_along_axis(onehot, np.expand_dims(argument, axis), 1.0, axis)
                    yield name, onehot, True


def _directions(case: Case, i: int) -> Iterator[tuple[str, np.ndarray]]:
    """Arrays shaped like the argument, and what they are."""
    a, x = case.arguments[i], case.pair.arguments[i]
    arrays = [
        (case.pair.names[k], case.pair.arguments[k])
        for k in case.pair.floats
        if k != i and case.pair.arguments[k].shape == a.shape
    ]
    for dy, y in zip(case.conduct.dy, case.conduct.call.outputs, strict=True):
        if dy.shape == a.shape:
            yield "dy", dy
            yield "dy * y", dy * y
            yield "dy * y * y", dy * y * y
            yield "dy * (1 - y)", dy * (1 - y)
            yield f"dy * {a.name}", dy * x
            yield from ((f"dy * {name}", dy * array) for name, array in arrays)
        elif len(dy.shape) > len(a.shape):
            for total in _reductions(dy, a.shape):
                yield "the sum of dy", total
    yield from arrays
    if case.conduct.call.is_loss:
        yield a.name, x
        yield "1", np.ones(a.shape)


def _reductions(array: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Sums of an array that have this shape."""
    if array.ndim > MOST_OUTPUT_AXES:
        return
    for kept in combinations(range(array.ndim), len(shape)):
        if len(kept) < array.ndim and tuple(array.shape[axis] for axis in kept) == shape:
            yield array.sum(axis=tuple(axis for axis in range(array.ndim) if axis not in kept))
    if len(shape) == array.ndim:
        axes = tuple(axis for axis in range(array.ndim) if shape[axis] == 1 < array.shape[axis])
        total = array.sum(axis=axes, keepdims=True)
        if axes and total.shape == shape:
            yield total
