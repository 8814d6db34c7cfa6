"""The right numbers in the wrong places: backward's answer is the gradient, rearranged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..candidates import EXPLAINED, Candidate, is_far_off, residual
from ..case import Case
from .rearrange import rearrangements

RANKS = {"transposed": 5, "flipped-kernel": 6, "shifted": 12, "order-scrambled": 7}
ANY_ORDER = 20
SAME = 1e-6  # relative to the largest
ADVICE = {
    "transposed": "Look for a .T or transpose that is missing or one too many.",
    "flipped-kernel": "A convolution's gradient by its input turns the kernel by 180 degrees, its gradient by the "
    "weights does not: see which one yours does.",
    "shifted": "See where a padding is cropped or an index begins.",
    "order-scrambled": "A reshape keeps the order of the numbers in memory: between two layouts it needs a transpose.",
}


def rearranged(case: Case, i: int) -> Iterator[Candidate]:
    """a is n with its axes swapped, turned, reshaped in another order or shifted."""
    a = case.arguments[i]
    if np.count_nonzero(a.wrong) < 2 or not is_far_off(case, i):
        return
    for one in rearrangements(a.shape):
        predicted, uncertainty = one.apply(a.numeric), np.nan_to_num(one.apply(a.uncertainty))
        if _enough(a.shape, predicted) and residual(case, i, predicted, uncertainty) <= EXPLAINED * case.tolerance:
            message = f"the right numbers in the wrong places: the gradient is {one.words}. {ADVICE[one.code]}"
            evidence = {"rearrangement": one.words}
            yield Candidate(one.code, message, predicted, evidence, RANKS[one.code], uncertainty)


def permuted(case: Case, i: int) -> Iterator[Candidate]:
    """The same numbers in any order."""
    a = case.arguments[i]
    if np.isnan(a.numeric).any() or np.count_nonzero(a.wrong) < 3 or not is_far_off(case, i):
        return
    analytic, numeric = np.sort(a.analytic.astype(np.float64), axis=None), np.sort(a.numeric, axis=None)
    size = np.abs(numeric).max()
    distinct = np.count_nonzero(np.diff(numeric) > SAME * size)
    if np.abs(analytic - numeric).max() > SAME * size + np.max(a.uncertainty) or distinct < 3:
        return
    message = "the right numbers in the wrong places: the gradient holds the numeric derivatives in another order."
    evidence = {"entries": a.numeric.size}
    yield Candidate("order-scrambled", f"{message} {ADVICE['order-scrambled']}", None, evidence, ANY_ORDER)


def another_arguments_gradient(case: Case, i: int) -> Iterator[Candidate]:
    """a is the gradient of another argument."""
    a = case.arguments[i]
    for k, other in case.arguments.items():
        if k == i or other.shape != a.shape or np.count_nonzero(a.wrong) < 2:
            continue
        if residual(case, i, other.numeric, np.nan_to_num(other.uncertainty)) > EXPLAINED * case.tolerance:
            continue
        evidence = {"gradient_of": other.name}
        if other.passed:
            message = f"this is the gradient of {other.name}: a factor that {a.name}'s derivative has is missing."
            yield Candidate("term-missing", message, other.numeric, evidence, RANKS["transposed"], other.uncertainty)
        else:
            message = (
                f"this is the gradient of {other.name}. Are the gradients returned in the order of forward's arguments?"
            )
            yield Candidate("order-scrambled", message, other.numeric, evidence, 0, other.uncertainty)


def _enough(shape: tuple[int, ...], predicted: np.ndarray) -> bool:
    return np.count_nonzero(~np.isnan(predicted)) * 3 > np.prod(shape)
