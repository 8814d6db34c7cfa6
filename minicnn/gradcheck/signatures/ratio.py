"""Right but for a factor: one for all entries, or one for each channel.

    a = c n          for all entries                                                                 (1)
    a = c_g n        for the entries of each group g, a group being all entries with the same index along some axes (2)

Both are asked for several dy at once, so that a vector of parameters has more equations than factors.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..candidates import Candidate
from ..case import Case
from ..probe import jacobian, several
from .channels import name_factors
from .names import SAME, batch_size, names_of, ratio_of_a_smaller_batch

CLEAR = 1e-3  # of the largest gradient: entries below say little about a ratio
CONSTANT = 1e-6  # relative spread of a constant ratio
NEARLY_ONE = 1e-5  # float32 has as much: no factor
FEW = 3  # equations more than factors: with fewer, any factor fits
ONE_FACTOR, PER_CHANNEL, IN_PARTS = 0, 5, 15  # ranks


def constant_factor(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (1)."""
    a = case.arguments[i]
    analytic, numeric, _ = several(case, i)
    clear = _clear(numeric)
    if not clear.any():
        return
    ratio = _fit(analytic[clear], numeric[clear])
    spread = float(np.abs(analytic[clear] / numeric[clear] - ratio).max() / abs(ratio)) if ratio else np.inf
    if not spread < CONSTANT or abs(ratio - 1) < NEARLY_ONE:
        return
    names = names_of(case, i, ratio)
    if np.count_nonzero(clear) < FEW and not names and not np.isclose(ratio, -1, rtol=SAME):
        return
    entries = int(np.count_nonzero(_clear(a.numeric)))
    evidence = {"ratio": ratio, "spread": spread, "entries": entries, "names": names, "named": None}
    told = f"analytic / numeric = {ratio:.6g} in all {entries:,} entries that are not close to 0 (spread {spread:.0e})"
    if np.isclose(ratio, -1, rtol=SAME):
        message = (
            f"the sign is wrong: {told}. Look for a minus that is missing or one too many, also where dy comes in."
        )
        yield Candidate("sign-flipped", message, ratio * a.numeric, evidence, ONE_FACTOR)
    else:
        yield _named_factor(case, i, ratio, told, evidence)


def _named_factor(case: Case, i: int, ratio: float, told: str, evidence: dict) -> Candidate:
    """Say which factor it is; N or 1/N if smaller batches say so as well."""
    predicted, n = ratio * case.arguments[i].numeric, batch_size(case)
    sign = "minus " if ratio < 0 else ""
    names = evidence["names"] or [f"-{name}" for name in names_of(case, i, -ratio)]
    power = 1 if "N" in names else -1 if "1/N" in names else 0
    elsewhere = list(ratio_of_a_smaller_batch(case, i)) if names else []
    evidence["ratio_in_other_batches"] = [{"examples": size, "ratio": found} for size, found in elsewhere]
    follows = [np.isclose(found, size**power, rtol=SAME) for size, found in elsewhere if size]
    if power and all(follows):
        evidence["named"] = "N" if power > 0 else "1/N"
        message = f"{'too large' if power > 0 else 'too small'} by the batch size: {told}; the batch has {n} examples. "
        message += "A mean over the batch divides by N once: " + (
            "this is missing." if power > 0 else "more often here."
        )
        return Candidate("factor-batch", message, predicted, evidence, ONE_FACTOR)
    if elsewhere and any(abs(found - ratio) < SAME * abs(ratio) for _, found in elsewhere):
        names = [name for name in names if name not in ("N", "1/N")] or names  # another batch, the same ratio
    evidence["names"], evidence["named"] = names, names[0] if names else None
    message = f"right but for a constant factor: {told}."
    if names:
        message += f" {sign}{abs(ratio):.6g} is {names[0]}" + (f" (or {', '.join(names[1:4])})" if names[1:] else "")
        message += ". Compare with the formula: by what does forward divide or multiply, how often does backward?"
    return Candidate("factor-constant", message, predicted, evidence, ONE_FACTOR)


