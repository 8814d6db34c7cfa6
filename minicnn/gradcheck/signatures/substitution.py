"""The gradient of the right function at the wrong place: another argument, or dy, was taken rearranged.

    dense, dx = dy @ w instead of dy @ w.T:       the gradient at w.T                              (1)
    convolution, kernel not turned for dx:        the gradient at the turned kernel
    convolution, dy reshaped without transpose:   the gradient for the scrambled dy

So: rearrange one argument, or dy, and see whether the numeric gradient there is backward's answer here, perhaps
rearranged itself. One random direction v answers for all rearrangements of dy and of the answer at once: with J v
measured, n(dy') v = dy' (J v). Only what passes this is measured entry by entry.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from ..candidates import Candidate, is_far_off
from ..case import Case
from ..probe import CALLS_AN_ENTRY, SHARE, numeric_gradient, slopes, unflatten
from .places import ADVICE
from .rearrange import Rearrangement, rearrangements

RANK = 9
DIRECTIONS = 2
CLOSE = 1e-6  # relative: of what two directions must tell
MOST_WORK = 2_000_000  # entries of an argument
MOST_WAYS = 500
MOST_SECONDS = 1.0
AS_IT_IS = Rearrangement("", "", lambda g: g)


def rearranged_elsewhere(case: Case, i: int) -> Iterator[Candidate]:
    """Equation (1) and its like."""
    a = case.arguments[i]
    too_large = CALLS_AN_ENTRY * a.analytic.size > SHARE * case.budget
    if np.count_nonzero(a.wrong) < 2 or not is_far_off(case, i) or too_large:
        return
    rng = np.random.default_rng(0)
    directions = [rng.uniform(0.5, 1.5, a.shape) * rng.choice((-1.0, 1.0), a.shape) for _ in range(DIRECTIONS)]
    results = [AS_IT_IS, *(r for r in rearrangements(a.shape) if r.code != "shifted")]
    told = np.array([[np.sum(_inverse(r, a.analytic) * v) for v in directions] for r in results])
    close = CLOSE * max(float(np.linalg.norm(a.analytic)), 1e-300)
    deadline = time.perf_counter() + MOST_SECONDS
    for k, of_argument in _rearranged_arguments(case, i):
        pair = case.pair if k is None else case.pair.at(_replaced(case.pair.arguments, k, of_argument))
        measured = [slopes(pair, i, v) for v in directions]
        if any(m is None for m in measured):
            continue
        slopes_along = np.array([np.concatenate([s.ravel() for s in m[0]]) for m in measured])
        ways = _rearranged_dy(case) if k is None else [(AS_IT_IS, np.concatenate([d.ravel() for d in case.conduct.dy]))]
        numbers = np.array([dy for _, dy in ways]) @ slopes_along.T  # one row a dy, one column a direction
        missed = np.abs(told[None] - numbers[:, None]).max(axis=2)
        for way, r in np.argwhere(missed < close):
            if k is None and ways[way][0] is AS_IT_IS:
                continue  # places.py says it
            dy = unflatten(ways[way][1], case.conduct.dy)
            candidate = _confirmed(case, i, pair, k, of_argument, ways[way][0], dy, results[r])
            if candidate:
                yield candidate
                return
        if time.perf_counter() > deadline:
            return


def _rearranged_arguments(case: Case, i: int) -> Iterator[tuple[int | None, Rearrangement]]:
    """No argument, then each other argument in every way."""
    yield None, AS_IT_IS
    for k in case.pair.floats:
        argument = case.pair.arguments[k]
        if k != i and argument.ndim > 1 and argument.size < MOST_WORK:
            for one in rearrangements(argument.shape):
                if one.code != "shifted":
                    yield k, one


def _rearranged_dy(case: Case) -> list[tuple[Rearrangement, np.ndarray]]:
    """dy as it is, then rearranged in every way, flat; of several outputs only as it is."""
    dy = case.conduct.dy
    ways = [(AS_IT_IS, np.concatenate([d.ravel() for d in dy]))]
    if len(dy) == 1 and dy[0].size < MOST_WORK // MOST_WAYS:
        ways += [(one, np.nan_to_num(one.apply(dy[0])).ravel()) for one in rearrangements(dy[0].shape)]
    return ways


def _replaced(arguments: list, k: int, by: Rearrangement) -> list:
    return [by.apply(argument) if k == at else argument for at, argument in enumerate(arguments)]


def _inverse(one: Rearrangement, g: np.ndarray) -> np.ndarray:
    """Put the numbers back."""
    order = one.apply(np.arange(float(g.size)).reshape(g.shape)).astype(np.int64).ravel()
    result = np.empty(g.size)
    result[order] = g.ravel()
    return result.reshape(g.shape)


def _confirmed(
    case: Case,
    i: int,
    pair: object,
    k: int | None,
    of_argument: Rearrangement,
    of_dy: Rearrangement,
    dy: list[np.ndarray],
    of_result: Rearrangement,
) -> Candidate | None:
    """The candidate, its prediction measured entry by entry."""
    found = numeric_gradient(pair, dy, i)
    if found is None:
        return None
    name = case.arguments[i].name
    parts = [(f"{case.pair.names[k]}", of_argument)] if k is not None else []
    parts += [("dy", of_dy)] if of_dy is not AS_IT_IS else []
    parts += [("the result", of_result)] if of_result is not AS_IT_IS else []
    codes = [one.code for _, one in parts]
    code = next(c for c in ("order-scrambled", "shifted", "transposed", "flipped-kernel") if c in codes)
    if code == "transposed" and case.arguments[i].numeric.ndim <= 1 and codes == [code]:
        code = "statistics-over-wrong-axes"
    words = ", and ".join(f"{what} is taken {one.words}" for what, one in parts)
    message = f"the gradient of {name} would be right if {words}. {ADVICE[next(c for c in codes if c in ADVICE)]}"
    if code == "statistics-over-wrong-axes":
        message = f"the gradient of {name} is summed over the wrong axes: it would be right if {words}."
    predicted, uncertainty = of_result.apply(found[0]), of_result.apply(found[1])
    return Candidate(code, message, predicted, {"rearranged": words}, RANK, uncertainty)
