"""Penalties on the parameters: L = data term + c R(w), with R(w) = sum w^2 (L2) or sum |w| (L1).

e = c w,   e = c sign(w),   or a sum of both        the penalty's gradient is missing, or has another factor    (1)
e = c w in some entries, 0 in the others            the penalty leaves out other entries than forward's         (2)
a = f n + c w                                       the data term is off by the factor f, the penalty is not    (3)
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates import Candidate
from ..case import Case
from .names import SAME, names_of

RANK, IN_PART, VAGUE = 10, 12, 40
FEW = 3  # equations more than unknowns
NOTHING = 1e-7  # of the gradient: a part so small is not there


def regularizer(case: Case, i: int) -> Iterator[Candidate]:
    """Equations (1) and (3), by least squares of a on n, w and sign(w)."""
    a, w = case.arguments[i], case.pair.arguments[i]
    known = ~np.isnan(a.numeric) & ~a.kinks
    is_mixed = bool((w > 0).any() and (w < 0).any())
    for with_n, used in ((False, "w"), (False, "s"), (False, "ws"), (True, "w")):
        if ("s" in used and not is_mixed) or (with_n and not case.conduct.call.is_loss):
            continue
        directions = {"w": w, "s": np.sign(w)}
        columns = [a.numeric] * with_n + [directions[letter] for letter in used]
        target = a.analytic - (0.0 if with_n else a.numeric)
        fit = _fit([c[known] for c in columns], target[known])
        if fit is None or np.any(np.abs(fit[int(with_n) :]) * np.abs(w).max() < NOTHING * np.abs(a.analytic).max()):
            continue
        predicted = sum(f * c for f, c in zip(fit, columns, strict=True)) + (0.0 if with_n else a.numeric)
        if with_n:
            yield from _data_term(case, i, float(fit[0]), float(fit[1]), predicted)
        else:
            yield _penalty(case, i, dict(zip(used, map(float, fit), strict=True)), predicted)


def _penalty(case: Case, i: int, factors: dict[str, float], predicted: np.ndarray) -> Candidate:
    name = case.arguments[i].name
    words = {"w": name, "s": f"sign({name})"}
    told = " plus ".join(f"{factor:.6g} * {words[letter]}" for letter, factor in factors.items())
    message = (
        f"the error is {told}, the parameter itself: a penalty's gradient (L2: c w, L1: c sign(w)) is missing, there "
        "twice, or has another factor than in forward (2 or 1/2? divided by the batch?)."
    )
    is_parameter = len(case.pair.floats) > 1 and not _may_be_a_prediction(case, i)
    evidence = {f"factor_of_{words[letter]}": factor for letter, factor in factors.items()}
    return Candidate("regularizer-wrong", message, predicted, evidence, RANK if is_parameter else VAGUE)


def _data_term(case: Case, i: int, factor: float, penalty: float, predicted: np.ndarray) -> Iterator[Candidate]:
    """Equation (3)."""
    if abs(factor - 1) < SAME or abs(factor) < SAME:
        return
    names = names_of(case, i, factor)
    code = "factor-batch" if {"N", "1/N"} & set(names) else "factor-constant"
    message = (
        f"the gradient is {factor:.6g} times the right one plus {penalty:.6g} times {case.arguments[i].name}: the data "
        "term is off by that factor, the penalty is not" + (f"; it is {names[0]}." if names else ".")
    )
    evidence = {"ratio": factor, "names": names, "penalty": penalty}
    if names:
        yield Candidate(code, message, predicted, evidence, RANK + 1)


def regularizer_in_part(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (2)."""
    a, w = case.arguments[i], case.pair.arguments[i]
    if not case.conduct.call.is_loss or a.wrong.all() or np.count_nonzero(a.wrong) < 1 + FEW // 2:
        return
    fit = _fit([w[a.wrong]], (a.analytic - a.numeric)[a.wrong], few=1)
    if fit is None or _may_be_a_prediction(case, i):
        return
    predicted = a.numeric + np.where(a.wrong, float(fit[0]) * w, 0.0)
    count = int(np.count_nonzero(a.wrong))
    message = (
        f"the error is {float(fit[0]):.6g} * {a.name} in {count:,} of {a.compared:,} entries and 0 in the others: the "
        "penalty's gradient leaves out other entries than forward's penalty does."
    )
    yield Candidate("regularizer-wrong", message, predicted, {"factor": float(fit[0]), "entries": count}, IN_PART)


def _fit(columns: list[np.ndarray], target: np.ndarray, few: int = FEW) -> np.ndarray | None:
    """Factors of the columns, by least squares; None if there are too few equations or the columns are alike."""
    matrix = np.stack([c.astype(np.float64) for c in columns], axis=1)
    if len(matrix) < matrix.shape[1] + few or not np.isfinite(target).all():
        return None
    size = np.linalg.norm(matrix, axis=0)
    if not size.all() or np.linalg.cond(matrix / size) > 1 / SAME:
        return None
    return np.linalg.lstsq(matrix / size, target.astype(np.float64), rcond=None)[0] / size


def _may_be_a_prediction(case: Case, i: int) -> bool:
    """Whether another argument has the same shape, as a target has: then an error along it is no penalty."""
    others = (b for k, b in enumerate(case.pair.arguments) if k != i)
    is_like = any(isinstance(b, np.ndarray) and b.shape == case.arguments[i].shape for b in others)
    return case.conduct.call.is_loss and is_like
