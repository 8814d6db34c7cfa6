"""A wrong gradient that no explanation fits: what can be said about it all the same."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .case import Case
from .misconduct import SHOWN_INDICES, indices
from .report import ArgumentReport, Finding

CLEAR = 1e-3  # of the largest gradient: entries below say little about a ratio
MOST = 0.9  # of the wrong entries: so many make "they are there"
FEWEST = 3


def unrecognized(case: Case, i: int) -> Finding:
    """Wrong, and no rule knows why: say what can be said."""
    a = case.arguments[i]
    count = int(np.count_nonzero(a.wrong))
    where = "; ".join(_places(a, case.pair.arguments[i]))
    evidence = {"wrong": count, "compared": a.compared, "where": where, "indices": indices(a.wrong), **_relation(a)}
    message = (
        f"{count:,} of {a.compared:,} entries are wrong, the relative error goes up to {a.max_relative_error:.1e}."
    )
    if where:
        message += f" They are {where}."
    if "ratio" in evidence:
        message += (
            f" In most, analytic / numeric lies between {evidence['ratio_low']:.3g} and {evidence['ratio_high']:.3g}; "
            f"the cosine of the angle between both gradients is {evidence['cosine']:.3f}."
        )
    return Finding("unrecognized", a.name, message, evidence)


def _places(a: ArgumentReport, x: np.ndarray) -> Iterator[str]:
    """Where the wrong entries sit, and the right ones do not."""
    wrong, right = a.wrong, ~a.wrong & ~np.isnan(a.relative_error)
    if not right.any() or np.count_nonzero(wrong) < FEWEST:
        return
    for axis in range(a.numeric.ndim):
        where = _only_some(wrong, right, axis)
        if where:
            yield where
    if a.numeric.ndim > 1:
        border = _border(a.shape)
        for words, region in (("on the border", border), ("inside, not on the border", ~border)):
            if _fits(wrong, right, region):
                yield words
    for words, region in ((f"where {a.name} < 0", x < 0), (f"where {a.name} > 0", x > 0)):
        if _fits(wrong, right, region):
            yield words


def _only_some(wrong: np.ndarray, right: np.ndarray, axis: int) -> str:
    """Indices along an axis that hold all wrong entries, or nothing."""
    others = tuple(k for k in range(wrong.ndim) if k != axis)
    chosen = wrong.any(axis=others)
    if chosen.all() or not right.any(axis=others)[~chosen].any():
        return ""
    which = [int(k) for k in np.flatnonzero(chosen)]
    shown = f"{which[0]} to {which[-1]}" if which == list(range(which[0], which[-1] + 1)) and len(which) > 2 else None
    return f"at index {shown or ', '.join(map(str, which[:SHOWN_INDICES]))} of axis {axis} only"


def _border(shape: tuple[int, ...]) -> np.ndarray:
    """First and last index of an axis longer than 2, of the two longest such axes."""
    border = np.zeros(shape, bool)
    for axis in sorted((k for k in range(len(shape)) if shape[k] > 2), key=lambda k: -shape[k])[:2]:
        for end in (0, -1):
            border[(slice(None),) * axis + (end,)] = True
    return border


def _fits(wrong: np.ndarray, right: np.ndarray, region: np.ndarray) -> bool:
    """Whether the wrong entries are in a region, and most of the right ones are not."""
    return wrong[region].sum() >= MOST * wrong.sum() and right[region].sum() <= (1 - MOST) * right.sum()


def _relation(a: ArgumentReport) -> dict[str, float]:
    """How analytic and numeric gradient go together, from the entries that are clearly not zero."""
    numeric = np.where(np.isnan(a.relative_error), 0.0, a.numeric)
    clear = np.abs(numeric) > CLEAR * np.abs(numeric).max(initial=0.0)
    if np.count_nonzero(clear) < 2:
        return {}
    analytic, numeric = a.analytic[clear].astype(np.float64), numeric[clear]
    ratio = analytic / numeric
    low, middle, high = (float(q) for q in np.quantile(ratio, (0.1, 0.5, 0.9)))
    spread = float(np.abs(ratio - middle).max() / abs(middle)) if middle else float("inf")
    product = float(np.linalg.norm(analytic) * np.linalg.norm(numeric))
    cosine = float(analytic @ numeric) / product if product else 0.0
    return {"ratio": middle, "ratio_low": low, "ratio_high": high, "ratio_spread": spread, "cosine": cosine}