def factor_per_channel(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (2)."""
    a = case.arguments[i]
    analytic, numeric, _ = several(case, i)
    clear = _clear(numeric)
    long = [axis for axis, length in enumerate(a.shape) if length > 1]
    most = len(long) if len(analytic) > 1 and len(long) == 1 else len(long) - 1  # every entry its own: for vectors only
    for count in range(1, most + 1):
        for kept in combinations(long, count):
            factors = _fit_groups(analytic, numeric, clear, kept)
            if factors is None or np.allclose(factors[~np.isnan(factors)], 1, rtol=NEARLY_ONE):
                continue
            if np.any(np.abs(factors[~np.isnan(factors)]) < CONSTANT):
                continue  # zeros are no factors: zero.py, windows.py
            candidate = _per_channel(case, i, kept, factors)
            one_each = count == len(long) and _is_elementwise(case, i)
            if not one_each or candidate.evidence["equals"]:
                yield candidate
            return


def _per_channel(case: Case, i: int, kept: tuple[int, ...], factors: np.ndarray) -> Candidate:
    a = case.arguments[i]
    predicted = np.where(np.isnan(factors), 0.0, factors) * a.numeric
    per = "entry" if len(a.shape) == 1 else f"index of axis {kept[0]}" if len(kept) == 1 else f"index of axes {kept}"
    values = factors[~np.isnan(factors)].ravel()
    evidence = {"axes": list(kept), "factors": [float(v) for v in values[:16]], "equals": None}
    shown = ", ".join(f"{v:.4g}" for v in values[:4]) + (", ..." if len(values) > 4 else "")
    told = f"analytic / numeric is one constant per {per} ({shown})"
    if np.allclose(np.abs(values), 1, rtol=SAME) and np.any(values < 0):
        message = f"the sign is wrong in part: {told}."
        return Candidate("sign-flipped", message, predicted, evidence, IN_PARTS)
    evidence["equals"] = name_factors(case, i, factors, kept)
    message = f"right but for a factor per channel: {told}."
    if evidence["equals"]:
        message += f" It equals {evidence['equals']}."
    return Candidate("factor-per-channel", message, predicted, evidence, PER_CHANNEL)


def _fit_groups(
    analytic: np.ndarray, numeric: np.ndarray, clear: np.ndarray, kept: tuple[int, ...]
) -> np.ndarray | None:
    """c_g of equation (2), to broadcast against the argument; NaN for groups that are 0; None if it does not hold."""
    others = (0, *(axis + 1 for axis in range(numeric.ndim - 1) if axis not in kept))
    n, a = np.where(clear, numeric, 0.0), np.where(clear, analytic, 0.0)
    with np.errstate(all="ignore"):
        factors = (a * n).sum(axis=others, keepdims=True) / (n * n).sum(axis=others, keepdims=True)
    is_vector = len(kept) == sum(length > 1 for length in numeric.shape[1:])  # then other dy give the equations
    groups, equations = (
        np.count_nonzero(~np.isnan(factors)),
        np.count_nonzero(clear if is_vector else clear.any(axis=0)),
    )
    if groups < 2 or equations - groups < FEW:
        return None
    with np.errstate(all="ignore"):
        missed = np.abs(a - factors * n)[clear] / np.maximum(np.abs(a), np.abs(n))[clear]
    return factors[0] if missed.size and missed.max() < CONSTANT else None


def _is_elementwise(case: Case, i: int) -> bool:
    """Whether each entry has an output of its own: a factor for each says nothing then."""
    found = jacobian(case, i)
    return found is not None and bool((found.depends.sum(axis=0) <= 1).all())


def _clear(numeric: np.ndarray) -> np.ndarray:
    """Entries that say something about a ratio."""
    size = np.abs(np.nan_to_num(numeric))
    return size > CLEAR * size.max(initial=0.0)


def _fit(analytic: np.ndarray, numeric: np.ndarray) -> float:
    """c of equation (1), by least squares."""
    return float(analytic @ numeric / (numeric @ numeric))
