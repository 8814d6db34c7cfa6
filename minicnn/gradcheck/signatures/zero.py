"""Zero where the numbers say otherwise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates import Candidate
from ..case import Case
from ..misconduct import indices

ZERO = 1e-12  # of the largest gradient: rounding may leave so much of a zero
EVERYWHERE, PARTLY = -10, 30  # ranks: a part that is zero may have a better reason


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
    yield Candidate("zero-gradient", message, None, evidence, rank=EVERYWHERE if everywhere else PARTLY)
