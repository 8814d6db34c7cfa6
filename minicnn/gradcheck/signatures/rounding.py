"""Errors as small and as irregular as rounding to float32 leaves them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates import CLEARLY_WRONG, Candidate
from ..case import Case

RANK = 50  # every other reason comes first
FEWEST = 3  # errors beyond the numeric uncertainty
LARGEST = 2.0**-20  # relative to the gradient's largest entry: a few roundings to 24 binary digits


def rounded_on_the_way(case: Case, i: int) -> Iterator[Candidate]:
    """All errors are tiny, and of both signs; few may be large enough to count as wrong."""
    a = case.arguments[i]
    error = np.where(np.isnan(a.numeric), 0.0, a.analytic - a.numeric)
    size = float(np.nanmax(np.abs(a.numeric), initial=0.0))
    if case.conduct.float32 or np.abs(error).max(initial=0.0) > LARGEST * size:
        return
    seen = error[np.abs(error) > CLEARLY_WRONG * np.nan_to_num(a.uncertainty)]
    if seen.size < FEWEST or not ((seen > 0).any() and (seen < 0).any()):
        return
    share = float(np.abs(error).max() / size)
    message = (
        f"right to six digits or so: the largest error is {share:.0e} of the largest entry, and errors of both signs "
        "look like rounding to float32 somewhere in backward or in the cache. Let arrays keep the dtype of dy."
    )
    yield Candidate("low-precision", message, None, {"largest_error": share}, RANK)
