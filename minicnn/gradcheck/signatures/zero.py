"""Zero where the numbers say otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates import Candidate
from ..case import Case
from ..misconduct import indices

ZERO = 1e-12  # of the largest gradient: rounding may leave so much of a zero
EVERYWHERE, IN_SLICES, PARTLY = -10, 6, 30  # ranks: a part that is zero may have a better reason
MOST = 0.5  # of a slice: the rest of it may be right by being 0


def zero_gradient(case: Case, i: int) -> Iterator[Candidate]:
    """Every wrong entry is zero."""
    a = case.arguments[i]
    size = np.nanmax(np.abs(a.numeric), initial=0.0)
    if np.any(np.abs(a.analytic[a.wrong]) > ZERO * size):
        return
    count, largest = int(np.count_nonzero(a.wrong)), float(np.abs(a.numeric[a.wrong]).max())
    everywhere = not a.analytic.any()
    where = "everywhere" if everywhere else f"in {count:,} of {a.compared:,} entries, e.g. at {a.worst_index},"
    message = f"the gradient is 0 {where} where the numeric derivative is not: up to {largest:.3g} in size."
    evidence = {"count": count, "compared": a.compared, "largest_numeric": largest, "indices": indices(a.wrong)}
    rank = EVERYWHERE if everywhere else IN_SLICES if _is_made_of_slices(a.wrong) else PARTLY
    yield Candidate("zero-gradient", message, None, evidence, rank)


def _is_made_of_slices(wrong: np.ndarray) -> bool:
    """Whether whole slices along some axis are wrong, and nothing else is."""
    for axis in range(wrong.ndim if wrong.ndim > 1 else 0):
        others = tuple(k for k in range(wrong.ndim) if k != axis)
        share = wrong.mean(axis=others)
        if np.all((share == 0) | (share > MOST)) and (share > 0).any():
            return True
    return False
