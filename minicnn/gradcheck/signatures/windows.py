"""Windows and other places where an entry is used more than once: what each output hands back, from the Jacobians.

Output j hands the row dy_j A_j to the argument, and should hand dy_j J_j.

    overwritten           each wrong entry is the last one of its summands dy_j J_jk, or 0          (1)
    spread over window    J_j has one entry (the maximum), A_j has it in several                    (2)
    misplaced             J_j and A_j have one equal entry each, in different places                (3)
    stride ignored        A_j is J_j moved to where it would be if the stride were 1                (4)
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..candidates import Candidate, is_explained
from ..case import Case
from ..probe import Jacobian, jacobian
from .rearrange import shifted

WRITTEN = {"last": 8, "first": 13, "one": 14}  # ranks
SPREAD, STRIDE, MISPLACED = 9, 6, 16
LARGEST_STRIDE = 4
CLOSE = 1e-6  # relative
MOST_AXES = 5


def overwritten(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (1), an output's channels being summed before they are written."""
    found, a = jacobian(case, i), case.arguments[i]
    if found is None or len(case.conduct.dy) != 1:
        return
    y = case.conduct.call.outputs[0]
    summands = np.nan_to_num(case.conduct.dy[0].ravel()[:, None] * found.numeric)
    touched = found.depends | found.flows
    axes = range(y.ndim) if y.ndim <= MOST_AXES else ()
    for count in range(y.ndim):
        for together in combinations(axes, count):
            rows, covers = _by_position(summands, touched, y.shape, together)
            if covers.sum(axis=0).max(initial=0) < 2:
                continue
            for which, predicted in _written(rows, covers, found, a.shape):
                predicted = np.where(a.wrong, predicted, a.numeric) if which == "one" else predicted
                if is_explained(case, i, predicted):
                    yield _overwritten(case, i, predicted, which, int(covers.sum(axis=0).max()))
                    return
            chosen = _one_of(rows, covers, a.analytic.astype(np.float64).ravel(), a.wrong.ravel())
            if chosen:
                yield _overwritten(case, i, None, "one", int(covers.sum(axis=0).max()))
                return


