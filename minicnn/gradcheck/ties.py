"""Tied maxima: what can be checked on a kink.

Where several entries are the maximum together, moving one of them alone meets a kink, but moving all of them by the
same amount does not: the maximum moves along. So the sum of their gradients has one right value, however backward
shares it out: to the first, or in equal parts. Counted double, each has the slope L has when it alone goes up (for a
minimum: down), and the sum is too large.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .case import Case
from .numeric import FIRST_STEP, spread
from .report import Finding

STEP = FIRST_STEP * 2.0**-6  # of the spread
SMOOTH = 1e-6  # relative: slopes on both sides that agree so far are one
WRONG = 1e-5  # relative
MOST_GROUPS = 20
MOST_ENTRIES = 50


def tie_double_counted(case: Case, i: int) -> Iterator[Finding]:
    """Entries of equal value on kinks, whose gradients together are not the slope along all of them."""
    a, x = case.arguments[i], case.pair.arguments[i]
    if not a.kinks.any() or not a.passed:
        return
    values, counts = np.unique(x[a.kinks], return_counts=True)
    for value in values[counts > 1][:MOST_GROUPS]:
        group = a.kinks & (x == value)
        sides = _one_sided(case, i, group.astype(float))
        right = sum(sides) / 2
        if abs(sides[0] - sides[1]) > SMOOTH * np.abs(case.conduct.gradients[i]).max(initial=0.0):
            continue  # together they are on a kink still: ReLU at 0
        given = float(a.analytic[group].sum())
        if abs(given - right) <= WRONG * np.abs(a.analytic[group]).sum():
            continue
        count = int(group.sum())
        evidence = {"entries": count, "value": float(value), "sum_of_gradients": given, "slope_of_all": right}
        if _takes_all(case, i, group):
            message = (
                f"tied entries each take the whole gradient: moving all {count} entries equal to {value:.6g} together, "
                f"L changes by {right:.6g}, but their gradients add up to {given:.6g}. Give it to one of them "
                "(argmax), or divide it by their number."
            )
            yield Finding("tie-double-counted", a.name, message, evidence)
        else:
            message = (
                f"wrong at tied entries: moving all {count} entries equal to {value:.6g} together, L changes by "
                f"{right:.6g}, but their gradients add up to {given:.6g}."
            )
            yield Finding("unrecognized", a.name, message, evidence)
        return


def _takes_all(case: Case, i: int, group: np.ndarray) -> bool:
    """Whether each entry's gradient is its own slope upwards, or each its own slope downwards."""
    analytic = case.arguments[i].analytic
    close = WRONG * np.abs(analytic[group]).max(initial=0.0)
    up, down = True, True
    for index in np.argwhere(group)[:MOST_ENTRIES]:
        direction = np.zeros(group.shape)
        direction[tuple(index)] = 1.0
        left, right = _one_sided(case, i, direction)
        up, down = (
            up and abs(analytic[tuple(index)] - right) < close,
            down and abs(analytic[tuple(index)] - left) < close,
        )
    return up or down


def _one_sided(case: Case, i: int, direction: np.ndarray) -> tuple[float, float]:
    """Slopes of L on the left and on the right along a direction."""
    x, first = case.pair.arguments[i], case.conduct.call.outputs
    here, step = x.copy(), 2.0 ** np.round(np.log2(STEP * spread(x)))
    slopes = []
    try:
        for h in (-step, step):
            x[...] = here + h * direction
            changes = zip(case.conduct.dy, case.pair.outputs(), first, strict=True)
            slopes.append(sum(float(np.sum(d * (y - y_first))) for d, y, y_first in changes) / h)
    finally:
        x[...] = here
    return slopes[0], slopes[1]
