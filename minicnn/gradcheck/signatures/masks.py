"""Units that the forward pass silenced: their derivative is exactly 0.

mask missing      a is right where n is not 0, and is not 0 somewhere where n is                (1)
mask unscaled     a = c n with c != 1, where forward multiplies entry by entry by 0 or a constant s != 1 (2)
wrong slope       entry by entry, a / n has one value where x < 0 and another where x > 0       (3)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates import Candidate
from ..case import Case
from ..probe import Jacobian, jacobian
from .names import names_of
from .ratio import CONSTANT

ZERO = 1e-9  # of the largest derivative
RANK = 10
UNSCALED = -1  # before factor-constant, which is true as well


def mask_missing(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (1), up to a factor on the kept ones."""
    a = case.arguments[i]
    silenced, kept = _silenced(case, i)
    leaks = silenced & (np.abs(a.analytic) > ZERO * np.abs(a.analytic).max())
    if not leaks.any() or not kept.any() or _selects_one(case, i):
        return
    ratio = a.analytic[kept] / a.numeric[kept]
    factor = float(np.median(ratio))
    if not np.abs(ratio - factor).max() < CONSTANT * max(1.0, abs(factor)):
        return
    if abs(factor) < CONSTANT and _elementwise(case, i) is None:
        return
    predicted = np.where(silenced, a.analytic, factor * a.numeric)
    evidence = {"silenced": int(silenced.sum()), "not_zero": int(leaks.sum()), "ratio_of_kept": factor}
    message = (
        f"{evidence['not_zero']:,} of {evidence['silenced']:,} entries that forward silenced (derivative exactly 0) "
        "get a gradient all the same"
    )
    if abs(factor) < CONSTANT:
        message += ", and those it let through get none: the mask is the wrong way round."
    else:
        message += ", the others are right: backward has to multiply by the mask that forward used (dy * mask)."
        if abs(factor - 1) > CONSTANT:
            message = message.replace("are right", f"are off by the factor {factor:.6g} besides")
    yield Candidate("mask-missing", message, predicted, evidence, RANK)


def wrong_mask(case: Case, i: int) -> Iterator[Candidate]:
    """Some silenced entries get a gradient and some kept ones none; where there is one on a kept entry, it is right."""
    a = case.arguments[i]
    silenced, kept = _silenced(case, i)
    zero = np.abs(a.analytic) <= ZERO * np.abs(a.analytic).max(initial=0.0)
    lost, leaks, found = kept & zero, silenced & ~zero, _elementwise(case, i)
    if not lost.any() or not leaks.any() or found is None or (kept & ~zero & a.wrong).any():
        return
    predicted = np.where(silenced, a.analytic, np.where(zero, 0.0, a.numeric))
    evidence = {"silenced_but_not_zero": int(leaks.sum()), "kept_but_zero": int(lost.sum())}
    message = (
        f"{evidence['silenced_but_not_zero']:,} entries that forward silenced get a gradient, and "
        f"{evidence['kept_but_zero']:,} that it let through get none: backward uses another mask than forward."
    )
    yield Candidate("mask-missing", message, predicted, evidence, RANK + 1)


def mask_unscaled(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (2)."""
    a = case.arguments[i]
    silenced, kept = _silenced(case, i)
    slopes = _elementwise(case, i)
    if slopes is None or not silenced.any() or not kept.any() or not _is_random(case, i, silenced):
        return
    scale, ratio = slopes[kept.ravel()], a.analytic[kept] / a.numeric[kept]
    factor, constant = float(np.median(ratio)), float(np.median(scale))
    if np.abs(scale - constant).max() > CONSTANT * abs(constant) or np.abs(ratio - factor).max() > CONSTANT:
        return
    if abs(factor - 1) < CONSTANT or factor < 0:
        return
    evidence = {"ratio": factor, "forward_scale": constant, "kept": int(kept.sum()), "silenced": int(silenced.sum())}
    evidence["names"] = names_of(case, i, factor)
    message = (
        f"the mask is there, its scale is not: forward multiplies the units it keeps by {constant:.6g}, backward by "
        f"{factor * constant:.6g} (analytic / numeric = {factor:.6g} on all of them). With keep = 1 - rate, both need "
        "the same mask / keep."
    )
    yield Candidate("mask-unscaled", message, factor * a.numeric, evidence, UNSCALED)


def wrong_slope(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (3): an activation with one slope on either side of 0."""
    a, x = case.arguments[i], case.pair.arguments[i]
    slopes = _elementwise(case, i)
    if slopes is None or a.kinks.all():
        return
    seen = ~a.kinks & ~np.isnan(a.numeric) & (np.abs(np.nan_to_num(a.numeric)) > ZERO * np.nanmax(np.abs(a.numeric)))
    sides = [seen & (x < 0), seen & (x > 0)]
    if not all(side.any() for side in sides):
        return
    ratios = [a.analytic[side] / a.numeric[side] for side in sides]
    factors = [float(np.median(ratio)) for ratio in ratios]
    if any(np.abs(r - f).max() > CONSTANT * max(1.0, abs(f)) for r, f in zip(ratios, factors, strict=True)):
        return
    if sum(abs(f - 1) < CONSTANT for f in factors) != 1:
        return
    side = "x < 0" if abs(factors[0] - 1) >= CONSTANT else "x > 0"
    wrong = factors[0] if side == "x < 0" else factors[1]
    if abs(wrong) < CONSTANT:
        return  # zero-gradient says it
    predicted = np.where(x < 0, factors[0], factors[1]) * a.numeric
    evidence = {"where": side, "ratio": wrong}
    message = (
        f"right on one side, but where {side} analytic / numeric is {wrong:.6g}: the slope that forward has there is "
        "not the one backward uses."
    )
    code = "sign-flipped" if abs(wrong + 1) < CONSTANT else "mask-missing"
    yield Candidate(code, message, predicted, evidence, RANK)


def _silenced(case: Case, i: int) -> tuple[np.ndarray, np.ndarray]:
    """Entries whose derivative is 0, and those whose derivative is not."""
    a = case.arguments[i]
    size = np.abs(np.nan_to_num(a.numeric))
    largest = size.max(initial=0.0)
    known = ~np.isnan(a.numeric) & ~a.kinks
    zero = size <= ZERO * largest + 2 * np.nan_to_num(a.uncertainty)
    clear = size > 1e-3 * largest
    return known & zero & ~clear, known & clear


def _elementwise(case: Case, i: int) -> np.ndarray | None:
    """The diagonal of J, if J is diagonal."""
    found = jacobian(case, i)
    if found is None or found.numeric.shape[0] != found.numeric.shape[1]:
        return None
    off = found.depends & ~np.eye(len(found.numeric), dtype=bool)
    return None if off.any() else np.diag(found.numeric)


def _selects_one(case: Case, i: int) -> bool:
    """Whether each output depends on one entry, but backward hands its dy to several: windows.py."""
    found: Jacobian | None = jacobian(case, i)
    if found is None or not found.depends.any():
        return False
    return bool(found.depends.sum(axis=1).max() <= 1 < found.flows.sum(axis=1).max())


def _is_random(case: Case, i: int, silenced: np.ndarray) -> bool:
    """Whether the silenced entries are no matter of their sign, as they are for ReLU."""
    x = case.pair.arguments[i]
    return not (np.all(x[silenced] <= 0) or np.all(x[silenced] >= 0)) or bool(
        np.any(x[~silenced] < 0) and np.any(x[~silenced] > 0)
    )