def _by_position(
    summands: np.ndarray, touched: np.ndarray, shape: tuple[int, ...], together: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Sum the rows over some axes of the output; what is left are the positions."""
    entries = summands.shape[1]
    rows = summands.reshape(*shape, entries).sum(axis=together)
    covers = touched.reshape(*shape, entries).any(axis=together)
    return rows.reshape(-1, entries), covers.reshape(-1, entries)


def _written(
    rows: np.ndarray, covers: np.ndarray, found: Jacobian, shape: tuple[int, ...]
) -> Iterator[tuple[str, np.ndarray]]:
    """What is left when the last, or the first, position that covers an entry is the only one to count."""
    columns = np.arange(rows.shape[1])
    covered = covers.any(axis=0)
    last = len(covers) - 1 - covers[::-1].argmax(axis=0)
    yield "last", np.where(covered, rows[last, columns], 0.0).reshape(shape)
    yield "first", np.where(covered, rows[covers.argmax(axis=0), columns], 0.0).reshape(shape)


def _one_of(rows: np.ndarray, covers: np.ndarray, analytic: np.ndarray, wrong: np.ndarray) -> bool:
    """Whether each wrong entry is one of its summands, most of them not 0."""
    size = CLOSE * np.abs(analytic).max(initial=0.0)
    matches = (np.abs(rows - analytic) <= size + CLOSE * np.abs(rows)) & covers
    zero = np.abs(analytic) <= size
    several = (covers & (np.abs(rows) > size)).sum(axis=0) > 1
    is_one = matches.any(axis=0) | zero
    return bool(np.all((is_one & several)[wrong])) and np.count_nonzero(wrong & ~zero) * 2 > np.count_nonzero(wrong)


def _overwritten(case: Case, i: int, predicted: np.ndarray | None, which: str, most: int) -> Candidate:
    name, kept = case.arguments[i].name, which if which == "one" else f"the {which}"
    message = (
        f"entries of {name} that several outputs use keep only {kept} of the contributions dy_j dy_j/dx, in place of "
        "their sum: `=` where `+=` is needed (or `a[index] += ...` with repeated indices: np.add.at adds them all)."
    )
    evidence = {"kept": which, "most_contributions": most}
    return Candidate("overwritten", message, predicted, evidence, WRITTEN[which])


def spread_over_window(case: Case, i: int) -> Iterator[Candidate]:
    """Equations (2) and (3)."""
    found = jacobian(case, i)
    if found is None or case.arguments[i].kinks.all():
        return
    one = found.depends.sum(axis=1) == 1
    if not one.all() or found.numeric.shape[1] <= 1 or not _selects(case, i, found):
        return
    handed = found.flows.sum(axis=1)
    at_maximum = np.take_along_axis(found.flows, found.depends.argmax(axis=1)[:, None], 1)[:, 0]
    if handed.max() > 1 and at_maximum.mean() > 0.9:
        evidence = {"entries_that_get_dy": int(handed.max()), "entries_that_should": 1}
        message = (
            f"each output depends on one entry only (the maximum of its window), but its dy goes to up to "
            f"{handed.max()} entries. Only the maximum gets it."
        )
        yield Candidate("spread-over-window", message, None, evidence, SPREAD)
    elif np.all(handed == 1):
        right, given = np.nansum(found.numeric, axis=1), found.analytic.sum(axis=1)
        if np.allclose(right, given, rtol=CLOSE):
            moved = int(np.count_nonzero(at_maximum == 0))
            evidence = {"outputs_with_another_entry": moved, "outputs": len(handed)}
            message = (
                f"each output depends on one entry only, but {moved:,} of {len(handed):,} hand their dy to another "
                "entry: see how the index of the maximum is found, and how it is used."
            )
            yield Candidate("order-scrambled", message, None, evidence, MISPLACED)


def _selects(case: Case, i: int, found: Jacobian) -> bool:
    """Whether each output is the one entry that it depends on, as a maximum is."""
    chosen = case.pair.arguments[i].ravel()[found.depends.argmax(axis=1)]
    y = np.concatenate([y.ravel() for y in case.conduct.call.outputs])
    return bool(np.allclose(y, chosen, rtol=CLOSE, atol=0))


def stride_ignored(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (4), for one axis or two with the same stride."""
    found, a = jacobian(case, i), case.arguments[i]
    if found is None or len(case.conduct.dy) != 1:
        return
    y, dy = case.conduct.call.outputs[0], case.conduct.dy[0]
    if not 0 < y.ndim <= len(a.shape) <= MOST_AXES or y.ndim != len(a.shape):
        return
    axes = [axis for axis in range(y.ndim) if 1 < y.shape[axis] < a.shape[axis]]
    rows = (dy.ravel()[:, None] * np.nan_to_num(found.numeric)).reshape(*y.shape, *a.shape)
    for count in (2, 1):
        for moved in combinations(axes, count):
            for stride in range(2, LARGEST_STRIDE + 1):
                predicted = _at_stride_one(rows, moved, stride, y.shape)
                if is_explained(case, i, predicted):
                    message = (
                        f"output (p, ...) hands its dy to where the window would be with stride 1, at p in place of "
                        f"{stride} p along axis {' and '.join(map(str, moved))}: the stride is missing in backward."
                    )
                    yield Candidate(
                        "stride-ignored", message, predicted, {"axes": list(moved), "stride": stride}, STRIDE
                    )
                    return


def _at_stride_one(rows: np.ndarray, axes: tuple[int, ...], stride: int, shape: tuple[int, ...]) -> np.ndarray:
    """The sum of all rows, each moved back by (stride - 1) times its position."""
    order = (*axes, *(axis for axis in range(len(shape)) if axis not in axes))
    by_position = rows.transpose(*order, *range(len(shape), rows.ndim))
    total = np.zeros(rows.shape[len(shape) :])
    for position in np.ndindex(*(shape[axis] for axis in axes)):
        part = by_position[position].reshape(-1, *total.shape).sum(axis=0)
        offsets = {axis: -(stride - 1) * p for axis, p in zip(axes, position, strict=True)}
        total += np.nan_to_num(shifted(part, offsets))
    return total
