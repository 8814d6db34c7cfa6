"""Explanations of a wrong gradient, and which of them explains it best.

An explanation says what the analytic gradient would be if it were the only mistake: p. It explains what backward
returned, a, as well as

    residual = max over k of |a_k - p_k| / max(|a_k|, |p_k|, s max|a|, (f u_k + r max|a|) / tolerance)       (1)

where u is the uncertainty of the numeric derivative n, which p is mostly made of, and f = max|p| / max|n|, at least 1,
the factor by which an error of n may have grown in p. Entries below a share s of the largest are judged by that share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .case import Case

EXPLAINED = 10.0  # times the tolerance: a larger residual explains nothing
SMALL_ENTRY = 1e-3  # s of (1)
ROUNDING = 1e-12  # r of (1): of the analytic gradient and of the prediction
BETTER = 0.1  # of the residual of no mistake at all: a larger one explains a small error no better than nothing does
ENOUGH_SAY = 0.5  # of the wrong entries: a prediction for fewer is none
FAR_OFF = 1e-4  # of the largest entry
CLEARLY_WRONG = 30.0  # times the uncertainty: an error below could be explained by anything


@dataclass(frozen=True)
class Candidate:
    """One explanation of a wrong gradient, with the numbers that test it.

    Attributes
    ----------
    code : str
        Of the table of codes.
    message : str
        In plain words: what is wrong, the line of mathematics that is probably missing, where to look.
    predicted : array, shape of the argument, or None
        What the analytic gradient would be if this were the only mistake; NaN where it has no say. None if the
        explanation has tested itself, by other means than a prediction.
    evidence : dict
        The numbers; JSON-safe. The ranking adds "residual".
    rank : int
        Lower first among those that explain equally well: simpler, more specific, more common.
    uncertainty : array, shape of the argument, or None
        Of `predicted`; by default f u of equation (1).
    """

    code: str
    message: str
    predicted: np.ndarray | None
    evidence: dict[str, Any] = field(default_factory=dict)
    rank: int = 0
    uncertainty: np.ndarray | None = None


Explanation = Callable[[Case, int], Iterator[Candidate]]


def residual(case: Case, i: int, predicted: np.ndarray, uncertainty: np.ndarray | None = None) -> float:
    """How far the gradient of argument i is from a prediction, equation (1).

    Parameters
    ----------
    case : Case
    i : int
        Position of the argument.
    predicted : array, shape of the argument
        NaN where it has no say. Entries on a kink are left out in any case.
    uncertainty : array, optional
        Of `predicted`; by default f u.

    Returns
    -------
    float
        Infinite if the prediction has no say about most wrong entries.
    """
    a = case.arguments[i]
    analytic = a.analytic.astype(np.float64)
    says = ~np.isnan(predicted) & ~a.kinks
    if np.count_nonzero(says & a.wrong) < ENOUGH_SAY * np.count_nonzero(a.wrong) or not says.any():
        return np.inf
    if uncertainty is None:
        uncertainty = np.nan_to_num(a.uncertainty) * _factor(a.numeric, predicted)
    with np.errstate(all="ignore"):
        largest = np.abs(analytic[says]).max()
        floor = (np.nan_to_num(uncertainty) + ROUNDING * largest) / case.tolerance
        scale = np.maximum.reduce([np.abs(analytic), np.abs(predicted), np.full(a.shape, SMALL_ENTRY * largest), floor])
        errors = np.where(says & (analytic != predicted), np.abs(analytic - predicted) / scale, 0.0)
    errors[says & ~np.isfinite(analytic - predicted)] = np.inf
    return float(errors.max())


def is_explained(case: Case, i: int, predicted: np.ndarray, uncertainty: np.ndarray | None = None) -> bool:
    """Whether the residual is small enough to believe the prediction."""
    return residual(case, i, predicted, uncertainty) <= EXPLAINED * case.tolerance


def is_far_off(case: Case, i: int) -> bool:
    """Whether the gradient is wrong by more than rounding on the way can explain, so that its places say something."""
    a = case.arguments[i]
    known = ~np.isnan(a.numeric)
    error, size = np.abs(a.analytic - a.numeric)[known], np.abs(a.numeric[known])
    return bool(error.max(initial=0.0) > FAR_OFF * size.max(initial=0.0))


def ranked(case: Case, i: int, candidates: Iterator[Candidate]) -> list[Candidate]:
    """Those candidates that explain the gradient of argument i, the best first, with their residuals as evidence."""
    if not _is_clearly_wrong(case, i):
        return []
    explained = []
    enough = min(EXPLAINED * case.tolerance, BETTER * residual(case, i, case.arguments[i].numeric))
    for position, candidate in enumerate(candidates):
        found = 0.0 if candidate.predicted is None else residual(case, i, candidate.predicted, candidate.uncertainty)
        if found <= enough:
            evidence = candidate.evidence if candidate.predicted is None else {**candidate.evidence, "residual": found}
            explained.append((candidate.rank, position, replace(candidate, evidence=evidence)))
    return [candidate for _, _, candidate in sorted(explained, key=lambda each: each[:2])]


def _factor(numeric: np.ndarray, predicted: np.ndarray) -> float:
    """f of equation (1)."""
    n, p = (float(np.nanmax(np.abs(each), initial=0.0)) for each in (numeric, predicted))
    return max(1.0, p / n) if n and np.isfinite(p) else 1.0


def _is_clearly_wrong(case: Case, i: int) -> bool:
    """Whether some error is far beyond its uncertainty, so that an explanation of it can be told from chance."""
    a = case.arguments[i]
    with np.errstate(all="ignore"):
        error = np.abs(a.analytic.astype(np.float64) - a.numeric)
        return bool(np.any(a.wrong & (error > CLEARLY_WRONG * a.uncertainty)))
